// What a host is asked in a session: each a request and its answer. A flip is prepared, committed and taken back; a
// host that was lost meanwhile is asked again in a new session. FleetConnection and FleetFlip ask it of many hosts at
// once.

extension HostConnection {
    /// Sends a request and expects one answer, soon.
    func request(_ request: Request, _ isAnswer: (Reply) -> Bool) async throws {
        let channel = try await session().channel
        channel.send(request)
        let reply = try await channel.receivePromptly()
        guard isAnswer(reply) else { throw unexpected(reply) }
    }

    /// Tells the host what it will be asked to read.
    ///
    /// - Returns: for each source why it cannot be read; nil where it can.
    func watch(_ sources: [HostSource], every interval: Duration) async throws -> [String?] {
        expectReadings(ofSources: nil)
        let channel = try await session().channel
        channel.send(.watch(WatchRequest(interval: interval, sources: sources)))
        guard case .watching(let problems) = try await channel.receivePromptly(), problems.count == sources.count else {
            throw SlotSyncError(.protocolViolation, "the agent did not say which sources it can read")
        }
        expectReadings(ofSources: sources.count)
        return problems
    }

    // MARK: A flip

    /// The release is looked for, and its slot checked; nothing changes.
    @discardableResult
    func prepare(_ request: FlipRequest) async throws -> FlipOutcome {
        let outcome = try await preparing.withPermit { try await checkedSlot(for: request) }
        flip = (request, outcome)
        hasPreparedFlip = true
        return outcome
    }

    private func checkedSlot(for request: FlipRequest) async throws -> FlipOutcome {
        let channel = try await session().channel
        channel.send(.prepare(request))
        let reply = try await channel.receiveWhileAdvancing()
        guard case .prepared(let outcome) = reply else { throw unexpected(reply) }
        try outcome.check(against: request)
        return outcome
    }

    /// The hook `before_flip` of the flip that was prepared, if there is one and something is to be flipped.
    func runBeforeHook() async throws {
        guard let flip, flip.outcome.changed, !flip.request.beforeHook.isEmpty else { return }
        let channel = try await session().channel
        try await preparing.withPermit {
            channel.send(.runBeforeHook)
            let reply = try await channel.receive()
            guard case .hookDone = reply else { throw unexpected(reply) }
        }
    }

    /// Makes the flip that was prepared in this session.
    func commit() async throws -> FlipOutcome {
        guard hasPreparedFlip, let flip else {
            throw SlotSyncError(
                .unreachable, "its session ended after the flip was prepared; nothing was flipped there")
        }
        return try await move(.commit, from: flip.outcome, hook: flip.request.afterHook)
    }

    /// Goes back from a release: takes back this session's flip, or rolls back in a session that was opened anew,
    /// unless the host has gone back by itself.
    ///
    /// - Parameters:
    ///   - release: what was flipped to.
    ///   - hook: runs on the host when it is back.
    func takeBack(_ release: ContentDigest?, hook: String) async throws {
        if hasPreparedFlip, let flip {
            _ = try await move(.undo, from: flip.outcome, hook: hook)
        } else {
            try await whenFree(patience: Self.usualPatience) { try await rollBack(release, hook: hook, $0) }
        }
        provisionalLimit = nil
    }

    /// Rolls back in a session that did not make the flip, if its release is live.
    private func rollBack(_ release: ContentDigest?, hook: String, _ ring: RingStatus?) async throws {
        guard let back = try LostHost.wayBack(from: release, hook: hook, in: ring, made: flip?.outcome) else { return }
        let prepared = try await preparing.withPermit { try await checkedSlot(for: back) }
        _ = try await move(.commit, from: prepared, hook: hook)
    }

    /// - Parameters:
    ///   - prepared: what the host said of the flip before.
    ///   - hook: what the host runs before it answers, as long as that takes, unless somebody asks for the lock. Without one
    ///     it answers soon: a rename that takes long is a disk that hangs.
    private func move(_ request: Request, from prepared: FlipOutcome, hook: String) async throws -> FlipOutcome {
        let channel = try await session().channel
        channel.send(request)
        let reply = hook.isEmpty ? try await channel.receivePromptly() : try await hookEnded(on: channel)
        guard case .flipped(let outcome) = reply else { throw unexpected(reply) }
        try outcome.check(against: prepared, isWayBack: request == .undo)
        return outcome
    }

    /// Waits for the answer that follows a hook. A rollback that asks for the lock waits no longer for a hook that hangs than
    /// for anything else: then the session ends, the agent ends the hook, and takes back what depends on it.
    private func hookEnded(on channel: Channel) async throws -> Reply {
        let (limit, teller) = (fleet.preemptedHookLimit, teller)
        let alarm = Task { @FleetActor in
            try await teller.whenPreempted()
            try await Task.sleep(for: limit)
            channel.giveUp(
                SlotSyncError(
                    .cancelled,
                    "its hook did not end within \(TimeText.exact(limit)), and \(teller.preemptor ?? "somebody") asks for "
                        + "the lock: it was ended"))
        }
        defer { alarm.cancel() }
        return try await channel.receive()
    }

    // MARK: Lost hosts

    /// How long the agent of a lost session is waited for.
    static let usualPatience = Duration.seconds(10)
    /// How long going back by itself may take on a host, and between two looks whether it has.
    private static let timeToGoBack = Duration.seconds(5)
    private static let pause = Duration.seconds(1)

    /// Asks something in a session that others may have preceded, as soon as no other agent holds the ring's lock or
    /// keeps a flip that was not confirmed. The agent of a lost session may not know of its end yet: a connection that
    /// was cut ends on the host when the agent's patience does.
    ///
    /// - Parameters:
    ///   - patience: how long an agent that hears nothing waits before it goes back.
    ///   - body: called with the ring as the session's greeting told it; nil: the root holds none.
    private func whenFree<Answer>(
        patience: Duration, _ body: @FleetActor (RingStatus?) async throws -> Answer
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + patience + Self.timeToGoBack
        while true {
            do {
                let ring = try await session().ring
                guard ring?.provisional == nil else {
                    throw SlotSyncError(
                        .locked, "the agent of the lost session still keeps the flip, and does not go back")
                }
                return try await body(ring)
            } catch let error as SlotSyncError where error.code == .locked && ContinuousClock.now < deadline {
                await close(isOrderly: false)
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    /// Opens a session in place of the one that was lost, and waits until no other agent keeps a flip that was not
    /// confirmed.
    ///
    /// - Parameter patience: how long an agent that hears nothing waits before it goes back.
    /// - Returns: the ring as it is then; nil: the root holds none.
    func recover(patience: Duration) async throws -> RingStatus? {
        await close(isOrderly: false)
        return try await whenFree(patience: patience) { $0 }
    }

    /// Whether the last flip that was prepared has been made, asked in a new session after the one that was to make it
    /// was lost. The ring's lock tells that the agent of that one has ended, and changes nothing any more.
    func hasFlipped() async throws -> Bool {
        guard let made = flip?.request else { return false }
        let request = LostHost.question(of: made)
        await close(isOrderly: false)
        let outcome = try await whenFree(patience: Self.usualPatience) { _ in
            try await preparing.withPermit { try await checkedSlot(for: request) }
        }
        await close(isOrderly: true)
        return !outcome.changed
    }
}

extension SlotSyncError {
    /// Whether a host has to be asked in a new session what it did, since nobody knows, or since it could not go back.
    public var isLoss: Bool {
        [.unreachable, .timedOut, .protocolViolation, .cancelled, .notTakenBack].contains(code)
    }
}
