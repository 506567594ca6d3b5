// Catches the signals that would end the program, as long as something has to be put right before the end.

import Dispatch
import Glibc
import Synchronization

/// Calls a handler at the first SIGINT, SIGTERM or SIGHUP before `end()`, or at the first few. The next one ends the
/// program at once, as if nobody watched.
struct SignalWatch {
    private static let watched = [SIGINT, SIGTERM, SIGHUP]
    private static let longestRegistration = DispatchTimeInterval.seconds(5)

    /// How many came.
    private final class Count: Sendable {
        private let signals = Atomic(0)

        /// - Returns: the how-many-th this is; nil if it says nothing new. A terminal that is closed tells so twice: from
        ///   the shell, and from the kernel.
        func note(_ number: Int32) -> Int? {
            if number == SIGHUP, signals.load(ordering: .relaxed) > 0 { return nil }
            return signals.add(1, ordering: .relaxed).newValue
        }
    }

    private let sources: [(number: Int32, source: any DispatchSourceSignal)]

    /// - Parameter most: how many signals the handler is called for.
    init(atMost most: Int = 1, _ handler: @escaping @Sendable (Int32) -> Void) {
        // nohup and shells in the background have signals ignored; that stays.
        let numbers = Self.watched.filter { !Self.isIgnored($0) }
        let received = Count()
        // One after the other.
        let queue = DispatchQueue(label: "slotsync.signals", target: .global())
        let registered = DispatchGroup()
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                guard let count = received.note(number) else { return }
                // The only thread that takes signals may still be busy with the last one: then Dispatch alone hears of it.
                guard count <= most else { return Self.die(of: number) }
                if count == most { for number in numbers { signal(number, SIG_DFL) } }
                handler(number)
            }
            registered.enter()
            source.setRegistrationHandler { registered.leave() }
            source.resume()
            return (number, source)
        }
        // Until Dispatch listens a signal is lost: nothing begins before.
        _ = registered.wait(timeout: .now() + Self.longestRegistration)
    }

    func end() {
        for (number, source) in sources {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }

    /// Ends the program by the signal, as whoever waits for it expects.
    static func die(of number: Int32) {
        signal(number, SIG_DFL)
        kill(getpid(), number)
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }
}
