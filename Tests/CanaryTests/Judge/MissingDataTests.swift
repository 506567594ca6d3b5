// Silence is not health: what is missing is never taken for zero, and too little data never for a pass.

import Canary
import Testing

@Suite struct MissingDataTests {
    private let judge = Judge(JudgeSettings())

    private func with(_ push: SimulatedPush = SimulatedPush(), missing: (Int, Int, Int) -> Bool) -> Recording {
        push.recording().mapped { missing($0, $1, $2) ? .nan : $3 }
    }

    @Test func aMetricWithoutSamplesOnTheCanariesIsInconclusive() {
        let judgement = judge.judge(with { host, metric, moment in host < 3 && metric == 1 && moment >= 0 })
        #expect(judgement.verdict == .inconclusive)
        #expect(judgement.metrics.map(\.verdict) == [.pass, .inconclusive])
        #expect(judgement.why == "too little data to tell: errors has no sample of a canary after the flip")
    }

    @Test func anotherMetricMayRegressNevertheless() {
        let push = SimulatedPush(factors: [2, 1])
        let judgement = judge.judge(with(push) { host, metric, moment in host < 3 && metric == 1 && moment >= 0 })
        #expect(judgement.verdict == .regression)
        #expect(judgement.metrics.map(\.verdict) == [.regression, .inconclusive])
    }

    @Test func nothingAtAllIsInconclusive() {
        let judgement = judge.judge(with { _, _, _ in true })
        #expect(judgement.verdict == .inconclusive)
        #expect(judge.judge(Recording(name: "empty", metrics: [], hosts: [])).verdict == .inconclusive)
        #expect(judge.judge(Recording(name: "empty", metrics: SimulatedPush.usual, hosts: [])).verdict == .inconclusive)
    }

    @Test func noControlsOrTooFewAreInconclusive() {
        let none = judge.judge(SimulatedPush(controls: 0).recording())
        #expect(none.verdict == .inconclusive && none.why.contains("no control"))
        // A gauge's noise cannot be told from one host; a counter's law needs no more.
        let single = judge.judge(SimulatedPush(controls: 1).recording())
        #expect(single.metrics.map(\.verdict) == [.inconclusive, .pass])
        let bad = judge.judge(SimulatedPush(canaries: 5, controls: 1, rate: 1, factors: [1, 60]).recording())
        #expect(bad.metrics[1].verdict == .regression)
    }

    @Test func aWindowThatBarelyBeganIsInconclusive() {
        #expect(judge.judge(SimulatedPush(after: 4).recording()).verdict == .inconclusive)
        #expect(judge.judge(SimulatedPush(before: 1).recording()).metrics[0].verdict == .inconclusive)
    }

    @Test func someMissingSamplesNeitherHideNorMakeARegression() {
        var random = Seeded(state: 7)
        var good = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            let push = SimulatedPush(seed: seed)
            let recording = with(push) { _, _, _ in Double.random(in: 0..<1, using: &random) < 0.15 }
            if judge.judge(recording).verdict == .regression { good += 1 }
        }
        #expect(good <= 6)
        for seed in 1...10 as ClosedRange<UInt64> {
            let push = SimulatedPush(seed: seed, canaries: 5, factors: [2, 1])
            let recording = with(push) { _, _, _ in Double.random(in: 0..<1, using: &random) < 0.15 }
            #expect(judge.judge(recording).verdict == .regression)
        }
    }

    @Test func controlsThatWereSampledLessAreNotTakenForControlsWithFewerErrors() {
        // Every other sample of the controls is missing after the flip: half of the events, at the same rate.
        let taken = (1...200).count { seed in
            let push = SimulatedPush(seed: UInt64(seed), canaries: 10, controls: 30, rate: 1)
            let recording = with(push) { host, _, moment in host >= 10 && moment >= 0 && moment.isMultiple(of: 2) }
            return judge.judge(recording).metrics[1].verdict == .regression
        }
        #expect(taken <= 5)
    }

    @Test func howManySamplesCameIsToldInFull() {
        let push = SimulatedPush(controls: 5, after: 240)
        let few = push.recording().mapped { host, _, moment, value in host < 3 && moment >= 103 ? .nan : value }
        let judgement = Judge(JudgeSettings(settle: 0, window: 1200)).judge(few)
        #expect(judgement.why.contains("load has only 103 of 240 samples a canary"), "\(judgement.why)")
    }

    @Test func aCanaryThatFellSilentIsNamed() {
        let judgement = judge.judge(with { host, _, moment in host == 1 && moment >= 4 })
        #expect(judgement.verdict == .inconclusive)
        #expect(judgement.why.contains("web1 sent no sample from 35 s to 1 min after the flip"))
        #expect(judgement.lost == ["web1"])
        let bad = SimulatedPush(factors: [2, 1])
        #expect(judge.judge(with(bad) { host, _, moment in host == 1 && moment >= 4 }).verdict == .regression)
    }

    @Test func aCanaryThatWasNeverThereIsNamedInThePass() {
        let judgement = judge.judge(with { host, _, _ in host == 1 })
        #expect(judgement.verdict == .pass)
        #expect(judgement.why.contains("web1 never sent a sample"), "\(judgement.why)")
    }

    @Test func aControlThatWasLostIsNoObstacle() {
        #expect(judge.judge(with { host, _, moment in host == 10 && moment >= 4 }).verdict == .pass)
        #expect(judge.judge(with { host, _, _ in host == 10 }).verdict == .pass)
    }

    @Test func seriesOfUnequalLengthAreAlignedAtTheFlip() {
        var recording = SimulatedPush(deviation: 0.02).recording()
        recording.hosts[5].baseline = recording.hosts[5].baseline.map { Array($0.suffix(7)) }
        recording.hosts[6].after = recording.hosts[6].after.map { Array($0.prefix(8)) }
        let cut = judge.judge(recording)
        let missing = judge.judge(
            with(SimulatedPush(deviation: 0.02)) { host, _, moment in
                host == 5 && moment < -7 || host == 6 && moment >= 8
            })
        #expect(cut == missing && cut.verdict == .pass)
    }
}
