// Says which regressions a judge can detect with the chosen canaries, before a push starts and again after its base
// line. A pass proves nothing where no regression could be detected. RolloutPlan and PushDriver call it.

import Glibc
import SlotSync

/// How often a regression of one size would be caught.
public struct DetectableChange: Sendable, Equatable {
    public var metric: String
    /// The canaries' level over the controls': 2 is twice as many.
    public var factor: Double
    /// The share of such regressions that would be caught, 0 to 1.
    public var share: Double
}

/// What can be detected, metric by metric.
public struct Detection: Sendable, Equatable {
    public var changes: [DetectableChange]
    /// "errors × 5 in 8 of 10 cases, errors × 2 hardly: choose 10 canaries or more; …".
    public var sentence: String
    /// The sentence as people are told it.
    public var claim: String { "these canaries can show: \(sentence)" }
}

extension Judge {
    private static let often = 0.75
    private static let hardly = 0.2

    /// What would be detected over `metrics` with so many canaries and controls.
    ///
    /// The noise is taken from `baseline`, a recording without samples after the flip, and where it has too little of a
    /// metric from a usual fleet, which the sentence says then: samples that waver by 12 %, correlated by 0.9 over five
    /// seconds; events twice a minute and host, half of the hosts with most of them. Of a metric that cannot be judged by
    /// that base line nothing is detected.
    ///
    /// - Parameters:
    ///   - interval: seconds from one sample to the next, where there is no recording.
    ///   - baselineTime: seconds of the base line then; nil: as many as of the window.
    public func detection(
        of metrics: [Metric], canaries: Int, controls: Int, interval: Double = Recording.usualInterval,
        baselineTime: Double? = nil, baseline: Recording? = nil
    ) -> Detection {
        let forecasts = Forecast.of(
            metrics, settings: settings, interval: interval, baselineTime: baselineTime, baseline: baseline)
        let changes = changes(forecasts, canaries: canaries, controls: controls)
        guard canaries > 0, controls > 0 else {
            return Detection(
                changes: changes.flatMap(\.self), sentence: "without canaries and controls nothing can be detected")
        }
        let all = canaries + controls
        let sizes = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50].filter { $0 > canaries && 2 * $0 <= all }
        lazy var more = sizes.map { ($0, self.changes(forecasts, canaries: $0, controls: all - $0)) }
        let parts = forecasts.enumerated().map { index, forecast -> String in
            let name = forecast.metric.name
            if forecast.isBlind { return "\(name) nothing, for want of samples before the flip" }
            if forecast.isWithoutEvents { return "\(name) had no event before the flip, so no factor can be told" }
            let own = changes[index]
            let smallest = own[0]
            let seen = own.first { $0.share >= Self.often } ?? own[own.count - 1]
            var text = "\(name) \(Self.words(seen.factor)) \(Self.cases(seen.share))"
            if baseline != nil, forecast.isUsual { text += " (by usual noise: too few samples yet)" }
            guard smallest.share < Self.often else { return text }
            if smallest != seen { text += ", \(Self.words(smallest.factor)) \(Self.cases(smallest.share))" }
            let enough = more.first { _, changes in changes[index][0].share >= Self.often }
            return text + (enough.map { ": choose \($0.0) canaries or more" } ?? "")
        }
        return Detection(changes: changes.flatMap(\.self), sentence: parts.joined(separator: "; "))
    }

    /// For each metric what is detected, from the smallest change on.
    private func changes(_ forecasts: [Forecast], canaries: Int, controls: Int) -> [[DetectableChange]] {
        let tests = forecasts.map {
            $0.evidence(canaries: canaries, controls: controls, tolerance: $0.metric.tolerance ?? settings.tolerance)
        }
        let claims = zip(forecasts, tests).compactMap { forecast, test in
            test.map { Claim(evidence: $0, weight: forecast.metric.weight) }
        }
        var criticals = SignificanceAllocation.criticalValues(claims, significance: settings.significance)[...]
        return zip(forecasts, tests).map { forecast, test in
            let metric = forecast.metric
            var shares: [Double] = []
            if let test, let critical = criticals.popFirst() { shares = test.powers(at: critical) }
            let usual = metric.kind == .gauge ? UsualRegressions.gauge : UsualRegressions.counter
            return usual.enumerated().map { index, factor in
                DetectableChange(
                    metric: metric.name, factor: metric.worse == .higher ? factor : 1 / factor,
                    share: index < shares.count ? min(shares[index], 1) : 0)
            }
        }
    }

    /// What will be detected in a push whose base line has just ended, by the noise that it shows.
    ///
    /// - Parameter baseline: its hosts in their roles, without samples after the flip. Hosts that sent none do not count.
    public func detectionBeforeFlip(_ baseline: Recording) -> Detection {
        func count(_ role: HostSamples.Role) -> Int {
            baseline.hosts.count { $0.role == role && $0.baseline.contains { $0.contains(where: \.isFinite) } }
        }
        return detection(
            of: baseline.metrics, canaries: count(.canary), controls: count(.control), interval: baseline.interval,
            baseline: baseline)
    }

    private static func words(_ factor: Double) -> String {
        factor >= 1.95 || factor < 0.55
            ? NumberText.factor(factor)
            : NumberText.change(factor - 1)
    }

    private static func cases(_ share: Double) -> String {
        if share < hardly { return "hardly" }
        let tenths = Int((10 * share).rounded(.down))
        return tenths >= 10 || share > 0.95 ? "nearly always" : "in \(tenths) of 10 cases"
    }
}

/// One metric's noise before the flip, from which any choice of canaries is foretold.
private struct Forecast {
    /// A gauge's step variance for one host; a counter's events a host in the base line and in the window, and its
    /// dispersion.
    private enum Noise {
        case gauge(stepVariance: Double)
        case counter(before: Double, after: Double, dispersion: DispersionPosterior)
    }

    let metric: Metric
    /// Too little is known of its own noise: it is a usual fleet's.
    private(set) var isUsual = true
    /// A counter that was sampled, and counted nothing.
    private(set) var isWithoutEvents = false
    /// It cannot be judged by the base line.
    private(set) var isBlind = false
    private var noise = Noise.gauge(stepVariance: 0)

    private static let usualDeviation = 0.12
    /// The correlation of samples that are `Recording.usualInterval` apart.
    private static let usualPersistence = 0.9
    private static let usualEvents = 2.0
    private static let usualShape = 2.0
    /// A host needs this many samples for its noise to be seen.
    private static let leastSamples = 6

    static func of(
        _ metrics: [Metric], settings: JudgeSettings, interval: Double, baselineTime: Double?, baseline: Recording?
    ) -> [Forecast] {
        let interval = baseline?.interval ?? interval
        let window = max(settings.plannedSamples(every: interval), 1)
        let recorded = baseline?.samplesBefore ?? 0
        let asked = baselineTime.map { max(JudgeSettings.samples(in: $0, every: interval), 1) }
        let shape = SeriesShape(
            before: recorded >= GaugeTest.leastBefore ? recorded : asked ?? window,
            settle: min(settings.settleSamples(every: interval), window - 1), after: window)
        // Hosts of which none is a canary are no push's: they show noise alone.
        let roles = baseline.map { Roles($0.hosts) }.flatMap { $0.canaries.isEmpty ? nil : $0 }
        return metrics.map { metric in
            let table = baseline.flatMap { recording in
                recording.metrics.firstIndex { $0.name == metric.name }.map {
                    SampleTable(recording, metric: $0, before: recorded, settle: 0, after: 0)
                }
            }
            return Forecast(metric, table, roles, shape, interval: interval)
        }
    }

    /// - Parameter table: the base line; nil: there is none.
    private init(_ metric: Metric, _ table: SampleTable?, _ roles: Roles?, _ shape: SeriesShape, interval: Double) {
        self.metric = metric
        if let roles, let table { isBlind = Sufficiency.lackBefore(metric, table, roles) != nil }
        switch metric.kind {
        case .gauge: noise = gaugeNoise(table, shape, interval: interval)
        case .counter: noise = counterNoise(table, shape, interval: interval)
        }
    }

    private mutating func gaugeNoise(_ table: SampleTable?, _ shape: SeriesShape, interval: Double) -> Noise {
        var model = NoiseModel(
            persistence: pow(Self.usualPersistence, interval / Recording.usualInterval), whiteness: 0)
        var variance = Self.usualDeviation * Self.usualDeviation
        if let table {
            let hosts = (0..<table.hosts).filter { table.count($0, 0..<table.before) >= Self.leastSamples }
            let grid = NoiseGrid.of(SeriesShape(before: table.before, settle: 0, after: 0))
            if hosts.count >= 2, let fit = NoiseFit(GaugeScale(table).levels(table), hosts: hosts, grid: grid) {
                model = fit.entry.model
                variance = fit.sampleVariance
                isUsual = false
            }
        }
        return .gauge(stepVariance: variance * StepEstimator(model, shape) { _ in true }.variance)
    }

    private mutating func counterNoise(_ table: SampleTable?, _ shape: SeriesShape, interval: Double) -> Noise {
        var rate = Self.usualEvents * interval / 60
        var dispersion = DispersionPosterior(shape: Self.usualShape)
        if let table {
            let sums = (0..<table.hosts).map { table.sum($0, 0..<table.before) }.filter { $0.count > 0 }
            let time = sums.reduce(0) { $0 + $1.count }
            if time > 0 {
                let clump = Clumps.size(table, hosts: Array(0..<table.hosts))
                let events = sums.map { ($0.sum / clump).rounded() }
                rate = events.reduce(0, +) / Double(time)
                dispersion = DispersionPosterior(events: events, time: sums.map { Double($0.count) })
                isUsual = false
                isWithoutEvents = rate == 0
            }
        }
        return .counter(
            before: rate * Double(shape.before),
            after: rate * Double(max(shape.after - SampleTable.leftOut(metric, settle: shape.settle), 1)),
            dispersion: dispersion)
    }

    /// What a test could find with so many canaries and controls; nil: there would be none.
    func evidence(canaries: Int, controls: Int, tolerance: Double) -> Evidence? {
        guard !isBlind, canaries > 0, controls > 0 else { return nil }
        switch noise {
        case .gauge(let variance):
            guard controls >= 2 else { return nil }
            let error = (variance * (1 / Double(canaries) + 1 / Double(controls))).squareRoot()
            return GaugeTest.expected(
                error: max(error, 1e-6), controls: controls, worse: metric.worse, tolerance: tolerance)
        case .counter(let before, let after, let dispersion):
            return CounterTest(
                hosts: canaries + controls, canaries: canaries, before: before, after: after, worse: metric.worse,
                dispersion: dispersion
            ).evidence(for: Array(0..<canaries), tolerance: tolerance)
        }
    }
}
