// Whose ring it is: the owner of `.slotsync`. What root makes there is given to that user, or the next command of theirs
// could not read it. Whoever else is kept out hears whose ring it is, and what to do.

import Glibc
import SystemPackage

/// The owner and the group of a ring's `.slotsync`.
struct RingOwner: Sendable {
    private let user: UInt32
    private let group: UInt32

    init(of metadata: Directory) throws(Errno) {
        let status = try metadata.status()
        (user, group) = (status.owner, status.group)
    }

    /// Whether what this process makes would belong to somebody else.
    private var isOther: Bool { geteuid() == 0 && (user != 0 || group != getegid()) }

    /// Gives a file that was made just now to the ring's owner.
    func adopt(_ file: FileDescriptor) {
        // Where root may not (on a server's disk, say) it stays root's.
        if isOther { try? file.setOwner(user, group: group) }
    }

    /// The same for an entry, a link itself.
    func adopt(_ name: UnsafePointer<CChar>, in directory: Directory) {
        if isOther { try? directory.setOwner(of: name, to: user, group: group) }
    }

    /// What somebody is told who was kept out of `path`.
    ///
    /// - Parameter status: of `path`.
    static func refusal(of path: String, _ status: FileStatus?, errno: Errno) -> SlotSyncError {
        let owner = status.map { userName(of: $0.owner) } ?? "another user"
        let own = userName(of: geteuid())
        return SlotSyncError(
            .notARing,
            "\(quoted(path)) belongs to \(owner), and the agent runs as \(own): name the hosts as \(owner)@HOST, or have "
                + "one user do all of it (chown -R USER on \(quoted(path)), as root)", errno: errno)
    }
}
