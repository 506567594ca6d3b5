// A flip or a rollback on a host. Each phase is a request of its own, so that the controller leads all hosts through it
// together. The agent holds the lock from `prepare` to the end of the session. While a phase is under way, hooks with it,
// the controller's end is watched for: a hook that hangs must not keep the lock from whoever wants to go back.

import Glibc
import SystemPackage

extension AgentSession {
    // MARK: Phases

    /// First phase: finds the slot, checks it entry by entry, changes nothing.
    func prepare(_ request: FlipRequest) async throws {
        guard flip == nil else { throw unexpected("a second flip in one session") }
        let request = try policy?.allowed(request) ?? request
        let ring = try await lockRing(for: request.direction == .flip ? "a flip" : "a rollback")
        lockWatch.note(mayEndAtOnce: true)
        if let handMade = ring.handMade {
            let release = request.release.map { " \($0)" } ?? ""
            // Somebody's own file may be there for a reason; whoever goes back has a better one.
            guard !handMade.isForeign || request.force || request.direction == .rollback else {
                throw SlotSyncError(
                    .notARing,
                    "\(handMade.text). Or let `slotsync flip --force\(release)` put it right, which moves a file or a folder aside"
                )
            }
            try connection.send(.warning(handMade.text))
        }
        let slot = try ring.status.slot(for: request, whole: { wholeSlot(for: $0, in: ring) })
        try ring.status.refuseBad(slot, request)
        try checkSignature(of: slot, request, ring)
        let prepared = PreparedFlip(request, to: slot, in: ring)
        if !prepared.changesNothing { try checkContent(of: slot, request, ring) }
        ring.prepareSwitch()
        try tell(ring.takeWarnings())
        if let warning = warningOfReturn(prepared, ring) { try connection.send(.warning(warning)) }
        flip = prepared
        // One that finds all done has done what another is to leave.
        if request.direction == .rollback { ring.noteWayBack(prepared.wayBack) }
        try connection.send(.prepared(outcome(prepared, renamedAt: 0)))
    }

    /// Second phase, where there is a hook.
    func runBeforeHook() async throws {
        guard let flip, flip.standing == .prepared else { throw unexpected("a hook outside of a flip") }
        if !flip.changesNothing { try await runHook(flip.request.beforeHook, named: "before_flip", flip) }
        try connection.send(.hookDone)
    }

    /// Third phase: the rename. What follows it may still take it back.
    func commit() async throws {
        guard let flip, flip.standing == .prepared else { throw unexpected("a commit without a flip") }
        let ring = try existingRing()
        guard !flip.changesNothing else {
            let hook = try await runOwedHook(flip, in: ring)
            if flip.request.direction == .rollback, ring.state.loneReturn != nil,
                flip.request.settlesReturn || wentBack?.from == flip.change.slot
            {
                try tell([ring.note { $0.settleReturn() }].compactMap { $0 })
            }
            var outcome = outcome(flip, renamedAt: 0)
            (outcome.hasRunHook, outcome.owesHook) = (hook.hasRun, hook.isLacking)
            try connection.send(.flipped(outcome))
            return
        }
        if let limit = flip.limit { try beginProvisional(limit: limit, in: ring) }
        if !flip.isRepair { ring.noteWayBack(flip.wayBack) }
        let (moment, warnings) = try move(ring)
        do {
            try tell(warnings)
            try await runHook(flip.request.afterHook, named: "\(flip.hook)", flip)
            try settleHook(in: ring)
        } catch {
            // Where the hook did not fail, its controller is gone.
            let code = (error as? SlotSyncError)?.code ?? .system
            switch self.flip?.consequence(ofHook: code) ?? .sessionEnds {
            case .sessionEnds where flip.isRepair:
                throw SlotSyncError(code, "\(error); \(owing(flip.change.release.id))")
            case .sessionEnds: throw error
            case .stays:
                try connection.send(
                    .warning("\(error); this host is rolled back all the same, and \(owing(flip.change.release.id))"))
                try connection.send(.flipped(outcome(flip, renamedAt: moment.nanosecondsSince1970)))
                return
            case .goesBack:
                let done: String
                // Whoever gave the order hears of a hook that failed; else nobody does.
                let reason = code == .hookFailed ? "" : "\(error)"
                do { done = try await takeBack(because: reason) } catch let second {
                    throw SlotSyncError(
                        .notTakenBack,
                        "\(error); this host could not be flipped back (\(second)): slot \(flip.change.slot) is live")
                }
                throw SlotSyncError(code, "\(error); \(done)")
            }
        }
        try connection.send(.flipped(outcome(flip, renamedAt: moment.nanosecondsSince1970)))
    }

    /// Takes the flip of this session back, if there was one.
    func undo() async throws {
        guard let flip else { throw unexpected("an undo without a flip") }
        let goesBack = flip.isCommitted && !flip.isRepair
        if goesBack { _ = try await takeBack() }
        var back = outcome(flip, renamedAt: 0)
        back.changed = goesBack
        try connection.send(.flipped(back), within: flip.request.provisionalLimit)
    }

    // MARK: Parts

    /// Does a phase that hooks may be part of. Meanwhile it is noticed that the controller is gone, or that a signal tells
    /// this process to end; a provisional flip is watched over anyway.
    func watched(_ phase: () async throws -> Void) async throws {
        if flip?.standing != .provisional { try connection.beginWatch(limit: nil) }
        defer { if flip?.standing != .provisional { connection.endWatch() } }
        try await phase()
        if flip?.standing != .provisional { try connection.checkSignals() }
    }

    /// Makes the flip that was prepared.
    private func move(_ ring: Ring) throws -> (moment: Timestamp, warnings: [String]) {
        guard var moved = flip else { throw unexpected("a commit without a flip") }
        defer { flip = moved }
        return try moved.move(in: ring)
    }

    /// Warns the controller of what a switch of `current` left undone.
    func tell(_ warnings: [String]) throws {
        for text in warnings { try connection.send(.warning(text), within: flip?.request.provisionalLimit) }
    }

    /// Takes the commit of this session back, provisional or not, for a controller that waits for it.
    ///
    /// - Parameter reason: why the host does so by itself; empty: it was told to, or its controller is told.
    /// - Returns: what was done, for a person.
    private func takeBack(because reason: String = "") async throws -> String {
        guard let flip else { throw unexpected("an undo without a flip") }
        let ring = try existingRing()
        let reversal: Reversal
        if flip.standing == .provisional {
            reversal = try await revert(ring, because: reason, attended: true)
        } else {
            let hook = flip.request.undoHook
            var undone = flip
            var warnings = try undone.moveBack(in: ring, because: reason)
            self.flip = undone
            let connection = connection
            let warning = await runUndoHook(
                hook, flip.change, in: ring, isAwaited: { connection.reasonToStop() == nil })
            if let warning {
                warnings.append(warning)
            } else if !hook.isEmpty, let said = ring.noteHookDone() {
                warnings.append(said)
            }
            if let said = changeWarning(afterReturnTo: flip.change.from, in: ring) { warnings.append(said) }
            reversal = Reversal(done: "this host was flipped back", warnings: warnings)
        }
        // It is done, whoever hears of it.
        try? tell(reversal.warnings)
        return reversal.done
    }

    private func outcome(_ flip: PreparedFlip, renamedAt: Int64) -> FlipOutcome {
        flip.outcome(renamedAt: renamedAt, in: ring?.status, after: wentBack)
    }

    /// The warning for whoever rolls back what has gone back by itself, and may not know that.
    private func warningOfReturn(_ flip: PreparedFlip, _ ring: Ring) -> String? {
        let last = flip.changesNothing ? ring.state.loneReturn : ring.state.history.last
        guard flip.request.direction == .rollback, wentBack == nil, let last, last.kind == .undo, !last.reason.isEmpty
        else { return nil }
        return
            "this host had gone back by itself from release \(last.release) at \(utcText(last.at)) (\(last.reason)); "
            + (flip.changesNothing ? "a rollback has nothing left to do here" : "this rollback goes further back")
    }

    func runHook(_ command: String, named name: String, _ flip: PreparedFlip) async throws {
        try Hook(name: name, command: command).run(
            for: subject(
                slot: flip.change.slot, flip.change.release,
                before: flip.changesNothing || flip.isRepair ? nil : flip.change.fromBefore?.release),
            temporary: existingRing().temporary, stoppedBy: connection.reasonToStop)
    }
}
