// Whose ring it is: the owner of `.slotsync`. What root makes there is given to that user, or the next command of theirs
// could not read it. Whoever else is kept out hears whose ring it is, and what to do.

import Glibc
import SystemPackage

/// The owner and the group of a ring's `.slotsync`.
struct RingOwner: Sendable {
    let user: UInt32
    private let group: UInt32
    /// Whose files and folders are believed. Whoever owns the root says whose ring root works in.
    let believed: [UInt32]

    /// - Parameter root: the folder that holds it.
    init(of metadata: Directory, in root: Directory) throws(Errno) {
        let status = try metadata.status()
        (user, group) = (status.owner, status.group)
        believed = [0, geteuid()] + (geteuid() == 0 ? [try root.status().owner] : [])
    }

    /// Whether what this process makes would belong to somebody else.
    private var isOther: Bool { geteuid() == 0 && (user != 0 || group != getegid()) }

    /// For people.
    var name: String { userName(of: user) }

    /// Gives a file that was made just now to the ring's owner.
    func adopt(_ file: FileDescriptor) {
        // Where root may not (on a server's disk, say) it stays root's.
        if isOther { try? file.setOwner(user, group: group) }
    }

    /// The same for an entry, a link itself.
    func adopt(_ name: UnsafePointer<CChar>, in directory: Directory) {
        if isOther { try? directory.setOwner(of: name, to: user, group: group) }
    }

    /// Who is given each entry of a slot; nil: whoever makes it keeps it.
    ///
    /// - Parameter group: what all entries have for their group, where the root says it.
    func ofEntries(in group: RingGroup?) -> RingOwner? {
        guard isOther, user != 0 else { return nil }
        return RingOwner(user: user, group: group?.id ?? self.group)
    }

    private init(user: UInt32, group: UInt32) { (self.user, self.group, believed) = (user, group, []) }

    /// Gives an entry to this owner, a link itself. What cannot be given fails the stage: the owner could not fill the
    /// slot again.
    func take(_ name: UnsafePointer<CChar>, in directory: Directory) throws(Errno) {
        try directory.setOwner(of: name, to: user, group: group)
    }

    func take(_ file: FileDescriptor) throws(Errno) { try file.setOwner(user, group: group) }

    /// Gives what stays of a slot, and was root's since an earlier stage, to the ring's owner.
    func adoptEntries(of slot: StageSlot, in group: RingGroup?) throws {
        guard let owner = ofEntries(in: group) else { return }
        var statuses = TreeStatuses(root: slot.directory, manifest: slot.target)
        let tree = OpenDirectories(root: slot.directory, manifest: slot.target)
        for index in slot.target.entries.indices {
            do {
                let status = try statuses.status(of: index)
                guard status.owner == 0 || (status.owner == user && status.group == getegid()) else { continue }
                guard status.owner != owner.user || status.group != owner.group else { continue }
                // A second name of a file elsewhere, which this user may have put here: it stays root's.
                let isLinked = status.kind == .file && status.links > 1 && slot.target.linkLeader(of: index) == nil
                guard !isLinked else { continue }
                if index == 0 {
                    try owner.take(slot.directory.descriptor)
                    continue
                }
                let parent = try tree.parent(of: index)
                try slot.target.withName(of: index) { (name) throws(Errno) in
                    try owner.take(name, in: parent)
                    // A new owner takes setuid and setgid away.
                    if status.kind == .file && status.mode & 0o6000 != 0 {
                        try parent.setMode(of: name, to: status.mode)
                    }
                    guard let capability = slot.target.extendedAttributes[index][ExtendedAttributes.capability] else {
                        return
                    }
                    // And capabilities.
                    let file = try parent.openFile(name, O_RDONLY | O_NONBLOCK)
                    defer { try? file.close() }
                    try file.setAttribute(ExtendedAttributes.capability, to: capability)
                }
            } catch { throw slot.failure("give the ring's owner", index, error) }
        }
    }

    /// What somebody is told who was kept out of `path`.
    ///
    /// - Parameter status: of `path`.
    static func refusal(of path: String, _ status: FileStatus?, errno: Errno) -> SlotSyncError {
        let owner = status.map { userName(of: $0.owner) } ?? "another user"
        let own = userName(of: geteuid())
        let login = status.map { loginText(of: $0.owner) } ?? "OWNER@HOST"
        return SlotSyncError(
            .notARing,
            "\(quoted(path)) belongs to \(owner), and the agent runs as \(own): one user works in a ring. Name the hosts as "
                + "\(login), or give the whole root to the user who does all of it (chown -R, as root)",
            errno: errno)
    }
}
