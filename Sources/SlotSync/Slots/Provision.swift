// A provisional flip, live but not confirmed: what is noted in the ring's state before the rename, so that whoever comes after a
// crash can take it back; and what a flip, its end and a verdict on a release make of the state. The agent's flips
// call these (AgentFlip, AgentProvision, AgentBad).

/// The two slots of a flip, and what their states were before it.
struct FlipChange: Hashable, Sendable {
    var slot: Int
    /// 0: nothing was live.
    var from: Int
    var slotBefore: SlotStatus
    var fromBefore: SlotStatus?

    var release: ReleaseName { slotBefore.release ?? ReleaseName(id: .empty) }
}

extension FlipChange {
    init(to slot: Int, in state: RingState) {
        self.init(
            slot: slot, from: state.live ?? 0, slotBefore: state[slot], fromBefore: state.live.map { state[$0] })
    }
}

/// A flip that nobody has confirmed yet. Whoever holds the ring's lock watches it; where nobody does, it is taken back.
struct Provision: Hashable, Sendable {
    /// How long a controller may be silent, in milliseconds.
    static let limits = 1000...600_000

    var change: FlipChange
    /// Seconds since 1970.
    var since: Int64
    /// How long the controller may be silent.
    var limit: Duration
    /// A shell command that runs when the flip was taken back; empty: none.
    var undoHook: String
    /// Whether the rename may have been seen by somebody: then the hook is owed.
    var isFlipped = false

    var status: ProvisionStatus {
        ProvisionStatus(slot: change.slot, from: change.from == 0 ? nil : change.from, since: since, limit: limit)
    }
}

extension RingState {
    /// Notes a flip that was made.
    mutating func note(_ change: FlipChange, as kind: FlipRecord.Kind, at moment: Int64) {
        if change.from != 0 {
            self[change.from].state = .retired
            self[change.from].since = moment
        }
        self[change.slot].state = .live
        self[change.slot].since = moment
        self[change.slot].reason = ""
        if kind == .flip { self[change.slot].previous = change.from == 0 ? nil : change.from }
        provision?.isFlipped = true
        note(
            FlipRecord(
                kind: kind, at: moment, fromSlot: change.from, toSlot: change.slot, release: change.release.id))
    }

    /// Notes that a flip was taken back: both slots are what they were.
    mutating func noteUndo(of change: FlipChange, at moment: Int64, because reason: String = "") {
        self[change.slot] = change.slotBefore
        if let before = change.fromBefore { self[change.from] = before }
        provision = nil
        note(
            FlipRecord(
                kind: .undo, at: moment, fromSlot: change.slot, toSlot: change.from, release: change.release.id,
                reason: cut(reason, atMost: FlipRecord.longestReason)))
    }

    /// Why a release is bad; nil if no slot says so.
    func reasonAgainst(_ release: ContentDigest) -> String? {
        slots.first { ($0.state == .bad || $0.state == .staging) && $0.release?.id == release && !$0.reason.isEmpty }?
            .reason
    }

    /// Marks the release as bad in every slot that holds it and is not live. One that is being filled with it becomes
    /// bad when it is sealed.
    mutating func markBad(_ release: ContentDigest, because reason: String, at moment: Int64) {
        for slot in 1...slots.count where self[slot].release?.id == release && self[slot].state != .live {
            self[slot].reason = cut(reason, atMost: Self.longestReason)
            if self[slot].state.isSealed {
                self[slot].state = .bad
                self[slot].since = moment
            }
        }
    }

    /// Marks a slot whose content was verified and is durable.
    mutating func noteSealed(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let reason = self[slot].reason
        self[slot] = SlotStatus(
            state: reason.isEmpty ? .ready : .bad, release: release, since: moment, reason: reason)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down; at most 292 million years.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        let (thousands, overflow) = Int(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : thousands + Int(attoseconds / 1_000_000_000_000_000)
    }
}
