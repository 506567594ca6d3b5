// What a judge says: the verdict, each metric's numbers, and one sentence.

/// The outcome of comparing canaries with controls.
public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    /// No metric got significantly worse than the tolerance allows.
    case pass
    /// At least one metric got significantly worse: the release has to go back.
    case regression
    /// There is too little data to tell; never to be taken for a pass.
    case inconclusive
}

/// A verdict with its reasons.
public struct Judgement: Sendable, Equatable {
    public var verdict: Verdict
    public var metrics: [MetricJudgement]
    /// One sentence with numbers: "errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9 over 4 metrics".
    public var why: String
    /// Hosts on the release that had sent samples and fell silent, of every metric; only where the verdict is `inconclusive`.
    public var lost: [String]

    public init(verdict: Verdict, metrics: [MetricJudgement], why: String, lost: [String] = []) {
        self.verdict = verdict
        self.metrics = metrics
        self.why = why
        self.lost = lost
    }
}

/// What was found for one metric.
public struct MetricJudgement: Sendable, Equatable {
    public var name: String
    public var verdict: Verdict
    /// The chance of a change at least as bad where the release changes nothing; nil where it could not be computed.
    public var p: Double?
    /// The relative change for the worse or better that the flip made: 0.5 is 50 % more. Nil where there is none.
    public var effect: Double?
    /// The largest p that would have been significant at this look.
    public var criticalP: Double?
    /// The canaries' and the controls' level after the flip: a gauge's mean, a counter's events a minute and host.
    public var canaryLevel: Double?
    public var controlLevel: Double?
    /// The same before the flip, over the base line; nil: no sample came, or (of a guard) `controlLevel` is that.
    public var canaryBefore: Double?
    public var controlBefore: Double?
    /// The canary that this was found on alone, where a critical metric's test of one canary stands nearest to a rollback:
    /// `p`, `effect` and the canaries' levels are its own then. Nil: they are all canaries'.
    public var canary: String?
    /// Whether it is `inconclusive` only because the look was too early to decide it: the window goes on, or another
    /// metric's regression ended it.
    public var isUndecided = false
    /// What is to be said beside that, such as why it is inconclusive; empty: nothing.
    public var note = ""
}
