// One look at a recording: every metric tested, the significance shared, metrics named step by step. Made by the judge
// for each look; what is enough data is decided in Sufficiency.swift, what is said of it in Sentences.swift.

/// A recording's metrics as they stand after some of its samples.
struct Comparison {
    /// One metric and what its tests found.
    struct Item {
        var metric: Metric
        var table: SampleTable
        var tests: [Claim]
    }

    let recording: Recording
    let settings: JudgeSettings
    let roles: Roles
    let planned: Int
    var items: [Item]

    init(_ recording: Recording, settings: JudgeSettings, samples: Int, planned: Int) {
        self.recording = recording
        self.settings = settings
        self.planned = planned
        let roles = Roles(recording.hosts)
        self.roles = roles
        let before = recording.hosts.flatMap { $0.baseline.map(\.count) }.max() ?? 0
        let settle = Self.settleSamples(settings, recording)
        let tables = recording.metrics.indices.map {
            SampleTable(recording, metric: $0, before: before, settle: settle, after: samples)
        }
        let scales = tables.indices.map { recording.metrics[$0].kind == .gauge ? GaugeScale(tables[$0]) : nil }
        let levels = tables.indices.map { scales[$0]?.levels(tables[$0]) ?? tables[$0] }
        let own = tables.indices.map { index -> [Double]? in
            guard scales[index]?.isLogarithmic == true else { return nil }
            return (0..<recording.hosts.count).map { levels[index].mean($0, 0..<before) ?? .nan }
        }

        items = tables.indices.map { index in
            let metric = recording.metrics[index]
            let tolerance = metric.tolerance ?? settings.tolerance
            var find: ([Int]) -> Evidence? = { _ in nil }
            if metric.kind == .counter {
                if let test = CounterTest(tables[index], worse: metric.worse, roles: roles) {
                    find = { test.evidence(for: $0, tolerance: tolerance) }
                }
            } else if let scale = scales[index] {
                let others = own.indices.filter { $0 != index }.compactMap { own[$0] }
                let peers = own[index] == nil || others.isEmpty ? nil : Self.mean(others)
                let test = GaugeTest(
                    levels[index], scale: scale, worse: metric.worse, roles: roles, peerLevels: peers)
                if let test { find = { test.evidence(for: $0, tolerance: tolerance) } }
            }
            var tests: [Claim] = []
            // A critical metric spends half of its share on each canary by itself.
            let single = metric.isCritical && roles.canaries.count > 1
            if let evidence = find(roles.canaries) {
                tests.append(Claim(evidence: evidence, weight: metric.weight * (single ? 0.5 : 1)))
            }
            if single {
                for canary in roles.canaries {
                    guard let evidence = find([canary]) else { continue }
                    tests.append(
                        Claim(evidence: evidence, weight: metric.weight * 0.5 / Double(roles.canaries.count)))
                }
            }
            return Item(metric: metric, table: tables[index], tests: tests)
        }
    }

    /// How many samples after the flip fall into the settling time.
    static func settleSamples(_ settings: JudgeSettings, _ recording: Recording) -> Int {
        let samples = (settings.settle / recording.interval - 1e-9).rounded(.up)
        return samples.isFinite ? Int(min(max(samples, 0), 1e6)) : 0
    }

    private static func mean(_ rows: [[Double]]) -> [Double] {
        rows[0].indices.map { index in
            let there = rows.map { $0[index] }.filter { !$0.isNaN }
            return there.isEmpty ? .nan : there.reduce(0, +) / Double(there.count)
        }
    }

    func judgement(significance: Double) -> Judgement {
        var left = Set(items.indices.filter { !items[$0].tests.isEmpty })
        var named: Set<Int> = []
        var critical: [Int: Double] = [:]
        while !left.isEmpty {
            let order = left.sorted()
            let claims = order.flatMap { items[$0].tests }
            let values = SignificanceAllocation.common(claims, significance: significance)
            var next = 0
            var hits: [Int] = []
            for index in order {
                for test in items[index].tests {
                    if test.evidence.p <= values[next] { if hits.last != index { hits.append(index) } }
                    critical[index] = values[next]
                    next += 1
                }
            }
            if hits.isEmpty { break }
            named.formUnion(hits)
            left.subtract(hits)
        }
        let metrics = items.indices.map { index -> MetricJudgement in
            let item = items[index]
            let best = item.tests.first?.evidence
            let bad = named.contains(index) && best!.exceedsTolerance
            return MetricJudgement(
                name: item.metric.name, verdict: bad ? .regression : .pass, p: best?.p, effect: best?.change,
                criticalP: critical[index])
        }
        return Judgement(
            verdict: metrics.contains { $0.verdict == .regression } ? .regression : .pass, metrics: metrics, why: "")
    }
}
