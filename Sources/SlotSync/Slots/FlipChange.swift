// What a flip, its confirmation and its end make of a ring's state. A provisional flip is noted before its rename, so
// that whoever comes after a crash can take it back. The agent's flips call these (AgentFlip, AgentProvisionalFlip).

/// The two slots of a flip, and what their states were before it.
package struct FlipChange: Hashable, Sendable {
    package var slot: Int
    /// Nil: nothing was live.
    package var from: Int?
    var slotBefore: SlotStatus
    var fromBefore: SlotStatus?

    var release: ReleaseName { slotBefore.release ?? ReleaseName(id: .empty) }
}

extension FlipChange {
    package init(to slot: Int, in ring: RingStatus) {
        self.init(slot: slot, from: ring.live, slotBefore: ring[slot], fromBefore: ring.live.map { ring[$0] })
    }
}

/// What takes a provisional flip back. Whoever holds the ring's lock watches the flip; where nobody does, it is taken
/// back.
package struct WayBack: Hashable, Sendable {
    package var change: FlipChange
    /// A shell command that runs when the flip was taken back; empty: none.
    package var undoHook: String
    /// Whether the rename may have been seen by somebody: then the hook is owed.
    var isFlipped = false
    /// Whether it was read from a file that another user can write: then the hook is not run.
    var isHookForeign = false
}

extension RingState {
    /// Notes a provisional flip that is about to be made.
    mutating func noteProvisional(_ change: FlipChange, since: Int64, limit: Duration, undoHook: String) {
        keepOwedHook()
        status.provisional = ProvisionalFlip(slot: change.slot, from: change.from, since: since, limit: limit)
        wayBack = WayBack(change: change, undoHook: undoHook)
    }

    /// Notes that no flip is provisional any more: it was confirmed, taken back, or never made.
    mutating func noteNoneProvisional() {
        status.provisional = nil
        wayBack = nil
    }

    /// Notes a flip that was made.
    ///
    /// - Parameter hook: what has to run now, and is owed until it has; nil: nothing.
    package mutating func note(
        _ change: FlipChange, as kind: FlipRecord.Kind, at moment: Int64, owing hook: OwedHook.Kind? = nil
    ) {
        if kind == .flip { status[change.slot].previous = way(from: change.from, to: change.slot) }
        if kind == .rollback { passReady() }
        if let from = change.from {
            status[from].state = .retired
            status[from].since = moment
        }
        status[change.slot].state = .live
        status[change.slot].since = moment
        status[change.slot].reason = ""
        status.owedHook = hook.map { OwedHook($0, release: change.release.id, since: moment) }
        wayBack?.isFlipped = true
        note(
            FlipRecord(
                kind: kind, at: moment, fromSlot: change.from, toSlot: change.slot, release: change.release.id,
                name: change.release.name))
    }

    /// Keeps what is owed to the live release, for the case that the flip which comes now is taken back.
    mutating func keepOwedHook() {
        owedBefore = status.owedHook.flatMap { $0.release == status.liveRelease?.id ? $0 : nil }
    }

    /// The hook that follows when a flip was taken back.
    package enum UndoHook {
        /// There is none: what was owed before is owed again.
        case none
        /// It has to run yet.
        case owed
        /// It has run, and settles what was owed before.
        case done
    }

    /// Notes that a flip was taken back: both slots are what they were.
    mutating func noteUndo(
        of change: FlipChange, at moment: Int64, because reason: String = "", hook: UndoHook = .none
    ) {
        status[change.slot] = change.slotBefore
        if let from = change.from, let before = change.fromBefore { status[from] = before }
        noteNoneProvisional()
        let release = change.fromBefore?.release?.id
        status.owedHook =
            switch hook {
            case .none: owedBefore.flatMap { $0.release == release ? $0 : nil }
            case .owed: release.map { OwedHook(.afterRollback, release: $0, since: moment) }
            case .done: nil
            }
        owedBefore = nil
        note(
            FlipRecord(
                kind: .undo, at: moment, fromSlot: change.slot, toSlot: change.from, release: change.release.id,
                name: change.release.name, reason: cut(reason, atMost: FlipRecord.longestReason)))
    }
}
