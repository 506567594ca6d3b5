// The interface to metrics that do not come from hosts. A push asks for them at each interval, beside the hosts'
// agents, and does not know who answers: CanaryPrometheus does, and your own program can.

public import SlotSync

/// Gives values for metrics whose source is ``MetricSource/external``.
public protocol ExternalMetrics: Sendable {
    /// Makes what asks for these metrics of all hosts of a fleet.
    ///
    /// A push calls this before any host is asked for anything, to check the settings, and once more when the release is
    /// staged.
    ///
    /// - Parameter release: the release's ID; before the release is staged any ID.
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a metric that cannot be asked for, and its name.
    func sampler(of metrics: [Metric], on fleet: Fleet, release: String) throws(SlotSyncError) -> any ExternalSampler
}

/// Asks for some metrics of some hosts, again and again.
public protocol ExternalSampler: Sendable {
    /// Asks once. It does not fail: what did not come is missing, with its reason.
    ///
    /// - Parameter limit: how long it may take. What has not come by then is missing.
    func sample(within limit: Duration) async -> ExternalSample
}

/// What one call of a sampler gave.
public struct ExternalSample: Sendable {
    /// For each metric, in the sampler's order, the reading of each of the fleet's hosts, in their order.
    public var readings: [[MetricReading]]
    /// What went wrong and was not told by an earlier call, a line each.
    public var notices: [String]

    public init(readings: [[MetricReading]], notices: [String] = []) {
        self.readings = readings
        self.notices = notices
    }
}

/// What a metric is on one host at one moment.
public enum MetricReading: Sendable, Hashable {
    /// A finite number.
    case value(Double)
    /// There is none, for this reason.
    case missing(String)

    /// The number as samples have it: NaN where it is missing.
    var sample: Double {
        guard case .value(let value) = self else { return .nan }
        return value
    }
}
