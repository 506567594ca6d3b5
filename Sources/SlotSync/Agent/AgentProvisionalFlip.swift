// Provisional flips. A commit begins one, and the controller confirms it. Otherwise the session takes it back, or the next
// agent that finds one without an owner does: whoever holds the ring's lock is the owner. The link goes back before
// anything else is done or told.

import SystemPackage

/// How taking a flip back went, for a person.
struct Reversal {
    var done: String
    /// What could not be done besides.
    var warnings: [String] = []

    var text: String { ([done] + warnings).joined(separator: "; ") }
}

extension AgentSession {
    /// How long a controller that may be gone is waited for when everything is put right.
    static let longestFarewell = Duration.seconds(2)

    // MARK: Begun and confirmed

    /// Notes a provisional flip, durably; the rename comes next.
    func beginProvisional(_ flip: PreparedFlip, limit: Duration, in ring: Ring) throws {
        try connection.beginWatch(limit: limit)
        do {
            try ring.update { state in
                state.noteProvisional(
                    flip.change, since: Timestamp.now.seconds, limit: limit, undoHook: flip.request.undoHook)
            }
        } catch {
            connection.endWatch()
            throw error
        }
        self.flip?.standing = .provisional
    }

    /// The flip stays, though `undo` can still take it back as long as the session lasts.
    func confirm() throws {
        guard let flip, flip.isCommitted || flip.changesNothing else { throw unexpected("a confirm without a flip") }
        if flip.standing == .provisional {
            // Where this cannot be noted, the next agent would take the flip back: so this one does.
            try existingRing().update { $0.noteNoneProvisional() }
            endProvision(.lasting)
        }
        try connection.send(.confirmed)
    }

    private func endProvision(_ standing: PreparedFlip.Standing) {
        flip?.standing = standing
        connection.endWatch()
    }

    /// Ends what is provisional, and notes what that makes of the state, if it can be written.
    ///
    /// - Returns: what a person should know of it.
    @discardableResult
    private func settle(
        _ ring: Ring, _ standing: PreparedFlip.Standing = .takenBack, _ change: (inout RingState) -> Void
    ) -> String? {
        let said = ring.note(change)
        endProvision(standing)
        return said
    }

    // MARK: Taken back

    /// Takes the flip of this session back, if it is still provisional.
    ///
    /// - Parameter failure: what ended the session.
    /// - Returns: what the controller is told of it, if it is still there.
    func endProvisional(after failure: SlotSyncError) async -> SlotSyncError {
        guard flip?.standing == .provisional else { return failure }
        do {
            let done = try await revert(existingRing(), because: failure.message, attended: false)
            return SlotSyncError(failure.code, "\(failure); \(done.text)")
        } catch {
            return SlotSyncError(
                failure.code,
                "\(failure); this host could not be flipped back (\(error)): the next command on it tries again")
        }
    }

    /// Brings a provisional flip to its end: the link, the hook that is owed, the state. Each step is found again by whoever
    /// comes after a crash.
    ///
    /// - Parameter attended: whether a controller waits for the hook, as long as that takes and it is there.
    /// - Returns: what was done, for a person.
    func revert(_ ring: Ring, because reason: String, attended: Bool) async throws -> Reversal {
        switch try pointBack(ring, because: reason) {
        case .over(let reversal): return reversal
        case .owesHook(let link): return await finish(link, in: ring, because: reason, attended: attended)
        }
    }

    /// What the way back of the link leaves to do.
    enum Returned {
        case over(Reversal)
        /// The hook has to run, and the state to be noted.
        case owesHook(LinkReturn)
    }

    /// A link that was pointed back.
    struct LinkReturn {
        let wayBack: WayBack
        /// What could not be done besides.
        let warnings: [String]
    }

    /// The first step of taking a provisional flip back.
    private func pointBack(_ ring: Ring, because reason: String) throws -> Returned {
        let nothing = Reversal(done: "nothing had to be taken back")
        guard let wayBack = ring.state.wayBack else { return .over(nothing) }
        let change = wayBack.change
        let current = try ring.slotOfCurrent()
        if let handMade = ring.handMade, handMade.isForeign {
            // Somebody's own file stands there. It stays, and what was live before is what the state holds for live.
            let said = settle(ring) { $0.noteUndo(of: change, at: Timestamp.now.seconds, because: reason) }
            _ = try ring.slotOfCurrent()
            return .over(
                Reversal(
                    done: "nothing was taken back",
                    warnings: [ring.handMade?.text ?? handMade.text, said].compactMap { $0 }))
        }
        let isLive = current == change.slot || (ring.handMade?.isMisleading == true && change.from != nil)
        // Its lock was held all the time; but nothing that is not whole becomes live, whatever was done by hand.
        if isLive, let from = change.from, !ring.status[from].state.isSealed || !ring.canBeLive(from) {
            settle(ring, .lasting) { $0.noteNoneProvisional() }
            return .over(
                Reversal(
                    done:
                        "slot \(from), which was live before, holds no whole release any more, so slot \(change.slot) stays"
                ))
        }
        var warnings: [String] = []
        if isLive {
            // So that the hook is still owed after a crash. Where it cannot be noted, the link goes back all the same.
            if !wayBack.isFlipped { _ = ring.note { $0.wayBack?.isFlipped = true } }
            do { warnings = try ring.pointCurrent(at: change.from, isWayBack: true).warnings } catch {
                throw ring.switchFailure({ "flip \($0) back" }, error)
            }
        } else if !wayBack.isFlipped || current != change.from {
            let said = settle(ring) { $0.noteNoneProvisional() }
            return .over(Reversal(done: nothing.done, warnings: said.map { [$0] } ?? []))
        }
        return .owesHook(LinkReturn(wayBack: wayBack, warnings: warnings))
    }

    /// The steps after the link's.
    private func finish(
        _ link: LinkReturn, in ring: Ring, because reason: String, attended: Bool
    ) async -> Reversal {
        let (change, hook) = (link.wayBack.change, link.wayBack.undoHook)
        let connection = connection
        let warning = await runUndoHook(
            hook, change, in: ring, isAwaited: { attended && connection.reasonToStop() == nil })
        let said = settle(ring) {
            $0.noteUndo(
                of: change, at: Timestamp.now.seconds, because: reason,
                hook: warning != nil ? .owed : hook.isEmpty ? .none : .done)
        }
        let changed = changeWarning(afterReturnTo: change.from, in: ring)
        return Reversal(
            done: "this host was flipped back", warnings: link.warnings + [warning, said, changed].compactMap { $0 })
    }

    /// The host is back on its release: a hook cannot change that, only be told of. It has a limit if nobody waits for it.
    ///
    /// - Parameter isAwaited: whether somebody waits for it now.
    /// - Returns: what there is to say of it.
    func runUndoHook(
        _ command: String, _ change: FlipChange, in ring: Ring, isAwaited: () -> Bool
    ) async -> String? {
        guard let from = change.from, let release = change.fromBefore?.release else { return nil }
        let deadline = ContinuousClock.now + unattendedHookLimit
        do {
            try Hook(name: "after_rollback", command: command).run(
                for: subject(slot: from, release, before: change.release), temporary: ring.temporary,
                stoppedBy: { ContinuousClock.now < deadline || isAwaited() ? nil : Self.hookTookTooLong })
            return nil
        } catch { return "\(error)" }
    }

    private static let hookTookTooLong = SlotSyncError(
        .hookFailed, "the after_rollback hook took too long, with nobody waiting for it, and was stopped")

    // MARK: Recovered

    /// Takes the ring's lock for a change, and brings a provisional flip that was left to its end first.
    func lockRing(for purpose: String) async throws -> Ring {
        let ring = try existingRing()
        try ring.acquireLock(for: "\(purpose) by \(peer)")
        try tell(ring.takeWarnings())
        guard flip?.standing != .provisional, let provisional = ring.status.provisional else { return ring }
        let isBack: String
        switch try pointBack(ring, because: Self.abandoned) {
        case .over(let reversal): isBack = reversal.text
        case .owesHook(let link):
            wentBack = link.wayBack.change
            isBack = await finish(link, in: ring, because: Self.abandoned, attended: false).text
        }
        try connection.send(.warning(Self.recovery(of: provisional, in: ring, isBack)))
        return ring
    }

    private static let abandoned = "its agent ended before it was confirmed"

    private static func recovery(of flip: ProvisionalFlip, in ring: Ring, _ done: String) -> String {
        let release = ring.status[flip.slot].release?.id
        return "the flip to release \(release?.description ?? "-") in slot \(flip.slot) at \(utcText(flip.since)) was "
            + "provisional, and \(abandoned): \(done)"
    }

    /// Looks, when a session starts, whether a provisional flip was left by an agent that is gone, and points the link
    /// back. What else there is to do may take a while, and comes after the greeting: `endRecovery`.
    ///
    /// - Returns: the ring as it is then.
    func recoverAbandoned() -> RingStatus? {
        guard let ring else { return nil }
        guard let provisional = ring.status.provisional else { return ring.status }
        do {
            try ring.acquireLock(for: "taking back a provisional flip")
            guard ring.status.provisional != nil else {
                ring.unlock()
                return ring.status
            }
            switch try pointBack(ring, because: Self.abandoned) {
            case .over(let reversal):
                recovered = (provisional, .over(reversal))
                ring.unlock()
            case .owesHook(let link):
                recovered = (provisional, .owesHook(link))
                wentBack = link.wayBack.change
                // What the controller decides by is what it will be.
                var state = ring.state
                state.noteUndo(of: link.wayBack.change, at: 0)
                state.status.wentBack = link.wayBack.change.release
                return state.status
            }
        } catch {
            ring.unlock()
            // Its owner lives, and watches over it.
            guard (error as? SlotSyncError)?.code != .locked else { return ring.status }
            recoveryFailure = "a provisional flip was left here, and could not be taken back: \(error)"
        }
        return ring.status
    }

    /// Does what is left of the recovery, and tells of it.
    func endRecovery() async throws {
        guard let ring else { return }
        try tell(ring.takeWarnings())
        if let text = recoveryFailure { try connection.send(.warning(text)) }
        guard let (provisional, returned) = recovered else { return }
        recovered = nil
        let done: Reversal
        switch returned {
        case .over(let reversal): done = reversal
        case .owesHook(let link):
            done = await finish(link, in: ring, because: Self.abandoned, attended: false)
            ring.unlock()
        }
        try connection.send(.warning(Self.recovery(of: provisional, in: ring, done.text)))
    }
}
