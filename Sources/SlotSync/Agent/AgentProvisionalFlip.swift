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
        let nothing = Reversal(done: "nothing had to be taken back")
        guard let wayBack = ring.state.wayBack else { return nothing }
        let change = wayBack.change
        let current = try ring.slotOfCurrent()
        if let handMade = ring.handMade, handMade.isForeign {
            // Somebody's own file stands there. It stays, and what was live before is what the state holds for live.
            let said = settle(ring) { $0.noteUndo(of: change, at: Timestamp.now.seconds, because: reason) }
            _ = try ring.slotOfCurrent()
            return Reversal(
                done: "nothing was taken back",
                warnings: [ring.handMade?.text ?? handMade.text, said].compactMap { $0 })
        }
        let isLive = current == change.slot || (ring.handMade?.isMisleading == true && change.from != nil)
        // Its lock was held all the time; but nothing that is not whole becomes live, whatever was done by hand.
        if isLive, let from = change.from, !ring.status[from].state.isSealed {
            settle(ring, .lasting) { $0.noteNoneProvisional() }
            return Reversal(
                done:
                    "slot \(from), which was live before, holds no whole release any more, so slot \(change.slot) stays"
            )
        }
        var warnings: [String] = []
        if isLive {
            // So that the hook is still owed after a crash. Where it cannot be noted, the link goes back all the same.
            if !wayBack.isFlipped { _ = ring.note { $0.wayBack?.isFlipped = true } }
            do { warnings = try ring.pointCurrent(at: change.from).warnings } catch {
                throw SlotSyncError(.system, "cannot flip \(quoted(root + "/current")) back", errno: error)
            }
        } else if !wayBack.isFlipped || current != change.from {
            let said = settle(ring) { $0.noteNoneProvisional() }
            return Reversal(done: nothing.done, warnings: said.map { [$0] } ?? [])
        }
        let connection = connection
        let warning = await runUndoHook(
            wayBack.undoHook, change, unattendedFor: unattendedHookLimit, in: ring,
            isAwaited: { attended && connection.reasonToStop() == nil })
        let said = settle(ring) {
            $0.noteUndo(of: change, at: Timestamp.now.seconds, because: reason, isHookOwed: warning != nil)
        }
        let changed = changeWarning(afterReturnTo: change.from, in: ring)
        return Reversal(
            done: "this host was flipped back", warnings: warnings + [warning, said, changed].compactMap { $0 })
    }

    /// The host is back on its release: a hook cannot change that, only be told of.
    ///
    /// - Parameters:
    ///   - limit: how long the hook may take if nobody waits for it; nil: as long as it likes.
    ///   - isAwaited: whether somebody waits for it now.
    /// - Returns: what there is to say of it.
    func runUndoHook(
        _ command: String, _ change: FlipChange, unattendedFor limit: Duration?, in ring: Ring,
        isAwaited: @escaping @Sendable () -> Bool = { false }
    ) async -> String? {
        guard let from = change.from, let release = change.fromBefore?.release else { return nil }
        var reasonToStop: (@Sendable () -> SlotSyncError?)?
        if let limit {
            let deadline = ContinuousClock.now + limit
            reasonToStop = { ContinuousClock.now < deadline || isAwaited() ? nil : Self.hookTookTooLong }
        }
        do {
            try await Hook(name: "after_rollback", command: command).run(
                for: subject(slot: from, release, before: change.release), temporary: ring.temporary,
                stoppedBy: reasonToStop)
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
        if let warning = ring.syncWarning { try connection.send(.warning(warning)) }
        if flip?.standing != .provisional, let said = try await recover(ring) { try connection.send(.warning(said)) }
        return ring
    }

    /// Looks, when a session starts, whether a provisional flip was left by an agent that is gone, and takes it back.
    ///
    /// - Returns: what was done, for a person; nil if there was nothing to do.
    func recoverAbandoned() async -> String? {
        guard let ring, ring.status.provisional != nil else { return nil }
        defer { ring.unlock() }
        do {
            try ring.acquireLock(for: "taking back a provisional flip")
            return try await recover(ring)
        } catch {
            // Its owner lives, and watches over it.
            if (error as? SlotSyncError)?.code == .locked { return nil }
            return "a provisional flip was left here, and could not be taken back: \(error)"
        }
    }

    private func recover(_ ring: Ring) async throws -> String? {
        guard let provisional = ring.status.provisional, let change = ring.state.wayBack?.change else { return nil }
        let done = try await revert(ring, because: "its agent ended before it was confirmed", attended: false)
        return "the flip to release \(change.release.id) in slot \(change.slot) at \(utcText(provisional.since)) was "
            + "provisional, and its agent ended before it was confirmed: \(done.text)"
    }
}
