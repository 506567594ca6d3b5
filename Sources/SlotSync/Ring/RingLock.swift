// Who holds a root's lock: what an agent tells whoever asks for the status, and what people are told who wait for it.

/// The lock of a root, as it was held when somebody looked.
public struct RingLock: Hashable, Sendable {
    /// What its holder does, and for whom: `a push by eva@build: fix the login, pid 4711`; empty: it did not say.
    public var holder: String
    /// Since when it does that, in seconds since 1970; 0: unknown.
    public var since: Int64

    package init(holder: String, since: Int64) {
        self.holder = holder
        self.since = since
    }
}
