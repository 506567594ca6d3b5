// What a host is asked, as HostRequests and FleetConnection ask it. What a lost host is asked, and what follows from its
// answer, is the product's own code (LostHost).

import SlotSync

extension HostLink {
    private static let timeToGoBack = 5.0
    private static let usualPatience = 10.0

    private func outcome(_ answered: @escaping Answered<FlipOutcome>) -> Answered<SimulatedReply> {
        { result in
            switch result {
            case .success(.prepared(let outcome)), .success(.flipped(let outcome)): answered(.success(outcome))
            case .success: answered(.failure(SlotSyncError(.protocolViolation, "out of turn")))
            case .failure(let error): answered(.failure(error))
            }
        }
    }

    private func nothing(_ answered: @escaping Answered<Void>) -> Answered<SimulatedReply> {
        { answered($0.map { _ in }) }
    }

    /// - Parameter answered: takes how it was staged.
    func stage(
        _ release: ContentDigest,
        _ answered: @escaping Answered<(kind: StageOutcome.Kind, live: ContentDigest?, isBad: Bool)>
    ) {
        exchange(.stage(release), isPrompt: false) { result in
            switch result {
            case .success(.staged(let kind, let live, let isBad)): answered(.success((kind, live, isBad)))
            case .success: answered(.failure(SlotSyncError(.protocolViolation, "out of turn")))
            case .failure(let error): answered(.failure(error))
            }
        }
    }

    func prepare(_ request: FlipRequest, _ answered: @escaping Answered<FlipOutcome>) {
        exchange(
            .prepare(request), isPrompt: false,
            outcome { result in
                if case .success(let outcome) = result {
                    self.flip = (request, outcome)
                    self.hasPreparedFlip = true
                }
                answered(result)
            })
    }

    func runBeforeHook(_ answered: @escaping Answered<Void>) {
        guard let flip, flip.outcome.changed, !flip.request.beforeHook.isEmpty else { return answered(.success(())) }
        exchange(.runBeforeHook, isPrompt: false, nothing(answered))
    }

    func commit(_ answered: @escaping Answered<FlipOutcome>) {
        guard hasPreparedFlip, let flip else {
            return answered(
                .failure(SlotSyncError(.unreachable, "its session ended after the flip was prepared")))
        }
        if let session { armSilence(session) }
        exchange(.commit, isPrompt: flip.request.afterHook.isEmpty, outcome(answered))
    }

    func confirm(_ answered: @escaping Answered<Void>) {
        exchange(.confirm, isPrompt: true) { result in
            if case .success = result { self.provisionalLimit = nil }
            if self.world.broken == .believesLostConfirm, case .failure(let error) = result, error.isLoss {
                return answered(.success(()))
            }
            answered(result.map { _ in })
        }
    }

    func markBad(_ release: ContentDigest, _ answered: @escaping Answered<Void>) {
        exchange(.markBad(release), isPrompt: true, nothing(answered))
    }

    /// Goes back from a release.
    func takeBack(_ release: ContentDigest?, hook: String, _ answered: @escaping Answered<Void>) {
        let done: Answered<Void> = { result in
            if case .success = result { self.provisionalLimit = nil }
            answered(result)
        }
        if hasPreparedFlip { return exchange(.undo, isPrompt: hook.isEmpty, nothing(done)) }
        whenFree(patience: Self.usualPatience, { self.rollBack(release, hook: hook, $0, $1) }, done)
    }

    private func rollBack(
        _ release: ContentDigest?, hook: String, _ ring: RingStatus, _ answered: @escaping Answered<Void>
    ) {
        do {
            guard let back = try LostHost.wayBack(from: release, hook: hook, in: ring, made: flip?.outcome) else {
                return answered(.success(()))
            }
            exchange(.prepare(back), isPrompt: false) { result in
                if case .failure(let error) = result { return answered(.failure(error)) }
                self.exchange(.commit, isPrompt: hook.isEmpty, self.nothing(answered))
            }
        } catch { answered(.failure(error)) }
    }

    // MARK: Lost hosts

    /// Asks something in a new session as soon as no other agent holds the lock or keeps a flip.
    private func whenFree<Answer>(
        patience: Double, _ body: @escaping (RingStatus, @escaping Answered<Answer>) -> Void,
        _ answered: @escaping Answered<Answer>
    ) {
        let deadline = world.time.now + patience + Self.timeToGoBack
        func attempt() {
            func take(_ result: Result<Answer, SlotSyncError>) {
                guard case .failure(let error) = result, error.code == .locked, world.time.now < deadline else {
                    return answered(result)
                }
                close(isOrderly: false)
                controller.after(1) { attempt() }
            }
            open { result in
                switch result {
                case .failure(let error): take(.failure(error))
                case .success(let ring) where ring.provisional != nil:
                    take(.failure(SlotSyncError(.locked, "the agent of the lost session still keeps the flip")))
                case .success(let ring): body(ring, take)
                }
            }
        }
        attempt()
    }

    func recover(patience: Double, _ answered: @escaping Answered<RingStatus>) {
        close(isOrderly: false)
        whenFree(patience: patience, { $1(.success($0)) }) { result in
            guard case .success(let ring) = result else { return answered(result) }
            self.listen { answered($0.map { _ in ring }) }
        }
    }

    /// Whether the last flip that was prepared has been made.
    func hasFlipped(_ answered: @escaping Answered<Bool>) {
        guard let made = flip?.request else { return answered(.success(false)) }
        let question = LostHost.question(of: made)
        close(isOrderly: false)
        whenFree(
            patience: Self.usualPatience,
            { _, take in self.exchange(.prepare(question), isPrompt: false, self.outcome(take)) }
        ) { result in
            if case .success = result { self.close(isOrderly: true) }
            answered(result.map { !$0.changed })
        }
    }
}
