// The events of an operation until its caller takes them. Progress is folded: of what nobody has taken yet, the newest
// is enough. Nothing else is left out, however many hosts there are and however late somebody listens.

import DequeModule
import Synchronization

/// Events from any thread, for one consumer.
final class EventQueue: Sendable {
    private struct State {
        var events: Deque<FleetEvent> = []
        /// How many were taken so far, and which one, counted with those, is the newest progress of each kind.
        var taken = 0
        var progress: [FleetEvent.Progress: Int] = [:]
        var isFinished = false
        var consumer: CheckedContinuation<FleetEvent?, Never>?
    }

    private let state = Mutex(State())

    func append(_ event: FleetEvent) {
        let consumer = state.withLock { state -> CheckedContinuation<FleetEvent?, Never>? in
            if let consumer = state.consumer {
                state.consumer = nil
                return consumer
            }
            let kind = event.progressKind
            if let kind, let progress = state.progress[kind], progress >= state.taken {
                state.events[progress - state.taken] = event
                return nil
            }
            if let kind { state.progress[kind] = state.taken + state.events.count }
            state.events.append(event)
            return nil
        }
        consumer?.resume(returning: event)
    }

    /// Nothing comes any more.
    func finish() {
        let consumer = state.withLock { state in
            state.isFinished = true
            return state.consumer.take()
        }
        consumer?.resume(returning: nil)
    }

    /// The next event, as soon as there is one; nil at the end, or when the task is cancelled.
    func next() async -> FleetEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (event, isThere) = state.withLock { state -> (FleetEvent?, Bool) in
                    if let event = state.events.popFirst() {
                        state.taken += 1
                        return (event, true)
                    }
                    if state.isFinished || Task.isCancelled { return (nil, true) }
                    state.consumer = continuation
                    return (nil, false)
                }
                if isThere { continuation.resume(returning: event) }
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume(returning: nil)
        }
    }
}

extension FleetEvent {
    fileprivate enum Progress { case scanning, transferred, filled }

    fileprivate var progressKind: Progress? {
        switch self {
        case .scanning: .scanning
        case .transferred: .transferred
        case .filled: .filled
        default: nil
        }
    }
}
