// Waits for the locks of a fleet's roots, before anything is asked of them (`--wait`). Nobody holds a lock while waiting
// for another: so of two commands that wait for one another's hosts none is in the other's way.

extension FleetConnection {
    /// Waits until no other session holds the lock of any root, or the fleet's patience is over: then whoever asks for
    /// the lock is told who holds it. Sessions that were opened for it are closed.
    ///
    /// - Parameter emit: called once for each host that is waited for.
    @FleetActor
    func waitForLocks(telling emit: @escaping @Sendable (FleetEvent) -> Void) async throws {
        guard fleet.lockPatience > .zero else { return }
        let deadline = ContinuousClock.now + fleet.lockPatience
        var hosts = fleet.hosts
        var told: Set<Host> = []
        while true {
            let rings = await each(hosts, atMost: fleet.parallelism, closing: true) { try await $0.ring()?.lock }
            try Task.checkCancellation()
            // A host that cannot be asked fails when it is asked for more.
            let locked = rings.answers.compactMap { host, lock in lock.map { (host, $0) } }
            for (host, lock) in locked where told.insert(host).inserted { emit(.lockAwaited(host, lock)) }
            let left = deadline - .now
            guard !locked.isEmpty, left > .zero else { return }
            // Not all who wait come back at one moment.
            try await Task.sleep(for: min(.milliseconds(.random(in: 500...1500)), left))
            hosts = locked.map(\.0)
        }
    }
}
