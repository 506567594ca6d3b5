// The samples of one comparison. The judge reads them; a push records them so that they can be judged again.

/// Samples of canaries and controls, before and after the canaries were flipped.
public struct Recording: Sendable, Equatable {
    /// What it is called in the output (`case`).
    public var name: String
    /// Seconds from one sample to the next.
    public var interval: Double
    public var metrics: [Metric]
    public var hosts: [HostSamples]
    /// Seconds after the flip that are left out, and to the end of the window, where whoever recorded it had them so; nil:
    /// whoever judges decides.
    public var settle: Double?
    public var window: Double?
    /// Seconds between the base line and the first sample after the flip that belong to neither, as where other hosts were
    /// flipped first; nil: none.
    public var gap: Double?
    /// The comparison's share of the significance, where it is recorded.
    public var significance: Double?

    public static let usualInterval = 5.0

    public init(name: String, interval: Double = Recording.usualInterval, metrics: [Metric], hosts: [HostSamples]) {
        self.name = name
        self.interval = interval
        self.metrics = metrics
        self.hosts = hosts
    }

    /// How many samples the longest series before the flip has.
    public var samplesBefore: Int { hosts.lazy.flatMap { $0.baseline.lazy.map(\.count) }.max() ?? 0 }
    /// How many samples the longest series after the flip has.
    public var samplesAfter: Int { hosts.lazy.flatMap { $0.after.lazy.map(\.count) }.max() ?? 0 }
}

/// One host's part of a recording.
public struct HostSamples: Sendable, Equatable {
    /// Whether a host was flipped in this comparison.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// It was flipped between base line and window.
        case canary
        /// It was not, and was watched at the same time.
        case control
    }

    public var host: String
    public var role: Role
    /// For each metric of the recording, in its order, the samples before the flip, oldest first. A sample that did not
    /// come is NaN; series need not be of one length.
    public var baseline: [[Double]]
    /// The same after the flip, from the first moment on: the settling time is still in it.
    public var after: [[Double]]

    public init(host: String, role: Role, baseline: [[Double]], after: [[Double]]) {
        self.host = host
        self.role = role
        self.baseline = baseline
        self.after = after
    }
}
