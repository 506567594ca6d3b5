// Lets at most so many tasks run at the same time. When all permits are taken, later tasks wait and get them in the
// order of their arrival. FleetConnection bounds connecting and preparing with it; a bound of one permit puts the
// requests to a host in a queue. Where the other end turns tasks away, fewer permits are given for a while.

import DequeModule

/// A number of permits, each for one task at a time.
@FleetActor
final class ConcurrencyBound {
    private let permits: Int
    /// How many of the permits are given now.
    private(set) var limit: Int
    /// How many went well at the same time, as far as is known, and how often that was seen since.
    private var ceiling: Int
    private var passed = 0
    /// How often each permit goes well before one more is tried.
    private static let patience = 8
    private var taken = 0
    private var queue: Deque<Wakeup> = []

    init(_ permits: Int) {
        self.permits = max(permits, 1)
        limit = self.permits
        ceiling = self.permits
    }

    /// Does something with a permit of its own.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the task is cancelled while it waits for a permit.
    func withPermit<Result: Sendable>(_ body: @FleetActor () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    /// One task was turned away at the other end: gives fewer permits for a while. The others that were under way were
    /// not too many.
    func narrow() {
        ceiling = max(1, min(permits, taken))
        limit = max(1, min(limit, ceiling / 2))
        passed = 0
    }

    /// What was done with a permit went well: gives one more, up to what went well before; beyond that only now and
    /// then, since each try that is too much turns somebody away.
    func widen() {
        if limit < ceiling {
            limit += 1
        } else if ceiling < permits {
            passed += 1
            guard passed >= Self.patience * limit else { return }
            passed = 0
            ceiling += 1
            limit = ceiling
        }
        give()
    }

    private func enter() async throws {
        guard taken >= limit || !queue.isEmpty else {
            taken += 1
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

    private func leave() {
        taken -= 1
        give()
    }

    /// A permit goes straight to whoever waits longest, so that nobody who comes just then takes it.
    private func give() {
        while taken < limit, let next = queue.popFirst() {
            taken += 1
            next.wake()
        }
    }
}
