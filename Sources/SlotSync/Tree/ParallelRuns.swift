// Has several threads work off a list of equal tasks, each with its own working memory. Hashing and looking at a
// whole tree are done so. With one thread, the caller's, Dispatch is not used.

import Dispatch
import Synchronization

enum ParallelRuns {
    /// Calls `body` once on each thread. It asks for the number of the next task, from 0, until there is none,
    /// and reports what it found.
    ///
    /// - Returns: everything reported, in no order.
    /// - Throws: the first error that `body` threw; the others are handed no further task then.
    static func perform<Found: Sendable>(
        count: Int, parallelism: Int, _ body: @Sendable (_ next: () -> Int?, _ report: ([Found]) -> Void) throws -> Void
    ) throws -> [Found] {
        let shared = Shared<Found>()
        if parallelism > 1 {
            WorkerThreads.perform(min(parallelism, count)) { _ in shared.work(count, body) }
        } else {
            shared.work(count, body)
        }
        return try shared.result()
    }

    private final class Shared<Found: Sendable>: Sendable {
        private struct State {
            var next = 0
            var found: [Found] = []
            var failure: (any Error)?
        }

        private let state = Mutex(State())

        func work(_ count: Int, _ body: (() -> Int?, ([Found]) -> Void) throws -> Void) {
            do { try body({ take(count) }, { report($0) }) } catch { fail(error) }
        }

        private func take(_ count: Int) -> Int? {
            state.withLock { state in
                guard state.next < count, state.failure == nil else { return nil }
                state.next += 1
                return state.next - 1
            }
        }

        private func report(_ more: [Found]) { state.withLock { $0.found += more } }

        private func fail(_ error: any Error) { state.withLock { $0.failure = $0.failure ?? error } }

        func result() throws -> [Found] {
            try state.withLock { state in
                if let failure = state.failure { throw failure }
                return state.found
            }
        }
    }
}
