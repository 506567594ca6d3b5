// What a push is given (all that `slotsync push` reads from the command line and the configuration), the events that it
// gives while it runs, and its result.

public import SlotSync

/// How a release is pushed.
public struct PushOptions: Sendable {
    /// What is staged, and how.
    public var stage = StageOptions()
    public var hooks = Hooks()
    /// How many hosts may fail before everything is taken back.
    public var maxFailures = HostPortion.none
    /// Push a release that is marked bad, too.
    public var force = false
    public var canary = CanarySettings()
    public var mode = RolloutMode.full
    /// Whether somebody answers questions (`on_inconclusive: ask`).
    public var canAsk = false
    /// Gives the metrics that do not come from hosts; needed if there is one.
    public var external: (any ExternalMetrics)?
    /// How long a host that is not confirmed yet may hear nothing of the controller before it goes back by itself.
    public var provisionalLimit = PushOptions.usualProvisionalLimit

    public static let usualProvisionalLimit = Duration.seconds(10)

    /// How the release is staged: each host hears which hooks are to follow.
    package var stagingForFlip: StageOptions {
        var options = stage
        options.hooksToCome = hooks
        return options
    }

    public init() {}
}

/// What happens while a push runs.
public enum PushEvent: Sendable {
    case staging(FleetEvent)
    case staged(StageReport)
    case phase(Rollout.Phase)
    /// A sample has come; what there is to show of it.
    case progress(PushProgress)
    /// What the canaries will detect, by the noise of the base line that has just ended.
    case detectable(Detection)
    case judged(Judgement, kind: Comparison.Kind, isLast: Bool)
    /// About these hosts; none: about none of them.
    case warning([Host], String)
    /// The push was interrupted, and cannot end before these hosts have done this: `after_flip`.
    case waiting([Host], for: String)
    /// Answer it with ``Push/answer(_:)``.
    case question(String)
}

/// What a push came to.
public struct PushResult: Sendable {
    public var outcome: RolloutOutcome
    /// The plan that was followed, for the hosts as staging found them, with the settings.
    public var plan: RolloutPlan
    public var staged: StageReport?
    /// Why staging ended as a whole, the source that is not there say; nil: it did not.
    public var stagingError: SlotSyncError?
    /// What was judged, in the order of time; of the base line only where it lacked something.
    public var comparisons: [JudgedComparison]
    /// What the canaries were to detect, as it was said before the push began; nil where nothing was to be judged.
    public var forecast: Detection?
    /// What the canaries would detect by the base line; nil: it did not come to an end.
    public var detection: Detection?
    /// All samples, of the plan's hosts.
    public var samples: SampleLog
    /// When the push began, and how many seconds it took.
    public var start: Timestamp
    public var seconds: Double

    package init(
        outcome: RolloutOutcome, plan: RolloutPlan, staged: StageReport?, comparisons: [JudgedComparison],
        forecast: Detection?, detection: Detection?, samples: SampleLog, start: Timestamp, seconds: Double
    ) {
        self.outcome = outcome
        self.plan = plan
        self.staged = staged
        self.comparisons = comparisons
        self.forecast = forecast
        self.detection = detection
        self.samples = samples
        self.start = start
        self.seconds = seconds
    }
}

/// A comparison with what it was judged by.
public struct JudgedComparison: Sendable {
    public var kind: Comparison.Kind
    public var recording: Recording
    public var judgement: Judgement

    package init(kind: Comparison.Kind, recording: Recording, judgement: Judgement) {
        self.kind = kind
        self.recording = recording
        self.judgement = judgement
    }

    /// Whether flipped hosts were compared with hosts that were not: it was neither a base line nor a guard.
    public var hasControls: Bool { kind != .baseline && kind != .guarding }
}
