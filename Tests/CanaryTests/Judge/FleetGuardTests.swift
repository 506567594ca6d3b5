// The guard of a fleet that is wholly flipped: it sees large changes, keeps still at what traffic does, and says what it is.

import Canary
import SlotSync
import Testing

@Suite struct FleetGuardTests {
    private let fleetGuard = FleetGuard(JudgeSettings())

    private func fleet(_ factors: [Double], seed: UInt64 = 1, after: Int = 60) -> Recording {
        SimulatedPush(seed: seed, canaries: 40, controls: 0, after: after, factors: factors).recording()
    }

    @Test func whatIsDoubledAtTheFlipIsSeen() {
        let judgement = fleetGuard.judge(fleet([2, 1]))
        #expect(judgement.verdict == .regression && judgement.metrics[0].verdict == .regression)
        #expect(judgement.why.hasPrefix("guard: load × "), "\(judgement.why)")
        #expect(fleetGuard.judge(fleet([1, 5])).metrics[1].verdict == .regression)
    }

    @Test func whatTrafficDoesIsNot() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let drifting = fleet([1, 1], seed: seed).mapped { _, metric, moment, value in
                metric == 0 ? value * (1 + 0.008 * Double(moment + 12)) : value
            }
            let judgement = fleetGuard.judge(drifting)
            #expect(judgement.verdict == .pass, "\(judgement.why)")
        }
    }

    @Test func whatGrowsLaterIsSeenOnceItIsFar() {
        let leak = fleet([1, 1]).mapped { _, metric, moment, value in
            metric == 0 ? value * (1 + 0.05 * Double(max(moment, 0))) : value
        }
        #expect(fleetGuard.judge(leak).verdict == .regression)
    }

    @Test func firstErrorsOfAQuietFleetAreSeenOnlyIfTheyAreMany() {
        let quiet = fleet([1, 1]).mapped { host, metric, moment, value in
            metric == 0 ? value : host == 7 && moment == 20 ? 1 : 0
        }
        #expect(fleetGuard.judge(quiet).verdict == .pass)
        let loud = quiet.mapped { _, metric, moment, value in metric == 1 && moment >= 0 ? 1 : value }
        #expect(fleetGuard.judge(loud).verdict == .regression)
    }

    @Test func tooLittleIsInconclusive() {
        #expect(fleetGuard.judge(fleet([1, 1], after: 5)).verdict == .inconclusive)
        let beginning = fleet([1, 1], after: 1).mapped { _, metric, _, value in metric == 1 ? 0 : value }
        #expect(fleetGuard.judge(beginning).verdict == .inconclusive)
        #expect(fleetGuard.judge(beginning).metrics[1].note == "errors has less than 30 s of samples after the flip")
        #expect(fleetGuard.judge(fleet([1, 1]).mapped { _, _, _, _ in .nan }).verdict == .inconclusive)
    }

    /// Whatever the settings are that a push takes: what is fine is passed when the watch is over, and not before it can be
    /// known; what is bad is seen.
    @Test func theGuardComesToAVerdictWithAllSettingsThatAPushTakes() throws {
        let metrics = [
            Metric(name: "load", kind: .gauge), Metric(name: "errors", kind: .counter),
            Metric(name: "dies", kind: .counter, from: .flip),
        ]
        var taken = 0
        for interval in [0.3, 0.7, 1, 5, 10] {
            for settle in [0, 0.4, 2, 10, 30] {
                for watch in [0.9, 1.5, 3, 8, 10, 11, 40, 45, 60] {
                    var settings = CanarySettings(
                        baseline: max(10, 3 * interval), window: settle + 4 * interval, settle: settle,
                        interval: interval,
                        watch: watch)
                    settings.metrics = metrics.map {
                        MetricSettings(name: $0.name, source: .host(.cpu), kind: $0.kind, from: $0.start)
                    }
                    if let problem = settings.firstProblem() {
                        #expect(problem.key == "watch", "\(problem)")
                        continue
                    }
                    taken += 1
                    let judge = JudgeSettings(settle: settle, window: watch)
                    let planned = judge.plannedSamples(every: interval)
                    // A round may begin a moment before the end, or after it.
                    for after in [planned - 1, planned, planned + 1] {
                        let recording = even(
                            metrics, before: JudgeSettings.samples(in: settings.baseline, every: interval),
                            after: after,
                            interval: interval)
                        let good = FleetGuard(judge).judge(recording)
                        #expect(good.verdict == .pass, "\(interval) \(settle) \(watch) \(after): \(good.why)")
                        let bad = FleetGuard(judge).judge(
                            recording.mapped { _, metric, moment, value in
                                metric == 1 && moment >= 0 ? value * 10 : value
                            })
                        #expect(bad.verdict == .regression, "\(interval) \(settle) \(watch) \(after): \(bad.why)")
                    }
                }
            }
        }
        #expect(taken > 50)
    }

    @Test func halfAWatchIsNoWatch() {
        let metrics = [Metric(name: "errors", kind: .counter)]
        let judge = JudgeSettings(settle: 2, window: 10)
        #expect(FleetGuard(judge).judge(even(metrics, before: 10, after: 10, interval: 1)).verdict == .pass)
        #expect(FleetGuard(judge).judge(even(metrics, before: 10, after: 8, interval: 1)).verdict == .inconclusive)
        #expect(
            FleetGuard(judge).judge(even(metrics, before: 10, after: 9, interval: 1), isLast: false).verdict
                == .inconclusive)
    }

    /// Twenty hosts on which nothing ever changes.
    private func even(_ metrics: [Metric], before: Int, after: Int, interval: Double) -> Recording {
        let hosts = (0..<20).map { host in
            HostSamples(
                host: "web\(host)", role: .canary,
                baseline: metrics.map { _ in [Double](repeating: 20, count: before) },
                after: metrics.map { _ in [Double](repeating: 20, count: after) })
        }
        return Recording(name: "even", interval: interval, metrics: metrics, hosts: hosts)
    }

    @Test func whatARegressionLeftWithoutTimeIsUndecided() {
        let silent = fleet([2, 1]).mapped { _, metric, moment, value in metric == 1 && moment > 0 ? .nan : value }
        let ended = fleetGuard.judge(silent)
        #expect(ended.verdict == .regression && ended.metrics.map(\.isUndecided) == [false, true])
        let good = fleet([1, 1]).mapped { _, metric, moment, value in metric == 1 && moment > 0 ? .nan : value }
        let going = fleetGuard.judge(good)
        #expect(going.verdict == .inconclusive && going.metrics.map(\.isUndecided) == [false, false])
        #expect(fleetGuard.judge(good, isLast: false).metrics.map(\.isUndecided) == [false, true])
    }

    @Test func onlyHostsThatSentSamplesAreCounted() {
        let silent = fleet([1, 1]).mapped { host, _, moment, value in host < 3 && moment >= 0 ? .nan : value }
        let judgement = fleetGuard.judge(silent)
        #expect(judgement.verdict == .pass && judgement.why.contains("on the 37 of 40 hosts that sent samples"))
        let none = fleet([1, 1]).mapped { _, metric, _, value in metric == 0 ? .nan : 0 }
        let why = fleetGuard.judge(none).why
        #expect(why == "guard: load has no sample before the flip", "\(why)")
        let quiet = fleetGuard.judge(fleet([1, 1]).mapped { _, metric, _, value in metric == 1 ? 0 : value })
        #expect(quiet.metrics[1].verdict == .pass)
    }

    @Test func hostsThatFallSilentMoveNothing() {
        // The larger half of the fleet is gone after the flip.
        let recording = fleet([1, 1])
        let large = recording.hosts.map { $0.baseline[0].reduce(0, +) > 48 }
        let half = recording.mapped { host, _, moment, value in large[host] && moment >= 0 ? .nan : value }
        #expect(fleetGuard.judge(half).metrics[0].verdict == .pass)
    }
}
