// At most so many at the same time: who comes when all places are taken waits, and gets the next one in the order of
// coming. OpenSessions bounds with it how many sessions connect, and whoever leads a flip how many hosts prepare it.

import DequeModule

/// A number of places, each for one task at a time.
@FleetActor
final class ConcurrencyBound {
    private var free: Int
    private var queue: Deque<Wakeup> = []

    nonisolated init(_ places: Int) async { free = max(places, 1) }

    /// Does something in a place of its own.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the task is cancelled while it waits for a place.
    func withPlace<Result: Sendable>(_ body: @FleetActor () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        guard free == 0 else {
            free -= 1
            return
        }
        let turn = Wakeup()
        queue.append(turn)
        do { try await turn.wait() } catch {
            // It may have been given a place in the same moment: then that goes to the next.
            if let place = queue.firstIndex(where: { $0 === turn }) { queue.remove(at: place) } else { leave() }
            throw error
        }
    }

    /// A place goes straight to whoever waits longest, so that nobody who comes just then takes it.
    private func leave() {
        if let next = queue.popFirst() { next.wake() } else { free += 1 }
    }
}
