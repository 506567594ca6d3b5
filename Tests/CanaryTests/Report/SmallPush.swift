// Pushes of a few hosts, put together by hand: for tests that look at one part of the report.

import SlotSync

@testable import Canary

extension RolloutOutcome.HostOutcome {
    static func live(_ name: String, _ step: RolloutPlan.StepKind, flippedAt: Double? = nil) throws -> Self {
        Self(
            host: try Host(name), step: step, standing: flippedAt == nil ? .notFlipped : .live, flippedAt: flippedAt,
            failure: nil, isMarkedBad: false, isUnjudged: false)
    }
}

extension SampleLog {
    /// A log of one metric, sampled every five seconds.
    ///
    /// - Parameter values: for each host one at each time; NaN, or nothing at the end: missing.
    init(hosts: [Host], metric: Metric, times: [Double], values: [[Double]]) {
        self.init(hosts: hosts, metrics: [metric], interval: 5)
        for (round, time) in times.enumerated() {
            _ = beginRound(at: time)
            for (host, series) in values.enumerated() where round < series.count {
                record(series[round], round: round, host: host, metric: 0)
            }
        }
    }
}

extension PushResult {
    /// A push without samples and judgements.
    static func small(
        hosts: [RolloutOutcome.HostOutcome], timeline: [RolloutOutcome.Moment] = [], seconds: Double = 60,
        settings: CanarySettings = CanarySettings(), ending: RolloutOutcome.Ending = .live, sentence: String = ""
    ) throws -> PushResult {
        PushResult(
            outcome: RolloutOutcome(
                ending: ending, hosts: hosts, judgement: nil, sentences: [sentence], lackSentence: nil,
                timeline: timeline),
            plan: try RolloutPlan(hosts: hosts.map(\.host), settings: settings, mode: .unjudged), staged: nil,
            comparisons: [], forecast: nil, detection: nil,
            samples: SampleLog(hosts: hosts.map(\.host), metrics: [], interval: settings.interval),
            start: Timestamp(seconds: 0, nanoseconds: 0), seconds: seconds)
    }
}
