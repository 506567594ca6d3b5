// Where the numbers of a push come from: which sources each host's agent reads, what is asked of external sources, and
// which metric a number is for. PushDriver and Sampling keep it.

import SlotSync

/// The sources of all metrics, host by host.
struct PushSources: Sendable {
    let metrics: [MetricSettings]
    private let fleet: Fleet
    /// For each host what its agent reads. Metrics that name the same source share it.
    private(set) var onHosts: [Host: [HostSource]] = [:]
    /// For each metric which of the hosts' sources it is; nil: none, it is external.
    private var indices: [Int?] = []
    /// The hosts' sources as the settings have them.
    private var unique: [HostSource] = []
    /// For each of them the metrics that read it.
    private var readers: [String] = []
    /// The external metrics, by their indices.
    private var asked: [Int] = []
    let external: (any ExternalSampler)?

    /// - Throws: ``SlotSyncError`` with the code `badInput` for a source that cannot be used.
    init(
        fleet: Fleet, settings: CanarySettings, external: (any ExternalMetrics)?, release: ContentDigest? = nil
    ) throws(SlotSyncError) {
        metrics = settings.metrics
        // Before anything is staged, any text of the form of a release ID shows whether the rest is right.
        let release = (release ?? ContentDigest(of: [])).description
        self.fleet = fleet
        for (index, metric) in metrics.enumerated() {
            switch metric.source {
            case .host(let source):
                let known = unique.firstIndex(of: source)
                indices.append(known ?? unique.count)
                if let known {
                    readers[known] += ", \(metric.metric.name)"
                } else {
                    unique.append(source)
                    readers.append(metric.metric.name)
                }
            case .external:
                indices.append(nil)
                asked.append(index)
            }
        }
        // What is the same on many hosts is looked at once.
        var checked: Set<HostSource> = []
        for host in fleet.hosts {
            let placeholders = Placeholders(host: host.name, root: fleet.root(of: host), release: release)
            var sources: [HostSource] = []
            for (index, source) in unique.enumerated() {
                let filled = try Self.naming("\(readers[index]) on \(host.label)") { () throws(SlotSyncError) in
                    try placeholders.replaced(in: source)
                }
                if checked.insert(filled).inserted {
                    try Self.naming(readers[index]) { () throws(SlotSyncError) in try filled.check() }
                }
                sources.append(filled)
            }
            onHosts[host] = sources
        }
        guard let first = asked.first else {
            self.external = nil
            return
        }
        guard let external else {
            throw SlotSyncError(
                .badInput, "metric \(metrics[first].metric.name): it does not come from hosts, and nobody else gives it"
            )
        }
        self.external = try external.sampler(
            of: asked.map { settings.metrics[$0].metric }, on: fleet, release: release)
    }

    /// An error of `body` is about this metric.
    private static func naming<Value>(
        _ metric: String, _ body: () throws(SlotSyncError) -> Value
    ) throws(SlotSyncError) -> Value {
        do throws(SlotSyncError) { return try body() } catch {
            throw SlotSyncError(error.code, "metric \(metric): \(error.message)", errno: error.errno)
        }
    }

    /// The value of each metric that a host's agent reads; NaN where none came.
    func values(of readings: HostReadings) -> [(metric: Int, value: Double)] {
        metrics.indices.compactMap { metric in
            guard let index = indices[metric], readings.outcomes.indices.contains(index) else { return nil }
            guard case .read(let read) = readings.outcomes[index] else { return (metric, .nan) }
            return (metric, metrics[metric].reading(in: read).sample)
        }
    }

    /// What a sample of the external metrics has: metric by metric, for each host of the fleet by its index.
    func readings(of sample: ExternalSample) -> [(metric: Int, host: Int, reading: MetricReading)] {
        zip(asked, sample.readings).flatMap { metric, readings in
            readings.enumerated().map { (metric, $0, metrics[metric].checked($1)) }
        }
    }

    /// Why metrics are missing in what a host read.
    func gaps(in readings: HostReadings, of host: Host) -> [MetricGap] {
        metrics.indices.compactMap { metric in
            guard let index = indices[metric], readings.outcomes.indices.contains(index) else { return nil }
            let name = metrics[metric].metric.name
            switch readings.outcomes[index] {
            case .missing(let reason): return gap(of: name, reason, source: index, host)
            case .read(let read):
                guard case .missing(let reason) = metrics[metric].reading(in: read) else { return nil }
                return gap(of: name, reason, source: index, host)
            }
        }
    }

    /// Why one of a host's sources cannot be read, for all metrics that read it.
    func gap(_ reason: String, source index: Int, of host: Host) -> MetricGap {
        gap(of: readers[index], reason, source: index, host)
    }

    private func gap(of subject: String, _ reason: String, source index: Int, _ host: Host) -> MetricGap {
        var forms = [(fleet.root(of: host), fleet.root)]
        if let own = onHosts[host]?[index].text, let common = unique[index].text { forms.insert((own, common), at: 0) }
        // What a command says of itself often names its host.
        forms.append((host.name, "{host}"))
        return MetricGap(subject: subject, reason: reason, replacing: forms)
    }
}

extension HostSource {
    /// What a placeholder may stand in.
    fileprivate var text: String? {
        switch self {
        case .loadAverage, .cpu: nil
        case .log(let path, _): path
        case .command(let command): command
        }
    }
}
