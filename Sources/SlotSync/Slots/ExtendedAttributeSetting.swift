// Gives an open file or directory exactly the extended attributes that a release has for it, with its mode: the two depend
// on each other. SlotAttributes does it for a slot, SharedFolder for what is seeded, and a probe before either is touched.

import Glibc
import SystemPackage

/// What could not be set.
struct ExtendedAttributeFailure: Error {
    /// The attribute; nil: the mode.
    var name: [UInt8]?
    /// The bytes of its value; 0 where it was to be read or removed.
    var length = 0
    var errno: Errno

    /// What to say of it.
    ///
    /// - Parameter path: what was to have it.
    func error(at path: String) -> SlotSyncError {
        guard let name else { return failure(to: "set mode of", path, errno) }
        let shown = String(decoding: name, as: UTF8.self)
        let what = "cannot set \(quoted(shown)) of \(quoted(path))"
        let remedy: String
        switch errno {
        case .notPermitted, .permissionDenied:
            let user = userName(of: geteuid())
            remedy =
                geteuid() == 0
                ? "the system does not let the agent, though it runs as \(user) (a container without the capability?)"
                : "the agent runs as \(user), who may not: log in as root"
        case .notSupported: remedy = "the file system keeps no such attributes: turn them on (its mount options)"
        case .noSpace, .diskQuotaExceeded, .argListTooLong, .outOfRange:
            remedy =
                "its \(NumberText.count(length)) bytes do not fit (ext4 has some 4,000 for all attributes of an entry): make "
                + "room, or take it from the source (setfattr -x \(ShellWords.quoted(shown)))"
        default: remedy = "take it from the source (setfattr -x \(ShellWords.quoted(shown)))"
        }
        return SlotSyncError(.system, "\(what): \(remedy), or leave --xattrs out", errno: errno)
    }
}

extension FileDescriptor {
    /// Sets the mode, and the attributes that differ; those that are not wanted go, but for a label. Owner and group have
    /// to be right before: chown takes capabilities away. Content as well: so does a write.
    func setMode(_ mode: UInt16, attributes wanted: ExtendedAttributes) throws(ExtendedAttributeFailure) {
        let buffer = ExtendedAttributeBuffer()
        let found: ExtendedAttributes
        do { found = try ExtendedAttributes(of: self, buffer) } catch {
            throw ExtendedAttributeFailure(name: Array("attributes".utf8), errno: error)
        }
        let isOpen = mode & 0o600 == 0o600
        if !isOpen, geteuid() != 0, found != wanted {
            // Attributes of users can be changed by who may write the file.
            try trying(nil) { () throws(Errno) in try setMode(mode | 0o600) }
        }
        // With an access list half set or half taken away, somebody could have more rights than in the end.
        let changesAccess = found[ExtendedAttributes.accessList] != wanted[ExtendedAttributes.accessList]
        if changesAccess { try trying(nil) { () throws(Errno) in try setMode((mode | 0o600) & 0o700) } }
        for item in found.items where wanted[item.name] == nil && item.name != ExtendedAttributes.label {
            try trying(item.name) { () throws(Errno) in try removeAttribute(item.name) }
        }
        func isAccessList(_ name: [UInt8]) -> Bool {
            name == ExtendedAttributes.accessList || name == ExtendedAttributes.defaultAccessList
        }
        for item in wanted.items where !isAccessList(item.name) && found[item.name] != item.value {
            try trying(item.name, item.value.count) { () throws(Errno) in
                try setAttribute(item.name, to: item.value)
            }
        }
        if !changesAccess { try trying(nil) { () throws(Errno) in try setMode(mode) } }
        // Setting the mode changes an access list, and an access list says the mode again, but for setuid and its like.
        for item in wanted.items where isAccessList(item.name) {
            try trying(item.name, item.value.count) { () throws(Errno) in
                if try attribute(item.name, buffer) != item.value { try setAttribute(item.name, to: item.value) }
            }
        }
        if changesAccess { try trying(nil) { () throws(Errno) in try setMode(mode) } }
    }

    private func trying(
        _ name: [UInt8]?, _ length: Int = 0, _ step: () throws(Errno) -> Void
    ) throws(ExtendedAttributeFailure) {
        do { try step() } catch { throw ExtendedAttributeFailure(name: name, length: length, errno: error) }
    }
}
