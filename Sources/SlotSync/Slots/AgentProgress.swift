// Counts how far the work on a host has come. Whoever does the work adds to it; the heartbeat, on another thread,
// tells the controller.

import Synchronization

/// Files and bytes done so far in one session.
final class AgentProgress: Sendable {
    private let doneFiles = Atomic<UInt64>(0)
    private let doneBytes = Atomic<UInt64>(0)

    func add(files: Int, bytes: UInt64) {
        if files > 0 { doneFiles.wrappingAdd(UInt64(files), ordering: .relaxed) }
        if bytes > 0 { doneBytes.wrappingAdd(bytes, ordering: .relaxed) }
    }

    /// Takes reports that give the sums of some work so far, in place of what came on top.
    func addingSums() -> @Sendable (_ files: Int, _ bytes: UInt64) -> Void {
        let last = Mutex((files: 0, bytes: UInt64(0)))
        return { files, bytes in
            let more = last.withLock { last in
                // A file that had to be read again takes its bytes back: then nothing is added for a while.
                let more = (files: max(0, files - last.files), bytes: bytes > last.bytes ? bytes - last.bytes : 0)
                last = (max(files, last.files), max(bytes, last.bytes))
                return more
            }
            self.add(files: more.files, bytes: more.bytes)
        }
    }

    var files: UInt64 { doneFiles.load(ordering: .relaxed) }
    var bytes: UInt64 { doneBytes.load(ordering: .relaxed) }
}
