// The usual two: a release that goes live, and one that is taken back.

import Canary

extension SamplePush {
    func good() -> PushReport {
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

    func bad() -> PushReport {
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
}
