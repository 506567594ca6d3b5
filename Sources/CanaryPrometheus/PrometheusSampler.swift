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
    /// Servers, by their address, behind a proxy that refuses POST, and those that have answered one.
    private var askedByGet: Set<String> = []
    private var answerPost: Set<String> = []
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
        let access = metrics.map { metric in Result { () throws(SlotSyncError) in try metric.query.headers() } }
        var round = PrometheusRound(
            metrics.map(\.query), hosts: hosts, askedAlone: askedAlone,
            secrets: access.map { PrometheusSecrets((try? $0.get()) ?? []) })
        await withTaskGroup(of: Exchange.self) { group in
            var underWay = 0
            while true {
                while underWay < Self.mostRequests, let ask = round.next() {
                    let server = metrics[ask.metric].query.server
                    var call = PrometheusCall(
                        method: ask.isRepeated || askedByGet.contains(server.base) ? .get : .post,
                        url: server.queryURL, form: "", headers: [])
                    let question = ask.form(within: deadline - .now)
                    if call.method == .post { call.form = question } else { call.url += "?" + question }
                    guard call.url.utf8.count <= PrometheusAsk.longestURL || ask.form != .joined || ask.hosts.count == 1
                    else {
                        round.split(ask)
                        continue
                    }
                    switch access[ask.metric] {
                    case .success(let headers): call.headers = headers
                    case .failure(let error):
                        round.take(.failure(PrometheusGap(.unreachable, "\(server): \(error)")), of: ask)
                        continue
                    }
                    group.addTask { [transport, call] in
                        Exchange(
                            ask: ask, method: call.method,
                            result: await Self.send(call, to: server, by: deadline, transport))
                    }
                    underWay += 1
                }
                guard let exchange = await group.next() else { break }
                underWay -= 1
                take(exchange, in: &round)
            }
        }
        askedAlone = round.askedAlone
        round.hideSecrets()
        let new = notices.new(in: round, metrics: metrics.map(\.name), hosts: hosts.labels)
        return PrometheusSample(readings: withGrowth(round.readings), notices: new)
    }

    /// A request and what became of it.
    private struct Exchange {
        var ask: PrometheusAsk
        var method: PrometheusCall.Method
        var result: Result<PrometheusResponse, PrometheusGap>
    }

    /// Where POST brings no answer of Prometheus's, GET may: proxies refuse POST in many ways, by a status, a page, or the end
    /// of the connection. What lets nothing but GET through is asked so from then on, unless that brings nothing either.
    private func take(_ exchange: Exchange, in round: inout PrometheusRound) {
        let server = metrics[exchange.ask.metric].query.server
        switch exchange.method {
        case .post where !answerPost.contains(server.base):
            guard Self.isNoAnswer(exchange.result, of: server) else {
                answerPost.insert(server.base)
                return round.take(exchange.result, of: exchange.ask)
            }
            askedByGet.insert(server.base)
            var ask = exchange.ask
            ask.isRepeated = true
            round.again(ask)
        case .get where Self.isNoAnswer(exchange.result, of: server):
            askedByGet.remove(server.base)
            round.take(exchange.result, of: exchange.ask)
        case .get, .post: round.take(exchange.result, of: exchange.ask)
        }
    }

    /// Whether somebody else answered, or nobody. Where the time is over, or the answer is too large, there is nothing to try.
    private static func isNoAnswer(
        _ result: Result<PrometheusResponse, PrometheusGap>, of server: PrometheusServer
    ) -> Bool {
        switch result {
        case .failure(let gap): gap.kind == .unreachable
        case .success(let response): (try? PrometheusAnswer.parse(response, from: server)) == nil
        }
    }

    private static func send(
        _ call: PrometheusCall, to server: PrometheusServer, by deadline: ContinuousClock.Instant,
        _ transport: any PrometheusTransport
    ) async -> Result<PrometheusResponse, PrometheusGap> {
        let left = deadline - .now
        guard left > .zero else {
            return .failure(PrometheusGap(.timedOut, "\(server): there was no time left to ask for it"))
        }
        do throws(PrometheusGap) {
            return .success(try await transport.send(call, within: left))
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
