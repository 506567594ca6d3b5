// What a host remembers of its ring: the ring itself, the history of flips, and the way back from a flip that is not
// confirmed yet. `current` stays the truth of what is live: `reconciled(with:)` brings the two together after a crash
// between their changes. RingStateCoding has the file, FlipChange what a flip makes of the state.

/// One change of `current`, for the history.
struct FlipRecord: Hashable, Sendable {
    enum Kind: String, Sendable { case flip, rollback, undo }
    var kind: Kind
    /// Seconds since 1970.
    var at: Int64
    /// Nil: nothing was live before, or nothing is after.
    var fromSlot: Int?
    var toSlot: Int?
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

    /// The ring, as the controller is told of it.
    var status: RingStatus
    var history: [FlipRecord] = []
    /// How the provisional flip is taken back; nil exactly where the ring has none.
    var wayBack: WayBack?

    init(slotCount: Int) {
        status = RingStatus(slots: Array(repeating: SlotStatus(state: .empty), count: slotCount))
    }

    mutating func note(_ flip: FlipRecord) {
        history.append(flip)
        if history.count > Self.longestHistory { history.removeFirst(history.count - Self.longestHistory) }
    }

    // MARK: Stages

    /// Marks a slot as being filled: what it held is gone, so no slot goes back to it any more. A release that is bad
    /// in any slot is bad in this one as well, once it is sealed.
    mutating func beginStaging(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let isSame = status[slot].release?.id == release.id
        status[slot] = SlotStatus(
            state: .staging, release: release, since: moment, reason: status.badReason(of: release.id) ?? "")
        guard !isSame else { return }
        for other in status.numbers where status[other].previous == slot { status[other].previous = nil }
    }

    /// Marks a slot whose content was verified and is durable.
    mutating func noteSealed(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let reason = status[slot].reason
        status[slot] = SlotStatus(
            state: reason.isEmpty ? .ready : .bad, release: release, since: moment, reason: reason)
    }

    /// Marks the release as bad in every slot that holds it and is not live. One that is being filled with it becomes
    /// bad when it is sealed.
    mutating func markBad(_ release: ContentDigest, because reason: String, at moment: Int64) {
        for slot in status.numbers where status[slot].release?.id == release && status[slot].state != .live {
            status[slot].reason = cut(reason, atMost: SlotStatus.longestReason)
            if status[slot].state.isSealed {
                status[slot].state = .bad
                status[slot].since = moment
            }
        }
    }

    // MARK: After a crash

    /// This state as it has to be, given the slot that `current` points at.
    ///
    /// - Throws: `notReady` if that slot never held a whole release.
    func reconciled(with current: Int?, root: String) throws(SlotSyncError) -> RingState {
        let before = status.live
        guard before != current else { return self }
        var state = self
        if let before { state.status[before].state = .retired }
        if let current {
            guard status[current].state.isSealed else {
                throw SlotSyncError(
                    .notReady,
                    "\(quoted(root)): current points at slot \(current), which is \(status[current].state) and no whole "
                        + "release: point it back at a slot that `slotsync status` calls retired or ready")
            }
            // A rollback was cut short where what was live came after what is: that one's own past stands.
            let isRollback = before.map { status[$0].previous == current } ?? false
            state.status[current].state = .live
            state.status[current].reason = ""
            if let before, !isRollback { state.status[current].previous = before }
        }
        return state
    }
}
