// Changes of modes in rsync's language (`--chmod`): what a source has under a narrow umask, or in a folder of mktemp's, is
// to be read by a web server all the same. They are part of the walk: the release has the changed modes.

import Glibc

/// Changes, in the order in which they were said.
public struct ModeChanges: Sendable, Hashable {
    private struct Change: Sendable, Hashable {
        var and: UInt16
        var or: UInt16
        var directoriesOnly = false
        var filesOnly = false
        /// `X`: what it sets of the bits to execute is set in directories, and in files that had one of them.
        var keepsExecution = false
    }

    private var changes: [Change] = []
    /// The bits of a mode.
    private static let all: UInt16 = 0o7777

    /// No change.
    public init() {}

    /// Adds changes: `D755,F644`, `go+rX`, `Dg+s,Fo-w`. Without `u`, `g`, `o` or `a` the process's umask counts.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`.
    public mutating func add(_ text: String) throws(SlotSyncError) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let change = Self.change(Array(part.utf8)[...]) else {
                throw SlotSyncError(
                    .badInput,
                    "\(quoted(text)): \(quoted(part)) is no change of modes; write go+rX, or Dg+s,F644, as rsync's "
                        + "--chmod has it")
            }
            changes.append(change)
        }
    }

    /// The mode bits that an entry gets which had `mode`.
    func applied(to mode: UInt16, isDirectory: Bool) -> UInt16 {
        var result = mode
        let isExecutable = mode & 0o111 != 0
        for change in changes {
            if isDirectory ? change.filesOnly : change.directoriesOnly { continue }
            let or = change.keepsExecution && !isExecutable && !isDirectory ? change.or & ~0o111 : change.or
            result = result & change.and | or
        }
        return result
    }

    var isEmpty: Bool { changes.isEmpty }

    private static func change(_ text: ArraySlice<UInt8>) -> Change? {
        var rest = text
        var change = Change(and: all, or: 0)
        var (users, top) = (UInt16(0), UInt16(0))
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "D"): change.directoriesOnly = true
            case UInt8(ascii: "F"): change.filesOnly = true
            case UInt8(ascii: "u"): (users, top) = (users | 0o100, top | 0o4000)
            case UInt8(ascii: "g"): (users, top) = (users | 0o010, top | 0o2000)
            case UInt8(ascii: "o"): users |= 0o001
            case UInt8(ascii: "a"): (users, top) = (users | 0o111, top | 0o6000)
            default: return finish(change, users, top, rest)
            }
            guard !(change.directoriesOnly && change.filesOnly) else { return nil }
            rest.removeFirst()
        }
        return nil
    }

    /// What follows whom a change is for: an operator with its bits, or octal digits.
    private static func finish(
        _ start: Change, _ users: UInt16, _ top: UInt16, _ text: ArraySlice<UInt8>
    ) -> Change? {
        var change = start
        guard let sign = text.first else { return nil }
        if (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(sign) {
            guard users == 0, let mode = UInt16(String(decoding: text, as: UTF8.self), radix: 8), mode <= all,
                text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
            else { return nil }
            (change.and, change.or) = (0, mode)
            return change
        }
        var (bits, special) = (UInt16(0), UInt16(0))
        for byte in text.dropFirst() {
            switch byte {
            case UInt8(ascii: "r"): bits |= 4
            case UInt8(ascii: "w"): bits |= 2
            case UInt8(ascii: "x"): bits |= 1
            case UInt8(ascii: "X"):
                change.keepsExecution = true
                bits |= 1
            case UInt8(ascii: "s"): special |= top == 0 ? 0o4000 : top
            case UInt8(ascii: "t"): special |= 0o1000
            default: return nil
            }
        }
        let whom = users == 0 ? 0o111 : users
        let mask = umask(0)
        umask(mask)
        let set = users == 0 ? whom * bits & ~UInt16(mask) : whom * bits
        switch sign {
        case UInt8(ascii: "+"): change.or = set + special
        case UInt8(ascii: "-"): change.and = all - set - special
        case UInt8(ascii: "="):
            change.and = all - whom * 7 - (special == 0 ? 0 : top)
            change.or = set + special
        default: return nil
        }
        return change
    }
}

extension Manifest {
    /// Gives files and directories the modes that these changes make of theirs.
    mutating func change(_ modes: ModeChanges) {
        for index in entries.indices where entries[index].kind != .symbolicLink {
            entries[index].mode = modes.applied(
                to: entries[index].mode, isDirectory: entries[index].kind == .directory)
        }
        guard !modes.isEmpty, !extendedAttributes.isEmpty else { return }
        // An access list says the mode as well.
        var changed = ExtendedAttributeTable()
        for (index, attributes) in extendedAttributes.all {
            changed.append(attributes.changingMode(to: entries[index].mode), for: index)
        }
        extendedAttributes = changed
    }
}
