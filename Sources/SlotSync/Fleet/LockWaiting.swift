// Waits for the locks of a fleet's roots (`--wait`), or asks those who hold them to give way (`rollback --preempt`), before
// anything is asked of the hosts. Nobody holds a lock while waiting for another: so of two commands that wait for one
// another's hosts none is in the other's way.

/// What became of asking for the locks of a fleet's roots.
struct MadeWay: Sendable {
    /// Of hosts whose lock was held by somebody who changed what is live: the release that a rollback leads to.
    var wayBacks: [Host: ContentDigest] = [:]
    /// Who held the lock, and still did when the patience was over.
    var holders: [Host: RingLock] = [:]
    var patience: Duration
    /// How long locks are waited for, those too that somebody takes meanwhile.
    let deadline: ContinuousClock.Instant

    init(patience: Duration = .zero) {
        self.patience = patience
        deadline = .now + patience
    }

    /// Why a host could not be rolled back whose lock was not given up.
    func refusal(of host: Host) -> SlotSyncError? {
        holders[host].map { holder in
            SlotSyncError(
                .locked,
                "the lock is held by \(holder.text), which was asked to give way and did not for "
                    + "\(TimeText.exact(patience)): it hangs, is in the middle of a switch, or its agent is an older one. End "
                    + "that command, or its agent on the host (the pid is that of the agent), and roll back again")
        }
    }
}

extension FleetConnection {
    /// How long who holds a lock may take to give way, where nothing is said.
    static let usualPatience = Duration.seconds(60)

    /// Waits until no other session holds the lock of any root, or the patience is over: then whoever asks for
    /// the lock is told who holds it. Sessions that were opened for it are closed.
    ///
    /// - Parameter emit: called once for each host that is waited for.
    @FleetActor
    func waitForLocks(
        until deadline: ContinuousClock.Instant, telling emit: @escaping @Sendable (FleetEvent) -> Void
    ) async throws {
        guard deadline > .now else { return }
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

    /// Asks whoever holds the lock of a root to give way, until nobody does or the patience is over. Sessions that were
    /// opened for it are closed.
    ///
    /// - Parameter emit: called when a host's holder is asked, and when it has given way.
    @FleetActor
    func makeWay(telling emit: @escaping @Sendable (FleetEvent) -> Void) async throws -> MadeWay {
        var way = MadeWay(patience: fleet.lockPatience > .zero ? fleet.lockPatience : Self.usualPatience)
        var hosts = fleet.hosts
        while true {
            let asked = Set(way.holders.keys)
            let answers = await each(hosts, atMost: fleet.parallelism, closing: true) { host in
                // Who cannot be asked is told of once.
                host.onWarning = { if !asked.contains(host.host) { emit(.hostWarning(host.host, $0)) } }
                return try await host.askForWay()
            }
            try Task.checkCancellation()
            for (host, answer) in answers.answers {
                if let lock = answer.lock {
                    // A flip that nobody has confirmed yet says by itself where it came from.
                    way.wayBacks[host] = answer.wayBack ?? way.wayBacks[host]
                    if way.holders.updateValue(lock, forKey: host) == nil { emit(.wayAsked(host, lock)) }
                } else if way.holders.removeValue(forKey: host) != nil {
                    way.wayBacks[host] = answer.wayBack ?? way.wayBacks[host]
                    emit(.wayMade(host))
                }
            }
            // Also those whose session ended before they answered.
            hosts = fleet.hosts.filter { way.holders[$0] != nil }
            let left = way.deadline - .now
            guard !hosts.isEmpty, left > .zero else { return way }
            try await Task.sleep(for: min(.milliseconds(500), left))
        }
    }
}

extension HostConnection {
    /// Does what takes the lock. Where another command has it, that is waited for, and it is done again in a new session.
    ///
    /// - Parameter emit: called once, if it is waited for.
    func inTurn<Answer>(
        until deadline: ContinuousClock.Instant, telling emit: @Sendable (FleetEvent) -> Void,
        _ body: @FleetActor () async throws -> Answer
    ) async throws -> Answer {
        var isTold = false
        while true {
            do { return try await body() } catch let error as SlotSyncError
                where error.code == .locked && deadline > .now
            {
                var lock: RingLock?
                repeat {
                    await close(isOrderly: false)
                    try await Task.sleep(for: .milliseconds(.random(in: 500...1500)))
                    lock = try await ring()?.lock
                    if let lock, !isTold {
                        emit(.lockAwaited(host, lock))
                        isTold = true
                    }
                } while lock != nil && deadline > .now
            }
        }
    }

    /// Asks whoever holds the root's lock to give way to a rollback.
    ///
    /// - Returns: who holds it; nil: nobody does. And where a rollback is to lead, if that is known.
    fileprivate func askForWay() async throws -> (lock: RingLock?, wayBack: ContentDigest?) {
        let session = try await session()
        guard let ring = session.ring else { return (nil, nil) }
        session.channel.send(.preempt)
        switch try await session.channel.receivePromptly() {
        case .lock(let lock): return (lock, ring.provisional?.from.flatMap { ring[$0].release?.id })
        case .unlocked(let wayBack): return (nil, wayBack)
        case let reply: throw unexpected(reply)
        }
    }
}
