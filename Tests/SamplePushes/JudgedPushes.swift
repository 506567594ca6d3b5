// Pushes with a verdict: a release that goes live, one that is taken back at once, and one that is taken back late.

import Canary
import CanaryReport

extension SamplePush {
    func good() -> PushReport {
        let hosts = Self.hosts([(.canary, 3, 84.2), (.control, 17, 145.7)], files: 214, bytes: 3_412_880)
        var push = Self.push(
            .done, .pass,
            "No metric got worse: load +2 % on 3 canaries against 17 controls, p = 0.31 over 4 metrics; "
                + "the watch with everybody flipped saw no jump.",
            seconds: 447.3, flip: 84.2, hosts: hosts)
        push.phases = [
            Self.phase(.stage, "Staging", 0, 23.3, "214 of 9,859 files differed; 3.41 MB went to each of 20 hosts."),
            Self.phase(.baseline, "Base line", 23.4, 83.8, "12 samples of 4 metrics on 20 hosts."),
            Self.phase(
                .flip, "Flip of 3 canaries", 84.1, 84.4, "provisionally: they would have gone back by themselves."),
            Self.phase(.window, "Window of the canaries", 84.4, 144.9, "12 looks, no regression."),
            Self.phase(.flip, "Flip of everybody", 145.5, 146.4, "17 more hosts; the canaries’ flip was confirmed."),
            Self.phase(.watch, "Watch", 146.4, 446.6, "A guard, since no host was held back: no jump."),
        ]
        var fleet = SimulatedFleet(seed: 1, hosts: hosts, canaryFlip: 84.2)
        let times = SimulatedFleet.times(from: -60, to: 360, every: 5)
        push.metrics = [
            fleet.gauge("load", times: times, level: 2.3, noise: 0.12),
            fleet.gauge("cpu", unit: "%", times: times, level: 41, noise: 0.06),
            fleet.counter("php_errors", times: times, rate: 0.9),
            fleet.gauge("p95_ms", unit: "ms", times: times, level: 182, noise: 0.09, isCold: true, tolerance: 0.05),
        ]
        push.comparisons = [
            .init(
                name: "Window of the canaries", flipped: 3, controls: 17,
                judgement: Self.judgement(
                    .pass, "Nothing got worse by more than the tolerance.",
                    [
                        ("load", .pass, 0.31, 0.02, 0.0025, 2.36, 2.31),
                        ("cpu", .pass, 0.64, -0.01, 0.0025, 40.7, 41.2),
                        ("php_errors", .pass, 0.47, 0.06, 0.0024, 0.94, 0.89),
                        ("p95_ms", .pass, 0.12, 0.04, 0.0025, 189, 182),
                    ])),
            .init(
                name: "Watch", method: .fleetGuard, flipped: 20, controls: 0,
                judgement: Self.judgement(
                    .pass, "guard: nothing large on 20 hosts, all flipped: the largest is load × 1.03 of the base line",
                    [
                        ("load", .pass, nil, 0.03, nil, 2.35, 2.28),
                        ("cpu", .pass, nil, -0.004, nil, 40.9, 41.1),
                        ("php_errors", .pass, nil, 0.02, nil, 0.92, 0.9),
                        ("p95_ms", .pass, nil, 0.05, nil, 188, 179),
                    ])),
        ]
        return push
    }

    func bad() -> PushReport {
        let hosts = Self.hosts(
            [(.canary, 3, 88), (.control, 97, nil)], areTakenBack: true, files: 1240, bytes: 12_300_000)
        let why = "php_errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9 over 4 metrics."
        var push = Self.push(.rolledBack, .regression, why, seconds: 113.9, flip: 88, hosts: hosts)
        push.phases = [
            Self.phase(.stage, "Staging", 0, 27.4, "1,240 of 9,859 files differed; 12.3 MB went to each of 100 hosts."),
            Self.phase(.baseline, "Base line", 27.5, 87.5, "12 samples of 4 metrics on 100 hosts."),
            Self.phase(.flip, "Flip of 3 canaries", 87.9, 88.1, "web001 to web003, provisionally."),
            Self.phase(
                .window, "Window of the canaries", 88.1, 113.1,
                "Ended at the third look, 25 s after the flip: php_errors was worse beyond doubt."),
            Self.phase(
                .rollback, "Rollback of the canaries", 113.2, 113.6,
                "All three are back on v1.4.1; v1.4.2 is marked bad on every host."),
        ]
        var fleet = SimulatedFleet(seed: 2, hosts: hosts, canaryFlip: 88)
        let times = SimulatedFleet.times(from: -60, to: 25, every: 5)
        push.metrics = [
            fleet.gauge("load", times: times, level: 2.3, noise: 0.12),
            fleet.gauge("cpu", unit: "%", times: times, level: 41, noise: 0.06, change: 1.12),
            fleet.counter("php_errors", times: times, rate: 0.4, change: 35),
            fleet.counter("dies", times: times, rate: 0.02, isCritical: true),
        ]
        push.comparisons = [
            .init(
                name: "Window of the canaries", flipped: 3, controls: 97,
                judgement: Self.judgement(
                    .regression, why,
                    [
                        ("load", .pass, 0.58, -0.01, 0.0025, 2.28, 2.3),
                        ("cpu", .pass, 0.018, 0.11, 0.0025, 45.6, 41.1),
                        ("php_errors", .regression, 2e-9, 34, 0.00025, 14, 0.4),
                        ("dies", .inconclusive, nil, nil, nil, 0, 0.02),
                    ], notes: ["dies": "php_errors ended the window before this was decided"]))
        ]
        for index in [0, 1, 3] {
            push.comparisons[0].judgement.metrics[index].verdict = .inconclusive
            push.comparisons[0].judgement.metrics[index].isUndecided = true
        }
        push.comparisons[0].judgement.metrics[3].canary = "web002.example.com"
        push.measuredPower = "these canaries can show: errors × 5 in 9 of 10 cases, × 2 hardly"
        return push
    }

    func late() -> PushReport {
        let hosts = Self.hosts(
            [(.canary, 1, 9), (.phase(1), 3, 15.4), (.control, 6, 22), (.heldBack, 2, nil)], areTakenBack: true,
            files: 3, bytes: 16_000)
        let why = "errors 31.0 a minute on 10 canaries, 6.1 on 2 controls, p = 6e-5 over 2 metrics"
        var push = Self.push(.rolledBack, .regression, why, seconds: 30.2, flip: 9, hosts: hosts)
        push.phases = [
            Self.phase(.stage, "staging", 0, 0.3), Self.phase(.baseline, "base line", 0.3, 5.6),
            Self.phase(.other, "preparing the canaries", 5.6, 8.9),
            Self.phase(.flip, "flipping the canaries", 8.9, 9.1),
            Self.phase(.window, "watching the canaries", 9.1, 14.9), Self.phase(.flip, "flipping phase 1", 15.4, 15.5),
            Self.phase(.window, "watching phase 1", 15.5, 21.5), Self.phase(.flip, "flipping everybody", 22, 22.3),
            Self.phase(.watch, "watching everybody", 22.6, 28.6), Self.phase(.rollback, "taking back", 28.7, 29.8),
            Self.phase(.other, "marking as bad", 29.8, 30.2),
        ]
        var fleet = SimulatedFleet(seed: 7, hosts: hosts, canaryFlip: 9)
        let times = SimulatedFleet.times(from: -9, to: 19, every: 1)
        push.metrics = [
            fleet.gauge("load", times: times, level: 0.3, noise: 0.2),
            fleet.counter("errors", times: times, rate: 6, change: 5),
        ]
        func judged(_ name: String, _ flipped: Int, _ controls: Int, _ judgement: Judgement) -> PushReport.Comparison {
            .init(name: name, flipped: flipped, controls: controls, judgement: judgement)
        }
        push.comparisons = [
            judged(
                "Window of the canaries", 1, 11,
                Self.judgement(
                    .pass, "nothing got worse on 1 canary",
                    [("load", .pass, 0.2, 0.1, 0.0016, 0.3, 0.3), ("errors", .pass, 0.04, 2, 0.0017, 20, 6)])),
            judged(
                "Window of phase 1", 4, 8,
                Self.judgement(
                    .pass, "nothing got worse on 4 canaries",
                    [("load", .pass, 0.4, 0.0, 0.0016, 0.3, 0.3), ("errors", .pass, 0.003, 4, 0.0017, 28, 6)])),
            judged(
                "Watch", 10, 2,
                Self.judgement(
                    .regression, why,
                    [("load", .pass, 0.6, 0.0, 0.0016, 0.3, 0.3), ("errors", .regression, 6e-5, 4, 0.0017, 31, 6.1)])),
        ]
        push.settings.judge = JudgeSettings(settle: 1, window: 6)
        push.settings.judgements = 3
        (push.settings.baseline, push.settings.interval, push.settings.watch) = (5, 1, 8)
        return push
    }
}
