// Pushes as they happen, made up but lifelike, for the tests of the report: the same at every run. Levels and noise are in
// the manner of web servers: gauges that drift together, counters that are mostly zero, caches that are cold after a flip.

import Canary
public import CanaryReport

/// A push to be reported.
public enum SamplePush: String, Sendable, CaseIterable {
    /// A good release that goes live, watched by a guard.
    case good
    /// Errors multiply on the canaries; they go back after 25 seconds.
    case bad
    /// Flips and windows a few seconds apart; a regression that only the watch shows, so that all go back.
    case late
    /// Most samples are missing, so nothing can be told.
    case inconclusive
    /// Everybody at once, no canary and no control: the guard alone.
    case guardOnly = "guard-only"
    /// 300 hosts, 20 canaries, two further subsets, hosts held back, six metrics, some hosts in trouble.
    case large
    /// It failed before any host was flipped.
    case failed
    /// A person ended it before anything was judged.
    case interrupted

    public var report: PushReport {
        switch self {
        case .good: good()
        case .bad: bad()
        case .late: late()
        case .inconclusive: inconclusive()
        case .guardOnly: guardOnly()
        case .large: large()
        case .failed: failed()
        case .interrupted: interrupted()
        }
    }

    // MARK: Their parts

    /// A push with all that is the same in most of them. It began on 24 November 2026, 12:03:04 UTC.
    static func push(
        _ outcome: PushReport.Outcome, _ verdict: Verdict?, _ sentence: String, seconds: Double, flip: Double?,
        hosts: [PushReport.Host]
    ) -> PushReport {
        let start = 1_795_521_784.0
        return PushReport(
            title: "www.example.com", release: .init(id: "3f2a09bc71d54e8896b1c0ffee5a1170", name: "v1.4.2"),
            previous: .init(id: "a81c5510f2de47b39cd03f16e8b24a90", name: "v1.4.1"), outcome: outcome, verdict: verdict,
            sentence: sentence, start: start, end: start + seconds, canaryFlip: flip, hosts: hosts,
            settings: .init(others: [
                .init(name: "canaries", value: "5 %"), .init(name: "on_inconclusive", value: "rollback"),
            ]),
            power: "these canaries can show: errors × 5 in 8 of 10 cases, × 2 hardly: choose 10 canaries or more",
            recording: "push.jsonl", command: "slotsync push build/site --report push.html --record push.jsonl",
            version: "0.4.0")
    }

    /// The hosts web1 to webN, step by step.
    ///
    /// - Parameter steps: how many hosts each has, and when they were flipped; nil: never.
    static func hosts(
        _ steps: [(role: PushReport.Host.Role, count: Int, flip: Double?)], areTakenBack: Bool = false,
        files: UInt64? = nil, bytes: UInt64? = nil
    ) -> [PushReport.Host] {
        let all = steps.flatMap { step in Array(repeating: (step.role, step.flip), count: step.count) }
        let width = String(all.count).count
        return all.enumerated().map { index, host in
            let number = String(index + 1)
            return PushReport.Host(
                label: "web\(String(repeating: "0", count: width - number.count))\(number).example.com", role: host.0,
                outcome: host.1 == nil ? .unflipped : areTakenBack ? .rolledBack : .live, flippedAt: host.1,
                stagedFiles: files, stagedBytes: bytes)
        }
    }

    static func phase(
        _ kind: PushReport.Phase.Kind, _ name: String, _ start: Double, _ end: Double, _ what: String = ""
    ) -> PushReport.Phase {
        PushReport.Phase(kind: kind, name: name, start: start, end: end, what: what)
    }

    /// Name, verdict, p, change, limit, and the levels on flipped hosts and on controls.
    typealias Finding = (String, Verdict, Double?, Double?, Double?, Double?, Double?)

    static func judgement(
        _ verdict: Verdict, _ why: String, _ findings: [Finding], notes: [String: String] = [:]
    ) -> Judgement {
        func before(_ level: Double?) -> Double? { level.map { 0.98 * $0 } }
        return Judgement(
            verdict: verdict,
            metrics: findings.map {
                MetricJudgement(
                    name: $0.0, verdict: $0.1, p: $0.2, effect: $0.3, criticalP: $0.4, canaryLevel: $0.5,
                    controlLevel: $0.6, canaryBefore: before($0.6), controlBefore: before($0.6), note: notes[$0.0] ?? ""
                )
            }, why: why)
    }
}
