// Work on several threads at once. Dispatch watches the workers of its global queues through /proc, and ends the process
// where there is none; those of queues of one's own it does not watch. What an agent does in parallel goes through here.

import Dispatch

enum WorkerThreads {
    /// Calls `work` so many times at once, with numbers from 0, and waits for all; the caller's thread does one.
    static func perform(_ count: Int, _ work: @Sendable (Int) -> Void) {
        guard count > 1 else { return work(0) }
        let group = DispatchGroup()
        withoutActuallyEscaping(work) { work in
            for number in 1..<count {
                DispatchQueue(label: "slotsync.worker").async(group: group) { work(number) }
            }
            work(0)
            group.wait()
        }
    }
}
