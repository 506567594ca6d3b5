// Hosts that are not like their peers: sick ones with far more events, restless ones, a fleet of quiet and wild ones. None of
// them may take a good release back more often, nor hide a bad one.

import Glibc
import Testing

@testable import Canary

@Suite struct UnlikeHostsTests {
    private let judge = Judge(JudgeSettings())
    private static let load = [Metric(name: "load", kind: .gauge)]
    private static let errors = [Metric(name: "errors", kind: .counter, from: .flip)]

    private func taken(of pushes: ClosedRange<UInt64>, _ recording: (UInt64) -> Recording) -> Int {
        pushes.count { judge.judge(recording($0)).verdict == .regression }
    }

    /// A fleet with one host that has twenty times the events of the others, before the flip and after it.
    private func withSick(_ sick: Int, _ push: SimulatedPush, factor: Double = 1) -> Recording {
        var random = Seeded(state: push.seed &+ 1_000_000)
        return push.recording(Self.errors).mapped { host, _, moment, value in
            host == sick ? random.poisson(moment < 0 ? 6 : 6 * factor) : value
        }
    }

    @Test func aSickCanaryIsExpectedToStaySick() {
        // Drawn towards its peers, it would seem to get worse at every flip.
        #expect(taken(of: 1...300) { withSick(0, SimulatedPush(seed: $0, canaries: 1)) } <= 8)
        #expect(taken(of: 1...100) { withSick(0, SimulatedPush(seed: $0, canaries: 1), factor: 3) } >= 95)
    }

    @Test func aSickControlHidesNothing() {
        let push = { SimulatedPush(seed: $0, canaries: 3, controls: 17, factors: [3]) }
        let usual = taken(of: 1...100) { push($0).recording(Self.errors) }
        let sick = taken(of: 1...100) { withSick(10, push($0)) }
        #expect(usual >= 40 && sick >= usual - 5, "\(sick), \(usual) without it")
        #expect(taken(of: 1...300) { withSick(10, SimulatedPush(seed: $0, controls: 17)) } <= 8)
    }

    @Test func aRestlessCanaryIsNoRegression() {
        let isTaken = taken(of: 1...300) { seed in
            SimulatedPush(seed: seed, canaries: 1).recording(Self.load).mapped { host, _, _, value in
                host == 0 ? value * value * value : value
            }
        }
        #expect(isTaken <= 8)
    }

    @Test func quietAndWildHostsAreWeighedByWhatTheyShow() {
        let wild = { (push: SimulatedPush) -> Recording in
            var random = Seeded(state: push.seed &+ 2_000_000)
            let powers = (0..<push.canaries + push.controls).map { _ in 1 / random.gamma(2).squareRoot() }
            return push.recording(Self.load).mapped { host, _, _, value in pow(value / 4, powers[host]) }
        }
        #expect(taken(of: 1...400) { wild(SimulatedPush(seed: $0)) } <= 10)
    }

    @Test func hostsThatWaverAlikeAreLeftAsTheyAre() throws {
        let recording = SimulatedPush(canaries: 2, controls: 40).recording(Self.load)
        let unrest = try #require(self.unrest(recording))
        #expect(unrest.variances.allSatisfy { $0 == 1 } && unrest.freedom.allSatisfy { $0.isInfinite })
        // Five times as restless as all others: it stands for itself, with the 11 degrees of freedom of its base line.
        let restless = recording.mapped { host, _, _, value in host == 1 ? value * value * value * value * value : value
        }
        let found = try #require(self.unrest(restless))
        #expect(found.variances[1] > 5 && found.freedom[1] == 11)
        #expect(found.variances[0] == 1)
    }

    private func unrest(_ recording: Recording) -> HostUnrest? {
        let table = SampleTable(recording, metric: 0, before: 12, settle: 2, after: 12)
        let levels = GaugeScale(table).levels(table)
        let controls = Roles(recording.hosts).controls
        let grid = NoiseGrid.of(SeriesShape(before: 12, settle: 2, after: 12))
        return NoiseFit(levels, hosts: controls, grid: grid).map { HostUnrest(levels, controls: controls, fit: $0) }
    }
}
