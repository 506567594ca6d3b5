// What a judge can see with the chosen canaries, told before a push starts, and again when its base line is there: nobody
// should take a pass for proof where nothing could have been caught. Called by `push` and by its driver.

import Glibc

/// How often a regression of one size would be caught.
public struct DetectableChange: Sendable, Equatable {
    public var metric: String
    /// The canaries' level over the controls': 2 is twice as many.
    public var factor: Double
    /// The share of such regressions that would be caught, 0 to 1.
    public var share: Double

    public init(metric: String, factor: Double, share: Double) {
        self.metric = metric
        self.factor = factor
        self.share = share
    }
}

/// What can be detected, metric by metric.
public struct Detection: Sendable, Equatable {
    public var changes: [DetectableChange]
    /// "errors × 5 in 8 of 10 cases, errors × 2 hardly: choose 10 canaries or more; …".
    public var sentence: String

    public init(changes: [DetectableChange], sentence: String) {
        self.changes = changes
        self.sentence = sentence
    }
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
        let forecast = Forecast(
            metrics, settings: settings, interval: interval, baselineTime: baselineTime, baseline: baseline)
        let changes = forecast.changes(canaries: canaries, controls: controls)
        guard canaries > 0, controls > 0 else {
            return Detection(changes: changes, sentence: "without canaries and controls nothing can be detected")
        }
        let all = canaries + controls
        let sizes = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50].filter { $0 > canaries && 2 * $0 <= all }
        lazy var more = sizes.map { ($0, forecast.changes(canaries: $0, controls: all - $0)) }
        let parts = metrics.compactMap { metric -> String? in
            let own = changes.filter { $0.metric == metric.name }
            guard let smallest = own.first else { return nil }
            if forecast.isBlind(metric.name) { return "\(metric.name) nothing, for want of samples before the flip" }
            if forecast.isWithoutEvents(metric.name) {
                return "\(metric.name) had no event before the flip, so no factor can be told"
            }
            let seen = own.first { $0.share >= Self.often } ?? own.last ?? smallest
            var text = "\(metric.name) \(Self.words(seen.factor)) \(Self.cases(seen.share))"
            if baseline != nil, forecast.isUsual(metric.name) { text += " (by usual noise: too few samples yet)" }
            guard smallest.share < Self.often else { return text }
            if smallest != seen { text += ", \(Self.words(smallest.factor)) \(Self.cases(smallest.share))" }
            let enough = more.first { _, changes in
                changes.first { $0.metric == metric.name }.map { $0.share >= Self.often } ?? false
            }
            return text + (enough.map { ": choose \($0.0) canaries or more" } ?? "")
        }
        return Detection(changes: changes, sentence: parts.joined(separator: "; "))
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
            ? "× \(Figures.level(factor).hasSuffix(".0") ? String(Int(factor)) : Figures.level(factor))"
            : Figures.change(factor - 1)
    }

    private static func cases(_ share: Double) -> String {
        if share < hardly { return "hardly" }
        let tenths = Int((10 * share).rounded(.down))
        return tenths >= 10 || share > 0.95 ? "nearly always" : "in \(tenths) of 10 cases"
    }
}

/// The noise of every metric, from which any choice of canaries is foretold.
private struct Forecast {
    /// A gauge's step variance for one host; a counter's events a host in the base line, and its dispersion.
    private enum Noise {
        case gauge(stepVariance: Double)
        case counter(before: Double, after: Double, dispersion: DispersionPosterior)
    }

    /// Metrics of whose own noise too little is known.
    private var usual: Set<String> = []
    /// Counters that were sampled, and counted nothing.
    private var withoutEvents: Set<String> = []
    /// Metrics that cannot be judged by the base line.
    private var blind: Set<String> = []

    private let metrics: [Metric]
    private let settings: JudgeSettings
    private var noise: [Noise] = []

    private static let usualDeviation = 0.12
    /// The correlation of samples that are `Recording.usualInterval` apart.
    private static let usualPersistence = 0.9
    private static let usualEvents = 2.0
    private static let usualShape = 2.0
    /// A host needs this many samples for its noise to be seen.
    private static let leastSamples = 6

    init(
        _ metrics: [Metric], settings: JudgeSettings, interval: Double, baselineTime: Double?, baseline: Recording?
    ) {
        self.metrics = metrics
        self.settings = settings
        let interval = baseline?.interval ?? interval
        func samples(_ seconds: Double) -> Int { Int(min(max((seconds / interval + 1e-9).rounded(.down), 1), 1e4)) }
        let window = samples(settings.window)
        let settle = min(Int(min(max((settings.settle / interval - 1e-9).rounded(.up), 0), 1e4)), window - 1)
        let recorded = baseline?.hosts.flatMap { $0.baseline.map(\.count) }.max() ?? 0
        let before = recorded >= GaugeTest.leastBefore ? recorded : baselineTime.map(samples) ?? window
        let shape = SeriesShape(before: before, settle: settle, after: window)
        // Hosts of which none is a canary are no push's: they show noise alone.
        let roles = baseline.map { Roles($0.hosts) }.flatMap { $0.canaries.isEmpty ? nil : $0 }
        noise = metrics.map { metric in
            usual.insert(metric.name)
            let table = baseline.flatMap { recording in
                recording.metrics.firstIndex { $0.name == metric.name }.map {
                    SampleTable(recording, metric: $0, before: recorded, settle: 0, after: 0)
                }
            }
            if let roles, let table, Sufficiency.lackBefore(metric, table, roles) != nil { blind.insert(metric.name) }
            switch metric.kind {
            case .gauge:
                var model = NoiseModel(
                    persistence: pow(Self.usualPersistence, interval / Recording.usualInterval), whiteness: 0)
                var variance = Self.usualDeviation * Self.usualDeviation
                if let table {
                    let hosts = (0..<table.hosts).filter { table.count($0, 0..<recorded) >= Self.leastSamples }
                    let levels = GaugeScale(table).levels(table)
                    let grid = NoiseGrid.of(SeriesShape(before: recorded, settle: 0, after: 0))
                    if hosts.count >= 2, let fit = NoiseFit(levels, hosts: hosts, grid: grid) {
                        model = fit.entry.model
                        variance = fit.sampleVariance
                        usual.remove(metric.name)
                    }
                }
                return .gauge(stepVariance: variance * StepEstimator(model, shape) { _ in true }.variance)
            case .counter:
                if let table, recorded > 0 {
                    let sums = (0..<table.hosts).map { table.sum($0, 0..<recorded) }.filter { $0.count > 0 }
                    let time = sums.reduce(0) { $0 + $1.count }
                    if time > 0 {
                        usual.remove(metric.name)
                        let clump = Clumps.size(table, hosts: Array(0..<table.hosts))
                        let events = sums.map { ($0.sum / clump).rounded() }
                        let rate = events.reduce(0, +) / Double(time)
                        if rate == 0 { withoutEvents.insert(metric.name) }
                        let dispersion = DispersionPosterior(events: events, time: sums.map { Double($0.count) })
                        return .counter(
                            before: rate * Double(before), after: rate * Double(window), dispersion: dispersion)
                    }
                }
                let rate = Self.usualEvents * interval / 60
                return .counter(
                    before: rate * Double(before), after: rate * Double(window),
                    dispersion: DispersionPosterior(shape: Self.usualShape))
            }
        }
    }

    func isBlind(_ metric: String) -> Bool { blind.contains(metric) }
    func isUsual(_ metric: String) -> Bool { usual.contains(metric) }
    func isWithoutEvents(_ metric: String) -> Bool { withoutEvents.contains(metric) }

    /// What is detected, from the smallest change on.
    func changes(canaries: Int, controls: Int) -> [DetectableChange] {
        let tests = zip(metrics, noise).map { metric, noise in
            isBlind(metric.name) ? nil : evidence(metric, noise, canaries: canaries, controls: controls)
        }
        let claims = zip(metrics, tests).compactMap { metric, test in
            test.map { Claim(evidence: $0, weight: metric.weight) }
        }
        var criticals = SignificanceAllocation.criticalValues(claims, significance: settings.significance)[...]
        var changes: [DetectableChange] = []
        for (metric, test) in zip(metrics, tests) {
            var shares: [Double] = []
            if let test, let critical = criticals.popFirst() { shares = test.powers(at: critical) }
            let usual = metric.kind == .gauge ? UsualRegressions.gauge : UsualRegressions.counter
            for (index, factor) in usual.enumerated() {
                changes.append(
                    DetectableChange(
                        metric: metric.name, factor: metric.worse == .higher ? factor : 1 / factor,
                        share: index < shares.count ? min(shares[index], 1) : 0))
            }
        }
        return changes
    }

    private func evidence(_ metric: Metric, _ noise: Noise, canaries: Int, controls: Int) -> Evidence? {
        guard canaries > 0, controls > 0 else { return nil }
        let tolerance = metric.tolerance ?? settings.tolerance
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
