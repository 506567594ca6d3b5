// Something that goes on while a tree is read: a thread of its own, so that it runs however few threads the
// tests share.

import Foundation
import Synchronization

final class Disturbance: Sendable {
    private let isStopped = Mutex(false)
    private let began = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Calls `turn` with 1, 2, 3 and so on until `stop()`, or until it throws. Returns after the first turn.
    init(_ turn: @escaping @Sendable (Int) throws -> Void) {
        Thread.detachNewThread { [self] in
            var number = 1
            while !isStopped.withLock({ $0 }), (try? turn(number)) != nil {
                if number == 1 { began.signal() }
                number += 1
            }
            began.signal()
            ended.signal()
        }
        began.wait()
    }

    func stop() {
        isStopped.withLock { $0 = true }
        ended.wait()
    }
}
