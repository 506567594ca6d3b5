// One look at a recording: it tests every metric, shares the significance among the tests, and makes the verdict. Judge
// makes a Look for each of its looks. Sufficiency decides what is enough data, Sentences says what was found.

/// A recording's metrics as they stand after some of its samples.
struct Look {
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
    let naming: FlippedName
    var items: [Item]

    init(
        _ recording: Recording, settings: JudgeSettings, samples: Int, planned: Int, naming: FlippedName = .canaries
    ) {
        self.recording = recording
        self.settings = settings
        self.planned = planned
        self.naming = naming
        let roles = Roles(recording.hosts)
        self.roles = roles
        let before = recording.samplesBefore
        let settle = settings.settleSamples(every: recording.interval)
        let gap = Self.gapSamples(recording)
        let tables = recording.metrics.indices.map {
            SampleTable(recording, metric: $0, before: before, gap: gap, settle: settle, after: samples)
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
            // A critical metric spends half of its share on the canaries one by one.
            let isSingle = metric.isCritical && roles.canaries.count > 1
            if let evidence = find(roles.canaries) {
                tests.append(Claim(evidence: evidence, weight: metric.weight * (isSingle ? 0.5 : 1)))
            }
            if isSingle {
                for canary in roles.canaries {
                    guard let evidence = find([canary]) else { continue }
                    let weight = 0.5 * metric.weight / Double(roles.canaries.count)
                    tests.append(Claim(evidence: evidence, weight: weight, canary: canary))
                }
            }
            return Item(metric: metric, table: tables[index], tests: tests)
        }
    }

    /// How many samples' time passed between base line and flip. After the longest nothing of a host's wavering persists
    /// in any noise model.
    private static func gapSamples(_ recording: Recording) -> Int {
        let samples = ((recording.gap ?? 0) / recording.interval).rounded()
        return samples.isFinite ? Int(min(max(samples, 0), longestGap)) : 0
    }
    private static let longestGap = 200.0

    private static func mean(_ rows: [[Double]]) -> [Double] {
        rows[0].indices.map { index in
            let there = rows.map { $0[index] }.filter { !$0.isNaN }
            return there.isEmpty ? .nan : there.reduce(0, +) / Double(there.count)
        }
    }

    /// What was found for one metric, with what a sentence about it needs.
    struct Finding {
        var judgement: MetricJudgement
        var kind: Metric.Kind
        var tolerance: Double
        /// p is at most its critical value, whether or not the change exceeds the tolerance.
        var isSignificant: Bool
        var canaries: Int
        var controls: Int

        /// How near it stands to a rollback: p over what would have led to one.
        var nearness: Double {
            guard let p = judgement.p, let critical = judgement.criticalP, critical > 0 else { return .infinity }
            return p / critical
        }
    }

    /// Whether samples that are still to come may decide it. A gauge needs a base line, which is over.
    private func canBeDecided(_ item: Item) -> Bool {
        guard !roles.canaries.isEmpty, !roles.controls.isEmpty else { return false }
        return item.metric.kind == .counter || Sufficiency.lackBefore(item.metric, item.table, roles) == nil
    }

    /// The verdict with this much significance; `isLast`: a pass may be given.
    func judgement(significance: Double, isLast: Bool) -> Judgement {
        let criticals = criticalValues(significance)
        var findings = items.indices.map { finding(items[$0], criticals[$0]) }
        let lacks = items.indices.map { Sufficiency.lack(items[$0], in: self) }
        for index in findings.indices where findings[index].judgement.verdict != .regression {
            guard lacks[index] != nil || !isLast else { continue }
            findings[index].judgement.verdict = .inconclusive
            findings[index].judgement.isUndecided = !isLast && canBeDecided(items[index])
            findings[index].judgement.note = lacks[index] ?? "the window is not over"
        }
        let regressed = findings.filter { $0.judgement.verdict == .regression }.sorted { $0.nearness < $1.nearness }
        if let first = regressed.first {
            // What it lacks may yet have come.
            for index in findings.indices where findings[index].judgement.isUndecided {
                findings[index].judgement.note = "\(first.judgement.name) ended the window before this was decided"
            }
        }
        let metrics = findings.map(\.judgement)
        if !regressed.isEmpty {
            return Judgement(
                verdict: .regression, metrics: metrics, why: Sentences.regression(regressed, over: items.count, naming))
        }
        if items.isEmpty {
            return Judgement(verdict: .inconclusive, metrics: [], why: "there is no metric to judge")
        }
        if !isLast {
            let samples = items[0].table.after
            return Judgement(
                verdict: .inconclusive, metrics: metrics,
                why: Sentences.soFar(findings, samples: samples, of: planned, naming))
        }
        let lost = Sufficiency.lostCanaries(self)
        if !lost.isEmpty || lacks.contains(where: { $0 != nil }) {
            let half = Sufficiency.firstHalf(of: items[0].table, planned: planned)
            return Judgement(
                verdict: .inconclusive, metrics: metrics,
                why: Sentences.inconclusive(
                    lacks.compactMap { $0 }, lost: lost, from: Double(half) * recording.interval,
                    to: Double(planned) * recording.interval), lost: lost)
        }
        let silent = roles.canaries.filter { host in
            items.allSatisfy { $0.table.count(host, 0..<$0.table.moments) == 0 }
        }
        return Judgement(
            verdict: .pass, metrics: metrics,
            why: Sentences.pass(findings, silent: silent.map { recording.hosts[$0].host }, naming))
    }

    /// Every test's critical value. Step by step (Holm 1979): a metric that is significant leaves its share to the others.
    private func criticalValues(_ significance: Double) -> [[Double]] {
        var criticals = items.map { [Double](repeating: 0, count: $0.tests.count) }
        var left = items.indices.filter { !items[$0].tests.isEmpty }
        while !left.isEmpty {
            let claims = left.flatMap { items[$0].tests }
            var values = SignificanceAllocation.criticalValues(claims, significance: significance)[...]
            for index in left {
                criticals[index] = Array(values.prefix(items[index].tests.count))
                values = values.dropFirst(items[index].tests.count)
            }
            let rest = left.filter { index in
                !zip(items[index].tests, criticals[index]).contains { $0.isRegression(at: $1) }
            }
            if rest.count == left.count { break }
            left = rest
        }
        return criticals
    }

    /// The test that stands nearest to a rollback speaks for its metric.
    private func finding(_ item: Item, _ criticals: [Double]) -> Finding {
        let tests = zip(item.tests, criticals)
        let regressed = tests.filter { $0.isRegression(at: $1) }
        let nearest = (regressed.isEmpty ? Array(tests) : regressed).min {
            $0.0.evidence.p / max($0.1, 1e-300) < $1.0.evidence.p / max($1.1, 1e-300)
        }
        let canaries = nearest?.0.canary.map { [$0] } ?? roles.canaries
        let canary = level(item, canaries)
        let control = level(item, roles.controls)
        let base = 0..<item.table.before
        let evidence = nearest?.0.evidence
        let judgement = MetricJudgement(
            name: item.metric.name, verdict: regressed.isEmpty ? .pass : .regression, p: evidence?.p,
            effect: evidence?.change, criticalP: nearest?.1, canaryLevel: canary.level, controlLevel: control.level,
            canaryBefore: level(item, canaries, in: base).level,
            controlBefore: level(item, roles.controls, in: base).level,
            canary: nearest?.0.canary.map { recording.hosts[$0].host })
        return Finding(
            judgement: judgement, kind: item.metric.kind, tolerance: item.metric.tolerance ?? settings.tolerance,
            isSignificant: nearest.map { $0.0.evidence.p <= $0.1 } ?? false,
            canaries: canary.hosts, controls: control.hosts)
    }

    /// A gauge's mean over hosts, and a counter's events a minute and host.
    ///
    /// - Parameter columns: nil: those that its test counts.
    private func level(_ item: Item, _ hosts: [Int], in columns: Range<Int>? = nil) -> (level: Double?, hosts: Int) {
        let table = item.table
        if item.metric.kind == .gauge {
            let means = hosts.compactMap { table.mean($0, columns ?? table.counted) }
            return (means.isEmpty ? nil : means.reduce(0, +) / Double(means.count), means.count)
        }
        let sums = hosts.map { table.sum($0, columns ?? table.counted) }.filter { $0.count > 0 }
        let count = sums.reduce(0) { $0 + $1.count }
        guard count > 0 else { return (nil, 0) }
        return (sums.reduce(0) { $0 + $1.sum } / Double(count) * 60 / recording.interval, sums.count)
    }
}
