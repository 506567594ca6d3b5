// Threads for work at once, and for what has to go on beside it. They are made directly: Dispatch, which cannot make one,
// tries for ever, and what waits for it holds a ring's lock meanwhile. So all that an agent does in parallel goes through
// here.

import CSystemCalls
import SystemPackage

enum WorkerThreads {
    /// Calls `work` so many times at once, with numbers from 0, and waits for all; the caller's thread does one. Where no
    /// more threads can be made, it does the rest as well, one after the other.
    static func perform(_ count: Int, _ work: @Sendable (Int) -> Void) {
        guard count > 1 else { return work(0) }
        withoutActuallyEscaping(work) { work in
            var threads: [SystemThread] = []
            for number in 1..<count {
                guard let thread = try? SystemThread({ work(number) }) else { break }
                threads.append(thread)
            }
            work(0)
            for number in (threads.count + 1)..<max(count, threads.count + 1) { work(number) }
            for thread in threads { thread.join() }
        }
    }
}

/// A thread of this process. Whoever started it joins it, or detaches it.
struct SystemThread {
    private let thread: UInt

    private final class Body {
        let call: @Sendable () -> Void

        init(_ call: @escaping @Sendable () -> Void) { self.call = call }
    }

    /// Starts it. The corresponding C function is `pthread_create`.
    init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        let body = Unmanaged.passRetained(Body(body))
        var thread: UInt = 0
        do throws(Errno) {
            try systemCall {
                ss_start_thread(
                    &thread,
                    { argument in
                        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().call() }
                        return nil
                    }, body.toOpaque())
            }
        } catch {
            body.release()
            throw error
        }
        self.thread = thread
    }

    /// Waits for its end.
    func join() { ss_join_thread(thread) }

    /// It ends by itself, or with the process.
    func detach() { ss_detach_thread(thread) }
}
