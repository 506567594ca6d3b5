// What a host remembers of its ring: the ring itself, the history of flips, and the way back from a flip that is not
// confirmed yet. `current` stays the truth of what is live: `reconciled(with:)` brings the two together after a crash
// between their changes. RingStateCoding has the file, FlipChange what a flip makes of the state.

/// One change of `current`, for the history.
package struct FlipRecord: Hashable, Sendable {
    package enum Kind: String, Sendable { case flip, rollback, undo }
    package var kind: Kind
    /// Seconds since 1970.
    var at: Int64
    /// Nil: nothing was live before, or nothing is after.
    var fromSlot: Int?
    var toSlot: Int?
    var release: ContentDigest
    /// The release's name then; it may get another one later.
    var name = ""
    /// Why a host went back by itself; empty where it was told to.
    var reason = ""
    /// Whether a rollback was told that the host had gone back by itself, and so has done its work.
    var isSettled = false

    /// The longest reason, in bytes: there may be one in every line of the history.
    static let longestReason = 100
}

/// The content of `.slotsync/state`.
package struct RingState: Hashable, Sendable {
    /// How many flips are remembered.
    static let longestHistory = 200
    /// No state file is larger; bounds what is read.
    static let largestFile = 512 * 1024

    /// The ring, as the controller is told of it.
    package var status: RingStatus
    package internal(set) var history: [FlipRecord] = []
    /// How the provisional flip is taken back; nil exactly where the ring has none.
    package internal(set) var wayBack: WayBack?
    /// What was owed to the release that was live before the last flip.
    var owedBefore: OwedHook?

    package init(slotCount: Int) {
        status = RingStatus(slots: Array(repeating: SlotStatus(state: .empty), count: slotCount))
    }

    mutating func note(_ flip: FlipRecord) {
        history.append(flip)
        if history.count > Self.longestHistory { history.removeFirst(history.count - Self.longestHistory) }
    }

    /// The change by which the host went back by itself, if nothing was changed since: a rollback that names no release
    /// was done by it, unless one has settled it.
    var loneReturn: FlipRecord? {
        guard let last = history.last, last.kind == .undo, !last.reason.isEmpty, !last.isSettled, wayBack == nil,
            last.toSlot != nil, last.toSlot == status.live
        else { return nil }
        return last
    }

    /// What it left by that.
    package var returned: ReleaseName? { loneReturn.map { ReleaseName(id: $0.release, name: $0.name) } }

    /// Notes that a rollback has counted the host as gone back: the next one goes further.
    package mutating func settleReturn() {
        if loneReturn != nil { history[history.count - 1].isSettled = true }
    }

    // MARK: Stages

    /// Marks a slot as being filled: what it held is gone, so no slot goes back to it any more, but to what was live
    /// before that. A release that is bad in any slot is bad in this one as well, once it is sealed.
    package mutating func beginStaging(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let isSame = status[slot].release?.id == release.id
        let older = status[slot].previous
        status[slot] = SlotStatus(
            state: .staging, release: release, since: moment, reason: status.badReason(of: release.id) ?? "",
            stage: newStage)
        rename(release)
        guard !isSame else { return }
        for other in status.numbers where status[other].previous == slot {
            status[other].previous = older == other ? nil : older
        }
    }

    /// The number of a stage that begins now.
    private var newStage: Int {
        min(max(status.slots.map(\.stage).max() ?? 0, status.passedStage) + 1, SlotStatus.mostStages)
    }

    /// Marks a slot whose content was verified and is durable.
    package mutating func noteSealed(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let reason = status[slot].reason
        status[slot] = SlotStatus(
            state: reason.isEmpty ? .ready : .bad, release: release, since: moment, reason: reason,
            stage: status[slot].stage)
    }

    /// Notes that a slot was found to hold, whole, what was staged again: it is ready, and the last one staged.
    package mutating func noteFound(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        rename(release)
        guard status[slot].state == .ready || status[slot].state == .retired else { return }
        if status[slot].state == .retired { status[slot].since = moment }
        status[slot].state = .ready
        if status.readySlot != slot { status[slot].stage = newStage }
    }

    /// A release that is staged under another name has that one from then on, in all slots that hold it.
    private mutating func rename(_ release: ReleaseName) {
        guard !release.name.isEmpty else { return }
        for slot in status.numbers where status[slot].release?.id == release.id { status[slot].release = release }
    }

    /// Marks the release as bad in every slot that holds it and is not live. One that is being filled with it becomes
    /// bad when it is sealed. What was staged before it is not flipped to any more without being named.
    package mutating func markBad(_ release: ContentDigest, because reason: String, at moment: Int64) {
        for slot in status.numbers where status[slot].release?.id == release && status[slot].state != .live {
            status[slot].reason = cut(reason, atMost: SlotStatus.longestReason)
            status.passedStage = max(status.passedStage, status[slot].stage)
            if status[slot].state.isSealed {
                status[slot].state = .bad
                status[slot].since = moment
            }
        }
    }

    // MARK: After a crash

    /// This state as it has to be, given the slot that `current` points at, which holds a whole release.
    ///
    /// - Parameter moment: when `current` came to point there, in seconds since 1970.
    package func reconciled(with current: Int?, at moment: Int64) -> RingState {
        let before = status.live
        guard before != current else { return withOwedHook }
        var state = self
        // A rollback was cut short where what was live came after what is: that one's own past stands.
        let isRollback =
            before.map { status.lastOther(before: $0) == current || status[$0].previous == current } ?? false
        if let before { state.status[before].state = .retired }
        guard let current else { return state }
        state.status[current].state = .live
        state.status[current].reason = ""
        if isRollback && wayBack == nil { state.passReady() }
        if let before, !isRollback { state.status[current].previous = state.way(from: before, to: current) }
        // What was to follow the change of `current` was noted before it.
        if state.status.owedHook?.release != state.status[current].release?.id {
            state.status.owedHook = owedBefore.flatMap { $0.release == status[current].release?.id ? $0 : nil }
        }
        // What is provisional is brought to its end by an agent, which notes it.
        guard wayBack == nil else { return state }
        state.note(
            FlipRecord(
                kind: isRollback ? .rollback : .flip, at: moment, fromSlot: before, toSlot: current,
                release: status[current].release?.id ?? .empty, name: status[current].release?.name ?? ""))
        return state
    }

    /// A flip that was cut short before its rename had noted its own hook.
    private var withOwedHook: RingState {
        guard wayBack == nil, let owed = status.owedHook, let owedBefore, let live = status.liveRelease?.id,
            owed.release != live, owedBefore.release == live
        else { return self }
        var state = self
        state.status.owedHook = owedBefore
        return state
    }

    // MARK: Ways back

    /// What a slot that goes live goes back to: the slot that was live, or where that one went back to if it holds the
    /// same release.
    func way(from before: Int?, to slot: Int) -> Int? {
        guard let before else { return nil }
        if before == slot { return status[slot].previous }
        guard status[before].release?.id == status[slot].release?.id else { return before }
        let older = status.lastOther(before: before)
        return older == slot ? nil : older
    }

    /// What is ready now was staged before the host went back: it is not flipped to without being named.
    mutating func passReady() {
        status.passedStage = max(status.passedStage, status.slots.map(\.stage).max() ?? 0)
    }
}
