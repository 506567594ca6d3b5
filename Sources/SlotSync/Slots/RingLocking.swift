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
        do {
            try systemCall { flock(file.rawValue, LOCK_SH | LOCK_NB) }
            return nil
        } catch {
            return error == .wouldBlock ? Self.holder(of: file) : nil
        }
    }

    /// What the holder of a lock has written into its file.
    static func holder(of file: FileDescriptor) -> RingLock {
        var note = [UInt8](repeating: 0, count: 512)
        let count = (try? note.withUnsafeMutableBytes { try file.readFully(at: 0, into: $0) }) ?? 0
        let line = String(decoding: note.prefix(count), as: UTF8.self).split(separator: "\n").first.map(String.init)
        return RingLock(holder: line ?? "", since: (try? file.status())?.modified.seconds ?? 0)
    }
}

extension RingLock {
    /// `a push by eva@build, pid 4711, since 2026-03-01 12:30:05 UTC`
    package var text: String {
        (holder.isEmpty ? "another program" : escapedForDisplay(holder))
            + (since == 0 ? "" : ", since \(utcText(since))")
    }
}
