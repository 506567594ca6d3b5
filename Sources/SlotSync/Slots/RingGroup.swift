// The group that every entry of a ring has where its root has setgid: the root's. The kernel gives it to what is made in
// a folder with setgid. But a slot's folders have the release's modes, so that from the second lap on it has to be given,
// by chown, or by making entries in `tmp`, which has setgid, and moving them in. Where `slots` is a mount of its own,
// nothing can be moved: a stage of an agent that is not in the group warns.

import Glibc
import SystemPackage

struct RingGroup: Sendable {
    let id: UInt32
    /// Whether the agent may give its own files to the group: it is in it, or root.
    let canBeSet: Bool
    /// Whether what is made in `tmp` has it, and can be moved into a slot.
    let isInherited: Bool

    /// Nil where the root does not have setgid.
    init?(of ring: Ring) throws {
        let root = try naming("look at root", ring.path) { try ring.root.status() }
        guard root.mode & 0o2000 != 0 else { return nil }
        id = root.group
        canBeSet = geteuid() == 0 || getegid() == id || Self.groups.contains(id)
        let temporary = try naming("look at", ring.path + "/.slotsync/tmp") { try ring.temporary.status() }
        let isMovable = try naming("look at", ring.path + "/slots") {
            try !ring.temporary.isOnOtherMount(ring.slotsDirectory)
        }
        isInherited = temporary.mode & 0o2000 != 0 && temporary.group == id && isMovable
    }

    /// Whether entries are made in `tmp` and moved in.
    var comesByMoving: Bool { !canBeSet && isInherited }

    private static var groups: [gid_t] {
        let count = getgroups(0, nil)
        var groups = [gid_t](repeating: 0, count: max(0, Int(count)))
        return getgroups(count, &groups) < 0 ? [] : groups
    }
}
