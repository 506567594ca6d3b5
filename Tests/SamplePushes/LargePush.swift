// As large a push as a report has to stay readable for.

import Canary

extension SamplePush {
    func large() -> PushReport {
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
}
