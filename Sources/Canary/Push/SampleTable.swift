// All samples of a push, by host, metric and moment, and the recordings that are cut out of them: for the judge, for
// `--record`, for the report. Filled by Push as readings come, in whatever order they do.

/// The samples of a push. Sample `n` is what was asked for at the same moment on every host.
struct SampleTable: Sendable {
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

    /// Whether any of these hosts gave any value at this sample.
    func hasValues(of hosts: [Int], sample: Int) -> Bool {
        hosts.contains { host in
            metrics.indices.contains { !value(metric: $0, host: host, sample: sample).isNaN }
        }
    }

    /// Samples of canaries and controls before and after a flip.
    ///
    /// - Parameters:
    ///   - baseline: the samples before the flip.
    ///   - after: those after it.
    func recording(
        name: String, canaries: [Int], controls: [Int], baseline: Range<Int>, after: Range<Int>
    ) -> Recording {
        func series(_ host: Int, _ samples: Range<Int>) -> [[Double]] {
            metrics.indices.map { metric in samples.map { value(metric: metric, host: host, sample: $0) } }
        }
        func part(_ places: [Int], as role: HostSamples.Role) -> [HostSamples] {
            places.map { host in
                HostSamples(
                    host: hosts[host], role: role, baseline: series(host, baseline), after: series(host, after))
            }
        }
        return Recording(
            name: name, interval: interval, metrics: metrics,
            hosts: part(canaries, as: .canary) + part(controls, as: .control))
    }
}
