// How far the work on a host has come: counted where the work is done, told to the controller by the
// heartbeat, which runs on another thread.

import Synchronization

/// Files and bytes done so far in one session.
final class AgentProgress: Sendable {
    private let doneFiles = Atomic<UInt64>(0)
    private let doneBytes = Atomic<UInt64>(0)

    func add(files: Int, bytes: UInt64) {
        if files > 0 { doneFiles.wrappingAdd(UInt64(files), ordering: .relaxed) }
        if bytes > 0 { doneBytes.wrappingAdd(bytes, ordering: .relaxed) }
    }

    var files: UInt64 { doneFiles.load(ordering: .relaxed) }
    var bytes: UInt64 { doneBytes.load(ordering: .relaxed) }
}
