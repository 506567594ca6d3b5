// How strict a judge is, and how its times become numbers of samples. The defaults are those of slotsync.yml.

/// The settings of a judge.
public struct JudgeSettings: Sendable, Hashable {
    /// The chance of a false rollback, over all metrics and looks of the comparison together.
    public var significance: Double
    /// The relative change that never rolls back, for metrics that do not say their own.
    public var tolerance: Double
    /// Seconds after the flip that are left out: caches are cold.
    public var settle: Double
    /// Seconds from the flip to the end of the window: how many samples a whole comparison has.
    public var window: Double

    public init(significance: Double = 0.01, tolerance: Double = 0.1, settle: Double = 10, window: Double = 60) {
        self.significance = significance
        self.tolerance = tolerance
        self.settle = settle
        self.window = window
    }

    private static let mostSamples = 100_000.0

    /// How many samples, one every `interval` seconds, there are in so many seconds, 100,000 at most.
    /// A tolerance of 1e-9 samples makes up for binary fractions: 0.3 / 0.1 is below 3.
    public static func samples(
        in seconds: Double, every interval: Double, rounded rule: FloatingPointRoundingRule = .down
    ) -> Int {
        let samples = (seconds / interval + (rule == .up ? -1e-9 : 1e-9)).rounded(rule)
        return samples.isFinite ? Int(min(max(samples, 0), mostSamples)) : 0
    }

    /// How many samples after the flip fall into the settling time.
    public func settleSamples(every interval: Double) -> Int {
        Self.samples(in: settle, every: interval, rounded: .up)
    }
    /// How many samples after the flip a metric is tested by when the window is over.
    func countedSamples(of metric: Metric, every interval: Double) -> Int {
        plannedSamples(every: interval) - SampleTable.leftOut(metric, settle: settleSamples(every: interval))
    }

    /// How many samples after the flip the window is to have.
    public func plannedSamples(every interval: Double) -> Int { Self.samples(in: window, every: interval) }
}
