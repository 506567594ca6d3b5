// A metric as slotsync.yml declares it: what the judge has to know about it, and where its numbers come from.

public import SlotSync

/// Where a metric's numbers come from. Texts may hold `{host}`, `{root}` and `{release}`: see ``Placeholders``.
public enum MetricSource: Sendable, Hashable {
    /// The host's agent reads it.
    case host(HostSource)
    /// The controller asks for it, of all hosts at once: see ``ExternalMetrics``.
    case external

    /// What its numbers are unless the metric says otherwise: lines of a log are counted, everything else is a level.
    public var usualKind: Metric.Kind {
        if case .host(.log) = self { .counter } else { .gauge }
    }
}

/// A metric and its source.
public struct MetricSettings: Sendable, Hashable {
    public var metric: Metric
    public var source: MetricSource

    /// - Parameter kind: by default what the source usually gives.
    public init(
        name: String, source: MetricSource, kind: Metric.Kind? = nil, worse: Metric.Direction = .higher,
        from start: Metric.Start = .settled, tolerance: Double? = nil, weight: Double = 1, isCritical: Bool = false
    ) {
        metric = Metric(
            name: name, kind: kind ?? source.usualKind, worse: worse, from: start, tolerance: tolerance,
            weight: weight, isCritical: isCritical)
        self.source = source
    }

    /// What its levels are measured in: per cent where they are processor time, and otherwise what the name's end says. Empty:
    /// unknown, or events, which are shown by the minute.
    public var unit: String {
        guard metric.kind == .gauge else { return "" }
        if source == .host(.cpu) { return "%" }
        return Self.unitsOfNames.first { metric.name.hasSuffix($0.key) }?.value ?? ""
    }

    /// Longer endings first: what is counted per second is no time.
    private static let unitsOfNames: KeyValuePairs<String, String> = [
        "_per_s": "/s", "_per_second": "/s", "_ms": "ms", "_s": "s", "_seconds": "s", "_bytes": "bytes",
    ]

    /// This metric's number among what its source gave on a host.
    ///
    /// A command that prints one number gives it to every metric that names the command; of one that prints lines
    /// `name value`, a metric takes the line with its own name.
    ///
    public func reading(in readings: [HostReading]) -> MetricReading {
        let reading = readings.first { $0.name == metric.name } ?? readings.first { $0.name.isEmpty }
        guard let value = reading?.value, value.isFinite else {
            return .missing("the command printed no number for it")
        }
        return checked(.value(value))
    }

    /// A reading that the metric can have, or why it has none.
    public func checked(_ reading: MetricReading) -> MetricReading {
        guard case .value(let value) = reading, !metric.kind.isPossible(value) else { return reading }
        return .missing(Self.belowZero)
    }

    static let belowZero = "it is below 0, and a counter has no fewer than 0 events (what can fall is a gauge)"
}
