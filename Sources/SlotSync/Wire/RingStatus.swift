// What a host says of its ring: the answer to `status`, and part of every greeting. Plain values,
// shared by the host that fills them in and the controller that plans and prints by them.

/// A release as people and scripts name it.
public struct ReleaseName: Hashable, Sendable {
    /// XXH3-128 of the manifest's identity part.
    public var id: ContentDigest
    /// The human's name (`--name`), empty if none was given.
    public var name: String

    /// A release, with or without a name.
    public init(id: ContentDigest, name: String = "") {
        self.id = id
        self.name = name
    }

    /// The longest name, in bytes.
    static let longestName = 255

    /// Whether a release may have this name. It is shown and typed again, so it cannot be escaped like other text:
    /// 255 bytes at most, and nothing invisible.
    public static func isUsable(name: String) -> Bool {
        name.utf8.count <= longestName && name == escapedForDisplay(name)
    }
}

/// Where a slot is in its life: `empty → staging → ready → live → retired`, and `bad`.
public enum SlotState: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Nothing is in it.
    case empty = 0
    /// It is being filled, or its filling was interrupted.
    case staging
    /// Filled, verified and durable: it can go live.
    case ready
    /// `current` points at it.
    case live
    /// It was live, and still holds its release.
    case retired
    /// It holds a release that was taken back because it is bad.
    case bad

    /// The word that the state has in `status`, in files and with `--json`.
    public var description: String {
        switch self {
        case .empty: "empty"
        case .staging: "staging"
        case .ready: "ready"
        case .live: "live"
        case .retired: "retired"
        case .bad: "bad"
        }
    }

    /// Whether the slot's content was verified and recorded when it got there.
    public var isSealed: Bool { self == .ready || self == .live || self == .retired || self == .bad }
}

/// One slot of a ring.
public struct SlotStatus: Hashable, Sendable {
    /// Where the slot is in its life.
    public var state: SlotState
    /// The release it holds or, while staging, is being filled with.
    public var release: ReleaseName?
    /// When it came into this state, in seconds since 1970.
    public var since: Int64
    /// Why it is `bad`; empty otherwise.
    public var reason: String
    /// The slot that was live when this one was flipped to: where a rollback goes.
    public var previous: Int?

    /// An empty slot needs no more than its state.
    public init(
        state: SlotState, release: ReleaseName? = nil, since: Int64 = 0, reason: String = "", previous: Int? = nil
    ) {
        self.state = state
        self.release = release
        self.since = since
        self.reason = reason
        self.previous = previous
    }
}

/// A provisional flip, live but not confirmed: the host goes back by itself unless a controller confirms it.
public struct ProvisionStatus: Hashable, Sendable {
    /// The slot that was flipped to, and the one that was live before; nil: none.
    public var slot: Int
    /// The slot that was live before; nil: none.
    public var from: Int?
    /// Seconds since 1970.
    public var since: Int64
    /// How long the controller may be silent before the host goes back.
    public var limit: Duration

    /// A provision as the ring's state has it.
    public init(slot: Int, from: Int?, since: Int64, limit: Duration) {
        self.slot = slot
        self.from = from
        self.since = since
        self.limit = limit
    }
}

/// A ring of slots: slot `n` (counted from 1) is `slots[n - 1]`.
public struct RingStatus: Hashable, Sendable {
    /// How many slots a ring may have.
    public static let slotCounts = 2...9

    /// One for each slot, in their order.
    public var slots: [SlotStatus]
    /// The slot that `current` points at.
    public var live: Int?
    /// The flip that nobody has confirmed yet, if there is one.
    public var provision: ProvisionStatus?

    /// A ring by its slots; nothing is live unless it is said.
    public init(slots: [SlotStatus], live: Int? = nil, provision: ProvisionStatus? = nil) {
        self.slots = slots
        self.live = live
        self.provision = provision
    }

    /// The slot after the live one: the one that the next release is staged into.
    public var next: Int { (live ?? 0) % slots.count + 1 }

    /// The release that is live, if any.
    public var liveRelease: ReleaseName? { live.flatMap { slots[$0 - 1].release } }

    /// The slot that a rollback goes to: what was live before, if it still holds that release.
    public var previous: Int? {
        guard let live, let previous = slots[live - 1].previous, slots[previous - 1].state.isSealed else { return nil }
        return previous
    }

    /// The release that next holds or is being filled with; nil if it is an old one's turn to go.
    var nextRelease: ReleaseName? {
        let slot = slots[next - 1]
        return slot.state == .ready || slot.state == .staging ? slot.release : nil
    }

    /// The release that next holds, if it is bad. Who flips without naming a release, with nothing else staged, has to be
    /// told that it is.
    var badNextRelease: ReleaseName? {
        let slot = slots[next - 1]
        return slot.state == .bad ? slot.release : nil
    }

    /// Why a release is bad here, empty if nobody said why; nil: it is not. One that is made anew keeps its reason.
    func badReason(of release: ContentDigest) -> String? {
        slots.first {
            $0.release?.id == release && ($0.state == .bad || ($0.state == .staging && !$0.reason.isEmpty))
        }?.reason
    }

    /// The release staged into next and ready to go live.
    public var readyRelease: ReleaseName? {
        let slot = slots[next - 1]
        return slot.state == .ready ? slot.release : nil
    }
}
