// A flip or a rollback on a host. Each phase is a request of its own, so that the controller leads all hosts through it
// together. The agent holds the lock from `prepare` to the end of the session.

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

    /// Whether there is something to take back.
    var isCommitted: Bool { standing == .provisional || standing == .lasting }

    /// Whether the release was live already.
    var changesNothing: Bool { change.slot == change.from }
}

extension AgentSession {
    // MARK: Phases

    /// First phase: finds the slot, checks it entry by entry, changes nothing.
    func prepare(_ request: FlipRequest) async throws {
        guard flip == nil else { throw unexpected("a second flip in one session") }
        let ring = try await lockRing(for: request.direction == .flip ? "a flip" : "a rollback")
        let slot = try findSlot(request, ring)
        try checkNotBad(slot, request, ring)
        let prepared = PreparedFlip(request: request, change: FlipChange(to: slot, in: ring.status))
        if !prepared.changesNothing {
            let record = try ring.record(of: slot)
            let content = try SlotInspection.content(
                of: slot, in: ring, record: record, checksum: false, parallelism: parallelism, progress: progress)
            if !content.isAsSealed {
                guard let record else {
                    throw SlotSyncError(
                        .notReady, "the record of slot \(slot) in \(quoted(root)) is damaged: stage the release again")
                }
                var differences = SlotDifferences(between: record.manifest, and: content.manifest)
                for path in content.specials { differences.note(.added, path) }
                if let first = differences.lines.first {
                    throw SlotSyncError(
                        .notReady,
                        "slot \(slot) in \(quoted(root)) was changed since it was sealed (\(first)"
                            + "\(differences.count > 1 ? " and \(differences.count - 1) more" : "")): stage the release again"
                    )
                }
            }
        }
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
            try connection.send(.flipped(outcome(flip, renamedAt: 0)))
            return
        }
        if let limit = flip.request.provisionalLimit { try beginProvisional(flip, limit: limit, in: ring) }
        let moment = try move(ring, to: flip)
        if self.flip?.standing == .prepared { self.flip?.standing = .lasting }
        do {
            let name = flip.request.direction == .flip ? "after_flip" : "after_rollback"
            try await runHook(flip.request.afterHook, named: name, flip)
        } catch {
            // The hook did not fail: its controller is gone. That ends the session, and takes the flip back.
            if self.flip?.standing == .provisional, (error as? SlotSyncError)?.code != .hookFailed { throw error }
            guard flip.request.direction == .flip else {
                // Whoever rolls back wants out of a bad release: no hook keeps a host in it.
                try connection.send(.warning("\(error); this host is rolled back all the same"))
                try connection.send(.flipped(outcome(flip, renamedAt: moment.nanosecondsSince1970)))
                return
            }
            let done: String
            do { done = try await takeBack() } catch let second {
                throw SlotSyncError(
                    .hookFailed,
                    "\(error); this host could not be flipped back (\(second)): slot \(flip.change.slot) is live")
            }
            throw SlotSyncError(.hookFailed, "\(error); \(done)")
        }
        try connection.send(.flipped(outcome(flip, renamedAt: moment.nanosecondsSince1970)))
    }

    /// Takes the flip of this session back, if there was one.
    func undo() async throws {
        guard let flip else { throw unexpected("an undo without a flip") }
        if flip.isCommitted { _ = try await takeBack() }
        var back = outcome(flip, renamedAt: 0)
        back.changed = flip.isCommitted
        try connection.send(.flipped(back), within: flip.request.provisionalLimit)
    }

    // MARK: Parts

    private func findSlot(_ request: FlipRequest, _ ring: Ring) throws -> Int {
        let status = ring.status
        if request.direction == .rollback && request.release == nil {
            guard let previous = status.previous else {
                throw SlotSyncError(
                    .notReady, "no release was live before on this host that is still there: name one with --to")
            }
            return previous
        }
        guard let release = request.release else { throw unexpected("a flip without a release") }
        // Next first: where the live slot was damaged, its release was staged again beside it.
        if status.readyRelease?.id == release { return status.next }
        if let live = status.live, status[live].holds(release) { return live }
        let holders = status.numbers.filter { status[$0].holds(release) }
        if let slot = holders.first(where: { status[$0].state != .bad }) ?? holders.first { return slot }
        if let slot = status.numbers.first(where: { status[$0].release?.id == release }) {
            throw SlotSyncError(
                .notReady, "release \(release) in slot \(slot) is \(status[slot].state): stage it again")
        }
        throw SlotSyncError(.notReady, "release \(release) is in no slot of this host: stage it first")
    }

    private func move(_ ring: Ring, to flip: PreparedFlip) throws -> Timestamp {
        let change = flip.change
        do {
            let moment = try ring.pointCurrent(at: change.slot)
            let kind: FlipRecord.Kind = flip.request.direction == .flip ? .flip : .rollback
            try ring.update { $0.note(change, as: kind, at: moment.seconds) }
            return moment
        } catch {
            // The rename may have happened before what failed; whoever hears of a failure must find nothing changed.
            var outcome = "nothing was flipped"
            // A link that cannot be read may be the new one.
            let isBack =
                if case .success(change.from) = Result(catching: { try ring.slotOfCurrent() }) { true } else { false }
            if !isBack, (try? ring.pointCurrent(at: change.from)) == nil {
                outcome = "slot \(change.slot) is live, and could not be taken back"
            }
            let reason = (error as? SlotSyncError).map { ": \($0)" } ?? ""
            throw SlotSyncError(
                .system, "cannot flip \(quoted(root + "/current")) (\(outcome))\(reason)", errno: error as? Errno)
        }
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
            let moment = try ring.pointCurrent(at: flip.change.from)
            try ring.update { $0.noteUndo(of: flip.change, at: moment.seconds) }
            self.flip?.standing = .takenBack
            let warning = await runUndoHook(flip.request.undoHook, flip.change, unattendedFor: nil, in: ring)
            reversal = Reversal(done: "this host was flipped back", warning: warning)
        }
        if let warning = reversal.warning {
            try connection.send(.warning(warning), within: flip.request.provisionalLimit)
        }
        return reversal.done
    }

    private func outcome(_ flip: PreparedFlip, renamedAt: Int64) -> FlipOutcome {
        FlipOutcome(
            slot: flip.change.slot, release: flip.change.release, previousSlot: flip.change.from,
            previous: flip.change.fromBefore?.release, changed: !flip.changesNothing, renamedAt: renamedAt)
    }

    private func runHook(_ command: String, named name: String, _ flip: PreparedFlip) async throws {
        var reasonToStop: (@Sendable () -> SlotSyncError?)?
        if self.flip?.standing == .provisional { reasonToStop = { [connection] in connection.reasonToStop() } }
        try await Hook(name: name, command: command).run(
            root: root, slot: flip.change.slot, release: flip.change.release.id, temporary: existingRing().temporary,
            stoppedBy: reasonToStop)
    }
}
