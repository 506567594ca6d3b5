// From what a push came to and how it was asked for, to the values that its report shows and its record keeps.

import Canary
import CanaryRecording
import CanaryReport
import SlotSync

extension PushResult {
    /// The comparisons in the recorded form, one a line: those with hosts to compare with, which can be judged again. Empty
    /// where the push ended before any.
    var recordedLines: String {
        comparisons.filter { $0.kind != .guarding && $0.kind != .baseline }.map { $0.recording.line + "\n" }.joined()
    }
}

extension PushReport {
    init(
        _ result: PushResult, fleet: Fleet, options: PushOptions, power: String, recording: String?
    ) {
        let outcome = result.outcome
        let start = Double(result.start.seconds) + Double(result.start.nanoseconds) / 1e9
        let release = result.staged?.release
        self.init(
            title: fleet.root,
            release: Release(id: release.map { "\($0.id)" } ?? "", name: release?.name ?? ""),
            previous: Self.previous(of: result), outcome: Outcome(outcome), verdict: outcome.judgement?.verdict,
            sentence: Self.sentence(of: outcome), start: start, end: start + result.seconds,
            canaryFlip: outcome.firstFlip, command: CommandLine.arguments.map(ShellWords.quoted).joined(separator: " "),
            version: SlotSyncVersion.current)
        let narration = PushNarration(fleet: fleet, options: options)
        let ends = outcome.timeline.dropFirst().map(\.seconds) + [result.seconds]
        phases = zip(outcome.timeline, ends).compactMap { moment, end in
            // Getting ready and confirming are worth a line where they take time.
            let isWorthALine = Phase.Kind(moment.phase) != .other || end - moment.seconds >= 0.1
            let isVain = moment.phase == .takingBack && outcome.firstFlip == nil
            guard moment.phase != .done, isWorthALine, !isVain else { return nil }
            var phase = Phase(
                kind: Phase.Kind(moment.phase), name: "\(moment.phase)", start: moment.seconds, end: end)
            if case .flipping(let step) = moment.phase {
                phase.what = counted(
                    outcome.hosts.count { $0.step == step && $0.flippedAt != nil }, "host")
            }
            return phase
        }
        let staged = Dictionary(
            (result.staged?.hosts ?? []).map { ($0.host, $0) }, uniquingKeysWith: { first, _ in first })
        hosts = outcome.hosts.map { host in
            Host(
                label: host.host.label, role: host.isUnjudged ? .new : Host.Role(host.step),
                outcome: Host.Outcome(host),
                flippedAt: host.flippedAt,
                stagedFiles: staged[host.host].map { UInt64($0.outcome.received) },
                stagedBytes: staged[host.host]?.sentBytes, error: host.failure ?? "")
        }
        let samples = result.samples
        let zero = outcome.firstFlip ?? result.seconds
        metrics = samples.metrics.indices.map { metric in
            MetricSamples(
                metric: samples.metrics[metric], unit: samples.units[metric], times: samples.times.map { $0 - zero },
                values: samples.hosts.indices.map { host in
                    samples.times.indices.map { samples.value(round: $0, host: host, metric: metric) }
                })
        }
        comparisons = result.comparisons.map { judged in
            let flipped = judged.recording.hosts.count { $0.role == .canary }
            let (name, method): (String, Comparison.Method) =
                switch judged.kind {
                case .baseline: ("Base line", .baseline)
                case .window: ("Window of \(narration.name(judged.kind))", .judge)
                case .watch: ("Watch", .judge)
                case .guarding: ("Watch", .fleetGuard)
                }
            return Comparison(
                name: name, method: method, flipped: method == .baseline ? 0 : flipped,
                controls: judged.recording.hosts.count - (method == .baseline ? 0 : flipped),
                judgement: judged.judgement)
        }
        let canary = options.canary
        settings = Settings(
            judge: JudgeSettings(
                significance: canary.significance, tolerance: canary.tolerance, settle: canary.settle,
                window: canary.window),
            judgements: result.plan.judgements, baseline: canary.baseline, interval: canary.interval,
            watch: canary.watch,
            others: [Settings.Other(name: "if inconclusive", value: canary.onInconclusive.rawValue)])
        self.power = power
        measuredPower = result.detection.map(PushNarration.power) ?? ""
        self.recording = recording
    }
}

extension PushReport {
    /// What was live on most hosts before; nil: nothing on any, or the release itself.
    private static func previous(of result: PushResult) -> Release? {
        guard let staged = result.staged else { return nil }
        let live = staged.hosts.compactMap(\.live).filter { $0.id != staged.release.id }
        let counts = Dictionary(grouping: live, by: \.id)
        let most = counts.values.max { ($0.count, $1[0].id.description) < ($1.count, $0[0].id.description) }
        return most.map { Release(id: "\($0[0].id)", name: $0[0].name) }
    }

    /// What happened, and what the judge said of it.
    private static func sentence(of outcome: RolloutOutcome) -> String {
        var first = outcome.sentences.first ?? ""
        let others = outcome.hosts.filter { $0.failure != nil }
        if outcome.status == .partlyDone, !others.isEmpty {
            first += "; not on \(HostList.fold(others.map(\.host.label))): \(others[0].failure ?? "")"
        }
        if let why = outcome.judgement?.why {
            if !first.contains(why) {
                first = first.isEmpty ? why : "\(first): \(why)"
            } else if outcome.ending == .regression {
                first = why
            }
        }
        return outcome.lackSentence.map { "\(first); \($0)" } ?? first
    }
}

extension PushReport.Outcome {
    fileprivate init(_ outcome: RolloutOutcome) {
        let isWhole = outcome.hosts.allSatisfy { $0.failure == nil }
        self =
            switch outcome.ending {
            case .live, .canariesLive, .watchCutShort: isWhole ? .done : .partlyDone
            case .regression: .rolledBack
            case .inconclusive: .inconclusive
            case .failed: .failed
            case .interrupted, .abandoned: .interrupted
            }
    }
}

extension PushReport.Phase.Kind {
    fileprivate init(_ phase: Rollout.Phase) {
        self =
            switch phase {
            case .staging: .stage
            case .baseline: .baseline
            case .flipping: .flip
            case .window: .window
            case .watching: .watch
            case .takingBack: .rollback
            case .preparing, .confirming, .asking, .marking, .done: .other
            }
    }
}

extension PushReport.Host.Role {
    fileprivate init(_ kind: RolloutPlan.StepKind?) {
        self =
            switch kind {
            case .canaries: .canary
            case .subset(let number): .phase(number)
            case .heldBack: .heldBack
            case .everybody, nil: .control
            }
    }
}

extension PushReport.Host.Outcome {
    fileprivate init(_ host: RolloutOutcome.HostOutcome) {
        self =
            switch host.standing {
            case .live, .alreadyLive: .live
            case .takenBack: .rolledBack
            case .notFlipped: host.failure == nil ? .unflipped : .failed
            case .provisional, .takesItselfBack, .unknown: .lost
            }
    }
}
