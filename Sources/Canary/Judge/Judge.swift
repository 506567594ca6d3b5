// The judge: a pure function of samples and settings. It tests each metric, shares the significance among the metrics,
// and says the verdict in a sentence. A push calls it at every look, and `slotsync judge` for recordings.

/// Says whether a release made its canaries worse than hosts that did not get it.
public struct Judge: Sendable {
    public let settings: JudgeSettings
    let naming: FlippedName

    /// - Parameter naming: what its sentences call the hosts on the release.
    public init(_ settings: JudgeSettings, naming: FlippedName = .canaries) {
        self.settings = settings
        self.naming = naming
    }

    /// Judges a whole comparison by all of its samples, with all of the significance.
    public func judge(_ recording: Recording) -> Judgement {
        let samples = recording.samplesAfter
        return Look(recording, settings: settings, samples: samples, planned: samples, naming: naming)
            .judgement(significance: settings.significance, isLast: true)
    }

    /// What the base lines lack for a push to go on to its first flip: inconclusive, with the metrics that lack something;
    /// nil: nothing. A metric that nobody sends is found here before any host is flipped.
    ///
    /// - Parameter recording: one whose series after the flip are empty yet.
    public static func lackBeforeFlip(_ recording: Recording) -> Judgement? {
        let before = recording.samplesBefore
        let roles = Roles(recording.hosts)
        var metrics: [MetricJudgement] = []
        for (index, metric) in recording.metrics.enumerated() {
            let table = SampleTable(recording, metric: index, before: before, settle: 0, after: 0)
            guard let lack = Sufficiency.lackBefore(metric, table, roles) else { continue }
            metrics.append(
                MetricJudgement(name: metric.name, verdict: .inconclusive, note: "\(lack) before the flip"))
        }
        guard !metrics.isEmpty else { return nil }
        return Judgement(
            verdict: .inconclusive, metrics: metrics, why: metrics.map(\.note).joined(separator: "; "))
    }

    /// Judges by the first `n` samples after the flip, as one of the looks at a window of `planned` samples: there is one
    /// after every sample from the first beyond the settling time on, and together they spend the significance.
    ///
    /// Before the last look the verdict is `regression`, and the release goes back, or `inconclusive`: go on. Without a
    /// sample beyond the settling time it is always inconclusive.
    public func look(_ recording: Recording, afterSamples n: Int, of planned: Int) -> Judgement {
        let schedule = LookSchedule.of(
            before: recording.samplesBefore, settle: settings.settleSamples(every: recording.interval),
            planned: planned,
            significance: settings.significance)
        return Look(
            recording, settings: settings, samples: min(max(n, 0), planned), planned: planned, naming: naming
        ).judgement(significance: settings.significance * schedule.share(after: n), isLast: n >= planned)
    }

    /// The most looks at one recording: each reads all samples up to it.
    static let mostLooks = 2000

    /// From one look to the next where there could be so many.
    static func step(of looks: Int) -> Int { max(1, (looks + mostLooks - 1) / mostLooks) }

    /// Judges a whole recording as a live push would have, look by look: up to the first regression, with the seconds
    /// from the flip to it, or else by the last look.
    ///
    /// - Parameter planned: how many samples the window was to have; nil: as many as the recording has.
    public func looks(_ recording: Recording, of planned: Int? = nil) -> (Judgement, seconds: Double?) {
        let samples = recording.samplesAfter
        let planned = max(planned ?? samples, samples)
        let first = settings.settleSamples(every: recording.interval) + 1
        for n in stride(from: first, to: samples, by: Self.step(of: samples - first)) {
            let judgement = look(recording, afterSamples: n, of: planned)
            if judgement.verdict == .regression { return (judgement, Double(n) * recording.interval) }
        }
        let judgement = look(recording, afterSamples: samples, of: planned)
        return (judgement, judgement.verdict == .regression ? Double(samples) * recording.interval : nil)
    }
}
