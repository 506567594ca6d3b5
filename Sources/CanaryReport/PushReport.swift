// What a report tells about one push: plain values, filled in by whoever led the push and read by ReportPage alone.
// Two clocks: `start` and `end` are Unix time, everything in between is seconds after `start`; only the samples' axis
// has its zero at the canaries' flip.

public import Canary

/// One push, as its report shows it.
public struct PushReport: Sendable, Equatable {
    /// What was pushed to: a site's name or the hosts' root.
    public var title: String
    public var release: Release
    /// What was live before; nil on hosts that had no release.
    public var previous: Release?
    public var outcome: Outcome
    /// What the judge said of the release; nil where nothing was judged.
    public var verdict: Verdict?
    /// Why it ended so, in one sentence: the judge's, or what failed.
    public var sentence: String
    /// When the push began and ended: seconds since 1970, UTC.
    public var start: Double
    public var end: Double
    /// When the canaries were flipped, or everybody where there are no canaries: seconds after `start`; nil if nobody was.
    public var canaryFlip: Double?
    /// In the order in which they began.
    public var phases: [Phase]
    public var hosts: [Host]
    public var metrics: [MetricSamples]
    /// What was judged, in the order of time: a base line that lacked something, the canaries' window, the further phases,
    /// the watch.
    public var comparisons: [Comparison]
    public var settings: Settings
    /// What the chosen canaries can detect, in the sentence that said so before the push began; empty: none did.
    public var power: String
    /// The same by the noise of the base line, in the sentence that said so before the flip; empty: none did.
    public var measuredPower: String
    /// The file of `--record`, to judge the push again from; nil: it was not recorded.
    public var recording: String?
    /// The command line, as a shell would read it.
    public var command: String
    /// SlotSync's version.
    public var version: String

    public init(
        title: String, release: Release, previous: Release? = nil, outcome: Outcome, verdict: Verdict? = nil,
        sentence: String, start: Double, end: Double, canaryFlip: Double? = nil, phases: [Phase] = [],
        hosts: [Host] = [], metrics: [MetricSamples] = [], comparisons: [Comparison] = [],
        settings: Settings = Settings(), power: String = "",
        measuredPower: String = "", recording: String? = nil, command: String, version: String
    ) {
        self.title = title
        self.release = release
        self.previous = previous
        self.outcome = outcome
        self.verdict = verdict
        self.sentence = sentence
        self.start = start
        self.end = end
        self.canaryFlip = canaryFlip
        self.phases = phases
        self.hosts = hosts
        self.metrics = metrics
        self.comparisons = comparisons
        self.settings = settings
        self.power = power
        self.measuredPower = measuredPower
        self.recording = recording
        self.command = command
        self.version = version
    }
}

extension PushReport {
    /// What was decided in the end.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// The release is live.
        case done
        /// It is live on some hosts, and others are not where they should be.
        case partlyDone = "partly-done"
        /// It was judged a regression and taken back.
        case rolledBack = "rolled-back"
        case failed
        /// A person or a signal ended it.
        case interrupted
        /// It ended because there was too little data to tell.
        case inconclusive
    }

    /// A release, as people and programs name it.
    public struct Release: Sendable, Hashable {
        /// 32 hexadecimal digits; empty: none was made.
        public var id: String
        /// A person's name for it; empty: it has none.
        public var name: String

        public init(id: String, name: String = "") {
            self.id = id
            self.name = name
        }
    }

    /// A part of the push.
    public struct Phase: Sendable, Hashable {
        /// What happens in it: plots and bars draw it accordingly.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            case stage, baseline, flip
            /// Flipped hosts are watched beside controls, before everybody is flipped.
            case window
            /// Everybody is flipped but those held back.
            case watch
            case rollback
            /// Whatever takes time besides: getting ready, confirming, a question.
            case other
        }

        public var kind: Kind
        /// "Staging", "Flip of 5 canaries".
        public var name: String
        /// Seconds after the push's start.
        public var start: Double
        public var end: Double
        /// What happened, in a sentence; empty: nothing worth telling.
        public var what: String

        public init(kind: Kind, name: String, start: Double, end: Double, what: String = "") {
            self.kind = kind
            self.name = name
            self.start = start
            self.end = end
            self.what = what
        }
    }

    /// One comparison, and what was found.
    public struct Comparison: Sendable, Equatable {
        /// With whom hosts on the release were compared.
        public enum Method: String, Sendable, Hashable, CaseIterable {
            /// With hosts that were not flipped, at the same times.
            case judge
            /// Each with its own past, for want of hosts that were not flipped: sees large changes alone.
            case fleetGuard = "guard"
            /// With nobody yet: whether the base line has what a comparison needs.
            case baseline
        }

        /// "Window of the canaries", "Watch"; the page adds that it is a guard.
        public var name: String
        public var method: Method
        /// How many hosts were on the release: all that had been flipped by then, not those of the latest step alone.
        public var flipped: Int
        /// How many were not; none for a guard.
        public var controls: Int
        public var judgement: Judgement

        public init(name: String, method: Method = .judge, flipped: Int, controls: Int, judgement: Judgement) {
            self.name = name
            self.method = method
            self.flipped = flipped
            self.controls = controls
            self.judgement = judgement
        }
    }

    /// One host of the push.
    public struct Host: Sendable, Hashable {
        /// With which step of the push it was to be flipped.
        public enum Role: Sendable, Hashable {
            /// With the first.
            case canary
            /// Flipped with the further subset of this number (the first is 1); a control until then.
            case phase(Int)
            /// Flipped with everybody; a control until then.
            case control
            /// Nothing was live there before, so it was neither canary nor control; flipped with everybody.
            case new
            /// A control until the end of the watch.
            case heldBack
        }

        /// How it stood at the end.
        public enum Outcome: String, Sendable, Hashable, CaseIterable {
            case live
            case rolledBack = "rolled-back"
            /// It still has what it had before.
            case unflipped
            /// Nobody knows: its session ended at a bad moment.
            case lost
            /// It took no part, or not to the end.
            case failed
        }

        public var label: String
        public var role: Role
        public var outcome: Outcome
        /// Seconds after the push's start; nil: it was not flipped.
        public var flippedAt: Double?
        /// What staging sent to it; nil: unknown.
        public var stagedFiles: UInt64?
        public var stagedBytes: UInt64?
        /// What went wrong; empty: nothing.
        public var error: String

        public init(
            label: String, role: Role, outcome: Outcome, flippedAt: Double? = nil, stagedFiles: UInt64? = nil,
            stagedBytes: UInt64? = nil, error: String = ""
        ) {
            self.label = label
            self.role = role
            self.outcome = outcome
            self.flippedAt = flippedAt
            self.stagedFiles = stagedFiles
            self.stagedBytes = stagedBytes
            self.error = error
        }
    }

    /// How the push was told to judge.
    public struct Settings: Sendable, Hashable {
        /// Of the push as a whole: `significance` is what all comparisons may spend together.
        public var judge: JudgeSettings
        /// How many comparisons were to share it.
        public var judgements: Int
        /// Seconds of base line, between samples, and of the watch.
        public var baseline: Double
        public var interval: Double
        public var watch: Double
        /// Further settings worth a line, such as what is done on an inconclusive verdict.
        public var others: [Other]

        /// A setting by its name, and its value as it is shown.
        public struct Other: Sendable, Hashable {
            public var name: String
            public var value: String

            public init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        public init(
            judge: JudgeSettings = JudgeSettings(), judgements: Int = 1, baseline: Double = 60,
            interval: Double = Recording.usualInterval, watch: Double = 300, others: [Other] = []
        ) {
            self.judge = judge
            self.judgements = judgements
            self.baseline = baseline
            self.interval = interval
            self.watch = watch
            self.others = others
        }
    }
}
