// Waits for the locks of a fleet's roots (`--wait`), or asks those who hold them to give way (`rollback --preempt`), before
// anything is asked of the hosts. Nobody holds a lock while waiting for another: so of two commands that wait for one
// another's hosts none is in the other's way.

/// What became of asking for the locks of a fleet's roots.
struct MadeWay: Sendable {
    /// Of hosts whose lock was held by somebody who changed what is live: the release that a rollback leads to.
    var wayBacks: [Host: ContentDigest] = [:]
    /// Who held the lock, and still did when the patience was over.
    var holders: [Host: RingLock] = [:]
    /// Hosts whose holder could not be asked, only waited for.
    var unasked: Set<Host> = []
    var patience: Duration
    /// How long locks are waited for, those too that somebody takes meanwhile.
    let deadline: ContinuousClock.Instant

    init(patience: Duration = .zero) {
        self.patience = patience
        deadline = .now + patience
    }

    /// Why a host could not be rolled back whose lock was not given up.
    func refusal(of host: Host) -> SlotSyncError? {
        guard let holder = holders[host] else { return nil }
        let (asked, why) =
            unasked.contains(host)
            ? ("could not be asked to give way", "")
            : ("was asked to give way", ": its agent hangs, is in the middle of a switch, or is an older one")
        return SlotSyncError(
            .locked,
            "the lock is held by \(holder.text), which \(asked) and did not for \(TimeText.exact(patience))\(why). End "
                + "that command, or its agent on \(host.label), which has that pid (`kill`, or `kill -9` where it was "
                + "stopped), and roll back again")
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
            let known = Set(way.holders.keys)
            let answers = await each(hosts, atMost: fleet.parallelism, closing: true) { host in
                // Who cannot be asked is told of once.
                host.onWarning = { if !known.contains(host.host) { emit(.hostWarning(host.host, $0)) } }
                return try await host.askForWay()
            }
            try Task.checkCancellation()
            for (host, answer) in answers.answers { way.note(answer, of: host, telling: emit) }
            // Also those whose session ended before they answered.
            hosts = fleet.hosts.filter { way.holders[$0] != nil }
            let left = way.deadline - .now
            guard !hosts.isEmpty, left > .zero else { return way }
            try await Task.sleep(for: min(.milliseconds(500), left))
        }
    }
}

/// What a host answers that is asked for its root's lock.
struct WayAnswer: Sendable {
    /// Who holds it; nil: nobody does.
    var lock: RingLock?
    /// Whether that one was asked to give way.
    var isAsked = false
    /// Where a rollback is to lead, if that is known.
    var wayBack: ContentDigest?
}

extension MadeWay {
    /// - Parameter emit: called when the holder is asked, or waited for, for the first time, and when it has given way.
    mutating func note(_ answer: WayAnswer, of host: Host, telling emit: (FleetEvent) -> Void) {
        let before = holders[host]
        holders[host] = answer.lock
        // A flip that nobody has confirmed yet says by itself where it came from.
        if before != nil || answer.lock != nil { wayBacks[host] = answer.wayBack ?? wayBacks[host] }
        guard let lock = answer.lock else {
            if before != nil { emit(.wayMade(host)) }
            unasked.remove(host)
            return
        }
        let wasAsked = before != nil && !unasked.contains(host)
        if answer.isAsked { unasked.remove(host) } else { unasked.insert(host) }
        if answer.isAsked ? !wasAsked : before == nil {
            emit(answer.isAsked ? .wayAsked(host, lock) : .lockAwaited(host, lock))
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
        return try await whenUnlocked(until: deadline, body) {
            try await Task.sleep(for: .milliseconds(.random(in: 500...1500)))
            guard let lock = try await self.ring()?.lock else { return true }
            if !isTold { emit(.lockAwaited(self.host, lock)) }
            isTold = true
            return false
        }
    }

    /// Does what takes the lock. Where another command has it, or takes it meanwhile, that one is asked to give way, and it
    /// is done again in a new session.
    ///
    /// - Parameters:
    ///   - way: what became of asking before. A holder that has not given way is not waited for again.
    ///   - emit: called when a holder is asked, and when it has given way.
    func inTurn<Answer>(
        asking way: MadeWay, telling emit: @escaping @Sendable (FleetEvent) -> Void,
        _ body: @FleetActor () async throws -> Answer
    ) async throws -> Answer {
        var way = way
        let deadline = way.holders[host] == nil ? .now + way.patience : way.deadline
        do {
            return try await whenUnlocked(until: deadline, body) {
                if way.holders[self.host] != nil { try await Task.sleep(for: .milliseconds(500)) }
                way.note(try await self.askForWay(), of: self.host, telling: emit)
                return way.holders[self.host] == nil
            }
        } catch let error as SlotSyncError where error.code == .locked { throw way.refusal(of: host) ?? error }
    }

    /// - Parameter isUnlocked: waits for a while, and tells whether the lock is free; asked in a new session.
    private func whenUnlocked<Answer>(
        until deadline: ContinuousClock.Instant, _ body: @FleetActor () async throws -> Answer,
        _ isUnlocked: @FleetActor () async throws -> Bool
    ) async throws -> Answer {
        while true {
            do { return try await body() } catch let error as SlotSyncError
                where error.code == .locked && deadline > .now
            {
                repeat { await close(isOrderly: false) } while try await !isUnlocked() && deadline > .now
            }
        }
    }

    /// Asks whoever holds the root's lock to give way to a rollback.
    fileprivate func askForWay() async throws -> WayAnswer {
        let session = try await session()
        guard let ring = session.ring else { return WayAnswer() }
        session.channel.send(.preempt)
        switch try await session.channel.receivePromptly() {
        case .lock(let lock, let isAsked):
            let from = ring.provisional?.from.flatMap { ring[$0].release?.id }
            return WayAnswer(lock: lock, isAsked: isAsked, wayBack: from)
        case .unlocked(let wayBack): return WayAnswer(wayBack: wayBack)
        case let reply: throw unexpected(reply)
        }
    }
}
