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
                            : .steps([1, 3], degreesOfFreedom: Double.random(in: 2...90, using: &random), scale: 1)),
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
