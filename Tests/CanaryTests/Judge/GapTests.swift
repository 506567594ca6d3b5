// Base lines that do not end at the flip: after further subsets were flipped, the base line of all is from before the first.

import Glibc
import SlotSync
import Testing

@testable import Canary

@Suite("A gap between base line and flip")
struct GapTests {
    @Test(
        "what persists fades over the gap: one sample on each side differ by 2 (1 - φ^(gap + 1))", arguments: [0, 1, 5])
    func varianceOfTwoSamples(gap: Int) {
        let model = NoiseModel(persistence: 0.9, whiteness: 0)
        let shape = SeriesShape(before: 1, gap: gap, settle: 0, after: 1)
        let step = StepEstimator(model, shape) { $0 == 0 || $0 == gap + 1 }
        #expect(abs(step.variance - 2 * (1 - pow(0.9, Double(gap + 1)))) < 1e-12)
        #expect(abs(step.step { $0 == 0 ? 3 : $0 == gap + 1 ? 5 : .infinity } - 2) < 1e-12)
    }

    @Test("a gap is no sample: neither counted as missing nor as zero")
    func gapIsNoSample() {
        let recording = Self.recording(seed: 1, gap: 14, factors: [1, 1])
        let judgement = Judge(JudgeSettings()).judge(recording)
        #expect(judgement.verdict == .pass, "\(judgement.why)")
        var adjoining = recording
        adjoining.gap = nil
        let counts = [recording, adjoining].map { Judge(JudgeSettings()).judge($0).metrics[1] }
        #expect(counts[0].p == counts[1].p && counts[0].effect == counts[1].effect)
    }

    @Test("a regression is found across a gap, in a gauge and in a counter", arguments: [[1.6, 1], [1, 8]])
    func regression(factors: [Double]) {
        let judgement = Judge(JudgeSettings()).judge(Self.recording(seed: 2, gap: 14, factors: factors))
        #expect(judgement.verdict == .regression)
        #expect(judgement.metrics.map { $0.verdict == .regression } == factors.map { $0 > 1 })
    }

    @Test("good releases are rolled back as seldom as without a gap, beside few controls too", arguments: [37, 6])
    func falseRollbacks(controls: Int) {
        let judge = Judge(JudgeSettings(significance: 0.05))
        let rolledBack = (0..<400).count { seed in
            let recording = Self.recording(seed: UInt64(1_000 + seed), controls: controls, gap: 14, factors: [1, 1])
            return judge.judge(recording).verdict == .regression
        }
        // 20 on average at 5 %; 34 and more in 2 of 1,000 runs.
        #expect(rolledBack < 34)
    }

    @Test("a gap beyond the longest that is reckoned with counts as that")
    func longGap() {
        let judge = Judge(JudgeSettings())
        let gaps = [1_000.0, 80_000].map { judge.judge(Self.recording(seed: 3, length: $0, factors: [1, 1])) }
        #expect(gaps[0].metrics == gaps[1].metrics)
    }

    @Test("before the flip a metric that nobody sends is named, and so is one that too few hosts send")
    func lackBeforeFlip() {
        var recording = SimulatedPush(canaries: 2, controls: 5).recording()
        for host in recording.hosts.indices { recording.hosts[host].after = [[], []] }
        #expect(Judge.lackBeforeFlip(recording) == nil)

        var silent = recording
        for host in silent.hosts.indices where silent.hosts[host].role == .canary {
            silent.hosts[host].baseline[1] = []
        }
        let lack = Judge.lackBeforeFlip(silent)
        #expect(lack?.verdict == .inconclusive && lack?.why == "errors has no sample of a canary before the flip")
        #expect(lack?.metrics.map(\.name) == ["errors"] && lack?.metrics.first?.note == lack?.why)

        var both = silent
        for host in both.hosts.indices { both.hosts[host].baseline[0] = [] }
        #expect(
            Judge.lackBeforeFlip(both)?.why
                == "load has no sample of a canary before the flip; errors has no sample of a "
                + "canary before the flip")

        var few = recording
        for host in few.hosts.indices.dropFirst(3) { few.hosts[host].baseline[0] = [.nan, 1] }
        #expect(
            Judge.lackBeforeFlip(few)?.why == "load has samples of 1 control alone, and needs 2 before the flip")

        var short = recording
        for host in short.hosts.indices {
            short.hosts[host].baseline = short.hosts[host].baseline.map { Array($0.prefix(2)) }
        }
        #expect(Judge.lackBeforeFlip(short)?.why == "load has only 2 samples a canary before the flip")
    }

    /// A push of which only what lies before and after a gap was kept.
    private static func recording(
        seed: UInt64, controls: Int = 37, gap: Int, factors: [Double]
    ) -> Recording {
        var recording = SimulatedPush(
            seed: seed, controls: controls, before: 12, after: 12 + gap, factors: factors
        ).recording()
        for host in recording.hosts.indices {
            recording.hosts[host].after = recording.hosts[host].after.map { Array($0.dropFirst(gap)) }
        }
        recording.gap = Double(gap) * recording.interval
        return recording
    }

    private static func recording(seed: UInt64, length: Double, factors: [Double]) -> Recording {
        var recording = recording(seed: seed, gap: 0, factors: factors)
        recording.gap = length
        return recording
    }
}
