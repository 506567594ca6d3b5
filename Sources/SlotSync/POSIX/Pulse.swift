// Calls something from time to time, on a thread for that alone: an agent's signs of life go out while it works.

import Glibc
import SystemPackage

/// A thread that calls until it is ended. One user.
struct Pulse {
    private let thread: SystemThread
    /// Its end is the thread's.
    private let stop: (read: FileDescriptor, write: FileDescriptor)

    /// Calls `body` for the first time after `interval`.
    init(every interval: Duration, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let stop = try FileDescriptor.closeOnExecPipe()
        do throws(Errno) {
            thread = try SystemThread {
                var next = ContinuousClock.now + interval
                while true {
                    var wanted = [pollfd(fd: stop.read.rawValue, events: Int16(POLLIN), revents: 0)]
                    guard (try? waitUntilReady(&wanted, until: next)) == false else { return }
                    body()
                    // What was missed, while the machine slept or all processors were busy, is not made up for.
                    next = max(next + interval, .now)
                }
            }
        } catch {
            try? stop.read.close()
            try? stop.write.close()
            throw error
        }
        self.stop = stop
    }

    /// Ends it: `body` is not called any more.
    func end() {
        try? stop.write.close()
        thread.join()
        try? stop.read.close()
    }
}
