// A hook that was to run when a release went live, and did not come to its end: it failed, or its agent was killed. The
// host remembers which one and for which release, not the command, which is the controller's. The next flip, rollback
// or push to that release runs it.

/// A hook that a host owes to the release that is live there.
public struct OwedHook: Hashable, Sendable {
    /// Which of the two hooks that follow a change of `current`.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        case afterFlip = 0
        case afterRollback

        /// The name that it has in `slotsync.yml`.
        public var description: String { self == .afterFlip ? "after_flip" : "after_rollback" }
    }
    /// Which hook it is.
    public var kind: Kind
    /// The release that it is owed to.
    public var release: ContentDigest
    /// Since when, in seconds since 1970.
    public var since: Int64

    /// A hook as the ring's state has it.
    public init(_ kind: Kind, release: ContentDigest, since: Int64) {
        self.kind = kind
        self.release = release
        self.since = since
    }

    /// For a person: what is owed, and since when.
    package var text: String {
        "the hook \(kind) of release \(release) has not run to its end since \(utcText(since))"
    }
}
