// How far a push is, and what there is to show of it while it runs. PushShowing makes it; the command draws it.

/// How far a window or the watch is.
public struct PushProgress: Sendable {
    public var phase: Rollout.Phase
    /// Seconds until it ends; nil where hosts decide that.
    public var timeLeft: Double?
    public var metrics: [MetricProgress]
    /// Whose levels are shown beside those of the other hosts, or of the same hosts before their flip.
    public var sides: FlippedName
    public var flipped: Int
    public var hosts: Int
}

/// One metric so far.
public struct MetricProgress: Sendable, Equatable {
    public var metric: Metric
    /// What a gauge is measured in; empty: unknown.
    public var unit = ""
    /// The canaries' mean, sample by sample from the base line on; NaN is missing. Padded with NaN to the end of the
    /// window it shows how much is to come.
    public var canaries: [Double] = []
    /// What is measured so far, as a judgement's levels are: shown until there is one.
    public var canaryLevel: Double?
    public var controlLevel: Double?
    /// What the judge found so far; nil before the first look.
    public var judgement: MetricJudgement?
}
