// What a push knows of one host. Rollout keeps one for each host of its plan; the outcome of the push has how each
// ended.

/// Which release a host is on, as far as is known; after the push, what became of it. The raw values are those of
/// `--json`.
public enum HostStanding: String, Sendable, Hashable {
    /// It has what was live before: it never flipped.
    case notFlipped = "not-flipped"
    /// It had the release before the push: it takes no part.
    case alreadyLive = "already-live"
    /// It has the release, until the session ends or confirms it. Never so after the push.
    case provisional
    /// The session ended before the flip was confirmed or undone: the agent takes it back by itself within seconds.
    case takesItselfBack = "takes-itself-back"
    /// It has the release, for good.
    case live
    /// It had the release for a while, and has what was live before.
    case takenBack = "taken-back"
    /// The session ended, or the host failed, while the flip was confirmed or rolled back: it may have either.
    case unknown

    /// Whether this push may have left the release there.
    var isFlipped: Bool {
        switch self {
        case .notFlipped, .alreadyLive, .takenBack: false
        case .provisional, .takesItselfBack, .live, .unknown: true
        }
    }
}

/// A host's way through the push.
struct HostProgress: Sendable {
    /// How often a new session is tried for one host in a push.
    static let mostRecoveries = 3

    var standing = HostStanding.notFlipped
    /// What it is doing.
    var request: Rollout.HostRequest? = .stage
    var isStaged = false
    /// Nothing was live there before the push: it has no past to be compared with.
    var isFirst = false
    var isConnected = true
    /// It was told to confirm, and could not say that it did: it may have the release for good all the same.
    var mayBeConfirmed = false
    var recoveries = 0
    /// Why it takes no part any more.
    var failure: String?
    /// Why its session ended, or could not be opened, most recently.
    var lastLoss = "its session ended"
    /// When it was told to flip: the end of its base line.
    var flippedAt: Double?
    var lastSample: Double?
    /// Its session was ended before the push's end.
    var isReleased = false
    var isMarkedBad = false
    /// Why it could not be marked.
    var markFailure: String?

    /// What becomes of a flip that is provisional when its session ends.
    var standingWithoutSession: HostStanding { mayBeConfirmed ? .unknown : .takesItselfBack }
    /// Whether it takes part in what is to come.
    var isUsable: Bool { isStaged && standing != .alreadyLive && failure == nil }
    /// Whether it can be a canary or a control.
    var isComparable: Bool { isUsable && !isFirst }
}
