// What came of a stage, host by host and over the fleet. FleetStage makes these.

/// What staging did on one host.
public struct StagedHost: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case staged, alreadyReady, alreadyLive, alreadyBad, planned }
    public var host: Host
    public var kind: Kind
    public var slot: Int
    /// Files that came over the wire, that were copied on the host, and that were there already.
    public var received: Int
    public var copied: Int
    public var kept: Int
    /// Bytes through the session, from and to the controller.
    public var sentBytes: UInt64
    public var receivedBytes: UInt64
}

public struct StageReport: Sendable {
    public var release: ReleaseName
    public var files: Int
    public var bytes: UInt64
    public var hosts: [StagedHost]
    public var failures: [HostFailure]
    /// Bytes through all sessions.
    public var sentBytes: UInt64
    public var receivedBytes: UInt64
    /// How many different sets of needs there were.
    public var cohorts: Int
}
