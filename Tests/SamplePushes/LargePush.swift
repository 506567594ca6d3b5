// As large a push as a report has to stay readable for.

import Canary
import CanaryReport

extension SamplePush {
    func large() -> PushReport {
        let flip = 431.0
        var hosts = Self.hosts(
            [
                (.canary, 20, flip), (.phase(1), 30, 492), (.phase(2), 100, 553), (.control, 135, 614),
                (.heldBack, 15, 917),
            ],
            files: 12_409)
        for index in hosts.indices {
            hosts[index].stagedBytes = 84_120_331 &+ UInt64(index * 7_919 % 40_000)
            if index % 97 == 60 {
                hosts[index].outcome = .lost
                hosts[index].error = "no answer for 60 s: the connection is given up"
            }
        }
        hosts[200].outcome = .failed
        hosts[200].flippedAt = nil
        hosts[200].error =
            "after_flip hook failed with status 1:\nJob for php8.2-fpm.service failed.\nSee \"systemctl status\"."

        var push = Self.push(
            .done, .pass,
            "No metric got worse on 285 hosts against 15 that were held back, p = 0.16 over 6 metrics; "
                + "4 hosts were lost or failed, as --max-failures allows.", seconds: 921, flip: flip, hosts: hosts)
        push.phases = [
            Self.phase(.stage, "Staging", 0, 369.8, "12,409 files and 84.1 MB to each of 300 hosts, at 68 MB/s."),
            Self.phase(.baseline, "Base line", 370, 430.4),
            Self.phase(.flip, "Flip of 20 canaries", 430.8, 431.3),
            Self.phase(.window, "Window of the canaries", 431.3, 491.3, "No regression."),
            Self.phase(.flip, "Flip of phase 1", 492, 492.4),
            Self.phase(.window, "Window of phase 1", 492.4, 552.4, "No regression."),
            Self.phase(.flip, "Flip of phase 2", 553, 553.4),
            Self.phase(.window, "Window of phase 2", 553.4, 613.4, "No regression."),
            Self.phase(.flip, "Flip of everybody", 614, 614.8, "134 of 135 hosts; one after_flip hook failed."),
            Self.phase(.watch, "Watch", 614.8, 916.2, "15 hosts held back as controls."),
            Self.phase(.flip, "Flip of the hosts held back", 917, 917.3),
        ]
        var fleet = SimulatedFleet(seed: 5, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 490, every: 5)
        push.metrics = [
            fleet.gauge("load", times: times, level: 6.1, noise: 0.2),
            fleet.gauge("cpu", unit: "%", times: times, level: 55, noise: 0.08),
            fleet.gauge("p95_ms", unit: "ms", times: times, level: 231, noise: 0.1, isCold: true),
            fleet.counter("php_errors", times: times, rate: 6),
            fleet.counter("dies", times: times, rate: 0.3, isCritical: true),
            fleet.gauge("http_5xx", unit: "1/s", times: times, level: 14_200, noise: 0.2),
        ]
        push.comparisons = [
            ("Window of the canaries", 20, 6.1), ("Window of phase 1", 50, 6.2), ("Window of phase 2", 150, 6.0),
            ("Watch", 285, 6.15),
        ].map { name, flipped, level in
            .init(
                name: name, flipped: flipped, controls: 300 - flipped,
                judgement: Self.judgement(
                    .pass, "Nothing got worse by more than the tolerance: p = 0.16 over 6 metrics.",
                    push.metrics.map(\.metric.name).map { name in
                        let length = Double(name.utf8.count)
                        return (name, .pass, 0.04 * length, 0.01 * (length - 5), 0.0017, level, level * 1.02)
                    }))
        }
        push.settings.judgements = 4
        push.recording = "/var/log/slotsync/push of today.jsonl"
        return push
    }
}
