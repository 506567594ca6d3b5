// What canaries can detect, told before a push: it has to be what the judge then does.

import Testing

@testable import Canary

@Suite struct DetectionTests {
    private let judge = Judge(JudgeSettings())

    @Test func moreCanariesDetectMore() {
        let few = judge.detection(of: SimulatedPush.usual, canaries: 1, controls: 99).changes
        let many = judge.detection(of: SimulatedPush.usual, canaries: 15, controls: 85).changes
        #expect(few.map(\.factor) == [1.2, 1.5, 2, 2, 5, 10])
        for (few, many) in zip(few, many) { #expect(many.share >= few.share) }
    }

    @Test func whatIsForetoldIsWhatIsCaught() {
        let base = SimulatedPush(seed: 77, canaries: 0, controls: 40, after: 0).recording()
        let changes = judge.detection(of: base.metrics, canaries: 3, controls: 37, baseline: base).changes
        for (metric, factor, index) in [(0, 1.2, 0), (1, 2.0, 3), (1, 5.0, 4)] {
            let caught = (1...200).count { seed in
                var factors = [1.0, 1.0]
                factors[metric] = factor
                let push = SimulatedPush(seed: UInt64(1000 + seed), factors: factors)
                return judge.judge(push.recording()).metrics[metric].verdict == .regression
            }
            #expect(abs(Double(caught) / 200 - changes[index].share) < 0.15, "\(changes[index]): \(caught) of 200")
        }
    }

    @Test func theSentenceSaysWhatIsHardlySeenAndHowManyCanariesWouldDo() {
        let sentence = judge.detection(of: SimulatedPush.usual, canaries: 1, controls: 99).sentence
        #expect(sentence.contains("errors × "), "\(sentence)")
        #expect(sentence.contains("hardly: choose "), "\(sentence)")
        let none = judge.detection(of: SimulatedPush.usual, canaries: 2, controls: 0)
        #expect(none.sentence == "without canaries and controls nothing can be detected")
    }

    @Test func aBaseLineForetellsWhatThePushesThenShowWhateverItsNoise() {
        for (deviation, persistence, rate) in [(0.05, 0.5, 0.1), (0.25, 0.9, 1.0)] {
            func push(_ seed: Int, _ factors: [Double] = [1, 1]) -> Recording {
                SimulatedPush(
                    seed: UInt64(seed), persistence: persistence, deviation: deviation, rate: rate, factors: factors
                ).recording()
            }
            let changes = judge.detectionBeforeFlip(push(5).withoutSamplesAfter).changes
            for (metric, factor, index) in [(0, 1.2, 0), (0, 1.5, 1), (1, 2.0, 3), (1, 5.0, 4)] {
                let caught = (1...150).count { seed in
                    var factors = [1.0, 1.0]
                    factors[metric] = factor
                    return judge.judge(push(3000 + seed, factors)).metrics[metric].verdict == .regression
                }
                #expect(abs(Double(caught) / 150 - changes[index].share) < 0.2, "\(changes[index]): \(caught) of 150")
            }
        }
    }

    @Test func largerChangesMoreCanariesAndAQuieterBaseLineShowMore() {
        func changes(canaries: Int, deviation: Double) -> [DetectableChange] {
            let push = SimulatedPush(seed: 9, canaries: canaries, controls: 40 - canaries, deviation: deviation)
            return judge.detectionBeforeFlip(push.recording().withoutSamplesAfter).changes
        }
        let usual = changes(canaries: 3, deviation: 0.3)
        #expect(usual[0].share < usual[1].share && usual[1].share < usual[2].share)
        #expect(usual[3].share < usual[4].share && usual[4].share < usual[5].share)
        let more = changes(canaries: 10, deviation: 0.3)
        for index in [0, 1, 3] { #expect(more[index].share > usual[index].share) }
        let quieter = changes(canaries: 3, deviation: 0.1)
        for index in [0, 1] { #expect(quieter[index].share > usual[index].share) }
    }

    @Test func whereTheBaseLineHasTooLittleTheUsualNoiseStandsAndIsSaidToBeThat() {
        let short = SimulatedPush(before: 3).recording().withoutSamplesAfter
        let sentence = judge.detectionBeforeFlip(short).sentence
        #expect(sentence.contains("(by usual noise: too few samples yet)"))
        #expect(!judge.detectionBeforeFlip(SimulatedPush().recording().withoutSamplesAfter).sentence.contains("usual"))
        let none = SimulatedPush(rate: 0).recording().withoutSamplesAfter
        #expect(
            judge.detectionBeforeFlip(none).sentence.hasSuffix(
                "errors had no event before the flip, so no factor can be told"))
    }

    @Test func whatHasNoBaseLineShowsNothing() {
        let silent = SimulatedPush().recording().withoutSamplesAfter.mapped { _, metric, _, value in
            metric == 0 ? .nan : value
        }
        let detection = judge.detectionBeforeFlip(silent)
        #expect(detection.sentence.hasPrefix("load nothing, for want of samples before the flip; errors × "))
        #expect(detection.changes.prefix(3).allSatisfy { $0.share == 0 })
        #expect(detection.changes[5].share > 0.5)
    }

    @Test func whatHardlyWaversOnManyHostsIsSeenFromTheToleranceOn() {
        for hosts in [40, 90, 300, 2000] {
            let push = SimulatedPush(canaries: hosts / 20, controls: hosts - hosts / 20, rate: 3).recording()
            let constant = push.mapped { _, metric, _, value in metric == 0 ? 8 : value }
            let recording = constant.mapped { $0 < hosts / 20 && $1 == 0 && $2 >= 0 ? 1.05 * $3 : $3 }
            for tolerance in [0.1, 0.7, 3] {
                let judge = Judge(JudgeSettings(tolerance: tolerance, settle: 10, window: 60))
                let changes = judge.detectionBeforeFlip(constant.withoutSamplesAfter).changes
                let factors = changes.filter { $0.share > 0.99 && $0.metric == "load" }.map(\.factor)
                #expect(factors == [1.2, 1.5, 2].filter { $0 > 1 + tolerance }, "\(hosts) hosts, \(tolerance)")
                #expect(changes.allSatisfy { (0...1).contains($0.share) }, "\(changes.map(\.share))")
                #expect(judge.judge(recording).verdict == .pass)
                let few = judge.detection(of: SimulatedPush.usual, canaries: hosts / 20, controls: hosts - hosts / 20)
                #expect(few.changes.allSatisfy { (0...1).contains($0.share) }, "\(few.changes.map(\.share))")
            }
        }
    }

    @Test func hostsThatSentNothingDoNotCount() {
        let push = SimulatedPush(canaries: 6, controls: 34)
        let silent = push.recording().withoutSamplesAfter.mapped { host, _, _, value in host < 3 ? .nan : value }
        let all = judge.detectionBeforeFlip(push.recording().withoutSamplesAfter).changes
        let half = judge.detectionBeforeFlip(silent).changes
        #expect(half[3].share < all[3].share)
    }

    @Test func theSharesOfTheSignificanceNeverAddUpToMore() {
        var random = Seeded(state: 3)
        for _ in 0..<300 {
            let claims = (0..<Int.random(in: 1...6, using: &random)).map { _ -> Claim in
                let weight = Double.random(in: 0.1...3, using: &random)
                let isCount = Bool.random(using: &random)
                var tails: [Double] = []
                var tail = 1e-9
                while tail < 0.5 {
                    tail *= Double.random(in: 1.5...30, using: &random)
                    tails.append(tail)
                }
                let powers = tails.indices.map { Double($0 + 1) / Double(tails.count + 1) }
                return Claim(
                    evidence: Evidence(
                        p: 0.5, change: 0, exceedsTolerance: false,
                        attainable: isCount ? .only(tails) : .anyUpTo(pow10(random.normal() - 2)),
                        power: isCount
                            ? .counts([powers])
                            : .steps(
                                [1, 3], tolerated: Double.random(in: 0...50, using: &random),
                                degreesOfFreedom: Double.random(in: 2...90, using: &random), scale: 1)),
                    weight: weight)
            }
            let criticals = SignificanceAllocation.criticalValues(claims, significance: 0.01)
            let spent = zip(claims, criticals).reduce(0) { $0 + $1.0.evidence.attainable.spent(at: $1.1) }
            #expect(spent <= 0.01 * (1 + 1e-9))
            #expect(criticals.allSatisfy { $0 > 0 })
        }
    }

    private func pow10(_ exponent: Double) -> Double {
        exponent < 0 ? 1 / pow10(-exponent) : exponent < 1 ? 1 + 9 * exponent : 10 * pow10(exponent - 1)
    }
}
