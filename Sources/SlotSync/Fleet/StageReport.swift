// What came of a stage, host by host and over the fleet. FleetStage makes these.

/// What staging did on one host.
public struct StagedHost: Sendable, Hashable {
    /// How it ended: filled now; there already, in next, live or bad; or, in a dry run, planned.
    public enum Kind: Sendable, Hashable { case staged, alreadyReady, alreadyLive, alreadyBad, planned }
    /// The host.
    public var host: Host
    /// How it ended.
    public var kind: Kind
    /// The slot that holds the release, or would, from 1.
    public var slot: Int
    /// Files that came over the wire; in a dry run, that would.
    public var received: Int
    /// Files that were copied on the host.
    public var copied: Int
    /// Files that were in the slot already.
    public var kept: Int
    /// Bytes through the session, to the host.
    public var sentBytes: UInt64
    /// Bytes through the session, from the host.
    public var receivedBytes: UInt64
    /// Why the release is bad there, as `status` tells it, empty if nobody said why; nil: it is not bad.
    public var badReason: String?
    /// Nothing was live there before.
    public var isFirst = false
    /// The release that was live there when the stage began; nil: none was.
    public var live: ReleaseName?
}

/// What came of a stage over the fleet.
public struct StageReport: Sendable {
    /// What the source is.
    public var release: ReleaseName
    /// How many files the release has.
    public var files: Int
    /// The sum of their lengths.
    public var bytes: UInt64
    /// Hosts that have the release, in the fleet's order.
    public var hosts: [StagedHost]
    /// Hosts that do not.
    public var failures: [HostFailure]
    /// Bytes through all sessions, to the hosts.
    public var sentBytes: UInt64
    /// Bytes through all sessions, from the hosts.
    public var receivedBytes: UInt64
    /// How many different sets of needs there were.
    public var cohorts: Int
}
