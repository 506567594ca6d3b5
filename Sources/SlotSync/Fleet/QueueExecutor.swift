// Runs an actor on a Dispatch queue of its own: the fleet's, which Dispatch's sources use too, and actors that have to
// block.

import Dispatch

/// Runs an actor's jobs on a serial queue of its own.
package final class QueueExecutor: SerialExecutor {
    let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    package func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
