// The judge: a pure function of samples and settings. It lays the samples out, lets each metric's test speak, shares the
// significance among them and says what follows, in a sentence. Called by the rollout at every look, and by `slotsync judge`.

/// Says whether a release made its canaries worse than hosts that did not get it.
public struct Judge: Sendable {
    public let settings: JudgeSettings

    public init(_ settings: JudgeSettings) { self.settings = settings }

    /// Judges a whole comparison by all of its samples, with all of the significance.
    public func judge(_ recording: Recording) -> Judgement {
        let samples = recording.hosts.flatMap { $0.after.map(\.count) }.max() ?? 0
        let comparison = Comparison(recording, settings: settings, samples: samples, planned: samples)
        return comparison.judgement(significance: settings.significance)
    }
}
