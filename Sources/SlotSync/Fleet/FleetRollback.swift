// A rollback over a fleet: each host goes back as soon as it is prepared, and nobody waits for another. Whoever rolls
// back wants out of a bad release, and a host that hangs or fails keeps no other one in it. FleetFlip has what a rollback
// and a flip have in common.

extension FleetFlip {
    /// Rolls hosts back, each by itself, and lets go of its lock.
    ///
    /// - Parameters:
    ///   - limit: how many at the same time.
    ///   - request: what each is asked for.
    /// - Throws: `CancellationError` where it was interrupted before any host was back.
    func rollBack(
        _ hosts: [Host], atMost limit: Int, _ request: @escaping @Sendable (Host) -> FlipRequest
    ) async throws {
        _ = await each(hosts, atMost: limit, closing: true) { host in
            let request = request(host.host)
            if self.options.preempts {
                try await host.inTurn(asking: self.way, telling: self.emit) { try await self.prepare(host, request) }
            } else {
                try await host.inTurn(until: self.way.deadline, telling: self.emit) {
                    try await self.prepare(host, request)
                }
            }
            try Task.checkCancellation()
            // An interruption stops no host half-way.
            try await self.uninterrupted { try await self.commit(host, request) }
        }
        // Who is back stays back, and is told of.
        if !flipped.values.contains(where: \.changed) { try Task.checkCancellation() }
    }
}
