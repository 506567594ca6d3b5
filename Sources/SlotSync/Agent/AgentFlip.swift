// Flipping and rolling back on a host: one request a phase, so that the controller can lead all hosts
// through each phase together. The lock is held from `prepare` to the end of the session.

import Glibc
import SystemPackage

/// A flip that was prepared in this session.
struct PreparedFlip {
    var request: FlipRequest
    var slot: Int
    /// 0: nothing is live.
    var from: Int
    /// What both slots' states were, for taking the flip back.
    var before: RingState
    var isCommitted = false
}

extension AgentSession {
    // MARK: Phases

    /// First phase: finds the slot, checks it entry by entry, changes nothing.
    func prepare(_ request: FlipRequest) throws {
        guard flip == nil else { throw unexpected("a second flip in one session") }
        let ring = try existingRing()
        try ring.acquireLock(for: "\(request.direction == .flip ? "a flip" : "a rollback") by \(peer)")
        let slot = try findSlot(request, ring)
        let prepared = PreparedFlip(request: request, slot: slot, from: ring.state.live ?? 0, before: ring.state)
        if slot != prepared.from {
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
        try connection.send(.prepared(outcome(prepared, ring, renamedAt: 0)))
    }

    /// Second phase, where there is a hook.
    func runBeforeHook() async throws {
        guard let flip, !flip.isCommitted else { throw unexpected("a hook outside of a flip") }
        if flip.slot != flip.from { try await runHook(flip.request.beforeHook, named: "before_flip", flip) }
        try connection.send(.hookDone)
    }

    /// Third phase: the rename. What follows it may still take it back.
    func commit() async throws {
        guard var flip, !flip.isCommitted else { throw unexpected("a commit without a flip") }
        let ring = try existingRing()
        guard flip.slot != flip.from else {
            try connection.send(.flipped(outcome(flip, ring, renamedAt: 0)))
            return
        }
        let moment = try move(ring, to: flip)
        flip.isCommitted = true
        self.flip = flip
        do {
            let name = flip.request.direction == .flip ? "after_flip" : "after_rollback"
            try await runHook(flip.request.afterHook, named: name, flip)
        } catch {
            guard flip.request.direction == .flip else {
                // Whoever rolls back wants out of a bad release: no hook keeps a host in it.
                try connection.send(.warning("\(error); this host is rolled back all the same"))
                try connection.send(.flipped(outcome(flip, ring, renamedAt: moment.nanosecondsSince1970)))
                return
            }
            do { try await takeBack(flip) } catch let second {
                throw SlotSyncError(
                    .hookFailed, "\(error); this host could not be flipped back (\(second)): slot \(flip.slot) is live")
            }
            throw SlotSyncError(.hookFailed, "\(error); this host was flipped back")
        }
        try connection.send(.flipped(outcome(flip, ring, renamedAt: moment.nanosecondsSince1970)))
    }

    /// Takes the flip of this session back, if there was one.
    func undo() async throws {
        guard let flip else { throw unexpected("an undo without a flip") }
        if flip.isCommitted { try await takeBack(flip) }
        let ring = try existingRing()
        var back = outcome(flip, ring, renamedAt: 0)
        back.changed = flip.isCommitted
        try connection.send(.flipped(back))
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
        func holds(_ slot: Int) -> Bool { ring.state[slot].release?.id == release && ring.state[slot].state.isSealed }
        // Next first: where the live slot was damaged, its release was staged again beside it.
        if ring.state[status.next].state == .ready && holds(status.next) { return status.next }
        if let live = status.live, holds(live) { return live }
        if let slot = (1...ring.state.slots.count).first(where: { holds($0) && ring.state[$0].state != .bad }) {
            return slot
        }
        if let slot = (1...ring.state.slots.count).first(where: { ring.state[$0].release?.id == release }) {
            let held = ring.state[slot]
            throw SlotSyncError(
                .notReady,
                "release \(release) in slot \(slot) is \(held.state)\(held.reason.isEmpty ? "" : ": \(held.reason)")"
                    + (held.state == .staging ? ": stage it again" : ""))
        }
        throw SlotSyncError(.notReady, "release \(release) is in no slot of this host: stage it first")
    }

    private func move(_ ring: Ring, to flip: PreparedFlip) throws -> Timestamp {
        let moment: Timestamp
        do {
            moment = try ring.pointCurrent(at: flip.slot)
            try note(flip, at: moment.seconds, in: ring)
        } catch {
            // The rename may have happened before what failed; whoever hears of a failure must find nothing changed.
            var outcome = "nothing was flipped"
            if (try? ring.slotOfCurrent()) != flip.from, (try? ring.pointCurrent(at: flip.from)) == nil {
                outcome = "slot \(flip.slot) is live, and could not be taken back"
            }
            let reason = (error as? SlotSyncError).map { ": \($0)" } ?? ""
            throw SlotSyncError(
                .system, "cannot flip \(quoted(root + "/current")) (\(outcome))\(reason)", errno: error as? Errno)
        }
        return moment
    }

    private func note(_ flip: PreparedFlip, at now: Int64, in ring: Ring) throws {
        try ring.update { state in
            if flip.from != 0 {
                state[flip.from].state = .retired
                state[flip.from].since = now
            }
            state[flip.slot].state = .live
            state[flip.slot].since = now
            if flip.request.direction == .flip { state[flip.slot].previous = flip.from == 0 ? nil : flip.from }
            if let release = state[flip.slot].release {
                let kind: FlipRecord.Kind = flip.request.direction == .flip ? .flip : .rollback
                state.note(FlipRecord(kind: kind, at: now, fromSlot: flip.from, toSlot: flip.slot, release: release.id))
            }
        }
    }

    private func takeBack(_ flip: PreparedFlip) async throws {
        let ring = try existingRing()
        let moment = try ring.pointCurrent(at: flip.from)
        try ring.update { state in
            state.slots = flip.before.slots
            if let release = flip.before[flip.slot].release {
                state.note(
                    FlipRecord(
                        kind: .undo, at: moment.seconds, fromSlot: flip.slot, toSlot: flip.from, release: release.id))
            }
        }
        self.flip?.isCommitted = false
        var back = flip
        swap(&back.slot, &back.from)
        guard back.slot != 0 else { return }
        // The host is back on its release: a hook cannot change that, only be told of.
        do { try await runHook(flip.request.undoHook, named: "after_rollback", back) } catch {
            try connection.send(.warning("\(error)"))
        }
    }

    private func outcome(_ flip: PreparedFlip, _ ring: Ring, renamedAt: Int64) -> FlipOutcome {
        let release = flip.before[flip.slot].release ?? ReleaseName(id: .empty)
        return FlipOutcome(
            slot: flip.slot, release: release, previousSlot: flip.from,
            previous: flip.from == 0 ? nil : flip.before[flip.from].release, changed: flip.slot != flip.from,
            renamedAt: renamedAt)
    }

    private func runHook(_ command: String, named name: String, _ flip: PreparedFlip) async throws {
        guard !command.isEmpty, let release = flip.before[flip.slot].release else { return }
        try await Hook(name: name, command: command)
            .run(root: root, slot: flip.slot, release: release.id, temporary: existingRing().temporary)
    }
}
