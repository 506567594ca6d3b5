// One slot of a ring: where it is in its life, and the release that it holds. The host keeps these in
// `.slotsync/state`, and tells them to the controller as they are.

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
    /// The longest reason, in bytes.
    static let longestReason = 1024
    /// No ring has had more stages.
    static let mostStages = Int(UInt32.max)

    /// Where the slot is in its life.
    public var state: SlotState
    /// The release it holds or, while staging, is being filled with; nil where it is empty, and only there.
    public var release: ReleaseName?
    /// When it came into this state, in seconds since 1970.
    public var since: Int64
    /// Why it is `bad`; empty otherwise. A slot that is being filled with a bad release has the reason already.
    public var reason: String
    /// The slot that was live when this one was flipped to: where a rollback goes.
    public var previous: Int?
    /// Which of the ring's stages filled it, counted from 1: what was staged later has the greater number. 0: empty, or
    /// filled before slots had this number.
    public var stage: Int

    /// An empty slot needs no more than its state.
    public init(
        state: SlotState, release: ReleaseName? = nil, since: Int64 = 0, reason: String = "", previous: Int? = nil,
        stage: Int = 0
    ) {
        self.state = state
        self.release = release
        self.since = since
        self.reason = reason
        self.previous = previous
        self.stage = stage
    }

    /// Whether the slot holds the whole release with this ID.
    package func holds(_ release: ContentDigest) -> Bool { state.isSealed && self.release?.id == release }
}
