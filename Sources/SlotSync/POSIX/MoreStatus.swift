// What statx(2) knows of an entry that `struct stat` has no room for: the mount that it is on, and whether it may be
// changed at all.

import CSystemCalls

/// What else the kernel knows of a directory entry.
struct MoreStatus: Sendable {
    /// The number of the mount that it is on; 0 where the kernel does not tell.
    var mount: UInt64
    var owner: UInt32
    /// Whether something is mounted on it.
    var isMountPoint: Bool
    /// Whether nobody may change or remove it, root neither: `chattr +i` or `+a` was said.
    var isImmutable: Bool

    init(_ status: ss_more_status) {
        mount = status.mount
        owner = status.owner
        isMountPoint = status.is_mount_point != 0
        isImmutable = status.is_immutable != 0 || status.is_append_only != 0
    }
}
