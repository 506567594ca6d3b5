// Work that can hang, or take longer than anybody waits: a look at a file on a dead server, a search that cannot be
// interrupted. It is done on a thread of its own, and whoever asked for it goes on without it when their time is up.

import Dispatch
import Synchronization

/// Does one piece of work at a time. One user at a time.
final class DetachedWork<Answer: Sendable> {
    private final class Piece: Sendable {
        let answer = Mutex<Answer?>(nil)
        let isDone = DispatchSemaphore(value: 0)
    }

    /// What nobody waited for to its end.
    private var unfinished: Piece?

    /// Between two questions whether it is still waited for.
    private static var pause: DispatchTimeInterval { .milliseconds(10) }

    /// Does `work`, and waits for its answer. Where no thread can be made, it is waited for in any case.
    ///
    /// - Parameters:
    ///   - deadline: how long it is waited for.
    ///   - isOver: asked now and then; true: it is waited for no more.
    /// - Returns: nil if there is no answer yet, or earlier work is still being done, so that this was not begun.
    func perform(
        until deadline: ContinuousClock.Instant, unless isOver: () -> Bool = { false },
        _ work: @escaping @Sendable () -> Answer
    ) -> Answer? {
        if let earlier = unfinished {
            guard wait(for: earlier, until: deadline, unless: isOver) != nil else { return nil }
            unfinished = nil
        }
        let piece = Piece()
        do {
            try SystemThread {
                let answer = work()
                piece.answer.withLock { $0 = answer }
                piece.isDone.signal()
            }.detach()
        } catch { return work() }
        if let answer = wait(for: piece, until: deadline, unless: isOver) { return answer }
        unfinished = piece
        return nil
    }

    private func wait(for piece: Piece, until deadline: ContinuousClock.Instant, unless isOver: () -> Bool) -> Answer? {
        while piece.isDone.wait(timeout: .now() + Self.pause) == .timedOut {
            guard ContinuousClock.now < deadline, !isOver() else { return nil }
        }
        return piece.answer.withLock { $0 }
    }
}
