// Where a push's numbers come from: which sources each host's agent reads, what is asked of Prometheus servers, and which
// metric a number is for.

import SlotSync

/// The sources of all metrics, host by host.
struct PushSources: Sendable {
    let metrics: [MetricSettings]
    /// For each host what its agent reads. Metrics that name the same source share it.
    private(set) var onHosts: [Host: [HostSource]] = [:]
    /// For each metric which of the hosts' sources it is; nil: a Prometheus server's.
    private var places: [Int?] = []
    /// The metrics that Prometheus servers are asked for, by their places.
    private var asked: [Int] = []
    let prometheus: PrometheusSampler?

    /// - Throws: ``SlotSyncError`` with the code `badInput` for a source that cannot be used.
    init(
        fleet: Fleet, settings: CanarySettings, transport: (any PrometheusTransport)?, release: ContentDigest? = nil
    ) throws {
        metrics = settings.metrics
        // Before anything is staged, any text of the form of a release ID shows whether the rest is right.
        let release = (release ?? ContentDigest(of: [])).description
        var unique: [HostSource] = []
        var queries: [PrometheusMetric] = []
        for (place, metric) in metrics.enumerated() {
            switch metric.source {
            case .host(let source):
                if !unique.contains(source) { unique.append(source) }
                places.append(unique.firstIndex(of: source))
            case .prometheus(let url, let query, let label):
                places.append(nil)
                asked.append(place)
                // {host} is filled in by the query itself, for all hosts in one request.
                let filled = query.replacing("{root}", with: fleet.root).replacing("{release}", with: release)
                queries.append(
                    PrometheusMetric(
                        name: metric.metric.name,
                        query: try PrometheusQuery(
                            url: url, query: filled, label: label,
                            reading: metric.metric.kind == .counter ? .total : .level)))
            }
        }
        for host in fleet.hosts {
            let placeholders = Placeholders(host: host.name, root: fleet.root(of: host), release: release)
            onHosts[host] = try unique.map { source in
                guard case .host(let filled) = try placeholders.replaced(in: .host(source)) else { return source }
                return filled
            }
        }
        for source in Set(onHosts.values.joined()) { try source.check() }
        guard !queries.isEmpty else {
            prometheus = nil
            return
        }
        guard let transport else {
            throw SlotSyncError(.badInput, "a metric comes from Prometheus, and there is nothing to ask it with")
        }
        prometheus = PrometheusSampler(queries, hosts: fleet.hosts, transport: transport)
    }

    /// The value of each metric that a host's agent reads; NaN where none came.
    func values(of readings: HostReadings) -> [(metric: Int, value: Double)] {
        metrics.indices.compactMap { metric in
            guard let place = places[metric], readings.outcomes.indices.contains(place) else { return nil }
            guard case .read(let read) = readings.outcomes[place] else { return (metric, .nan) }
            return (metric, metrics[metric].value(in: read))
        }
    }

    /// What a sample of the Prometheus servers has: metric by metric, for each host of the fleet by its place.
    func readings(of sample: PrometheusSample) -> [(metric: Int, host: Int, reading: PrometheusReading)] {
        zip(asked, sample.readings).flatMap { metric, readings in
            readings.enumerated().map { (metric, $0, $1) }
        }
    }

    /// Why metrics are missing in what a host read, each named once.
    func gaps(in readings: HostReadings) -> [String] {
        metrics.indices.compactMap { metric in
            guard let place = places[metric], readings.outcomes.indices.contains(place) else { return nil }
            return switch readings.outcomes[place] {
            case .missing(let reason): "\(metrics[metric].metric.name): \(reason)"
            case .read(let read) where metrics[metric].value(in: read).isNaN:
                "\(metrics[metric].metric.name): the command printed no number for it"
            case .read: nil
            }
        }
    }

    /// The metrics that read one of a host's sources.
    func names(of place: Int) -> String {
        metrics.indices.filter { places[$0] == place }.map { metrics[$0].metric.name }.joined(separator: ", ")
    }
}
