// How asynchronous code of a session waits for pipes and timers. It looks at the state, waits for a wake-up, and looks
// again. Nothing can come between the look and the wait on one actor, so no wake-up is lost.

/// Tasks wait here until somebody wakes them.
@FleetActor
final class Wakeup {
    private var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
    private var nextWaiter = 0

    nonisolated init() {}

    /// Waits for the next `wake`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func wait() async throws {
        let waiter = nextWaiter
        nextWaiter += 1
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // The handler has run already if the task was cancelled before this point.
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting[waiter] = continuation
                }
            }
        } onCancel: {
            Task { @FleetActor in self.waiting.removeValue(forKey: waiter)?.resume(throwing: CancellationError()) }
        }
    }

    func wake() {
        let woken = waiting
        waiting = [:]
        for continuation in woken.values { continuation.resume() }
    }
}
