// How a push is rolled out and judged: the `canary` section of slotsync.yml as a value, with its defaults. The command
// reads it from the file, other programs make it themselves. RolloutPlan and Rollout follow it.

public import SlotSync

/// The settings of a push with canaries. All times are in seconds.
///
/// ```swift
/// var settings = CanarySettings()
/// settings.hosts = .portion(.count(3))
/// settings.metrics = [MetricSettings(name: "load", source: .host(.loadAverage))]
/// try settings.validate()
/// ```
public struct CanarySettings: Sendable, Hashable {
    /// Which hosts are flipped first.
    public enum Canaries: Sendable, Hashable {
        /// So many, chosen over the whole list of hosts.
        case portion(HostPortion)
        /// These.
        case list([Host])
    }

    /// What becomes of a release of which too little is known at the end of a window.
    public enum InconclusivePolicy: String, Sendable, Hashable, CaseIterable {
        /// It is taken back.
        case rollback
        /// The push goes on as if it had passed, and says so.
        case proceed = "continue"
        /// Somebody is asked; where nobody can be, it is taken back.
        case ask
    }

    public var hosts: Canaries
    /// How many hosts are on the release after each further subset: totals, each larger than the one before.
    public var phases: [HostPortion]
    /// How many hosts stay as controls until the end of the watch.
    public var holdBack: HostPortion
    /// How long is sampled before the first flip.
    public var baseline: Double
    /// How long the canaries are watched, from their flip on.
    public var window: Double
    /// How much of the window's beginning is left out: caches are cold.
    public var settle: Double
    /// From one sample to the next.
    public var interval: Double
    /// How long everybody is watched; 0: not at all.
    public var watch: Double
    /// The chance of a false rollback of the whole push, over all metrics, looks and phases together.
    public var significance: Double
    /// The relative change that never rolls back, for metrics that do not say their own.
    public var tolerance: Double
    public var onInconclusive: InconclusivePolicy
    public var metrics: [MetricSettings]

    public init(
        hosts: Canaries = .portion(.percent(5)), phases: [HostPortion] = [], holdBack: HostPortion = .count(0),
        baseline: Double = 60, window: Double = 60, settle: Double = 10, interval: Double = 5, watch: Double = 300,
        significance: Double = 0.01, tolerance: Double = 0.1, onInconclusive: InconclusivePolicy = .rollback,
        metrics: [MetricSettings] = []
    ) {
        self.hosts = hosts
        self.phases = phases
        self.holdBack = holdBack
        self.baseline = baseline
        self.window = window
        self.settle = settle
        self.interval = interval
        self.watch = watch
        self.significance = significance
        self.tolerance = tolerance
        self.onInconclusive = onInconclusive
        self.metrics = metrics
    }
}
