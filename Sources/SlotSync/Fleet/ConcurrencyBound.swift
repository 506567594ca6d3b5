// Lets at most so many tasks run at the same time. When all permits are taken, later tasks wait and get them in the
// order of their arrival. FleetConnection bounds connecting and preparing with it; a bound of one permit puts the
// requests to a host in a queue.

import DequeModule

/// A number of permits, each for one task at a time.
@FleetActor
final class ConcurrencyBound {
    private var free: Int
    private var queue: Deque<Wakeup> = []

    init(_ permits: Int) { free = max(permits, 1) }

    /// Does something with a permit of its own.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the task is cancelled while it waits for a permit.
    func withPermit<Result: Sendable>(_ body: @FleetActor () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        guard free == 0 else {
            free -= 1
            return
        }
        let ticket = Wakeup()
        queue.append(ticket)
        do { try await ticket.wait() } catch {
            // It may have been given a permit in the same moment: then that goes to the next.
            if let index = queue.firstIndex(where: { $0 === ticket }) { queue.remove(at: index) } else { leave() }
            throw error
        }
    }

    /// A permit goes straight to whoever waits longest, so that nobody who comes just then takes it.
    private func leave() {
        if let next = queue.popFirst() { next.wake() } else { free += 1 }
    }
}
