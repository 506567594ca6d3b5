// A provisional flip as everybody sees it: the host that made it, the controller that must confirm it, and the person
// who asks for the status. What the host needs besides to take it back is in WayBack.

/// A flip that is live but not confirmed: the host goes back by itself unless a controller confirms it.
public struct ProvisionalFlip: Hashable, Sendable {
    /// How long a controller may be silent, in milliseconds.
    static let limits = 1000...600_000

    /// The slot that was flipped to.
    public var slot: Int
    /// The slot that was live before; nil: none.
    public var from: Int?
    /// Seconds since 1970.
    public var since: Int64
    /// How long the controller may be silent before the host goes back.
    public var limit: Duration

    /// A provisional flip as the ring's state has it.
    public init(slot: Int, from: Int?, since: Int64, limit: Duration) {
        self.slot = slot
        self.from = from
        self.since = since
        self.limit = limit
    }
}
