// Provisional flips. A commit begins one, and the controller confirms it. Otherwise the session takes it back, or the next
// agent that finds one without an owner does: whoever holds the ring's lock is the owner. The link goes back before
// anything else is done or told.

import Glibc
import SystemPackage

extension AgentSession {
    /// How long a controller that may be gone is waited for when everything is put right.
    static let longestFarewell = Duration.seconds(2)

    // MARK: Begun and confirmed

    /// Notes a provisional flip, durably; the rename comes next.
    func beginProvisional(limit: Duration, in ring: Ring) throws {
        try connection.beginWatch(limit: limit)
        do { try flip?.beginProvisional(in: ring) } catch {
            connection.endWatch()
            throw error
        }
    }

    /// The flip stays, though `undo` can still take it back as long as the session lasts.
    func confirm() throws {
        guard var confirmed = flip, confirmed.isCommitted || confirmed.changesNothing else {
            throw unexpected("a confirm without a flip")
        }
        if confirmed.standing == .provisional {
            try confirmed.confirm(in: existingRing())
            endProvision(confirmed.standing)
        }
        try connection.send(.confirmed)
    }

    private func endProvision(_ standing: PreparedFlip.Standing) {
        flip?.standing = standing
        connection.endWatch()
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
            let code = failure.code == .notTakenBack ? .hookFailed : failure.code
            return SlotSyncError(code, "\(failure); \(done.text)")
        } catch {
            return SlotSyncError(
                failure.code,
                "\(failure); this host could not be flipped back (\(error)): the next command on it tries again")
        }
    }

    /// Brings a provisional flip to its end: the link, the hook that is owed, the state.
    ///
    /// - Parameter attended: whether a controller waits for the hook, as long as that takes and it is there.
    /// - Returns: what was done, for a person.
    func revert(_ ring: Ring, because reason: String, attended: Bool) async throws -> Reversal {
        switch try pointBack(ring, because: reason) {
        case .over(let reversal): return reversal
        case .owesHook(let link): return await finish(link, in: ring, because: reason, attended: attended)
        }
    }

    private func pointBack(_ ring: Ring, because reason: String) throws -> Returned {
        let returned = try ring.pointBack(because: reason)
        if case .over(let reversal) = returned, let standing = reversal.standing { endProvision(standing) }
        return returned
    }

    /// The steps after the link's.
    private func finish(
        _ link: LinkReturn, in ring: Ring, because reason: String, attended: Bool
    ) async -> Reversal {
        let (change, hook) = (link.wayBack.change, link.wayBack.undoHook)
        let connection = connection
        let warning =
            link.wayBack.isHookForeign && !hook.isEmpty
            ? foreignHookText(change, in: ring)
            : await runUndoHook(hook, change, in: ring, isAwaited: { attended && connection.reasonToStop() == nil })
        let said = ring.noteReturn(
            link, because: reason, hook: warning != nil ? .owed : hook.isEmpty ? .none : .done)
        endProvision(.takenBack)
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
            // One that an earlier session noted, under another policy or none, has to be allowed by this one.
            let command = try policy?.hook(command) ?? command
            try Hook(name: "after_rollback", command: command).run(
                for: subject(slot: from, release, before: change.release), temporary: ring.temporary,
                stoppedBy: { ContinuousClock.now < deadline || isAwaited() ? nil : Self.hookTookTooLong })
            return nil
        } catch { return "\(error)" }
    }

    /// Root goes back for another user, but does not run what that user may have written.
    private func foreignHookText(_ change: FlipChange, in ring: Ring) -> String? {
        change.fromBefore?.release.map {
            "the after_rollback hook was not run, since it stands in a file that \(ring.owner.name) can write, and the "
                + "agent runs as \(userName(of: geteuid())): `slotsync flip \($0.id)` runs yours"
        }
    }

    private static let hookTookTooLong = SlotSyncError(
        .hookFailed, "the after_rollback hook took too long, with nobody waiting for it, and was stopped")

    // MARK: Recovered

    /// Takes the ring's lock for a change, and brings a provisional flip that was left to its end first.
    func lockRing(for purpose: String) async throws -> Ring {
        let ring = try existingRing()
        try ring.acquireLock(for: "\(purpose) by \(peer)")
        // Of an agent that was killed right after it made one.
        for name in Hook.outputs { try? ring.temporary.remove(name) }
        try tell(ring.takeWarnings())
        guard flip?.standing != .provisional, let provisional = ring.status.provisional else { return ring }
        let isBack: String
        switch try pointBack(ring, because: Self.abandoned) {
        case .over(let reversal): isBack = reversal.text
        case .owesHook(let link):
            wentBack = link.wayBack.change
            ring.noteWayBack(link.wayBack.change.fromBefore?.release?.id)
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
                ring.noteWayBack(link.wayBack.change.fromBefore?.release?.id)
                return ring.stateAfter(link)
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
