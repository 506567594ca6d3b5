// Checks whether a plan fits on the disk before anything is changed. A full disk in the middle of a stage is
// survived, but a refusal beforehand is better.

import Glibc
import SystemPackage

enum DiskSpace {
    /// Throws `diskFull` if the file system has no room for the plan.
    ///
    /// The margin is a sixty-fourth of what is written, for the file system's own bookkeeping.
    static func check(_ plan: StagePlan, ring: Ring) throws {
        let space = try naming("look at the file system of", ring.path + "/slots") {
            try FileSystemSpace(of: ring.slotsDirectory.descriptor)
        }
        func needed(_ bytes: UInt64) -> UInt64 {
            let written = bytes.addingSaturated(bytes / 64)
            return written > plan.freedBytes ? written - plan.freedBytes : 0
        }
        var bytes = plan.receivedBytes.addingSaturated(plan.copiedBytes)
        if needed(bytes) > space.freeBytes, plan.copiedBytes > 0, needed(plan.receivedBytes) <= space.freeBytes,
            hasReflinks(ring)
        {
            bytes = plan.receivedBytes
        }
        guard needed(bytes) <= space.freeBytes else {
            throw lack(of: needed(bytes), free: space.freeBytes, at: ring.path)
        }
        let more = max(0, plan.createdEntries - plan.change.obsolete.count)
        if let free = space.freeInodes, UInt64(more) > free {
            throw SlotSyncError(
                .diskFull,
                "disk full: needs \(more) inodes, \(free) free (one for each file and folder; df -i shows it): remove what is "
                    + "not needed from the file system of \(quoted(ring.path)), then stage again")
        }
    }

    static func lack(of needed: UInt64, free: UInt64, at path: String) -> SlotSyncError {
        SlotSyncError(
            .diskFull,
            "disk full: needs \(byteText(needed)), \(byteText(free)) free: make room on the file system of "
                + "\(quoted(path)), then stage again")
    }

    /// What is made to try a reflink.
    static let probes = ["reflink-probe-from", "reflink-probe-to"]

    /// Tries one reflink in the ring's own temporary folder.
    private static func hasReflinks(_ ring: Ring) -> Bool {
        let names = probes
        defer { for name in names { try? ring.temporary.remove(name) } }
        do {
            for name in names { try? ring.temporary.remove(name) }
            let from = try ring.temporary.openFile(names[0], O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            defer { try? from.close() }
            let to = try ring.temporary.openFile(names[1], O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            defer { try? to.close() }
            try [UInt8](repeating: 1, count: 4096).withUnsafeBytes { try from.writeFully($0, at: 0) }
            try to.clone(from: from)
            return true
        } catch { return false }
    }
}
