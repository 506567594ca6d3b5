// What an agent does about flips, in the order of AgentFlip, AgentProvisionalFlip and AgentBad. Which states are written,
// what is renamed, what follows a hook that failed, how a flip that was left is taken back: the product's own code.

import SlotSync

extension SimulatedAgent {
    // MARK: The session's ends

    /// A provisional flip that an agent left is taken back before the greeting.
    func greet(_ ring: SimulatedRing, _ hello: @escaping (RingStatus) -> Void, then: @escaping () -> Void) {
        guard ring.state.status.provisional != nil, world.broken != .forgetsAbandoned, lock(),
            ring.state.status.provisional != nil
        else {
            if ring.state.status.provisional == nil { unlock() }
            hello(ring.state.greeted)
            return then()
        }
        world.count("abandoned flip found")
        do {
            switch try ring.pointBack(because: Self.abandoned) {
            case .over:
                unlock()
                hello(ring.state.status)
                then()
            case .owesHook(let link):
                wentBack = link.wayBack.change
                hello(ring.stateAfter(link))
                finish(link, isAttended: false, because: Self.abandoned) {
                    self.unlock()
                    then()
                }
            }
        } catch {
            unlock()
            hello(ring.state.status)
            then()
        }
    }

    /// What is provisional goes back, then the controller is told, then the process ends.
    func fail(_ failure: SlotSyncError) {
        guard !isDead else { return }
        endProvisional { isBack in
            guard !self.isDead else { return }
            self.unlock()
            let code = isBack && failure.code == .notTakenBack ? .hookFailed : failure.code
            self.session.send(.failure(SlotSyncError(code, failure.message)))
            self.exit()
        }
    }

    /// - Parameter then: takes whether the host has gone back now.
    private func endProvisional(then: @escaping (Bool) -> Void) {
        guard flip?.standing == .provisional else { return then(false) }
        if world.broken == .staysUnconfirmed {
            try? flip?.confirm(in: ring)
            return then(false)
        }
        world.count("flip taken back by its agent")
        revert(isAttended: false) { then($0 == nil) }
    }

    /// - Parameter then: takes why it could not be done.
    private func revert(isAttended: Bool, then: @escaping (SlotSyncError?) -> Void) {
        do {
            switch try ring.pointBack(because: "reason") {
            case .over(let reversal):
                if let standing = reversal.standing { flip?.standing = standing }
                then(nil)
            case .owesHook(let link): finish(link, isAttended: isAttended, because: "reason") { then(nil) }
            }
        } catch { then(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
    }

    private func finish(
        _ link: LinkReturn, isAttended: Bool, because reason: String, then: @escaping () -> Void
    ) {
        let command = link.wayBack.change.from == nil ? "" : link.wayBack.undoHook
        runHook(command, isAttended: isAttended, isWayBack: true) { error in
            guard !self.isDead else { return }
            let none = link.wayBack.undoHook.isEmpty
            _ = self.ring.noteReturn(link, because: reason, hook: error != nil ? .owed : none ? .none : .done)
            self.flip?.standing = .takenBack
            then()
        }
    }

    private func lockRing(then: @escaping () -> Void) {
        guard lock() else { return fail(SlotSyncError(.locked, "the root is locked")) }
        guard flip?.standing != .provisional, ring.state.status.provisional != nil, world.broken != .forgetsAbandoned
        else { return then() }
        do {
            switch try ring.pointBack(because: Self.abandoned) {
            case .over: then()
            case .owesHook(let link):
                wentBack = link.wayBack.change
                finish(link, isAttended: false, because: Self.abandoned, then: then)
            }
        } catch { fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
    }

    // MARK: Requests

    /// A model of a stage: a slot is chosen, filled and sealed. Copying cannot fail here but by a fault of the disk.
    func stage(_ release: ContentDigest) {
        lockRing {
            let status = self.ring.state.status
            let live = status.liveRelease?.id
            func present(_ kind: StageOutcome.Kind, isBad: Bool = false) {
                self.reply(.staged(kind, live: live, isBad: isBad))
            }
            if live == release { return present(.alreadyLive) }
            if status.numbers.contains(where: { status[$0].holds(release) && status[$0].state == .bad }) {
                return present(.alreadyBad, isBad: true)
            }
            do {
                if let slot = status.numbers.first(where: {
                    status[$0].holds(release) && (status[$0].state == .ready || $0 == status.previous)
                }) {
                    try self.ring.update { $0.noteFound(ReleaseName(id: release), in: slot, at: 0) }
                    return present(.alreadyReady)
                }
                let slot = status.slotToFill(with: release)
                let name = ReleaseName(id: release)
                try self.ring.update { $0.beginStaging(name, in: slot, at: 0) }
                self.host.content[slot - 1] = nil
                self.step("a slot that is being filled")
                guard !self.isDead else { return }
                self.host.content[slot - 1] = release
                try self.ring.update { $0.noteSealed(name, in: slot, at: 0) }
                present(.staged, isBad: self.ring.state.status[slot].state == .bad)
            } catch { self.fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
        }
    }

    func prepare(_ request: FlipRequest) {
        guard flip == nil else { return fail(SlotSyncError(.protocolViolation, "a second flip in one session")) }
        lockRing {
            do {
                let status = self.ring.state.status
                let slot = try status.slot(for: request, whole: { $0 })
                try status.refuseBad(slot, request)
                guard self.ring.canBeLive(slot) else {
                    throw SlotSyncError(.notReady, "slot \(slot) has lost all that it had")
                }
                let prepared = PreparedFlip(request, to: slot, in: self.ring)
                self.flip = prepared
                self.reply(.prepared(prepared.outcome(renamedAt: 0, after: self.wentBack)))
            } catch { self.fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
        }
    }

    func commit() {
        guard let prepared = flip, prepared.standing == .prepared else {
            return fail(SlotSyncError(.protocolViolation, "a commit without a flip"))
        }
        guard !prepared.changesNothing else {
            if prepared.request.settlesReturn { _ = ring.note { $0.settleReturn() } }
            return reply(.flipped(outcome(prepared)))
        }
        do {
            if world.broken == .renamesFirst, prepared.limit != nil {
                _ = try ring.pointCurrent(at: prepared.change.slot, isWayBack: false)
            }
            try flip?.beginProvisional(in: ring)
            var moved = flip ?? prepared
            defer { flip = moved }
            _ = try moved.move(in: ring)
        } catch { return fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
        armSilence()
        runHook(prepared.request.afterHook, isAttended: false) { error in
            guard !self.isDead else { return }
            guard let error else {
                _ = self.ring.noteHookDone()
                self.checkDurable(prepared.change.slot, "flipped")
                return self.reply(.flipped(self.outcome(prepared)))
            }
            switch self.flip?.consequence(ofHook: error.code) ?? .sessionEnds {
            case .sessionEnds: self.fail(error)
            case .stays: self.reply(.flipped(self.outcome(prepared)))
            case .goesBack:
                self.takeBack { second in
                    guard let second else { return self.fail(error) }
                    self.fail(SlotSyncError(.notTakenBack, "\(error); this host could not be flipped back (\(second))"))
                }
            }
        }
    }

    func undo() {
        guard let flip else { return fail(SlotSyncError(.protocolViolation, "an undo without a flip")) }
        guard flip.isCommitted, !flip.isRepair else { return reply(.flipped(outcome(flip))) }
        takeBack { error in
            if let error { return self.fail(error) }
            self.checkDurable(flip.change.from, "taken back")
            self.reply(.flipped(self.outcome(flip)))
        }
    }

    /// What is said was flushed before.
    private func checkDurable(_ slot: Int?, _ said: String) {
        guard !isDead, host.durable.current != slot || host.disk.current != slot else { return }
        world.problem("\(host.label): says \(said), and slot \(host.disk.current ?? 0) is live")
    }

    /// - Parameter then: takes why it could not be done.
    private func takeBack(then: @escaping (SlotSyncError?) -> Void) {
        guard var flip else { return then(nil) }
        if flip.standing == .provisional { return revert(isAttended: true, then: then) }
        do {
            _ = try flip.moveBack(in: ring)
            self.flip = flip
        } catch { return then(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
        let command = flip.change.from == nil ? "" : flip.request.undoHook
        runHook(command, isAttended: true, isWayBack: true) { error in
            guard !self.isDead else { return }
            if error == nil, !flip.request.undoHook.isEmpty { _ = self.ring.noteHookDone() }
            then(nil)
        }
    }

    func confirm() {
        guard var confirmed = flip, confirmed.isCommitted || confirmed.changesNothing else {
            return fail(SlotSyncError(.protocolViolation, "a confirm without a flip"))
        }
        if world.broken == .confirmsBeforeDurable { ring.isHasty = true }
        defer { ring.isHasty = false }
        do { try confirmed.confirm(in: ring) } catch {
            return fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)"))
        }
        flip = confirmed
        checkDurable(confirmed.change.slot, "confirmed")
        reply(.done)
    }

    func markBad(_ release: ContentDigest) {
        lockRing {
            let status = self.ring.state.status
            if status.liveRelease?.id == release {
                return self.fail(SlotSyncError(.notReady, "the release is live, so it cannot be marked as bad"))
            }
            do {
                try self.ring.update { $0.markBad(release, because: "a regression", at: 0) }
                self.reply(.done)
            } catch { self.fail(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")) }
        }
    }

    private func outcome(_ flip: PreparedFlip) -> FlipOutcome { flip.outcome(renamedAt: 1, after: wentBack) }
}

extension RingState {
    /// What a greeting says of the ring, where nothing was taken back for it.
    fileprivate var greeted: RingStatus {
        var ring = status
        ring.returned = returned
        return ring
    }
}
