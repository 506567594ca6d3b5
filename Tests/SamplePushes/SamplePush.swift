// Pushes as they happen, made up but lifelike, for the tests of the report: the same at every run. Levels and noise are in
// the manner of web servers: gauges that drift together, counters that are mostly zero, caches that are cold after a flip.

public import Canary
import Glibc

/// A push to be reported.
public enum SamplePush: String, Sendable, CaseIterable {
    /// A good release that goes live, watched by a guard.
    case good
    /// Errors multiply on the canaries; they go back after 25 seconds.
    case bad
    /// Most samples are missing, so nothing can be told.
    case inconclusive
    /// One host, no control: the guard alone.
    case guardOnly = "guard-only"
    /// 300 hosts, 20 canaries, two further subsets, hosts held back, six metrics, some hosts in trouble.
    case large
    /// It failed before any host was flipped.
    case failed

    public var report: PushReport {
        switch self {
        case .good: good()
        case .bad: bad()
        case .inconclusive: inconclusive()
        case .guardOnly: guardOnly()
        case .large: large()
        case .failed: failed()
        }
    }

    // MARK: The pushes

    private static let release = PushReport.Release(id: "3f2a09bc71d54e8896b1c0ffee5a1170", name: "v1.4.2")
    private static let previous = PushReport.Release(id: "a81c5510f2de47b39cd03f16e8b24a90", name: "v1.4.1")
    /// 24 November 2026, 12:03:04 UTC.
    private static let start = 1_795_521_784.0
    private static let command = "slotsync push build/site --report push.html --record push.jsonl"
    private static let power =
        "errors × 5 in 8 of 10 cases, a gauge that rises by half in 9 of 10; errors × 2 hardly: choose 10 canaries or more."

    private static func names(_ count: Int) -> [String] {
        (1...count).map {
            "web\(String(repeating: "0", count: String(count).count - String($0).count))\($0).example.com"
        }
    }

    private func good() -> PushReport {
        let flip = 84.2
        let hosts = Self.names(20).enumerated().map { index, name in
            PushReport.Host(
                label: name, role: index < 3 ? .canary : .control, outcome: .live,
                flippedAt: index < 3 ? flip : flip + 61.5, stagedFiles: 214, stagedBytes: 3_412_880)
        }
        var fleet = SimulatedFleet(seed: 1, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 360, every: 5)
        return PushReport(
            title: "www.example.com", release: Self.release, previous: Self.previous, outcome: .done, verdict: .pass,
            sentence: "No metric got worse: load +2 % on 3 canaries against 17 controls, p = 0.31 over 4 metrics; "
                + "the watch with everybody flipped saw no jump.",
            start: Self.start, end: Self.start + 447.3, canaryFlip: flip,
            phases: Self.phases(flip: flip, canaries: 3, all: 20, watchEnd: 446.6),
            hosts: hosts,
            metrics: [
                fleet.gauge("load", times: times, level: 2.3, noise: 0.12),
                fleet.gauge("cpu", unit: "%", times: times, level: 41, noise: 0.06),
                fleet.counter("php_errors", times: times, rate: 0.9),
                fleet.gauge("p95_ms", unit: "ms", times: times, level: 182, noise: 0.09, isCold: true, tolerance: 0.05),
            ],
            comparisons: [
                PushReport.Comparison(
                    name: "Window of the canaries",
                    judgement: Judgement(
                        verdict: .pass,
                        metrics: [
                            Self.found(
                                "load", .pass, p: 0.31, effect: 0.02, limit: 0.0025, canary: 2.36, control: 2.31),
                            Self.found(
                                "cpu", .pass, p: 0.64, effect: -0.01, limit: 0.0025, canary: 40.7, control: 41.2),
                            Self.found(
                                "php_errors", .pass, p: 0.47, effect: 0.06, limit: 0.0024, canary: 0.94, control: 0.89),
                            Self.found(
                                "p95_ms", .pass, p: 0.12, effect: 0.04, limit: 0.0025, canary: 189, control: 182),
                        ], why: "Nothing got worse by more than the tolerance.")),
                PushReport.Comparison(
                    name: "Watch", method: .fleetGuard,
                    judgement: Judgement(
                        verdict: .pass,
                        metrics: [
                            Self.found("load", .pass, effect: 0.03, canary: 2.35, control: 2.28),
                            Self.found("cpu", .pass, effect: -0.004, canary: 40.9, control: 41.1),
                            Self.found("php_errors", .pass, effect: 0.02, canary: 0.92, control: 0.9),
                            Self.found("p95_ms", .pass, effect: 0.05, canary: 188, control: 179),
                        ], why: "No mean of 30 s exceeded twice the base line’s.")),
            ],
            settings: Self.settings, power: Self.power, recording: "push.jsonl", command: Self.command, version: "0.4.0"
        )
    }

    private func bad() -> PushReport {
        let flip = 88.0
        let hosts = Self.names(100).enumerated().map { index, name in
            PushReport.Host(
                label: name, role: index < 3 ? .canary : .control, outcome: index < 3 ? .rolledBack : .unflipped,
                flippedAt: index < 3 ? flip : nil, stagedFiles: 1240, stagedBytes: 12_300_000)
        }
        var fleet = SimulatedFleet(seed: 2, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 25, every: 5)
        return PushReport(
            title: "www.example.com", release: Self.release, previous: Self.previous, outcome: .rolledBack,
            verdict: .regression,
            sentence: "php_errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9 over 4 metrics.",
            start: Self.start, end: Self.start + 113.9, canaryFlip: flip,
            phases: [
                .init(
                    kind: .stage, name: "Staging", start: 0, end: 27.4,
                    what: "1,240 of 9,859 files differed; 12.3 MB went to each of 100 hosts."),
                .init(
                    kind: .baseline, name: "Base line", start: 27.5, end: 87.5,
                    what: "12 samples of 4 metrics on 100 hosts."),
                .init(
                    kind: .flip, name: "Flip of 3 canaries", start: 87.9, end: 88.1,
                    what: "web001 to web003, provisionally: they would have gone back by themselves."),
                .init(
                    kind: .window, name: "Window of the canaries", start: 88.1, end: 113.1,
                    what: "Ended at the third look, 25 s after the flip: php_errors was worse beyond doubt."),
                .init(
                    kind: .rollback, name: "Rollback of the canaries", start: 113.2, end: 113.6,
                    what: "All three are back on v1.4.1; v1.4.2 is marked bad on every host."),
            ],
            hosts: hosts,
            metrics: [
                fleet.gauge("load", times: times, level: 2.3, noise: 0.12),
                fleet.gauge("cpu", unit: "%", times: times, level: 41, noise: 0.06, change: 1.12),
                fleet.counter("php_errors", times: times, rate: 0.4, change: 35),
                fleet.counter("dies", times: times, rate: 0.02, isCritical: true),
            ],
            comparisons: [
                PushReport.Comparison(
                    name: "Window of the canaries",
                    judgement: Judgement(
                        verdict: .regression,
                        metrics: [
                            Self.found(
                                "load", .pass, p: 0.58, effect: -0.01, limit: 0.0025, canary: 2.28, control: 2.3),
                            Self.found(
                                "cpu", .pass, p: 0.018, effect: 0.11, limit: 0.0025, canary: 45.6, control: 41.1),
                            Self.found(
                                "php_errors", .regression, p: 2e-9, effect: 34, limit: 0.00025, canary: 14, control: 0.4
                            ),
                            Self.found(
                                "dies", .inconclusive, canary: 0, control: 0.02,
                                note: "too few events so far to tell a change in either direction"),
                        ], why: "php_errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9 over 4 metrics."))
            ],
            settings: Self.settings, power: Self.power, recording: "push.jsonl", command: Self.command, version: "0.4.0"
        )
    }

    private func inconclusive() -> PushReport {
        let flip = 71.0
        let hosts = Self.names(8).enumerated().map { index, name in
            PushReport.Host(
                label: name, role: index < 1 ? .canary : .control, outcome: index < 1 ? .rolledBack : .unflipped,
                flippedAt: index < 1 ? flip : nil, stagedFiles: 12, stagedBytes: 80_412)
        }
        var fleet = SimulatedFleet(seed: 3, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 60, every: 5)
        var errors = fleet.counter("php_errors", times: times, rate: 2)
        // The canary's log fell silent at the flip; two samples came late.
        for index in times.indices where times[index] > 0 && index != 16 && index != 20 {
            errors.values[0][index] = .nan
        }
        return PushReport(
            title: "intranet", release: .init(id: Self.release.id), previous: Self.previous, outcome: .inconclusive,
            verdict: .inconclusive,
            sentence:
                "Too little data to tell: 2 of 10 samples of php_errors came from the canary, and at least 6 are needed.",
            start: Self.start, end: Self.start + 133, canaryFlip: flip,
            phases: [
                .init(kind: .stage, name: "Staging", start: 0, end: 9.4, what: "12 files differed."),
                .init(kind: .baseline, name: "Base line", start: 10, end: 70.2),
                .init(kind: .flip, name: "Flip of 1 canary", start: 70.8, end: 71.1),
                .init(kind: .window, name: "Window of the canary", start: 71.1, end: 131.2),
                .init(
                    kind: .rollback, name: "Rollback of the canary", start: 131.3, end: 131.8,
                    what: "As on_inconclusive says: rollback."),
            ],
            hosts: hosts, metrics: [fleet.gauge("load", times: times, level: 0.4, noise: 0.3), errors],
            comparisons: [
                PushReport.Comparison(
                    name: "Window of the canary",
                    judgement: Judgement(
                        verdict: .inconclusive,
                        metrics: [
                            Self.found("load", .pass, p: 0.22, effect: 0.18, limit: 0.005, canary: 0.47, control: 0.4),
                            Self.found(
                                "php_errors", .inconclusive, control: 2.1,
                                note: "2 of 10 samples came from the canary; at least 6 are needed"),
                        ], why: "Too little data to tell."))
            ],
            settings: Self.settings, command: "slotsync push site --report push.html", version: "0.4.0")
    }

    private func guardOnly() -> PushReport {
        let flip = 40.0
        let hosts = Self.names(4).map {
            PushReport.Host(
                label: $0, role: .control, outcome: .live, flippedAt: flip, stagedFiles: 3, stagedBytes: 9_120)
        }
        var fleet = SimulatedFleet(seed: 4, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -30, to: 300, every: 5)
        return PushReport(
            title: "/srv/www", release: Self.release, previous: nil, outcome: .done, verdict: .pass,
            sentence: "Everybody was flipped at once, without canaries; the guard saw no jump in 5 minutes.",
            start: Self.start, end: Self.start + 341, canaryFlip: flip,
            phases: [
                .init(kind: .stage, name: "Staging", start: 0, end: 9),
                .init(kind: .baseline, name: "Base line", start: 9.5, end: 39.5),
                .init(kind: .flip, name: "Flip of 4 hosts", start: 39.9, end: 40.3),
                .init(kind: .watch, name: "Watch", start: 40.3, end: 340.3, what: "60 samples, no jump."),
            ],
            hosts: hosts,
            metrics: [
                fleet.gauge("load", times: times, level: 1.1, noise: 0.2),
                fleet.counter("php_errors", times: times, rate: 0),
            ],
            comparisons: [
                PushReport.Comparison(
                    name: "Watch", method: .fleetGuard,
                    judgement: Judgement(
                        verdict: .pass,
                        metrics: [
                            Self.found("load", .pass, effect: 0.08, canary: 1.19, control: 1.1),
                            Self.found("php_errors", .pass, effect: 0, canary: 0, control: 0),
                        ], why: "No jump."))
            ],
            settings: Self.settings, command: "slotsync push site --no-canary --report push.html", version: "0.4.0")
    }

    private func large() -> PushReport {
        let flip = 431.0
        let hosts = Self.names(300).enumerated().map { index, name -> PushReport.Host in
            let role: PushReport.Host.Role =
                switch index {
                case ..<20: .canary
                case ..<50: .phase(1)
                case ..<150: .phase(2)
                case 285...: .heldBack
                default: .control
                }
            let flippedAt: Double =
                switch role {
                case .canary: flip
                case .phase(let number): flip + 61 * Double(number)
                case .control: flip + 183
                case .heldBack: flip + 486
                }
            var host = PushReport.Host(
                label: name, role: role, outcome: .live, flippedAt: flippedAt,
                stagedFiles: 12_409, stagedBytes: 84_120_331 &+ UInt64(index * 7_919 % 40_000))
            if index % 97 == 60 {
                host.outcome = .lost
                host.error = "no answer for 60 s: the connection is given up"
            }
            if index == 200 {
                host.outcome = .failed
                host.flippedAt = nil
                host.error =
                    "after_flip hook failed with status 1:\nJob for php8.2-fpm.service failed.\nSee \"systemctl status\"."
            }
            return host
        }
        var fleet = SimulatedFleet(seed: 5, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 490, every: 5)
        let names = ["load", "cpu", "p95_ms", "php_errors", "dies", "http_5xx"]
        func comparison(_ name: String, canary: Double) -> PushReport.Comparison {
            PushReport.Comparison(
                name: name,
                judgement: Judgement(
                    verdict: .pass,
                    metrics: names.map { name in
                        Self.found(
                            name, .pass, p: 0.04 * Double(name.utf8.count), effect: 0.01 * Double(name.utf8.count - 5),
                            limit: 0.0017, canary: canary, control: canary * 1.02)
                    }, why: "Nothing got worse by more than the tolerance: p = 0.16 over 6 metrics."))
        }
        return PushReport(
            title: "www.example.com", release: Self.release, previous: Self.previous, outcome: .done, verdict: .pass,
            sentence: "No metric got worse on 285 hosts against 15 that were held back, p = 0.16 over 6 metrics; "
                + "4 hosts were lost or failed, as --max-failures allows.",
            start: Self.start, end: Self.start + 921, canaryFlip: flip,
            phases: [
                .init(
                    kind: .stage, name: "Staging", start: 0, end: 369.8,
                    what: "12,409 files and 84.1 MB to each of 300 hosts, at 68 MB/s."),
                .init(kind: .baseline, name: "Base line", start: 370, end: 430.4),
                .init(kind: .flip, name: "Flip of 20 canaries", start: 430.8, end: 431.3),
                .init(kind: .window, name: "Window of the canaries", start: 431.3, end: 491.3, what: "No regression."),
                .init(kind: .flip, name: "Flip of phase 1", start: 492, end: 492.4),
                .init(kind: .window, name: "Window of phase 1", start: 492.4, end: 552.4, what: "No regression."),
                .init(kind: .flip, name: "Flip of phase 2", start: 553, end: 553.4),
                .init(kind: .window, name: "Window of phase 2", start: 553.4, end: 613.4, what: "No regression."),
                .init(
                    kind: .flip, name: "Flip of everybody", start: 614, end: 614.8,
                    what: "134 of 135 hosts; one after_flip hook failed."),
                .init(kind: .watch, name: "Watch", start: 614.8, end: 916.2, what: "15 hosts held back as controls."),
                .init(kind: .flip, name: "Flip of the hosts held back", start: 917, end: 917.3),
            ],
            hosts: hosts,
            metrics: [
                fleet.gauge("load", times: times, level: 6.1, noise: 0.2),
                fleet.gauge("cpu", unit: "%", times: times, level: 55, noise: 0.08),
                fleet.gauge("p95_ms", unit: "ms", times: times, level: 231, noise: 0.1, isCold: true),
                fleet.counter("php_errors", times: times, rate: 6),
                fleet.counter("dies", times: times, rate: 0.3, isCritical: true),
                fleet.gauge("http_5xx", unit: "1/s", times: times, level: 14_200, noise: 0.2),
            ],
            comparisons: [
                comparison("Window of the canaries", canary: 6.1), comparison("Window of phase 1", canary: 6.2),
                comparison("Window of phase 2", canary: 6.0), comparison("Watch", canary: 6.15),
            ],
            settings: Self.settings, power: Self.power, recording: "/var/log/slotsync/push of today.jsonl",
            command: Self.command, version: "0.4.0")
    }

    private func failed() -> PushReport {
        let hosts = Self.names(5).enumerated().map { index, name in
            PushReport.Host(
                label: name, role: index == 0 ? .canary : .control, outcome: index == 3 ? .failed : .unflipped,
                stagedFiles: 100, stagedBytes: 1_000_000,
                error: index == 3 ? "/srv/www/slots/2: no space left on device; make room there, then push again" : "")
        }
        return PushReport(
            title: "www.example.com", release: Self.release, previous: Self.previous, outcome: .failed,
            sentence: "Staging failed on web4.example.com: no space left on device. No host was flipped.",
            start: Self.start, end: Self.start + 12.4,
            phases: [.init(kind: .stage, name: "Staging", start: 0, end: 12.4, what: "1 of 5 hosts failed.")],
            hosts: hosts, settings: Self.settings, command: Self.command, version: "0.4.0")
    }

    // MARK: Their parts

    private static let settings = PushReport.Settings(others: [
        .init(name: "canaries", value: "5 %"), .init(name: "on_inconclusive", value: "rollback"),
    ])

    private static func phases(flip: Double, canaries: Int, all: Int, watchEnd: Double) -> [PushReport.Phase] {
        [
            .init(
                kind: .stage, name: "Staging", start: 0, end: 23.3,
                what: "214 of 9,859 files differed; 3.41 MB went to each of \(all) hosts."),
            .init(
                kind: .baseline, name: "Base line", start: 23.4, end: 83.8,
                what: "12 samples of 4 metrics on \(all) hosts."),
            .init(
                kind: .flip, name: "Flip of \(canaries) canaries", start: 84.1, end: 84.4,
                what: "web01 to web03, provisionally."),
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

    private static func found(
        _ name: String, _ verdict: Verdict, p: Double? = nil, effect: Double? = nil, limit: Double? = nil,
        canary: Double? = nil, control: Double? = nil, note: String = ""
    ) -> MetricJudgement {
        MetricJudgement(
            name: name, verdict: verdict, p: p, effect: effect, criticalP: limit, canaryLevel: canary,
            controlLevel: control, note: note)
    }
}
