// Single questions to a host whose session is kept: each is one request and its answer. FleetConnection asks them.

extension OpenSessions {
    /// Sends a request and expects one answer, soon. If that is not the answer, the session is over.
    func ask(_ request: Request, of number: Int, _ isAnswer: (Reply) -> Bool) async throws {
        try await converse(with: number) { session in
            session.channel.send(request)
            let reply = try await session.channel.receivePromptly()
            guard isAnswer(reply) else { throw unexpected(reply) }
        }
    }

    /// First phase of a flip, with its hook.
    func prepare(_ flip: HostFlip, on number: Int) async throws -> FlippedHost {
        try await preparing.withPlace {
            try await converse(with: number) { session in
                let outcome = try await prepare(flip, .flip, flip.release, session)
                guard outcome.changed, !flip.hooks.beforeFlip.isEmpty else { return FlippedHost(session.host, outcome) }
                session.channel.send(.runBeforeHook)
                guard case .hookDone = try await session.channel.receive() else {
                    throw SlotSyncError(.protocolViolation, "the agent did not say that its hook is done")
                }
                return FlippedHost(session.host, outcome)
            }
        }
    }

    /// Second phase: the flip that was prepared in this session.
    func commit(_ flip: HostFlip, on number: Int) async throws -> FlippedHost {
        guard withFlip.contains(number) else {
            throw SlotSyncError(
                .unreachable, "its session ended after the flip was prepared; nothing was flipped there")
        }
        return try await converse(with: number) { session in
            session.channel.send(.commit)
            return FlippedHost(session.host, try await flipOutcome(session, after: flip.hooks.afterFlip))
        }
    }

    /// Goes back: by taking back this session's flip, or, in a session that was opened anew, by rolling back.
    func takeBack(_ flip: HostFlip, on number: Int) async throws {
        try await converse(with: number) { session in
            if withFlip.contains(number) {
                session.channel.send(.undo)
            } else {
                // The host has perhaps gone back by itself.
                guard session.ring?.liveRelease?.id == flip.release else { return }
                _ = try await prepare(flip, .rollback, nil, session)
                session.channel.send(.commit)
            }
            _ = try await flipOutcome(session, after: flip.hooks.afterRollback)
        }
    }

    private func prepare(
        _ flip: HostFlip, _ direction: FlipRequest.Direction, _ release: ContentDigest?, _ session: HostSession
    ) async throws -> FlipOutcome {
        let isFlip = direction == .flip
        session.channel.send(
            .prepare(
                FlipRequest(
                    direction: direction, release: release, beforeHook: isFlip ? flip.hooks.beforeFlip : "",
                    afterHook: isFlip ? flip.hooks.afterFlip : flip.hooks.afterRollback,
                    undoHook: flip.hooks.afterRollback, provision: isFlip ? flip.trial : nil, force: flip.force)))
        let reply = try await session.channel.receive()
        guard case .prepared(let outcome) = reply else { throw unexpected(reply) }
        noteFlip(on: session.number)
        return outcome
    }

    /// - Parameter hook: what the host runs before it answers, as long as that takes; empty: it answers soon.
    private func flipOutcome(_ session: HostSession, after hook: String) async throws -> FlipOutcome {
        let channel = session.channel
        let reply = hook.isEmpty ? try await channel.receivePromptly() : try await channel.receive()
        guard case .flipped(let outcome) = reply else { throw unexpected(reply) }
        return outcome
    }

    /// Tells a host what it will be asked to read.
    ///
    /// - Returns: for each source why it cannot be read; nil where it can.
    func watch(_ sources: [HostSource], every interval: Duration, on number: Int) async throws -> [String?] {
        try await converse(with: number) { session in
            session.channel.send(.watch(WatchRequest(interval: interval, sources: sources)))
            guard case .watching(let problems) = try await session.channel.receivePromptly(),
                problems.count == sources.count
            else { throw SlotSyncError(.protocolViolation, "the agent did not say which sources it can read") }
            return problems
        }
    }

    private func converse<Answer: Sendable>(
        with number: Int, _ body: @FleetActor (HostSession) async throws -> Answer
    ) async throws -> Answer {
        let session = try await session(of: number)
        do { return try await body(session) } catch {
            await close(number, isOrderly: false)
            throw error
        }
    }
}
