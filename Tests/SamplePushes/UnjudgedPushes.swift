// Pushes that end without a verdict of canaries against controls.

import Canary
import CanaryReport

extension SamplePush {
    func inconclusive() -> PushReport {
        let flip = 71.0
        let hosts = Self.hosts([(.canary, 1, flip), (.control, 7, nil)], areTakenBack: true, files: 12, bytes: 80_412)
        var push = Self.push(
            .inconclusive, .inconclusive,
            "Too little data to tell: 2 of 10 samples of php_errors came from the canary, and at least 6 are needed.",
            seconds: 133, flip: flip, hosts: hosts)
        push.title = "intranet"
        push.release.name = ""
        push.phases = [
            Self.phase(.stage, "Staging", 0, 9.4, "12 files differed."), Self.phase(.baseline, "Base line", 10, 70.2),
            Self.phase(.flip, "Flip of 1 canary", 70.8, 71.1),
            Self.phase(.window, "Window of the canary", 71.1, 131.2),
            Self.phase(.rollback, "Rollback of the canary", 131.3, 131.8, "As on_inconclusive says: rollback."),
        ]
        var fleet = SimulatedFleet(seed: 3, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 60, every: 5)
        var errors = fleet.counter("php_errors", times: times, rate: 2)
        // The canary's log fell silent at the flip; two samples came late.
        for index in times.indices where times[index] > 0 && index != 16 && index != 20 {
            errors.values[0][index] = .nan
        }
        push.metrics = [fleet.gauge("load", times: times, level: 0.4, noise: 0.3), errors]
        push.comparisons = [
            .init(
                name: "Window of the canary", flipped: 1, controls: 7,
                judgement: Self.judgement(
                    .inconclusive, "Too little data to tell.",
                    [
                        ("load", .pass, 0.22, 0.18, 0.005, 0.47, 0.4),
                        ("php_errors", .inconclusive, nil, nil, nil, nil, 2.1),
                    ], notes: ["php_errors": "2 of 10 samples came from the canary; at least 6 are needed"]))
        ]
        (push.power, push.recording) = ("", nil)
        return push
    }

    func guardOnly() -> PushReport {
        let flip = 40.0
        let hosts = Self.hosts([(.control, 4, flip)], files: 3, bytes: 9_120)
        var push = Self.push(
            .done, .pass, "Everybody was flipped at once, without canaries; the guard saw no jump in 5 minutes.",
            seconds: 341, flip: flip, hosts: hosts)
        (push.title, push.previous) = ("/srv/www", nil)
        push.phases = [
            Self.phase(.stage, "Staging", 0, 9), Self.phase(.baseline, "Base line", 9.5, 39.5),
            Self.phase(.flip, "Flip of 4 hosts", 39.9, 40.3),
            Self.phase(.watch, "Watch", 40.3, 340.3, "60 samples, no jump."),
        ]
        var fleet = SimulatedFleet(seed: 4, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -30, to: 300, every: 5)
        push.metrics = [
            fleet.gauge("load", times: times, level: 1.1, noise: 0.2),
            fleet.counter("php_errors", times: times, rate: 0),
        ]
        push.comparisons = [
            .init(
                name: "Watch", method: .fleetGuard, flipped: 4, controls: 0,
                judgement: Self.judgement(
                    .pass, "guard: no jump.",
                    [("load", .pass, nil, 0.08, nil, 1.19, 1.1), ("php_errors", .pass, nil, 0, nil, 0, 0)]))
        ]
        (push.power, push.recording) = ("", nil)
        return push
    }

    func failed() -> PushReport {
        var hosts = Self.hosts([(.canary, 1, nil), (.control, 4, nil)], files: 100, bytes: 1_000_000)
        hosts[3].outcome = .failed
        hosts[3].error = "/srv/www/slots/2: no space left on device; make room there, then push again"
        var push = Self.push(
            .failed, nil, "Staging failed on web4.example.com: no space left on device. No host was flipped.",
            seconds: 12.4, flip: nil, hosts: hosts)
        push.phases = [Self.phase(.stage, "Staging", 0, 12.4, "1 of 5 hosts failed.")]
        (push.power, push.recording) = ("", nil)
        return push
    }

    func interrupted() -> PushReport {
        let flip = 84.2
        let hosts = Self.hosts([(.canary, 2, flip), (.control, 10, nil)], areTakenBack: true)
        var push = Self.push(
            .interrupted, nil, "Interrupted by Ctrl-C 8 s after the canaries’ flip; both canaries were taken back.",
            seconds: 92.6, flip: flip, hosts: hosts)
        push.phases = [
            Self.phase(.stage, "Staging", 0, 23.3), Self.phase(.baseline, "Base line", 23.4, 83.8),
            Self.phase(.flip, "Flip of 2 canaries", 84.1, 84.4),
            Self.phase(.window, "Window of the canaries", 84.4, 92.1, "Ended by Ctrl-C."),
            Self.phase(.rollback, "Rollback of the canaries", 92.1, 92.5),
        ]
        var fleet = SimulatedFleet(seed: 6, hosts: hosts, canaryFlip: flip)
        push.metrics = [
            fleet.gauge("load", times: SimulatedFleet.times(from: -60, to: 5, every: 5), level: 2.3, noise: 0.12)
        ]
        (push.power, push.recording) = ("", nil)
        return push
    }
}
