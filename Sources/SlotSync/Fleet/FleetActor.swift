// The one actor that owns the state of all sessions. It runs on one Dispatch queue. So what Dispatch calls on that
// queue and asynchronous code exclude each other without a lock, and a source's handler may use the fleet's state
// directly.

import Dispatch

/// The owner of all sessions' state. Work that takes long (hashing, deflating) has no place on it.
@globalActor
actor FleetActor {
    static let shared = FleetActor()

    /// The queue that the actor runs on: for Dispatch sources whose handlers use ``assumeIsolated(_:)``.
    static let queue = executor.queue

    private static let executor = QueueExecutor(label: "slotsync.fleet")

    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    private init() {}

    /// Runs `operation` at once, as code of the actor. It is a fatal error if the caller is not on the actor's queue.
    static func assumeIsolated<Result: Sendable>(
        _ operation: @FleetActor () throws -> Result
    ) rethrows -> Result {
        shared.preconditionIsolated()
        // The same way as MainActor.assumeIsolated: the two types differ in their isolation alone, which was checked.
        return try withoutActuallyEscaping(operation) { operation in
            try unsafeBitCast(operation, to: (() throws -> Result).self)()
        }
    }
}
