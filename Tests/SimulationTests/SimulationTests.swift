// A sample of what `make simulate` runs by the million, the rules that it must notice when they are broken, and that a seed
// makes the same trial every time.

import Simulation
import Testing

@Suite("Simulated pushes, flips and rollbacks")
struct SimulationTests {
    @Test("whatever is lost, killed or late, every host ends on one whole release, and what was told is true")
    func sample() throws {
        for seed: UInt64 in 1...2_000 {
            let result = try Simulation.run(seed: seed)
            #expect(result.problems.isEmpty, "seed \(seed), \(result.ending)")
        }
    }

    @Test("a rule that is broken on purpose is noticed", arguments: BrokenRule.allCases)
    func control(rule: BrokenRule) throws {
        var seed: UInt64 = 1
        while seed < 20_000, try Simulation.run(seed: seed, breaking: rule).problems.isEmpty { seed += 1 }
        #expect(seed < 20_000)
    }

    @Test("a seed makes the same trial every time")
    func replay() throws {
        for seed: UInt64 in 1...20 {
            func steps() throws -> [String] {
                var steps: [String] = []
                _ = try Simulation.run(seed: seed) { steps.append("\($0) \($1)") }
                return steps
            }
            let first = try steps()
            #expect(try steps() == first && !first.isEmpty)
        }
    }
}
