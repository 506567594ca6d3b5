// What one host did: filled a slot, flipped, hashed a slot again. The agent makes these values, the wire carries
// them, and reports and `--json` show them as they came.

/// How a stage ended on a host.
public struct StageOutcome: Hashable, Sendable {
    /// What became of the release there.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// The slot was filled and sealed.
        case staged
        /// The release was ready in next already.
        case alreadyReady
        /// The release is live already.
        case alreadyLive
        /// The release is there, and bad: it was rolled back here.
        case alreadyBad
        /// A dry run: nothing was changed. Never on the wire: there a host answers with its needs.
        case planned
    }
    /// How it ended.
    public var kind: Kind
    /// The slot that holds the release, or would, from 1.
    public var slot: Int
    /// Files that came over the wire; in a dry run, that would.
    public var received = 0
    /// Files that were copied on the host.
    public var copied = 0
    /// Files that were in the slot already.
    public var kept = 0

    package init(kind: Kind, slot: Int, received: Int = 0, copied: Int = 0, kept: Int = 0) {
        self.kind = kind
        self.slot = slot
        self.received = received
        self.copied = copied
        self.kept = kept
    }
}

/// What a flip, a rollback or taking one back did on a host.
public struct FlipOutcome: Hashable, Sendable {
    /// The slot that the flip makes live, from 1; after taking back, the one that was.
    public var slot: Int
    /// The release in that slot.
    public var release: ReleaseName
    /// The slot that was live before, which is that of a rollback where nothing changed; nil: none.
    public var previousSlot: Int?
    /// The release in that slot; nil: none was live.
    public var previous: ReleaseName?
    /// False: the release was live already.
    public var changed: Bool
    /// The host's clock right after the rename, in nanoseconds since 1970; 0 if nothing was renamed, or the host was
    /// lost before it said when.
    public var renamedAt: Int64
    /// Whether the release, which was live already, has got the hook now that the host owed it.
    public var hasRunHook = false
    /// Whether the release, which was live already, still lacks a hook, since the command had none to run.
    public var owesHook = false
}

/// What hashing a slot again found.
public struct SlotVerification: Hashable, Sendable {
    /// The most differences that are named.
    static let mostLines = 100

    /// The slot, from 1.
    public var slot: Int
    /// The release that it was sealed with.
    public var release: ReleaseName
    /// How many files were hashed.
    public var files = 0
    /// How many bytes these have.
    public var bytes: UInt64 = 0
    /// How many entries are not as they were sealed; 0: the slot is whole.
    public var differences: Int
    /// How many of these are entries that no stage put there.
    public var additions = 0
    /// How many of the additions the slot's stage kept (``ForeignPolicy/keep``).
    public var kept = 0
    /// The first differences, a line each: what is wrong, and the path, quoted.
    public var lines: [String]
}
