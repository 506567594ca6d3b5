// Runs work that takes long, or blocks, on a thread of a concurrent Dispatch queue. Neither the fleet's queue nor a
// thread of the pool that runs tasks stands still meanwhile.

import Dispatch

/// Does `work` on a thread of its own.
func onQueue<Result: Sendable, Failure: Error>(
    qos: DispatchQoS.QoSClass = .default, _ work: @escaping @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
    let result = await withCheckedContinuation { continuation in
        DispatchQueue.global(qos: qos).async { continuation.resume(returning: Swift.Result(catching: work)) }
    }
    return try result.get()
}
