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

    /// A ring by its slots.
    public init(slots: [SlotStatus], provisional: ProvisionalFlip? = nil) {
        self.slots = slots
        self.provisional = provisional
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
            && slots.count { $0.state == .live } <= 1
    }

    /// Whether there can be such a slot in this ring.
    func allows(_ slot: SlotStatus) -> Bool {
        (slot.release != nil || slot.state == .empty) && slot.previous.map { numbers.contains($0) } ?? true
    }

    // MARK: What is live, and what comes next

    /// The slot that `current` points at; nil: none.
    public var live: Int? { numbers.first { self[$0].state == .live } }

    /// The slot after the live one: the one that the next release is staged into.
    public var next: Int { (live ?? 0) % slots.count + 1 }

    /// The release that is live, if any.
    public var liveRelease: ReleaseName? { live.flatMap { self[$0].release } }

    /// The slot that a rollback goes to: what was live before, if it still holds that release.
    public var previous: Int? {
        guard let live, let previous = self[live].previous, self[previous].state.isSealed else { return nil }
        return previous
    }

    /// The release staged into next and ready to go live.
    public var readyRelease: ReleaseName? { self[next].state == .ready ? self[next].release : nil }

    /// The release that next holds or is being filled with; nil if it is an old one's turn to go.
    var nextRelease: ReleaseName? { self[next].state == .staging ? self[next].release : readyRelease }

    // MARK: What is bad, and why

    /// The release that next holds, if it is bad. Who flips without naming a release, with nothing else staged, has
    /// to be told that it is.
    var badNextRelease: ReleaseName? { self[next].state == .bad ? self[next].release : nil }

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
