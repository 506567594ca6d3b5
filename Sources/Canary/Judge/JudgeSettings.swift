// How strictly a judge judges. The defaults are those of slotsync.yml.

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
}
