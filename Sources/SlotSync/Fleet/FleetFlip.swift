// Flip and rollback over a fleet. Asks all hosts what they have, and carries out what TwoPhaseFlip decides of a flip; a
// rollback is FleetRollback's. No more than the fleet's `parallelism` hosts connect or prepare at the same time. A flip's
// commit goes out to all of them in one go, over sessions that are open already. A host that is lost then is asked again
// in a new session. As soon as too many have failed, each that flipped goes back, though others are not heard yet.

extension Fleet {
    /// Makes a staged release live on every host, or on none.
    ///
    /// - Parameter release: which one; by default what every host's next slot agrees on.
    public func flip(
        _ release: ReleaseSelector = .usual, options: FlipOptions = FlipOptions()
    ) -> FleetOperation<FlipReport> { flip(.flip, to: release, options) }

    /// Goes back to the release that was live before, on every host that can.
    ///
    /// - Parameter release: which one to go back to instead.
    public func rollback(
        _ release: ReleaseSelector = .usual, options: FlipOptions = FlipOptions()
    ) -> FleetOperation<FlipReport> { flip(.rollback, to: release, options) }

    private func flip(
        _ direction: FlipRequest.Direction, to release: ReleaseSelector, _ options: FlipOptions
    ) -> FleetOperation<FlipReport> {
        FleetOperation { emit in
            // A rollback does without a session for each at the same time, where there cannot be so many.
            let isOneForEach = direction == .flip || (try? self.fitting(isOneForEach: true)) != nil
            // Whoever wants a rollback wants what this one does, too.
            return try await self.withConnection(
                isOneForEach: isOneForEach, givesWay: direction == .flip, telling: emit
            ) { connection in
                var way = MadeWay(patience: self.lockPatience)
                if options.preempts { way = try await connection.makeWay(telling: emit) }
                while true {
                    if !options.preempts { try await connection.waitForLocks(until: way.deadline, telling: emit) }
                    let flip = await FleetFlip(over: connection, direction, options, after: way, emit: emit)
                    do { return try await flip.run(release) } catch is LockedMeanwhile {
                        await connection.closeSessions()
                    }
                }
            }
        }
    }
}

/// Another command took a lock after it was looked for. Nothing was changed yet, and nobody waits while holding locks of
/// other hosts: all is begun anew.
private struct LockedMeanwhile: Error {}

@FleetActor
final class FleetFlip {
    let connection: FleetConnection
    private let direction: FlipRequest.Direction
    let options: FlipOptions
    let way: MadeWay
    let emit: @Sendable (FleetEvent) -> Void
    /// Where most hosts go; nil: nobody knows, or each of a rollback is where it goes.
    private var chosen: ContentDigest?
    private var release: ReleaseName?
    /// How many hosts have it under which name.
    private var names: [String: Int] = [:]
    private var decisions = TwoPhaseFlip(hosts: [], failed: 0, allowedFailures: 0)
    /// Wakes the hosts that flipped, when it is decided whether they stay so.
    private let decided = Wakeup()
    private(set) var flipped: [Host: FlipOutcome] = [:]
    private var failures: [HostFailure] = []
    /// Hosts that were lost when they were told to flip, or to go back, and cannot be asked again.
    private var uncertain: Set<Host> = []

    init(
        over connection: FleetConnection, _ direction: FlipRequest.Direction, _ options: FlipOptions,
        after way: MadeWay = MadeWay(), emit: @escaping @Sendable (FleetEvent) -> Void
    ) {
        self.connection = connection
        self.direction = direction
        self.options = options
        self.way = way
        self.emit = emit
    }

    /// - Throws: ``LockedMeanwhile`` where a flip has to begin anew.
    func run(_ selector: ReleaseSelector) async throws -> FlipReport {
        let fleet = connection.fleet
        guard !fleet.hosts.isEmpty else { throw SlotSyncError(.badInput, "there are no hosts to flip") }
        guard options.hooks.areUsable else { throw SlotSyncError(.badInput, Hooks.tooLong) }
        let keepsSessions = direction == .flip || (try? fleet.fitting(isOneForEach: true)) != nil
        let rings = await each(fleet.hosts, atMost: fleet.parallelism, closing: !keepsSessions) { host in
            self.emit(.hostStarted(host.host))
            host.onWarning = { [emit = self.emit] in emit(.hostWarning(host.host, $0)) }
            var ring = try await host.session().ring
            // A look before this one, for locks say, may have met an abandoned flip.
            if let earlier = host.earlierReturn, ring?.wentBack == nil, ring?.liveRelease?.id == earlier.to {
                ring?.wentBack = earlier.from
            }
            return ring
        }
        try Task.checkCancellation()
        var choice = ReleaseChoice(
            direction: direction, rings: rings.answers.map { ($0.host, $0.answer) }, words: fleet.words)
        choice.way = way
        do { chosen = try choice.choose(selector) } catch let error as SlotSyncError {
            throw error.besides(rings.failures, words: fleet.words)
        }
        var request = FlipRequest(direction, to: chosen, hooks: options.hooks, force: options.force)
        guard direction == .flip else {
            failures += choice.refusals(of: chosen, by: selector)
            let left = Set(failures.map(\.host))
            let course = choice.course(to: chosen, by: selector)
            request.settlesReturn = course.changesSomething
            try await rollBack(
                rings.done.filter { !left.contains($0) }, atMost: keepsSessions ? .max : fleet.parallelism
            ) { [request] host in
                var request = request
                request.release = course.ownReleases[host] ?? request.release
                return request
            }
            return report(choice, selector)
        }
        decisions = TwoPhaseFlip(
            hosts: rings.done, failed: rings.failures.count,
            allowedFailures: options.maxFailures.hosts(of: fleet.hosts.count, rounded: .down))
        while let step = decisions.step {
            try Task.checkCancellation()
            let done = await carryOut(step, request, on: decisions.hosts)
            if step == .prepare, way.deadline > .now, failures.contains(where: { $0.error.code == .locked }) {
                throw LockedMeanwhile()
            }
            // What gives way before anything is flipped has failed as a whole.
            if step != .commit, connection.preemptor != nil { throw CancellationError() }
            decisions.end(done)
        }
        return report(choice, selector)
    }

    // MARK: Steps

    /// - Returns: the hosts that came through.
    private func carryOut(_ step: TwoPhaseFlip.Step, _ request: FlipRequest, on hosts: [Host]) async -> [Host] {
        switch step {
        case .prepare: return await each(hosts) { try await self.prepare($0, request) }.done
        case .runBeforeHook:
            return await each(hosts) { host in
                try await self.awaiting("before_flip", request.beforeHook, on: host) { try await host.runBeforeHook() }
            }.done
        case .commit:
            // From here on an interruption no longer stops half-way: all flip, or all are taken back.
            return await uninterrupted { await self.each(hosts) { try await self.settle($0, request) } }.done
        }
    }

    /// - Parameter closes: whether a host's session is closed when the answer is there.
    func each<Answer: Sendable>(
        _ hosts: [Host], atMost limit: Int = .max, closing closes: Bool = false,
        _ body: @escaping @FleetActor @Sendable (HostConnection) async throws -> Answer
    ) async -> HostResults<Answer> {
        let results = await connection.each(hosts, atMost: limit, closing: closes, telling: emit) { host in
            let answer = try await body(host)
            if !closes { host.attend() }
            return answer
        }
        failures += results.failures
        return results
    }

    func prepare(_ host: HostConnection, _ request: FlipRequest) async throws {
        let outcome = try await host.prepare(request)
        guard outcome.release.id == chosen else { return }
        // One host's name for it is not the fleet's.
        names[outcome.release.name, default: 0] += 1
        let name = names.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? ""
        release = ReleaseName(id: outcome.release.id, name: name)
    }

    /// Does something in a task that is not cancelled with this one.
    func uninterrupted<Answer: Sendable, Failure>(
        _ body: @escaping @FleetActor @Sendable () async throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        try await Task { @FleetActor in
            do throws(Failure) { return Result<Answer, Failure>.success(try await body()) } catch {
                return .failure(error)
            }
        }.value.get()
    }

    /// Flips a host, and takes it back if the flip is given up.
    private func settle(_ host: HostConnection, _ request: FlipRequest) async throws {
        do { try await commit(host, request) } catch {
            note(host.host, hasFlipped: false)
            throw error
        }
        note(host.host, hasFlipped: true)
        host.attend()
        while decisions.decision == nil { try await decided.wait() }
        guard decisions.decision == .goBack else { return }
        try await undo(host, request)
        decisions.noteTakenBack(host.host)
    }

    private func note(_ host: Host, hasFlipped: Bool) {
        decisions.note(host, hasFlipped: hasFlipped)
        if decisions.decision != nil { decided.wake() }
    }

    func commit(_ host: HostConnection, _ request: FlipRequest) async throws {
        let hook = direction == .flip ? "after_flip" : "after_rollback"
        do {
            let outcome = try await awaiting(hook, request.afterHook, on: host) { try await host.commit() }
            noteFlipped(host, outcome)
        } catch let loss as SlotSyncError where loss.isLoss {
            let hasFlipped = try await askAgain(host, loss) { try await host.hasFlipped() }
            guard hasFlipped, let outcome = host.flip?.outcome else {
                throw SlotSyncError(loss.code, "\(loss); asked again, it has not flipped")
            }
            switch LostHost.finding(request, outcome) {
            case .goesBack:
                try await askAgain(host, loss) { try await host.takeBack(request.release, hook: request.undoHook) }
                throw SlotSyncError(loss.code, "\(loss); flipped back, since its \(hook) hook may not have run")
            case .countsWithoutHook: emit(.hostWarning(host.host, "\(loss); its \(hook) hook may not have run"))
            case .counts: break
            }
            noteFlipped(host, outcome)
        }
    }

    private func undo(_ host: HostConnection, _ request: FlipRequest) async throws {
        do {
            try await awaiting("after_rollback", request.undoHook, on: host) {
                try await host.takeBack(request.release, hook: request.undoHook)
            }
        } catch let loss as SlotSyncError where loss.isLoss {
            try await askAgain(host, loss) {
                await host.close(isOrderly: false)
                try await host.takeBack(request.release, hook: request.undoHook)
            }
        }
    }

    /// Does what a host runs a hook for, and tells meanwhile that it is waited for.
    private func awaiting<Answer: Sendable>(
        _ hook: String, _ command: String, on host: HostConnection, _ body: @FleetActor () async throws -> Answer
    ) async throws -> Answer {
        guard !command.isEmpty else { return try await body() }
        emit(.hookAwaited(host.host, hook))
        defer { emit(.hookAwaited(host.host, nil)) }
        return try await body()
    }

    /// Asks a host that was lost in a new session.
    ///
    /// - Throws: the loss, if that cannot be done: nobody knows which release the host has.
    private func askAgain<Answer: Sendable>(
        _ host: HostConnection, _ loss: SlotSyncError, _ body: @FleetActor () async throws -> Answer
    ) async throws -> Answer {
        do { return try await body() } catch {
            uncertain.insert(host.host)
            decisions.noteUncertain(host.host)
            throw SlotSyncError(loss.code, "\(loss); asked again: \(hostError(error))")
        }
    }

    private func noteFlipped(_ host: HostConnection, _ outcome: FlipOutcome) {
        var outcome = outcome
        if direction == .rollback, !outcome.changed, let earlier = host.earlierReturn, earlier.to == outcome.release.id
        {
            (outcome.previous, outcome.changed) = (earlier.from, true)
        }
        flipped[host.host] = outcome
        emit(.hostFinished(host.host, .flipped(outcome)))
    }

    private func report(_ choice: ReleaseChoice, _ selector: ReleaseSelector) -> FlipReport {
        let hosts = connection.fleet.hosts
        let numbers = Dictionary(zip(hosts, hosts.indices)) { first, _ in first }
        let failed = Set(failures.map(\.host))
        func failedHosts(where isSuch: ([SlotStatus]) -> Bool) -> [Host] {
            guard direction == .rollback, let chosen else { return [] }
            return choice.rings.filter { host, ring in
                failed.contains(host) && isSuch((ring?.slots ?? []).filter { $0.holds(chosen) })
            }.map(\.host)
        }
        let stay = direction == .rollback ? Set(flipped.keys) : decisions.flipped
        return FlipReport(
            release: release,
            flipped: hosts.compactMap { host in stay.contains(host) ? flipped[host].map { (host, $0) } : nil },
            takenBack: hosts.filter { decisions.takenBack.contains($0) && flipped[$0]?.changed ?? false },
            failures: failures.sorted { numbers[$0.host] ?? 0 < numbers[$1.host] ?? 0 },
            uncertain: hosts.filter(uncertain.contains), withoutRelease: failedHosts { $0.isEmpty },
            badOn: failedHosts { !$0.isEmpty && $0.allSatisfy { $0.state == .bad } },
            otherWays: direction == .flip
                ? [] : choice.otherWays(than: chosen, by: selector).filter { failed.contains($0.host) },
            returned: direction == .flip ? [] : choice.rings.filter { $0.ring?.returned != nil }.map(\.host),
            endsPreempted: chosen.map { way.wayBacks.values.contains($0) } ?? !way.wayBacks.isEmpty,
            isGivenUp: decisions.isGivenUp)
    }
}
