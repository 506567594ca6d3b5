// Asks Prometheus servers for the metrics of all hosts, again and again. The controller has one for a push; agents
// never ask. PrometheusRound decides what to ask and what answers mean; this file has the requests and the clock.

public import Canary
public import SlotSync

/// A metric by its name, and where it comes from.
public struct PrometheusMetric: Sendable, Hashable {
    public var name: String
    public var query: PrometheusQuery

    public init(name: String, query: PrometheusQuery) {
        self.name = name
        self.query = query
    }
}

/// What one call gave, with the kinds of what is missing.
struct PrometheusSample: Sendable {
    /// For each metric, in the sampler's order, the reading of each host, in the sampler's order.
    var readings: [[PrometheusReading]]
    /// What went wrong and was not told by an earlier call, a line each.
    var notices: [String]
}

/// Samples metrics of many hosts.
///
/// ```swift
/// let sampler = PrometheusSampler([PrometheusMetric(name: "load", query: query)], hosts: hosts, transport: client)
/// let sample = await sampler.sample(within: .seconds(4))
/// sample.readings[0][17]   // .value(0.4), or .missing with the reason
/// ```
public actor PrometheusSampler: ExternalSampler {
    /// The most requests that are under way at the same time, over all metrics.
    public static let mostRequests = 8

    private let metrics: [PrometheusMetric]
    private let hosts: PrometheusHosts
    private let transport: any PrometheusTransport
    private var askedAlone: Set<Int> = []
    private var totals: PrometheusTotals
    private var notices = PrometheusNotices()

    public init(_ metrics: [PrometheusMetric], hosts: [Host], transport: any PrometheusTransport) {
        self.metrics = metrics
        self.hosts = PrometheusHosts(hosts)
        self.transport = transport
        totals = PrometheusTotals(queries: metrics.count, hosts: hosts.count)
    }

    public func sample(within limit: Duration) async -> ExternalSample {
        let sample = await ask(within: limit)
        return ExternalSample(readings: sample.readings.map { $0.map(\.shared) }, notices: sample.notices)
    }

    /// Asks for every metric on every host, now. It never throws: what did not come is missing, with its reason.
    ///
    /// Calls follow one another; the growth of a running total is from one call to the next.
    ///
    /// - Parameter limit: How long it may take. What has not come by then is missing.
    func ask(within limit: Duration) async -> PrometheusSample {
        let deadline = ContinuousClock.now + limit
        var round = PrometheusRound(metrics.map(\.query), hosts: hosts, askedAlone: askedAlone)
        await withTaskGroup(of: (PrometheusAsk, Result<PrometheusResponse, PrometheusGap>).self) { group in
            var underWay = 0
            while true {
                while underWay < Self.mostRequests, let ask = round.next() {
                    let server = metrics[ask.metric].query.server
                    group.addTask { [transport] in
                        (ask, await Self.send(ask, to: server, by: deadline, transport))
                    }
                    underWay += 1
                }
                guard let (ask, result) = await group.next() else { break }
                underWay -= 1
                round.take(result, of: ask)
            }
        }
        askedAlone = round.askedAlone
        let new = notices.new(in: round, metrics: metrics.map(\.name), hosts: hosts.labels)
        return PrometheusSample(readings: withGrowth(round.readings), notices: new)
    }

    private static func send(
        _ ask: PrometheusAsk, to server: PrometheusServer, by deadline: ContinuousClock.Instant,
        _ transport: any PrometheusTransport
    ) async -> Result<PrometheusResponse, PrometheusGap> {
        let left = deadline - .now
        guard left > .zero else {
            return .failure(PrometheusGap(.timedOut, "\(server): there was no time left to ask for it"))
        }
        let call = PrometheusCall(
            url: server.queryURL, authorization: server.authorization, form: ask.form(within: left))
        do throws(PrometheusGap) {
            return .success(try await transport.post(call, within: left))
        } catch {
            return .failure(PrometheusGap(error.kind, "\(server): \(error.message)"))
        }
    }

    private func withGrowth(_ readings: [[PrometheusReading]]) -> [[PrometheusReading]] {
        var readings = readings
        for (index, metric) in metrics.enumerated() where metric.query.reading == .total {
            for host in readings[index].indices {
                readings[index][host] = totals.growth(readings[index][host], query: index, host: host)
            }
        }
        return readings
    }
}
