// Every outcome of every step with small fleets, hosts of the commit in every order, and what must hold in each of them.

import Testing

@testable import SlotSync

@Suite("The two phases of a flip")
struct TwoPhaseFlipTests {
    /// What the fleet really is like, kept beside the decisions.
    private struct World {
        let hosts: [Host]
        let allowed: Int
        var flipped: Set<Host> = []
        var failed: Set<Host> = []
        var takenBack: Set<Host> = []

        var isGivenUp: Bool { failed.count > allowed }
    }

    /// Tries each set of hosts that may come through the steps before the commit, and each course of the commit.
    ///
    /// - Returns: how often the end was reached.
    private static func explore(_ decisions: TwoPhaseFlip, _ world: World) -> Int {
        guard let step = decisions.step else {
            #expect(world.isGivenUp || world.failed.count == world.hosts.count, "ended before its commit")
            #expect(decisions.isGivenUp == world.isGivenUp)
            expectEnd(decisions, world)
            return 1
        }
        #expect(
            Set(decisions.hosts) == Set(world.hosts).subtracting(world.failed),
            "who failed is never told to do anything; all others are")
        #expect(!decisions.hosts.isEmpty && !world.isGivenUp)
        if step == .commit { return exploreCommit(decisions, world, unheard: Set(decisions.hosts)) }
        return subsets(of: decisions.hosts).reduce(0) { ends, done in
            var (decisions, world) = (decisions, world)
            world.failed.formUnion(Set(decisions.hosts).subtracting(done))
            decisions.end(done)
            if let next = decisions.step { #expect(next == (step == .prepare ? .runBeforeHook : .commit)) }
            return ends + explore(decisions, world)
        }
    }

    /// Tries what may happen next: a host is heard, or one that flipped is back.
    private static func exploreCommit(_ decisions: TwoPhaseFlip, _ world: World, unheard: Set<Host>) -> Int {
        switch decisions.decision {
        case .stay:
            #expect(unheard.isEmpty && !world.isGivenUp)
        case .goBack:
            #expect(world.isGivenUp)
        case nil: #expect(!world.isGivenUp && !unheard.isEmpty, "hosts wait although nothing can change any more")
        }
        var ends = 0
        for host in unheard {
            for hasFlipped in [true, false] {
                var (decisions, world) = (decisions, world)
                decisions.note(host, hasFlipped: hasFlipped)
                if hasFlipped { world.flipped.insert(host) } else { world.failed.insert(host) }
                ends += exploreCommit(decisions, world, unheard: unheard.subtracting([host]))
            }
        }
        if decisions.decision == .goBack {
            for host in world.flipped {
                var (decisions, world) = (decisions, world)
                decisions.noteTakenBack(host)
                world.flipped.remove(host)
                world.takenBack.insert(host)
                ends += exploreCommit(decisions, world, unheard: unheard)
            }
        }
        guard unheard.isEmpty else { return ends }
        // Those that were not taken back could not be.
        var ended = decisions
        ended.end(Array(world.flipped))
        expectEnd(ended, world)
        return ends + 1
    }

    private static func subsets(of hosts: [Host]) -> [[Host]] {
        hosts.reduce([[]]) { subsets, host in subsets + subsets.map { $0 + [host] } }
    }

    private static func expectEnd(_ decisions: TwoPhaseFlip, _ world: World) {
        #expect(decisions.step == nil && decisions.isGivenUp == world.isGivenUp)
        #expect(decisions.flipped == world.flipped && decisions.takenBack == world.takenBack)
        // What comes too late changes nothing.
        var late = decisions
        late.end(late.hosts)
        for host in world.hosts {
            late.note(host, hasFlipped: false)
            late.note(host, hasFlipped: true)
        }
        #expect(late.step == nil && late.flipped == world.flipped && late.isGivenUp == world.isGivenUp)
    }

    @Test("all outcomes of three hosts", arguments: [0, 1, 2])
    func exhaustive(allowed: Int) throws {
        let hosts = try HostList.parse("h[1-3]")
        let decisions = TwoPhaseFlip(hosts: hosts, failed: 0, allowedFailures: allowed)
        #expect(Self.explore(decisions, World(hosts: hosts, allowed: allowed)) > 10)
    }

    @Test("a host that was lost on its way back, and cannot be asked, is not among those that are flipped")
    func uncertain() throws {
        let hosts = try HostList.parse("h[1-2]")
        var decisions = TwoPhaseFlip(hosts: hosts, failed: 0, allowedFailures: 0)
        decisions.end(hosts)
        decisions.end(hosts)
        decisions.note(hosts[0], hasFlipped: true)
        decisions.note(hosts[1], hasFlipped: false)
        #expect(decisions.decision == .goBack)
        decisions.noteUncertain(hosts[0])
        #expect(decisions.flipped.isEmpty && decisions.takenBack.isEmpty)
    }

    @Test("hosts that failed before count")
    func failedBefore() throws {
        let hosts = try HostList.parse("h[1-2]")
        var decisions = TwoPhaseFlip(hosts: hosts, failed: 1, allowedFailures: 0)
        decisions.end(hosts)
        #expect(decisions.step == nil && decisions.isGivenUp && decisions.flipped.isEmpty)
    }
}
