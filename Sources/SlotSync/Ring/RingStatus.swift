// The model of a ring: its slots, what is live, what comes next, and which releases are bad. A host keeps it in its
// state (RingState), tells it in every greeting and in answer to `status`, and the controller decides and prints by
// it.

/// A ring of slots, counted from 1.
public struct RingStatus: Hashable, Sendable {
    /// How many slots a ring may have.
    public static let slotCounts = 2...9

    /// One for each slot, in their order: slot `n` is `slots[n - 1]`.
    public var slots: [SlotStatus]
    /// The flip that nobody has confirmed yet, if there is one.
    public var provisional: ProvisionalFlip?
    /// What was staged no later than this stage is not flipped to unless it is named: a rollback passed it over, or a
    /// later release that turned out to be bad.
    public var passedStage: Int
    /// A hook that has not run to its end yet.
    public var owedHook: OwedHook?
    /// The release that the session began by going back from, since nobody had confirmed its flip; known from a
    /// greeting alone.
    public var wentBack: ReleaseName?
    /// The release that the host went back from by itself before the session, if nothing was changed there since and no
    /// rollback has counted it; known from a greeting alone.
    public var returned: ReleaseName?
    /// Equal for two sessions with one ring, by whatever names its host was called, as long as its kernel runs; known from a
    /// greeting alone, and nil where a host cannot tell.
    package var identity: ContentDigest?
    /// Who changes something there, if anybody does; known from `status` alone.
    public var lock: RingLock?
    /// Whether the hook that has not run to its end runs now: it became so under the lock that somebody holds.
    public var isHookRunning: Bool {
        guard let lock, let owedHook else { return false }
        return lock.since > 0 && lock.since <= owedHook.since
    }

    /// A ring by its slots.
    public init(
        slots: [SlotStatus], provisional: ProvisionalFlip? = nil, passedStage: Int = 0, owedHook: OwedHook? = nil
    ) {
        self.slots = slots
        self.provisional = provisional
        self.passedStage = passedStage
        self.owedHook = owedHook
    }

    /// A slot by its number, from 1.
    public subscript(slot: Int) -> SlotStatus {
        get { slots[slot - 1] }
        set { slots[slot - 1] = newValue }
    }

    /// The slots' numbers.
    public var numbers: ClosedRange<Int> { 1...slots.count }

    /// Whether there can be such a ring: what was read from a file or from the wire is held against this.
    var isPossible: Bool {
        Self.slotCounts.contains(slots.count) && slots.allSatisfy { allows($0) }
            && slots.count { $0.state == .live } <= 1 && 0...SlotStatus.mostStages ~= passedStage
    }

    /// Whether there can be such a slot in this ring.
    func allows(_ slot: SlotStatus) -> Bool {
        (slot.release != nil || slot.state == .empty) && slot.previous.map { numbers.contains($0) } ?? true
            && 0...SlotStatus.mostStages ~= slot.stage
    }

    // MARK: What is live, and what was

    /// The slot that `current` points at; nil: none.
    public var live: Int? { numbers.first { self[$0].state == .live } }

    /// The release that is live, if any.
    public var liveRelease: ReleaseName? { live.flatMap { self[$0].release } }

    /// The slot that a rollback goes to: that of the last other release that was live and is still there. A copy of
    /// the live release is no way back; one that is bad is, only where there is no other.
    public var previous: Int? { live.flatMap { lastOther(before: $0) } }

    /// From slot to slot, in the order in which they were live before `slot`, to the first one with another release
    /// that is not bad; if all are bad, to the first of them.
    func lastOther(before slot: Int) -> Int? {
        var before = self[slot].previous
        var bad: Int?
        for _ in slots {
            guard let candidate = before, candidate != slot, self[candidate].state.isSealed else { break }
            if self[candidate].release?.id != self[slot].release?.id {
                guard self[candidate].state == .bad else { return candidate }
                if bad == nil { bad = candidate }
            }
            before = self[candidate].previous
        }
        return bad
    }

    // MARK: What is ready

    /// The slot that a flip goes to where no release is named: the last one that was staged, unless something later
    /// went live or turned out bad, or a rollback passed it over.
    public var readySlot: Int? { newest(.ready, after: max(passedStage, live.map { self[$0].stage } ?? 0)) }

    /// The release that a flip goes to where none is named.
    public var readyRelease: ReleaseName? { readySlot.flatMap { self[$0].release } }

    /// The slot that was staged later than what is live, and is ready, and yet is not flipped to unless its release is
    /// named.
    public var passedSlot: Int? {
        guard readySlot == nil else { return nil }
        return newest(.ready, after: live.map { self[$0].stage } ?? 0)
    }

    /// Whether the host went back from a release, and it was not staged again since.
    func wasLeft(_ release: ContentDigest) -> Bool {
        let floor = live.map { self[$0].stage } ?? 0
        return slots.contains {
            $0.state == .retired && $0.release?.id == release && $0.stage > floor && $0.stage <= passedStage
        }
    }

    /// The release that was staged last, or is being; nil if it is live, or was passed over.
    var nextRelease: ReleaseName? {
        let ready = readySlot
        let floor = max(passedStage, (ready ?? live).map { self[$0].stage } ?? 0)
        return (newest(.staging, after: floor) ?? ready).flatMap { self[$0].release }
    }

    /// The slot that was staged last of those where a release is ready.
    func newestReady(of release: ContentDigest) -> Int? {
        numbers.filter { self[$0].state == .ready && self[$0].release?.id == release }
            .max { self[$0].stage < self[$1].stage }
    }

    private func newest(_ state: SlotState, after stage: Int) -> Int? {
        numbers.filter { self[$0].state == state && self[$0].stage > stage }.max { self[$0].stage < self[$1].stage }
    }

    // MARK: What is filled next

    /// The slots in the order of the ring, from the one after the live one on, without that.
    private var ringOrder: [Int] {
        let start = live ?? 0
        return (0..<slots.count).map { (start + $0) % slots.count + 1 }.filter { $0 != live }
    }

    /// The slot that the next release is staged into, if no slot has it yet.
    public var next: Int { slotToFill() }

    /// The slot that a release is staged into: never the live one. A slot that has the release already is used again, one
    /// whose filling was interrupted comes first. Then comes an empty one; then the next one in the ring that a rollback
    /// would not go to, and that holds no release which is ready and was not flipped to yet; then the one that has been
    /// ready for longest; the one that a rollback goes to only where there is no other.
    public func slotToFill(with release: ContentDigest? = nil) -> Int {
        let order = ringOrder
        let open = order.filter { $0 != previous }
        func holds(_ slot: Int) -> Bool { release != nil && self[slot].release?.id == release }
        return open.first { self[$0].state == .staging && holds($0) } ?? open.first { holds($0) }
            ?? open.first { self[$0].state == .staging } ?? open.first { self[$0].state == .empty }
            ?? open.first { self[$0].state != .ready }
            ?? open.min { self[$0].stage < self[$1].stage } ?? order[0]
    }

    // MARK: What is bad, and why

    /// The release in the slot after the live one, if it is bad. Who flips without naming a release, with nothing else
    /// staged, has to be told that it is.
    var badNextRelease: ReleaseName? {
        let next = self[(live ?? 0) % slots.count + 1]
        return next.state == .bad ? next.release : nil
    }

    /// Why a release is bad here, empty if nobody said why; nil: it is not bad. A copy that is being made anew stays
    /// bad.
    func badReason(of release: ContentDigest) -> String? {
        slots.first {
            $0.release?.id == release && ($0.state == .bad || ($0.state == .staging && !$0.reason.isEmpty))
        }?.reason
    }

    /// What a person is told of a bad release: `release 3f2a… in slot 2 is bad`, with the reason.
    ///
    /// - Parameter cause: stands before the reason; the reason is in brackets.
    func badText(of slot: Int, cause: String = "") -> String {
        let id = self[slot].release?.id.description ?? "-"
        return "release \(id) in slot \(slot) is bad\(cause)"
            + (self[slot].reason.isEmpty ? "" : " (\(self[slot].reason))")
    }
}
