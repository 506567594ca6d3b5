// Holds the signals that would end the process, for as long as something has to be put right first: an agent whose
// flip is provisional goes back before it ends. The first such signal makes a descriptor readable, which wakes
// whoever waits in poll(2).

import Glibc
import Synchronization
import SystemPackage

enum TerminationSignals {
    private static let held = [SIGTERM, SIGHUP, SIGINT, SIGPIPE]

    private struct State {
        var holders = 0
        var pipe: (read: FileDescriptor, write: FileDescriptor)?
        var before: [(number: Int32, action: sigaction)] = []
    }

    private static let state = Mutex(State())

    /// Holds the signals until `release`; what a process was told to ignore stays ignored. Calls may be nested.
    ///
    /// - Returns: a descriptor that can be read once a signal came. It stays ours.
    static func hold() throws(Errno) -> FileDescriptor {
        try state.withLock { (state) throws(Errno) in
            let pipe: (read: FileDescriptor, write: FileDescriptor)
            if let made = state.pipe { pipe = made } else { pipe = try FileDescriptor.closeOnExecPipe() }
            try pipe.write.setNonBlocking()
            state.pipe = pipe
            state.holders += 1
            guard state.holders == 1 else { return pipe.read }
            wakeUp.store(pipe.write.rawValue, ordering: .releasing)
            // Whoever started this process may have had them blocked, as Dispatch's threads have.
            var set = sigset_t()
            sigemptyset(&set)
            for number in held { sigaddset(&set, number) }
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
            for number in held {
                var action = sigaction()
                sigaction(number, nil, &action)
                // nohup, and shells in the background, have signals ignored.
                guard unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1 else { continue }
                state.before.append((number, action))
                var ours = sigaction()
                ours.sa_flags = SA_RESTART | SA_SIGINFO
                ours.__sigaction_handler.sa_sigaction = { number, information, _ in
                    note(number, sender: information?.pointee._sifields._kill.si_pid)
                }
                sigaction(number, &ours, nil)
            }
            return pipe.read
        }
    }

    /// Lets the signals do again what they did before.
    static func release() {
        state.withLock { state in
            state.holders -= 1
            guard state.holders == 0 else { return }
            for (number, var action) in state.before { sigaction(number, &action, nil) }
            state.before = []
        }
    }

    /// The first signal that came, as people call it; nil if none did.
    static var received: String? {
        switch first.load(ordering: .acquiring) {
        case 0: nil
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGPIPE: "SIGPIPE"
        case let number: "signal \(number)"
        }
    }
}

/// The end that the handler writes to, and what it heard first. Both are made before a handler is set.
private let wakeUp = Atomic<Int32>(-1)
private let first = Atomic<Int32>(0)

/// In the handler: nothing here that a signal must not do.
private func note(_ number: Int32, sender: pid_t?) {
    // A write of our own to a pipe without a reader fails, and who wrote deals with that.
    guard number != SIGPIPE || sender != getpid() else { return }
    let before = errno
    _ = first.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing)
    var byte: UInt8 = 1
    _ = write(wakeUp.load(ordering: .relaxed), &byte, 1)
    errno = before
}
