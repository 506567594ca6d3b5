// Gives a push its metrics from Prometheus servers, as ExternalMetrics. It fills root and release into the queries once
// they are known.

public import Canary
public import SlotSync

/// Gives a push metrics from Prometheus servers.
///
/// ```swift
/// options.canary.metrics = [MetricSettings(name: "errors", source: .external)]
/// options.external = PrometheusMetrics(
///     ["errors": try PrometheusQuery(
///         url: "http://prometheus:9090", query: #"sum(rate(errors_total{instance="{host}:9100"}[30s]))"#)],
///     transport: try PrometheusClient())
/// ```
public struct PrometheusMetrics: ExternalMetrics {
    private let queries: [String: PrometheusQuery]
    private let transport: any PrometheusTransport

    /// - Parameter queries: what each metric is, by the metric's name.
    public init(_ queries: [String: PrometheusQuery], transport: any PrometheusTransport) {
        self.queries = queries
        self.transport = transport
    }

    public func sampler(
        of metrics: [Metric], on fleet: Fleet, release: String
    ) throws(SlotSyncError) -> any ExternalSampler {
        var asked: [PrometheusMetric] = []
        for metric in metrics {
            guard let query = queries[metric.name] else {
                throw SlotSyncError(.badInput, "metric \(metric.name): there is no query for it")
            }
            do throws(SlotSyncError) {
                _ = try query.headers()
                let filled = try query.filled(
                    root: fleet.root, release: release, reading: metric.kind == .counter ? .total : .level)
                asked.append(PrometheusMetric(name: metric.name, query: filled))
            } catch {
                throw SlotSyncError(error.code, "metric \(metric.name): \(error.message)", errno: error.errno)
            }
        }
        return PrometheusSampler(asked, hosts: fleet.hosts, transport: transport)
    }
}

extension PrometheusQuery {
    /// The query with `{root}` and `{release}` replaced. `{host}` stays, in the root as well: ``PrometheusTemplate`` puts it
    /// in.
    ///
    /// - Parameter root: the fleet's root, with `{host}` in it where the roots differ.
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a value that may not stand in a query: quotes, backslashes,
    ///   braces, brackets, parentheses and control characters could end a string and begin something else.
    func filled(root: String, release: String, reading: Reading) throws(SlotSyncError) -> PrometheusQuery {
        let text = try Placeholders.filled(text, [("{root}", root), ("{release}", release)], Self.stringText)
        return try PrometheusQuery(url: url, query: text, label: chosenLabel, reading: reading, access: access)
    }

    private static func stringText(_ value: String, _ name: String) throws(SlotSyncError) -> String {
        var rest = value[...]
        while let next = rest.unicodeScalars.first {
            if rest.hasPrefix("{host}") {
                rest = rest.dropFirst("{host}".count)
                continue
            }
            if "\"'`\\{}[]()".unicodeScalars.contains(next) || next.properties.generalCategory == .control {
                throw Placeholders.refusal(of: value, name, next, in: "a query")
            }
            rest.unicodeScalars.removeFirst()
        }
        return value
    }
}
