// A flip or a rollback on a host. Each phase is a request of its own, so that the controller leads all hosts through it
// together. The agent holds the lock from `prepare` to the end of the session. While a phase is under way, hooks with it,
// the controller's end is watched for: a hook that hangs must not keep the lock from whoever wants to go back.

import Glibc
import SystemPackage

/// A flip that was prepared in this session.
struct PreparedFlip {
    enum Standing {
        /// Nothing was changed yet.
        case prepared
        /// The host goes back by itself: from before the rename until the flip is confirmed or taken back.
        case provisional
        /// It is live, and only `undo` takes it back.
        case lasting
        case takenBack
    }

    var request: FlipRequest
    var change: FlipChange
    var standing = Standing.prepared

    /// Whether `current` has to be put right, though the release is live by the ring's state.
    var isRepair = false

    /// Whether there is something to take back.
    var isCommitted: Bool { standing == .provisional || standing == .lasting }

    /// Whether the release was live already.
    var changesNothing: Bool { change.slot == change.from && !isRepair }
}

extension AgentSession {
    // MARK: Phases

    /// First phase: finds the slot, checks it entry by entry, changes nothing.
    func prepare(_ request: FlipRequest) async throws {
        guard flip == nil else { throw unexpected("a second flip in one session") }
        let ring = try await lockRing(for: request.direction == .flip ? "a flip" : "a rollback")
        if let handMade = ring.handMade {
            // Somebody's own file may be there for a reason; whoever goes back has a better one.
            guard !handMade.isForeign || request.force || request.direction == .rollback else {
                throw SlotSyncError(
                    .notARing,
                    "\(handMade.text). Or let `slotsync flip --force` put it right, which moves a file or a folder aside"
                )
            }
            try connection.send(.warning(handMade.text))
        }
        let slot = try findSlot(request, ring)
        try checkNotBad(slot, request, ring)
        var prepared = PreparedFlip(request: request, change: FlipChange(to: slot, in: ring.status))
        prepared.isRepair = prepared.changesNothing && ring.handMade != nil
        if !prepared.changesNothing { try checkContent(of: slot, request, ring) }
        ring.prepareSwitch()
        try tell(ring.takeWarnings())
        if let warning = warningOfSecondRollback(prepared, ring) { try connection.send(.warning(warning)) }
        flip = prepared
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
            let hasRunHook = try await runOwedHook(flip, in: ring)
            try connection.send(.flipped(outcome(flip, renamedAt: 0, hasRunHook: hasRunHook)))
            return
        }
        if let limit = flip.request.provisionalLimit, !flip.isRepair {
            try beginProvisional(flip, limit: limit, in: ring)
        }
        let (moment, warnings) = try move(ring, to: flip)
        if self.flip?.standing == .prepared { self.flip?.standing = .lasting }
        do {
            try tell(warnings)
            try await runHook(flip.request.afterHook, named: "\(flip.hook)", flip)
            try settleHook(in: ring)
        } catch {
            // Where the hook did not fail, its controller is gone. That ends the session, and takes the flip back.
            let code = (error as? SlotSyncError)?.code ?? .system
            if self.flip?.standing == .provisional, code != .hookFailed { throw error }
            guard flip.request.direction == .flip else {
                guard code == .hookFailed else { throw error }
                // Whoever rolls back wants out of a bad release: no hook keeps a host in it.
                try connection.send(
                    .warning("\(error); this host is rolled back all the same, and \(owing(flip.change.release.id))"))
                try connection.send(.flipped(outcome(flip, renamedAt: moment.nanosecondsSince1970)))
                return
            }
            // `current` was only put right.
            if flip.isRepair { throw SlotSyncError(code, "\(error); \(owing(flip.change.release.id))") }
            let done: String
            do { done = try await takeBack() } catch let second {
                throw SlotSyncError(
                    code, "\(error); this host could not be flipped back (\(second)): slot \(flip.change.slot) is live")
            }
            throw SlotSyncError(code, "\(error); \(done)")
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

    private func findSlot(_ request: FlipRequest, _ ring: Ring) throws -> Int {
        let status = ring.status
        if request.direction == .rollback && request.release == nil {
            guard let previous = status.previous else {
                throw SlotSyncError(
                    .notReady, "no release was live before on this host that is still there: name one with --to")
            }
            return wholeSlot(for: previous, in: ring)
        }
        guard let release = request.release else { throw unexpected("a flip without a release") }
        // Where the live slot was damaged, its release was staged again beside it.
        if request.direction == .flip, let ready = status.newestReady(of: release) { return ready }
        if let live = status.live, status[live].holds(release) { return live }
        let holders = status.numbers.filter { status[$0].holds(release) }
        if let previous = status.previous, holders.contains(previous) { return wholeSlot(for: previous, in: ring) }
        if let slot = holders.first(where: { status[$0].state != .bad }) ?? holders.first {
            return wholeSlot(for: slot, in: ring)
        }
        if let slot = status.numbers.first(where: { status[$0].release?.id == release }) {
            throw SlotSyncError(
                .notReady, "release \(release) in slot \(slot) is \(status[slot].state): stage it again")
        }
        throw SlotSyncError(.notReady, "release \(release) is in no slot of this host: stage it first")
    }

    /// Renames, and notes it.
    ///
    /// - Returns: when, and what there is to warn of.
    /// - Throws: `system`, if `current` is what it was; whatever fails afterwards is a warning.
    private func move(_ ring: Ring, to flip: PreparedFlip) throws -> (Timestamp, [String]) {
        let change = flip.change
        let isHookAsked = !flip.request.afterHook.isEmpty
        let owedBefore = ring.status.owedHook
        // Before the rename: whatever is killed from then on, the hook is owed. A provisional flip has noted its own.
        if self.flip?.standing != .provisional,
            isHookAsked || ring.status.owedHook != nil || ring.state.owedBefore != nil
        {
            _ = ring.note {
                if !flip.isRepair { $0.keepOwedHook() }
                guard isHookAsked else { return }
                $0.status.owedHook = OwedHook(flip.hook, release: change.release.id, since: Timestamp.now.seconds)
            }
        }
        let moment: Timestamp
        var warnings: [String]
        do {
            (moment, warnings) = try ring.pointCurrent(at: change.slot, isWayBack: flip.request.direction == .rollback)
        } catch {
            if isHookAsked { _ = ring.note { $0.status.owedHook = owedBefore } }
            throw ring.switchFailure({ "flip \($0), and nothing was flipped" }, error)
        }
        if flip.isRepair {
            if !isHookAsked, let said = ring.note({ _ in }) { warnings.append(said) }
        } else {
            let kind: FlipRecord.Kind = flip.request.direction == .flip ? .flip : .rollback
            let said = ring.note { state in
                state.note(change, as: kind, at: moment.seconds, owing: isHookAsked ? flip.hook : nil)
            }
            if let said { warnings.append(said) }
        }
        return (moment, warnings)
    }

    /// Warns the controller of what a switch of `current` left undone.
    func tell(_ warnings: [String]) throws {
        for text in warnings { try connection.send(.warning(text), within: flip?.request.provisionalLimit) }
    }

    /// Takes the commit of this session back, provisional or not, for a controller that waits for it.
    ///
    /// - Returns: what was done, for a person.
    private func takeBack() async throws -> String {
        guard let flip else { throw unexpected("an undo without a flip") }
        let ring = try existingRing()
        let reversal: Reversal
        if flip.standing == .provisional {
            reversal = try await revert(ring, because: "", attended: true)
        } else {
            let hook = flip.request.undoHook
            if let from = flip.change.from, !ring.canBeLive(from) {
                throw SlotSyncError(
                    .notReady, "slot \(from), which was live before, has lost all that it had: stage its release again")
            }
            let moment: Timestamp
            var warnings: [String]
            do { (moment, warnings) = try ring.pointCurrent(at: flip.change.from, isWayBack: true) } catch {
                throw ring.switchFailure({ "flip \($0) back" }, error)
            }
            let said = ring.note {
                $0.noteUndo(of: flip.change, at: moment.seconds, hook: hook.isEmpty ? .none : .owed)
            }
            if let said { warnings.append(said) }
            self.flip?.standing = .takenBack
            let connection = connection
            let warning = await runUndoHook(
                hook, flip.change, in: ring, isAwaited: { connection.reasonToStop() == nil })
            if let warning {
                warnings.append(warning)
            } else if !hook.isEmpty, let said = noteHookDone(in: ring) {
                warnings.append(said)
            }
            if let said = changeWarning(afterReturnTo: flip.change.from, in: ring) { warnings.append(said) }
            reversal = Reversal(done: "this host was flipped back", warnings: warnings)
        }
        // It is done, whoever hears of it.
        try? tell(reversal.warnings)
        return reversal.done
    }

    private func outcome(_ flip: PreparedFlip, renamedAt: Int64, hasRunHook: Bool = false) -> FlipOutcome {
        var outcome = FlipOutcome(
            slot: flip.change.slot, release: flip.change.release, previousSlot: flip.change.from,
            previous: flip.change.fromBefore?.release, changed: !flip.changesNothing, renamedAt: renamedAt,
            hasRunHook: hasRunHook)
        // The session began with what the rollback was to do.
        if flip.request.direction == .rollback, flip.changesNothing, let wentBack, wentBack.from == flip.change.slot {
            (outcome.previousSlot, outcome.previous, outcome.changed) = (wentBack.slot, wentBack.release, true)
        }
        return outcome
    }

    /// The warning for whoever rolls back what has gone back by itself, and may not know that.
    private func warningOfSecondRollback(_ flip: PreparedFlip, _ ring: Ring) -> String? {
        guard flip.request.direction == .rollback, !flip.changesNothing, let last = ring.state.history.last,
            last.kind == .undo, !last.reason.isEmpty
        else { return nil }
        return
            "this host had gone back by itself from release \(last.release) at \(utcText(last.at)) (\(last.reason)); this "
            + "rollback goes further back"
    }

    func runHook(_ command: String, named name: String, _ flip: PreparedFlip) async throws {
        try Hook(name: name, command: command).run(
            for: subject(
                slot: flip.change.slot, flip.change.release,
                before: flip.changesNothing || flip.isRepair ? nil : flip.change.fromBefore?.release),
            temporary: existingRing().temporary, stoppedBy: connection.reasonToStop)
    }
}
