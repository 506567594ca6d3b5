// All samples of a push, by host, metric and moment, and the recordings that are cut out of them: for the judge, for
// `--record`, for the report. Filled by Push as readings come, in whatever order they do.

/// The samples of a push. Sample `n` is what was asked for at the same moment on every host.
struct PushSamples: Sendable {
    let metrics: [Metric]
    let interval: Double
    /// For each host its name.
    let hosts: [String]
    /// When each sample was asked for, in seconds from the push's beginning.
    private(set) var times: [Double] = []
    /// Sample by sample, in it host by host, in it metric by metric; NaN where none came.
    private var values: [Double] = []
    private var rowLength: Int { hosts.count * metrics.count }

    init(hosts: [String], metrics: [Metric], interval: Double) {
        self.hosts = hosts
        self.metrics = metrics
        self.interval = interval
    }

    /// Begins a sample: all of it is missing until it is noted.
    ///
    /// - Returns: its number.
    mutating func begin(at time: Double) -> Int {
        times.append(time)
        values.append(contentsOf: repeatElement(.nan, count: rowLength))
        return times.count - 1
    }

    /// Notes a value, also one that comes late. What is not finite is missing.
    mutating func note(_ value: Double, metric: Int, host: Int, sample: Int) {
        guard times.indices.contains(sample), value.isFinite else { return }
        values[sample * rowLength + host * metrics.count + metric] = value
    }

    func value(metric: Int, host: Int, sample: Int) -> Double {
        values[sample * rowLength + host * metrics.count + metric]
    }

    /// The recording of a comparison, of what was sampled so far.
    ///
    /// - Parameter name: what it is called in the recorded file.
    func recording(of comparison: Comparison, name: String) -> Recording {
        let after = samples(in: comparison.after)
        return Recording(
            name: name, interval: interval, metrics: metrics,
            hosts: comparison.hosts.map { watched in
                HostSamples(
                    host: hosts[watched.host], role: watched.role,
                    baseline: series(watched.host, samples(in: watched.baseline)), after: series(watched.host, after))
            })
    }

    /// The samples that were asked for within a span.
    func samples(in span: TimeSpan) -> Range<Int> {
        let first = times.firstIndex { $0 > span.start } ?? times.endIndex
        let end = times.firstIndex { $0 > span.end } ?? times.endIndex
        return first..<max(first, end)
    }

    /// All samples, as the report shows them.
    ///
    /// - Parameter zero: what is 0 on the report's axis.
    func report(from zero: Double) -> [PushReport.MetricSamples] {
        metrics.enumerated().map { place, metric in
            PushReport.MetricSamples(
                metric: metric, times: times.map { $0 - zero },
                values: hosts.indices.map { host in
                    times.indices.map { value(metric: place, host: host, sample: $0) }
                })
        }
    }

    private func series(_ host: Int, _ samples: Range<Int>) -> [[Double]] {
        metrics.indices.map { metric in samples.map { value(metric: metric, host: host, sample: $0) } }
    }
}
