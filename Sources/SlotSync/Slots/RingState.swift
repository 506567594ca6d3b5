// What a ring remembers beyond the `current` link: the states of its slots, the history of flips, and a flip that is
// not confirmed yet. `current` itself stays the truth of what is live, and `reconciled(with:)` brings the two together
// after a crash between their changes. RingStateCoding.swift has the file.

/// One change of `current`, for the history.
struct FlipRecord: Hashable, Sendable {
    enum Kind: String, Sendable { case flip, rollback, undo }
    var kind: Kind
    /// Seconds since 1970.
    var at: Int64
    /// 0: nothing was live before, or nothing is after.
    var fromSlot: Int
    var toSlot: Int
    var release: ContentDigest
    /// Why a host went back by itself; empty where it was told to.
    var reason = ""

    /// The longest reason, in bytes: there may be one in every line of the history.
    static let longestReason = 100
}

/// The content of `.slotsync/state`.
struct RingState: Hashable, Sendable {
    /// How many flips are remembered.
    static let longestHistory = 200
    /// No state file is larger; bounds what is read.
    static let largestFile = 512 * 1024
    /// The longest reason for which a slot is bad, in bytes.
    static let longestReason = 1024

    var slots: [SlotStatus]
    var history: [FlipRecord] = []
    /// The flip that nobody has confirmed yet.
    var provision: Provision?

    init(slotCount: Int) { slots = Array(repeating: SlotStatus(state: .empty), count: slotCount) }

    subscript(slot: Int) -> SlotStatus {
        get { slots[slot - 1] }
        set { slots[slot - 1] = newValue }
    }

    /// The slot that this state holds for live.
    var live: Int? { slots.firstIndex { $0.state == .live }.map { $0 + 1 } }

    mutating func note(_ flip: FlipRecord) {
        history.append(flip)
        if history.count > Self.longestHistory { history.removeFirst(history.count - Self.longestHistory) }
    }

    /// Marks a slot as being filled: what it held is gone, so no slot goes back to it any more. A release that is bad in
    /// any slot is bad in this one as well, once it is sealed.
    mutating func beginStaging(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let isSame = self[slot].release?.id == release.id
        self[slot] = SlotStatus(
            state: .staging, release: release, since: moment, reason: reasonAgainst(release.id) ?? "")
        guard !isSame else { return }
        for index in slots.indices where slots[index].previous == slot { slots[index].previous = nil }
    }

    /// This state as it has to be, given the slot that `current` points at.
    ///
    /// - Throws: `notReady` if that slot never held a whole release.
    func reconciled(with current: Int?, root: String) throws(SlotSyncError) -> RingState {
        guard live != current else { return self }
        var state = self
        let before = live
        if let before { state[before].state = .retired }
        if let current {
            guard state[current].state.isSealed else {
                throw SlotSyncError(
                    .notReady,
                    "\(quoted(root)): current points at slot \(current), which is \(state[current].state) and no whole "
                        + "release: point it back at a slot that `slotsync status` calls retired or ready")
            }
            // A rollback was cut short where what was live came after what is: that one's own past stands.
            let isRollback = before.map { state[$0].previous == current } ?? false
            state[current].state = .live
            state[current].reason = ""
            if let before, !isRollback { state[current].previous = before }
        }
        return state
    }
}
