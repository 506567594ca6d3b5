// Pushes as they happen, made up but lifelike, for the tests of the report: the same at every run. Levels and noise are in
// the manner of web servers: gauges that drift together, counters that are mostly zero, caches that are cold after a flip.

public import Canary

/// A push to be reported.
public enum SamplePush: String, Sendable, CaseIterable {
    /// A good release that goes live, watched by a guard.
    case good
    /// Errors multiply on the canaries; they go back after 25 seconds.
    case bad
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
        case .inconclusive: inconclusive()
        case .guardOnly: guardOnly()
        case .large: large()
        case .failed: failed()
        case .interrupted: interrupted()
        }
    }

    static let release = PushReport.Release(id: "3f2a09bc71d54e8896b1c0ffee5a1170", name: "v1.4.2")
    static let previous = PushReport.Release(id: "a81c5510f2de47b39cd03f16e8b24a90", name: "v1.4.1")
    /// 24 November 2026, 12:03:04 UTC.
    static let start = 1_795_521_784.0
    static let command = "slotsync push build/site --report push.html --record push.jsonl"
    static let power =
        "errors × 5 in 8 of 10 cases, a gauge that rises by half in 9 of 10; errors × 2 hardly: choose 10 canaries or more."

    static func names(_ count: Int) -> [String] {
        (1...count).map {
            "web\(String(repeating: "0", count: String(count).count - String($0).count))\($0).example.com"
        }
    }

    // MARK: Their parts

    static let settings = PushReport.Settings(others: [
        .init(name: "canaries", value: "5 %"), .init(name: "on_inconclusive", value: "rollback"),
    ])

    static func phases(flip: Double, canaries: Int, all: Int, watchEnd: Double) -> [PushReport.Phase] {
        [
            .init(
                kind: .stage, name: "Staging", start: 0, end: 23.3,
                what: "214 of 9,859 files differed; 3.41 MB went to each of \(all) hosts."),
            .init(
                kind: .baseline, name: "Base line", start: 23.4, end: 83.8,
                what: "12 samples of 4 metrics on \(all) hosts."),
            .init(
                kind: .flip, name: "Flip of \(canaries) canaries", start: 84.1, end: 84.4,
                what: "provisionally: they would have gone back by themselves."),
            .init(
                kind: .window, name: "Window of the canaries", start: 84.4, end: 144.9, what: "12 looks, no regression."
            ),
            .init(
                kind: .flip, name: "Flip of everybody", start: 145.5, end: 146.4,
                what: "17 more hosts; the canaries’ flip was confirmed."),
            .init(
                kind: .watch, name: "Watch", start: 146.4, end: watchEnd,
                what: "A guard, since no host was held back: no jump."),
        ]
    }

    static func found(
        _ name: String, _ verdict: Verdict, p: Double? = nil, effect: Double? = nil, limit: Double? = nil,
        canary: Double? = nil, control: Double? = nil, note: String = ""
    ) -> MetricJudgement {
        MetricJudgement(
            name: name, verdict: verdict, p: p, effect: effect, criticalP: limit, canaryLevel: canary,
            controlLevel: control, note: note)
    }
}
