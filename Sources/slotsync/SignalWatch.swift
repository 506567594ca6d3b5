// Signals that would end the program, taken over for as long as something has to be put right first.

import Dispatch
import Glibc

/// Calls a handler at the first SIGINT, SIGTERM or SIGHUP before `end()`. The second one ends the program at once, as
/// if nobody watched.
struct SignalWatch {
    private static let watched = [SIGINT, SIGTERM, SIGHUP]

    private let sources: [(number: Int32, source: any DispatchSourceSignal)]

    init(_ handler: @escaping @Sendable (Int32) -> Void) {
        // nohup and shells in the background have signals ignored; that stays.
        let numbers = Self.watched.filter { !Self.isIgnored($0) }
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                for number in numbers { signal(number, SIG_DFL) }
                handler(number)
            }
            source.resume()
            return (number, source)
        }
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
