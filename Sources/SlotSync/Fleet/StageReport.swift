// What came of a stage, host by host and over the fleet. FleetStage makes these.

/// What staging did on one host, and what it took.
public struct StagedHost: Sendable, Hashable {
    /// The host.
    public var host: Host
    /// What the host did.
    public var outcome: StageOutcome
    /// Bytes through the session, to the host.
    public var sentBytes: UInt64
    /// Bytes through the session, from the host.
    public var receivedBytes: UInt64
    /// Why the release is bad there, as `status` tells it, empty if nobody said why; nil: it is not bad.
    public var badReason: String?
    /// The release that was live there when the stage began; nil: none was, it is the host's first.
    public var live: ReleaseName?
    /// Whether the release is live there already, and a hook that follows a flip to it has not run to its end.
    public var owesHook: Bool

    package init(
        host: Host, outcome: StageOutcome, sentBytes: UInt64, receivedBytes: UInt64, badReason: String? = nil,
        live: ReleaseName? = nil, owesHook: Bool = false
    ) {
        self.host = host
        self.outcome = outcome
        self.sentBytes = sentBytes
        self.receivedBytes = receivedBytes
        self.badReason = badReason
        self.live = live
        self.owesHook = owesHook
    }
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

    package init(
        release: ReleaseName, files: Int, bytes: UInt64, hosts: [StagedHost], failures: [HostFailure],
        sentBytes: UInt64, receivedBytes: UInt64, cohorts: Int
    ) {
        self.release = release
        self.files = files
        self.bytes = bytes
        self.hosts = hosts
        self.failures = failures
        self.sentBytes = sentBytes
        self.receivedBytes = receivedBytes
        self.cohorts = cohorts
    }
}
