// What the fitted noise model counts for beside a gauge's controls: much in small fleets, nothing where they contradict it.

import Glibc
import Testing

@testable import Canary

@Suite struct NoiseFreedomTests {
    private static let load = [Metric(name: "load", kind: .gauge)]

    private func freedom(_ recording: Recording) throws -> Double {
        let table = SampleTable(recording, metric: 0, before: 12, settle: 2, after: 12)
        let scale = GaugeScale(table)
        let roles = Roles(recording.hosts)
        let test = GaugeTest(scale.levels(table), scale: scale, worse: .higher, roles: roles, peerLevels: nil)
        let evidence = try #require(test?.evidence(for: roles.canaries, tolerance: 0.1))
        guard case .steps(_, _, let freedom, _) = evidence.power else { return .nan }
        return freedom
    }

    private func count(controls: Int, freedom expected: Double, driftingApart drift: Double = 0) throws -> Int {
        try (1...50).count { seed in
            var random = Seeded(state: UInt64(seed))
            let drifts = (0..<controls + 3).map { _ in drift * random.normal() }
            let push = SimulatedPush(seed: UInt64(seed), controls: controls).recording(Self.load)
            return try freedom(push.mapped { host, _, moment, value in moment < 0 ? value : value * exp(drifts[host]) })
                == expected
        }
    }

    @Test func theModelCountsAsTwentyHostsInSmallFleetsAndAsThreeInTheSmallest() throws {
        #expect(try count(controls: 17, freedom: 16 + 20) >= 35)
        #expect(try count(controls: 6, freedom: 5 + 3) >= 35)
        #expect(try count(controls: 40, freedom: 39) >= 35)
    }

    @Test func hostsThatContradictTheModelStandForThemselves() throws {
        #expect(try count(controls: 17, freedom: 16, driftingApart: 0.5) >= 45)
    }
}
