// What other tools get wrong, and what a judge has to get right: one test each.

import Canary
import Testing

@Suite struct JudgeTests {
    private let judge = Judge(JudgeSettings())
    private static let errors = [Metric(name: "errors", kind: .counter, from: .flip)]

    @Test func goodReleasesOfRestlessHostsAreNotTakenBack() {
        // Samples of one host resemble each other: whoever pools them takes a fifth of these back.
        let taken = (1...400).count { seed in
            let push = SimulatedPush(seed: UInt64(seed), canaries: 2, controls: 28, persistence: 0.97, deviation: 0.3)
            return judge.judge(push.recording()).verdict == .regression
        }
        #expect(taken <= 10)
    }

    @Test func regressionsOfEitherKindAreCaught() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let gauge = judge.judge(SimulatedPush(seed: seed, factors: [2, 1]).recording())
            #expect(gauge.verdict == .regression && gauge.metrics[0].verdict == .regression, "\(gauge.why)")
            let counter = judge.judge(SimulatedPush(seed: seed, canaries: 5, factors: [1, 10]).recording())
            #expect(counter.verdict == .regression && counter.metrics[1].verdict == .regression, "\(counter.why)")
        }
    }

    @Test func controlsWithoutAnErrorAreNoObstacle() {
        // kayenta issue 799
        let recording = SimulatedPush(canaries: 2, rate: 0).recording(Self.errors).mapped { host, _, moment, _ in
            host < 2 && moment >= 0 ? 3 : 0
        }
        let judgement = judge.judge(recording)
        #expect(judgement.verdict == .regression)
        #expect(judgement.why.hasPrefix("errors 36.0 a minute on 2 canaries, 0 on 37 controls, p = "))
    }

    @Test func whatARestartWritesIsLeftOut() {
        // Five lines of each canary while it settles, or the same from then on.
        func judged(_ start: Metric.Start, during moments: Range<Int>) -> Verdict {
            let metric = Metric(name: "errors", kind: .counter, from: start)
            let recording = SimulatedPush(canaries: 2, controls: 10, rate: 0).recording([metric]).mapped {
                host, _, moment, _ in
                host < 2 && moments.contains(moment) ? 5 : 0
            }
            return judge.judge(recording).verdict
        }
        // Ten seconds are two samples; the third tells of the time before its moment.
        #expect(judged(.settled, during: 0..<3) == .pass)
        #expect(judged(.settled, during: 3..<12) == .regression)
        #expect(judged(.flip, during: 0..<1) == .regression)
    }

    @Test func aCounterIsForetoldByTheTimeThatCounts() {
        func share(_ start: Metric.Start) -> Double {
            judge.detection(of: [Metric(name: "errors", kind: .counter, from: start)], canaries: 10, controls: 90)
                .changes[0].share
        }
        #expect(share(.settled) < share(.flip))
    }

    @Test func sparseCountsAreSeen() {
        // kayenta issue 426: ranks see nothing where most samples are zero.
        let recording = SimulatedPush(canaries: 1, controls: 97, rate: 0).recording(Self.errors).mapped {
            host, _, moment, _ in
            if host == 0 { return moment > 0 && moment.isMultiple(of: 2) ? 2 : 0 }
            return moment == host % 12 && host.isMultiple(of: 9) ? 1 : 0
        }
        #expect(judge.judge(recording).verdict == .regression)
    }

    @Test func aBurstCountsByItsMeanThoughTheMedianIsZero() {
        // kayenta issue 744
        let recording = SimulatedPush(canaries: 1, rate: 0.1).recording(Self.errors).mapped { host, _, moment, value in
            host == 0 ? (moment == 5 ? 60 : 0) : value
        }
        #expect(judge.judge(recording).verdict == .regression)
    }

    @Test func smallChangesAreTolerated() {
        let quiet = SimulatedPush(canaries: 5, deviation: 0.01, factors: [1.05])
        let load = Metric(name: "load", kind: .gauge)
        let tolerant = judge.judge(quiet.recording([load]))
        #expect(tolerant.verdict == .pass)
        #expect(tolerant.why.contains("is within 10 %"), "\(tolerant.why)")
        var strict = load
        strict.tolerance = 0.02
        #expect(judge.judge(quiet.recording([strict])).verdict == .regression)
    }

    @Test(arguments: [Metric.Kind.gauge, .counter])
    func aMetricThatIsWorseWhenLowerRegressesWhenItFalls(_ kind: Metric.Kind) {
        let requests = [Metric(name: "requests", kind: kind, worse: .lower)]
        let fall = SimulatedPush(canaries: 5, rate: 20, factors: [0.3]).recording(requests)
        let judgement = judge.judge(fall)
        #expect(judgement.verdict == .regression, "\(judgement.why)")
        #expect((judgement.metrics[0].effect ?? 0) < -0.5)
        let rise = SimulatedPush(canaries: 5, rate: 20, factors: [3]).recording(requests)
        #expect(judge.judge(rise).verdict == .pass)
    }

    @Test func weightGivesAMetricMoreOfTheSignificance() throws {
        var metrics = SimulatedPush.usual
        let even = judge.judge(SimulatedPush().recording(metrics)).metrics
        metrics[0].weight = 10
        let uneven = judge.judge(SimulatedPush().recording(metrics)).metrics
        #expect(try #require(uneven[0].criticalP) > (try #require(even[0].criticalP)))
    }

    @Test func constantSeriesPassAndAChangeOfThemDoesNot() {
        let constant = SimulatedPush(canaries: 2).recording([Metric(name: "workers", kind: .gauge)])
        #expect(judge.judge(constant.mapped { _, _, _, _ in 8 }).verdict == .pass)
        let halved = constant.mapped { host, _, moment, _ in host < 2 && moment >= 0 ? 12 : 8 }
        #expect(judge.judge(halved).verdict == .regression)
    }

    @Test func oneQueuedJobAmongIdleHostsIsNoRegression() {
        let recording = SimulatedPush(canaries: 1).recording([Metric(name: "queue", kind: .gauge)])
        let idle = recording.mapped { host, _, moment, _ in host == 0 && moment == 6 ? 1 : 0 }
        #expect(judge.judge(idle).verdict == .pass)
    }

    @Test func hostsWithVeryManyEventsNeedNotKeepTheirRateToThePercent() {
        let taken = (1...100).count { seed in
            var random = Seeded(state: UInt64(seed))
            let drift = (0..<40).map { _ in 0.05 * random.normal() }
            let push = SimulatedPush(seed: UInt64(seed), rate: 20_000).recording(Self.errors)
            let drifted = push.mapped { host, _, moment, value in
                moment < 0 ? value : (value * (1 + drift[host])).rounded()
            }
            return judge.judge(drifted).verdict == .regression
        }
        #expect(taken <= 4)
        let bad = SimulatedPush(canaries: 5, rate: 20_000, factors: [2]).recording(Self.errors)
        #expect(judge.judge(bad).verdict == .regression)
    }

    @Test func aSickCanaryGetsNoCreditForLessTraffic() {
        // It had many errors before the flip, and has as many after it, while the fleet's fell to a third.
        let recording = SimulatedPush(canaries: 1, rate: 2).recording(Self.errors).mapped { host, _, moment, value in
            host == 0 ? 60 : moment < 0 ? value : (value / 3).rounded()
        }
        #expect(judge.judge(recording).verdict == .pass)
    }

    @Test func aCriticalMetricFailsOnOneCanaryAlone() throws {
        var dies = Metric(name: "dies", kind: .counter, from: .flip)
        // One of ten canaries has ten; all together that is not beyond chance.
        let push = SimulatedPush(canaries: 10, controls: 90, rate: 0.1).recording([dies])
        let recording = push.mapped { host, _, moment, value in host == 4 && 0..<10 ~= moment ? value + 1 : value }
        #expect(judge.judge(recording).verdict == .pass)
        dies.isCritical = true
        var critical = recording
        critical.metrics = [dies]
        let judgement = judge.judge(critical)
        #expect(judgement.verdict == .regression)
        #expect(judgement.why.contains("on canary web4 alone"), "\(judgement.why)")
        #expect(judgement.metrics[0].canary == "web4")
        #expect(judge.judge(recording).metrics[0].canary == nil)
    }

    @Test func criticalMetricsSpendNoMoreThanOthers() {
        var metrics = SimulatedPush.usual
        for index in metrics.indices { metrics[index].isCritical = true }
        let taken = (1...400).count { seed in
            let push = SimulatedPush(seed: UInt64(seed), canaries: 5, controls: 25)
            return judge.judge(push.recording(metrics)).verdict == .regression
        }
        #expect(taken <= 10)
    }

    @Test func judgingFromSeveralThreadsGivesTheSame() async {
        let recording = SimulatedPush(seed: 9, after: 17, factors: [1.3, 2]).recording()
        let judge = judge
        let expected = judge.judge(recording)
        await withTaskGroup(of: Judgement.self) { group in
            for _ in 0..<8 { group.addTask { judge.judge(recording) } }
            for await judgement in group { #expect(judgement == expected) }
        }
    }

    @Test func aHostileRecordingIsJudgedWithoutHarm() {
        let recording = SimulatedPush().recording().mapped { host, metric, moment, value in
            switch (host + metric + moment) % 5 {
            case 0: .infinity
            case 1: -value
            case 2: 1e300
            default: .nan
            }
        }
        _ = judge.judge(recording)
        _ = judge.looks(recording)
        var ragged = SimulatedPush().recording()
        ragged.hosts[0].after = []
        ragged.hosts[1].baseline = [[]]
        ragged.hosts[2].after = [[1], [2], [3]]
        _ = judge.judge(ragged)
        ragged.interval = 1e-9
        _ = judge.judge(ragged)
    }
}
