// The lock of a ring as others see it. Nobody is kept from anything for longer than a look takes.

import Glibc
import SystemPackage

extension Ring {
    /// Tells this ring from all others that any kernel has now; nil: it cannot be told.
    var identity: ContentDigest? {
        let boot = try? contents(of: "/proc/sys/kernel/random/boot_id", atMost: 4096, what: "boot ID")
        guard let boot, !boot.isEmpty, let status = try? root.status(of: ".slotsync") else { return nil }
        return ContentDigest(of: boot + Array("\(status.device) \(status.inode)".utf8))
    }

    /// Takes the lock of an open file without waiting. Who only looks holds it for a moment, which is waited for.
    static func lock(_ file: FileDescriptor) throws(Errno) {
        for attempt in 1... {
            do {
                try systemCall { flock(file.rawValue, LOCK_EX | LOCK_NB) }
                return
            } catch {
                guard error == .wouldBlock, attempt < 4 else { throw error }
                usleep(5_000)
            }
        }
    }

    /// Who holds the lock; nil: nobody does, or this session.
    func lockOfOthers() -> RingLock? {
        guard !isLocked, let file = try? metadata.openFile("lock", O_RDONLY) else { return nil }
        defer { try? file.close() }
        return Self.isHeld(file) ? Self.holder(of: file) : nil
    }

    /// Asks whoever holds the lock to give way.
    ///
    /// - Parameter text: what for, and for whom.
    /// - Returns: who holds it; nil: nobody does, or this session.
    /// - Throws: `Errno`; then nobody was asked.
    func askForWay(_ text: String) throws(Errno) -> RingLock? {
        guard !isLocked, (try? metadata.status(of: "lock")) != nil else { return nil }
        let file = try metadata.openFile("lock", O_RDWR)
        defer { try? file.close() }
        guard Self.isHeld(file) else { return nil }
        try LockFile.ask(text, in: file)
        return Self.holder(of: file)
    }

    /// Where a rollback is to lead after what the last holder of the lock did; nil: it changed nothing, or did not say.
    func lastWayBack() -> ContentDigest? {
        guard let file = try? metadata.openFile("lock", O_RDONLY) else { return nil }
        defer { try? file.close() }
        return LockFile.note(in: file).wayBack
    }

    private static func isHeld(_ file: FileDescriptor) -> Bool {
        do {
            try systemCall { flock(file.rawValue, LOCK_SH | LOCK_NB) }
            return false
        } catch { return error == .wouldBlock }
    }

    /// What the holder of a lock has written into its file.
    static func holder(of file: FileDescriptor) -> RingLock {
        let note = LockFile.note(in: file)
        return RingLock(holder: note.holder, since: note.since)
    }
}

extension RingLock {
    /// `a push by eva@build, pid 4711, since 2026-03-01 12:30:05 UTC`
    package var text: String {
        (holder.isEmpty ? "another program" : escapedForDisplay(holder))
            + (since == 0 ? "" : ", since \(utcText(since))")
    }
}
