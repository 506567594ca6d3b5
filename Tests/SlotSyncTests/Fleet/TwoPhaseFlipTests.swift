// Every outcome of every step with small fleets, and what must hold in each of them.

import Testing

@testable import SlotSync

@Suite("The two phases of a flip")
struct TwoPhaseFlipTests {
    /// What the fleet really is like, kept beside the decisions.
    private struct World {
        var flipped: Set<Host> = []
        var failed: Set<Host> = []
    }

    /// Tries each set of hosts that may come through the step under way.
    ///
    /// - Returns: how often the end was reached.
    private static func explore(_ decisions: TwoPhaseFlip, _ world: World, hosts: [Host], allowed: Int) -> Int {
        guard let step = decisions.step else {
            expectEnd(decisions, world, allowed: allowed)
            return 1
        }
        return subsets(of: decisions.hosts).reduce(0) { ends, done in
            var (decisions, world) = (decisions, world)
            let before = world
            world.failed.formUnion(Set(decisions.hosts).subtracting(done))
            switch step {
            case .prepare, .runBeforeHook: break
            case .commit: world.flipped = Set(done)
            case .undo: world.flipped.subtract(done)
            }
            decisions.end(done)
            expectSound(decisions, after: step, before, world, hosts: hosts, allowed: allowed)
            return ends + explore(decisions, world, hosts: hosts, allowed: allowed)
        }
    }

    private static func subsets(of hosts: [Host]) -> [[Host]] {
        hosts.reduce([[]]) { subsets, host in subsets + subsets.map { $0 + [host] } }
    }

    private static func expectSound(
        _ decisions: TwoPhaseFlip, after step: TwoPhaseFlip.Step, _ before: World, _ world: World, hosts: [Host],
        allowed: Int
    ) {
        let isGivenUp = world.failed.count > allowed
        #expect(decisions.isGivenUp == isGivenUp)
        switch decisions.step {
        case .prepare: Issue.record("prepared twice")
        case .runBeforeHook: #expect(step == .prepare && !isGivenUp)
        case .commit:
            #expect(step == .runBeforeHook && !isGivenUp)
            #expect(
                Set(decisions.hosts) == Set(hosts).subtracting(world.failed),
                "who failed is never told to rename; all others are")
        case .undo:
            #expect(step == .commit && isGivenUp)
            #expect(Set(decisions.hosts) == world.flipped)
        case nil: break
        }
        if decisions.step != nil { #expect(!decisions.hosts.isEmpty) }
    }

    private static func expectEnd(_ decisions: TwoPhaseFlip, _ world: World, allowed: Int) {
        #expect(Set(decisions.flipped) == world.flipped)
        #expect(world.flipped.isDisjoint(with: decisions.takenBack))
        if decisions.isGivenUp {
            #expect(world.flipped.isSubset(of: world.failed), "given up: who stays flipped could not be taken back")
        } else {
            #expect(decisions.takenBack.isEmpty)
        }
        // What comes too late changes nothing.
        var late = decisions
        late.end(late.hosts)
        #expect(late.step == nil && late.flipped == decisions.flipped && late.isGivenUp == decisions.isGivenUp)
    }

    @Test("all outcomes of three hosts", arguments: [0, 1, 2])
    func exhaustive(allowed: Int) throws {
        let hosts = try HostList.parse("h[1-3]")
        let decisions = TwoPhaseFlip(hosts: hosts, failed: 0, allowedFailures: allowed)
        #expect(Self.explore(decisions, World(), hosts: hosts, allowed: allowed) > 10)
    }

    @Test("hosts that failed before count")
    func failedBefore() throws {
        let hosts = try HostList.parse("h[1-2]")
        var decisions = TwoPhaseFlip(hosts: hosts, failed: 1, allowedFailures: 0)
        decisions.end(hosts)
        #expect(decisions.step == nil && decisions.isGivenUp && decisions.flipped.isEmpty)
    }
}
