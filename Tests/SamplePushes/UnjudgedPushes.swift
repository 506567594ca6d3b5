// Pushes that end without a verdict of canaries against controls.

import Canary

extension SamplePush {
    func inconclusive() -> PushReport {
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

    func guardOnly() -> PushReport {
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

    func failed() -> PushReport {
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

    func interrupted() -> PushReport {
        let flip = 84.2
        let hosts = Self.names(12).enumerated().map { index, name in
            PushReport.Host(
                label: name, role: index < 2 ? .canary : .control, outcome: index < 2 ? .rolledBack : .unflipped,
                flippedAt: index < 2 ? flip : nil)
        }
        var fleet = SimulatedFleet(seed: 6, hosts: hosts, canaryFlip: flip)
        let times = SimulatedFleet.times(from: -60, to: 5, every: 5)
        return PushReport(
            title: "www.example.com", release: Self.release, previous: Self.previous, outcome: .interrupted,
            sentence: "Interrupted by Ctrl-C 8 s after the canaries’ flip; both canaries were taken back.",
            start: Self.start, end: Self.start + 92.6, canaryFlip: flip,
            phases: Self.phases(flip: flip, canaries: 2, all: 12, watchEnd: 0).prefix(3) + [
                .init(kind: .window, name: "Window of the canaries", start: 84.4, end: 92.1, what: "Ended by Ctrl-C."),
                .init(kind: .rollback, name: "Rollback of the canaries", start: 92.1, end: 92.5),
            ],
            hosts: hosts, metrics: [fleet.gauge("load", times: times, level: 2.3, noise: 0.12)],
            settings: Self.settings,
            command: Self.command, version: "0.4.0")
    }
}
