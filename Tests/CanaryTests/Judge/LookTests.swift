// Looks: what is bad beyond doubt goes back at once, and looking often costs no more false rollbacks than looking once.

import Testing

@testable import Canary

@Suite struct LookTests {
    private let judge = Judge(JudgeSettings())

    @Test func aReleaseThatIsBadBeyondDoubtGoesBackEarly() {
        let (judgement, seconds) = judge.looks(SimulatedPush(canaries: 5, factors: [3, 1]).recording())
        #expect(judgement.verdict == .regression)
        #expect(seconds == 15)
    }

    @Test func aGoodReleaseIsJudgedByTheWholeWindow() {
        let recording = SimulatedPush(seed: 3).recording()
        let (judgement, seconds) = judge.looks(recording)
        #expect(judgement.verdict == .pass && seconds == nil)
        #expect(judgement.metrics.map(\.p) == judge.judge(recording).metrics.map(\.p))
    }

    @Test func anEarlyLookNeverPasses() {
        let recording = SimulatedPush(seed: 3).recording()
        for samples in 0..<12 {
            let judgement = judge.look(recording, afterSamples: samples, of: 12)
            #expect(judgement.verdict == .inconclusive)
        }
        let look = judge.look(recording, afterSamples: 5, of: 12)
        #expect(look.why.hasPrefix("no metric got worse so far, after 5 of 12 samples: the nearest is "))
        #expect(judge.look(recording, afterSamples: 12, of: 12).verdict == .pass)
    }

    @Test func whatARegressionLeavesOpenIsUndecidedAndAtTheLastLookNothingIs() {
        let recording = SimulatedPush(canaries: 5, factors: [3, 1]).recording()
        let early = judge.look(recording, afterSamples: 4, of: 12)
        #expect(early.verdict == .regression)
        #expect(early.metrics.map(\.isUndecided) == [false, true])
        #expect(early.metrics[1].note == "load ended the window before this was decided")
        #expect(judge.judge(recording).metrics.map(\.isUndecided) == [false, false])
        let silent = recording.mapped { host, metric, moment, value in
            host < 5 && metric == 1 && moment >= 0 ? .nan : value
        }
        let last = judge.judge(silent).metrics[1]
        #expect(last.verdict == .inconclusive && !last.isUndecided)
        // A gauge without a base line could not be decided by any sample to come.
        let push = SimulatedPush(canaries: 5, factors: [1, 30]).recording()
        let pastless = push.mapped { _, metric, moment, value in metric == 0 && moment < 0 ? .nan : value }
        let ended = judge.look(pastless, afterSamples: 4, of: 12)
        #expect(ended.verdict == .regression && ended.metrics.map(\.isUndecided) == [false, false])
        #expect(ended.metrics[0].note.contains("before the flip"))
    }

    @Test func hostsOnTheReleaseAreCalledCanariesInTheirOwnWindowAlone() {
        let recording = SimulatedPush(canaries: 5, factors: [3, 1]).recording()
        let silent = recording.mapped { $0 < 5 && $2 >= 0 ? .nan : $3 }
        let later = Judge(JudgeSettings(), naming: .flippedHosts)
        #expect(judge.judge(recording).why.contains(" on 5 canaries ("))
        #expect(later.judge(recording).why.contains(" on 5 flipped hosts ("))
        #expect(later.judge(silent).why.contains("load has no sample of a flipped host after the flip"))
        #expect(
            later.look(recording, afterSamples: 3, of: 12).metrics
                == judge.look(recording, afterSamples: 3, of: 12).metrics)
        #expect(Comparison.Kind.window(.canaries).flippedName == .canaries)
        for kind in [Comparison.Kind.window(.subset(1)), .watch] { #expect(kind.flippedName == .flippedHosts) }
        #expect(Comparison.Kind.guarding.flippedName == .allHosts)
    }

    @Test func levelsBeforeTheFlipStandBesideThoseAfterIt() throws {
        let recording = SimulatedPush(canaries: 5, factors: [3, 1]).recording()
        let found = judge.judge(recording).metrics
        let ratio = try #require(found[0].canaryLevel) / (try #require(found[0].canaryBefore))
        #expect(ratio > 2 && ratio < 4.5)
        let events = recording.hosts.filter { $0.role == .control }.flatMap { $0.baseline[1] }
        let rate = events.reduce(0, +) / Double(events.count) * 12
        #expect(abs(try #require(found[1].controlBefore) - rate) < 1e-9)
    }

    @Test func aLookSeesNothingOfWhatCameLater() {
        let recording = SimulatedPush(seed: 4, factors: [1.2, 2]).recording()
        let cut = recording.mapped { $2 < 6 ? $3 : 1e6 }
        #expect(judge.look(recording, afterSamples: 6, of: 12) == judge.look(cut, afterSamples: 6, of: 12))
    }

    @Test func whatTheLooksSpendIsNoMoreThanAll() {
        for planned in [12, 30, 60] {
            let schedule = LookSchedule.of(before: 12, settle: 2, planned: planned, significance: 0.01)
            let early = Double(planned - 3) * schedule.early
            // Looks share what they see, so together they may have more than one look, but not by much.
            #expect(schedule.last < 1 && schedule.last > 1 - early)
            #expect(schedule.last > 0.6)
            #expect(schedule.share(after: 2) == 0 && schedule.share(after: planned) == schedule.last)
        }
    }

    @Test func theScheduleKeepsTheSignificanceOfARandomWalk() {
        // White noise, 12 samples before and 10 after: the statistic crosses its bounds as often as one look would.
        let schedule = LookSchedule.of(before: 12, settle: 2, planned: 12, significance: 0.2)
        let level = 0.2 / 4
        var random = Seeded(state: 5)
        let walks = 40_000
        var crossed = 0
        for _ in 0..<walks {
            let before = (0..<12).reduce(0) { sum, _ in sum + random.normal() } / 12
            var sum = 0.0
            for sample in 1...10 {
                sum += random.normal()
                let z = (sum / Double(sample) - before) / (1 / 12 + 1 / Double(sample)).squareRoot()
                if Normal.survival(z) <= level * schedule.share(after: sample + 2) {
                    crossed += 1
                    break
                }
            }
        }
        #expect(abs(Double(crossed) / Double(walks) / level - 1) < 0.07)
    }

    @Test func theSettlingTimeIsInSeconds() {
        // At 20 s from sample to sample one sample is left out, at 2 s five.
        let recording = SimulatedPush(canaries: 5, deviation: 0.02).recording()
        for (interval, settle) in [(20.0, 1), (5, 2), (2, 5)] {
            var other = recording.mapped { host, metric, moment, value in
                metric == 0 && host < 5 && moment >= 0 && moment < settle ? 3 * value : value
            }
            other.interval = interval
            #expect(judge.judge(other).verdict == .pass)
        }
    }
}
