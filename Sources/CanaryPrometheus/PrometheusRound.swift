// One sample of all metrics on all hosts, as a value: it says what to ask next, and takes the answers in any order. It
// knows nothing of HTTP or of time.

import SlotSync

/// What is still to be asked, and what is known so far.
struct PrometheusRound {
    /// For each query, in their order, each host's reading.
    private(set) var readings: [[PrometheusReading]]
    /// What servers warned of, with the query's index.
    private(set) var warnings: [(query: Int, text: String)] = []
    /// Queries that the server takes for one host but not for several in one expression.
    private(set) var askedAlone: Set<Int>

    private let queries: [PrometheusQuery]
    /// For each query what its requests are sent with.
    private let secrets: [PrometheusSecrets]
    private let hosts: PrometheusHosts
    private var waiting: [PrometheusAsk] = []
    /// For a request that probes one host of a refused batch: the other hosts of that batch.
    private var others: [Probe: [Int]] = [:]

    private struct Probe: Hashable {
        var query: Int
        var host: Int
    }

    init(
        _ queries: [PrometheusQuery], hosts: PrometheusHosts, askedAlone: Set<Int>, secrets: [PrometheusSecrets]? = nil
    ) {
        self.queries = queries
        self.secrets = secrets ?? queries.map { _ in PrometheusSecrets([]) }
        self.hosts = hosts
        self.askedAlone = askedAlone
        let unknown = PrometheusReading.missing(PrometheusGap(.timedOut, "it was not asked for in time"))
        readings = queries.map { _ in [PrometheusReading](repeating: unknown, count: hosts.count) }
        for (index, query) in queries.enumerated() {
            waiting += PrometheusAsk.all(
                query, metric: index, hosts: hosts.names, joining: !askedAlone.contains(index))
        }
        waiting.reverse()
    }

    /// The next request to send; nil if there is none for now. An answer may bring more.
    mutating func next() -> PrometheusAsk? { waiting.popLast() }

    /// A request is to be sent once more, in another way.
    mutating func again(_ ask: PrometheusAsk) { waiting.append(ask) }

    /// A request is too long to be sent: it becomes two, each for half of its hosts.
    mutating func split(_ ask: PrometheusAsk) {
        let half = ask.hosts.count / 2
        for part in [ask.hosts[half...], ask.hosts[..<half]] {
            waiting += PrometheusAsk.joined(queries[ask.metric], metric: ask.metric, hosts: hosts.names, part)
                .reversed().map { half in
                    var half = half
                    half.isRepeated = ask.isRepeated
                    return half
                }
        }
    }

    /// Takes the secrets out of all that there is to tell, whatever way they came there.
    mutating func hideSecrets() {
        warnings = warnings.map { ($0.query, secrets[$0.query].hidden(in: $0.text)) }
        for (query, secrets) in secrets.enumerated() {
            readings[query] = readings[query].map { reading in
                guard case .missing(let gap) = reading else { return reading }
                return .missing(PrometheusGap(gap.kind, secrets.hidden(in: gap.message)))
            }
        }
    }

    /// What a server says, for a message: the secrets go before it is cut.
    private func shown(_ text: String, of query: Int) -> String { quoted(secrets[query].hidden(in: text)) }

    /// Takes what became of a request.
    mutating func take(_ result: Result<PrometheusResponse, PrometheusGap>, of ask: PrometheusAsk) {
        let probe = ask.form == .alone ? others.removeValue(forKey: Probe(query: ask.metric, host: ask.hosts[0])) : nil
        do throws(PrometheusGap) {
            let query = queries[ask.metric]
            let answer = try PrometheusAnswer.parse(try result.get(), from: query.server, hiding: secrets[ask.metric])
            warnings += answer.warnings.map { (ask.metric, "\(query.server) warns: \(shown($0, of: ask.metric))") }
            if case .error(let type, let message) = answer.outcome {
                takeError(type, message, of: ask, probe: probe)
            } else {
                if let probe {
                    askedAlone.insert(ask.metric)
                    askAlone(probe, ask.metric)
                }
                take(answer.outcome, of: ask)
            }
        } catch {
            set(ask.hosts + (probe ?? []), of: ask, .missing(error))
        }
    }

    /// A server may refuse many hosts at once and still answer for each: the expression is a scalar, which takes no
    /// label (`bad_data`); it is too long for the server; one host's data break it for all (`execution`).
    private mutating func takeError(_ type: String, _ message: String, of ask: PrometheusAsk, probe: [Int]?) {
        let gap = PrometheusGap(
            .refused,
            "\(queries[ask.metric].server) refuses the query (\(escapedForDisplay(type))): \(shown(message, of: ask.metric))"
        )
        switch (ask.form, type) {
        case (.joined, "bad_data"):
            others[Probe(query: ask.metric, host: ask.hosts[0])] = Array(ask.hosts.dropFirst())
            askAlone(ask.hosts.prefix(1), ask.metric)
        case (.joined, "execution"):
            askAlone(ask.hosts, ask.metric)
        case (.alone, "bad_data"):
            set(ask.hosts + (probe ?? []), of: ask, .missing(gap))
        default:
            set(ask.hosts, of: ask, .missing(gap))
            if let probe { askAlone(probe, ask.metric) }
        }
    }

    private mutating func askAlone(_ indices: some Collection<Int>, _ query: Int) {
        waiting += PrometheusAsk.alone(queries[query], metric: query, hosts: hosts.names, indices).reversed()
    }

    private mutating func take(_ outcome: PrometheusAnswer.Outcome, of ask: PrometheusAsk) {
        switch outcome {
        case .vector(let series): take(series, of: ask)
        case .scalar(let value) where ask.form == .alone: set(ask.hosts, of: ask, reading(value, of: ask.metric))
        case .scalar:
            let gap = PrometheusGap(
                .noSeries,
                "the result is one number for all; write {host} into the query, or keep the label "
                    + "\(queries[ask.metric].label): sum by (\(queries[ask.metric].label)) (…)")
            set(ask.hosts, of: ask, .missing(gap))
        case .unusable(let what):
            let gap = PrometheusGap(
                .notANumber,
                "the result is a \(what), and a host needs one number: rate(…) or avg_over_time(…) makes one of a range, "
                    + "histogram_quantile(…) of a histogram")
            set(ask.hosts, of: ask, .missing(gap))
        case .error: break
        }
    }

    private mutating func take(_ series: [PrometheusAnswer.Series], of ask: PrometheusAsk) {
        var found: [Int: PrometheusReading] = [:]
        for one in series {
            guard let host = host(of: one, in: ask) else {
                guard ask.form == .joined else { continue }
                let gap = PrometheusGap(
                    .malformed, "\(queries[ask.metric].server): a series came without the label that it was given")
                return set(ask.hosts, of: ask, .missing(gap))
            }
            found[host] = found[host] == nil ? reading(one.value, of: ask.metric) : .missing(several(one, of: ask))
        }
        let nothing = PrometheusReading.missing(nothing(series, of: ask))
        for host in ask.hosts { readings[ask.metric][host] = found[host] ?? nothing }
    }

    private func host(of series: PrometheusAnswer.Series, in ask: PrometheusAsk) -> Int? {
        switch ask.form {
        case .alone: ask.hosts[0]
        case .labelled: series.label(queries[ask.metric].label).flatMap(hosts.index(of:))
        case .joined:
            series.label(PrometheusAsk.number).flatMap { Int($0) }
                .flatMap { ask.hosts.indices.contains($0) ? ask.hosts[$0] : nil }
        }
    }

    private mutating func set(_ hosts: [Int], of ask: PrometheusAsk, _ reading: PrometheusReading) {
        for host in hosts { readings[ask.metric][host] = reading }
    }

    private func reading(_ text: String, of query: Int) -> PrometheusReading {
        guard let value = Double(text), value.isFinite else {
            return .missing(
                PrometheusGap(.notANumber, "the result is \(shown(text, of: query)), which is no finite number"))
        }
        return .value(value)
    }

    private func several(_ one: PrometheusAnswer.Series, of ask: PrometheusAsk) -> PrometheusGap {
        let labels = one.labels.filter { $0.name != PrometheusAsk.number }.map { "\($0.name)=\($0.value)" }
        let sum = ask.form == .labelled ? "sum by (\(queries[ask.metric].label)) (…)" : "sum(…)"
        return PrometheusGap(
            .severalSeries,
            "the result has several series, one of them \(shown(labels.joined(separator: ", "), of: ask.metric)); "
                + "aggregate them: \(sum)")
    }

    /// Why a host is not in an answer.
    private func nothing(_ series: [PrometheusAnswer.Series], of ask: PrometheusAsk) -> PrometheusGap {
        guard ask.form == .labelled, !series.isEmpty else {
            return PrometheusGap(
                .noSeries, "the query's result is empty; where that means zero, write `or vector(0)` after the query")
        }
        let label = queries[ask.metric].label
        let known = Set(series.prefix(100).compactMap { $0.label(label) }).sorted().prefix(3)
        return PrometheusGap(
            .noSeries,
            known.isEmpty
                ? "no series of the result has the label \(label); keep it, as in sum by (\(label)) (…), or name another"
                : "no series of the result has the host in its label \(label), but for example "
                    + known.map { shown($0, of: ask.metric) }.joined(separator: ", "))
    }
}
