// What the rollout knows of one host.

/// A host's way through the push.
struct HostProgress: Sendable {
    /// Which release is live there, as far as is known.
    enum Standing: Sendable, Hashable {
        /// What was live before the push.
        case old
        /// The new one, until the session ends or confirms it.
        case provisional
        /// The new one was provisional when the session ended: the agent takes it back by itself.
        case lapsing
        /// The new one, for good.
        case confirmed
        /// The session ended while the flip was being confirmed, or rolled back.
        case unknown
    }

    /// How often a new session is tried for one host in a push.
    static let mostHeals = 3

    var standing = Standing.old
    /// What it is doing.
    var request: Rollout.HostRequest? = .stage
    var isStaged = false
    /// The release was live there before the push: it takes no part.
    var wasLive = false
    /// Nothing was live there before the push: it has no past to be compared with.
    var isFirst = false
    var isConnected = true
    var heals = 0
    /// Why it takes no part any more.
    var failure: String?
    /// Why its session ended, or could not be opened, most recently.
    var lastLoss = "its session ended"
    /// When it was told to flip: the end of its base line.
    var flippedAt: Double?
    var lastSample: Double?
    var wasTakenBack = false
    var isMarkedBad = false
    /// Why it could not be marked.
    var markFailure: String?

    var canHeal: Bool { heals < HostProgress.mostHeals }
    /// Whether it takes part in what is to come.
    var isUsable: Bool { isStaged && !wasLive && failure == nil }
    /// Whether it can be a canary or a control.
    var isComparable: Bool { isUsable && !isFirst }
}
