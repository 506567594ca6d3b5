// Single questions to a host whose session is kept: each is one request and its answer. FleetConnection asks them.

extension OpenSessions {
    /// Sends a request and expects one answer. If that is not the answer, the session is over.
    func ask(_ request: Request, of number: Int, _ isAnswer: (Reply) -> Bool) async throws {
        try await converse(with: number) { session in
            session.channel.send(request)
            let reply = try await session.channel.receive()
            guard isAnswer(reply) else { throw unexpected(reply) }
        }
    }

    /// Tells a host what it will be asked to read.
    ///
    /// - Returns: for each source why it cannot be read; nil where it can.
    func watch(_ sources: [HostSource], every interval: Duration, on number: Int) async throws -> [String?] {
        try await converse(with: number) { session in
            session.channel.send(.watch(sources, interval: interval))
            guard case .watching(let problems) = try await session.channel.receive(), problems.count == sources.count
            else { throw SlotSyncError(.protocolViolation, "the agent did not say which sources it can read") }
            return problems
        }
    }

    /// Goes back from a release to what was live before: by taking back this session's flip, or, in a session that was
    /// opened anew, by rolling back. Such a host has perhaps gone back by itself already.
    func takeBack(_ release: ContentDigest, on number: Int, hooks: Hooks) async throws {
        try await converse(with: number) { session in
            if withFlip.contains(number) {
                session.channel.send(.undo)
            } else {
                guard session.ring?.liveRelease?.id == release else { return }
                let request = FlipRequest(
                    direction: .rollback, release: nil, beforeHook: "", afterHook: hooks.afterRollback,
                    undoHook: hooks.afterRollback)
                session.channel.send(.prepare(request))
                guard case .prepared = try await session.channel.receive() else {
                    throw SlotSyncError(.protocolViolation, "the agent did not prepare a rollback")
                }
                session.channel.send(.commit)
            }
            guard case .flipped = try await session.channel.receive() else {
                throw SlotSyncError(.protocolViolation, "the agent did not say that it went back")
            }
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
