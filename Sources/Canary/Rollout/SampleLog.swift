// All samples of a push, in rounds: one each interval, of every host that is sampled. PushDriver writes them as they
// come, early or late. The live view and the report read them; the judge and `--record` get recordings cut out of them.

public import SlotSync

/// The samples of a push.
public struct SampleLog: Sendable {
    public let metrics: [Metric]
    public let interval: Double
    /// For each metric what its levels are measured in; empty: unknown.
    public let units: [String]
    public let hosts: [Host]
    /// When each round began, ascending, in seconds of the push.
    public private(set) var times: [Double] = []
    /// For each round, the values of all hosts and metrics, by `host * metrics.count + metric`; NaN where none came.
    private var rounds: [[Double]] = []

    /// - Parameters:
    ///   - hosts: the push's, in the plan's order.
    ///   - units: one for each metric, or none at all.
    public init(hosts: [Host], metrics: [Metric], interval: Double, units: [String] = []) {
        self.hosts = hosts
        self.metrics = metrics
        self.interval = interval
        self.units = metrics.indices.map { $0 < units.count ? units[$0] : "" }
    }

    /// Begins a round: hosts and servers are being asked.
    ///
    /// - Returns: the round's number, which belongs to every value that is read for it.
    public mutating func beginRound(at seconds: Double) -> Int {
        times.append(max(seconds, times.last ?? seconds))
        rounds.append(Array(repeating: .nan, count: hosts.count * metrics.count))
        return rounds.count - 1
    }

    /// Takes a value, however late it comes. What the metric cannot be, or nobody can reckon with, stays missing.
    public mutating func record(_ value: Double, round: Int, host: Int, metric: Int) {
        guard rounds.indices.contains(round), hosts.indices.contains(host), metrics.indices.contains(metric),
            metrics[metric].kind.isPossible(value), value.magnitude <= SampleTable.sizes.upperBound
        else { return }
        rounds[round][host * metrics.count + metric] = value.magnitude < SampleTable.sizes.lowerBound ? 0 : value
    }

    /// A value; NaN where none came.
    public func value(round: Int, host: Int, metric: Int) -> Double { rounds[round][host * metrics.count + metric] }

    /// The rounds that began within a span.
    func rounds(in span: TimeSpan) -> [Int] {
        times.indices.filter { times[$0] >= span.start && times[$0] <= span.end }
    }

    /// What the judge is to compare: each host's base line, and all rounds since the flip.
    public func recording(of comparison: Comparison, name: String) -> Recording {
        // A round that begins at the very moment of the flip reads what was before it.
        let after = times.indices.filter { times[$0] > comparison.after.start && times[$0] <= comparison.after.end }
        var spans: [TimeSpan: [Int]] = [:]
        let samples = comparison.hosts.compactMap { watched -> HostSamples? in
            guard hosts.indices.contains(watched.host) else { return nil }
            let baseline = spans[watched.baseline] ?? rounds(in: watched.baseline)
            spans[watched.baseline] = baseline
            return HostSamples(
                host: hosts[watched.host].label, role: watched.role, baseline: series(watched.host, baseline),
                after: series(watched.host, after))
        }
        var recording = Recording(name: name, interval: interval, metrics: metrics, hosts: samples)
        // Of hosts that were flipped at different times, each has a gap of its own; a guard's, which does not ask for it.
        if let end = comparison.hosts.first?.baseline.end, spans.count == 1 {
            let between = times.count { $0 > end && $0 <= comparison.after.start }
            if between > 0 { recording.gap = Double(between) * interval }
        }
        return recording
    }

    private func series(_ host: Int, _ numbers: [Int]) -> [[Double]] {
        metrics.indices.map { metric in numbers.map { value(round: $0, host: host, metric: metric) } }
    }
}
