// Every order and outcome of events of small fleets, and what must hold in each of them.

import Testing

@testable import SlotSync

@Suite("The two phases of a flip")
struct TwoPhaseFlipTests {
    /// What the fleet really is like, kept beside the decisions.
    private struct World {
        var flipped: Set<Int> = []
        var failed: Set<Int> = []
        var undoFailed: Set<Int> = []
    }

    /// How often the end was reached, and from where the phases so far were begun: each of them once.
    private struct Course {
        var ends = 0
        var begun: Set<String> = []
    }

    private static func explore(_ decisions: TwoPhaseFlip, hosts: Int, allowed: Int, hook: Bool) -> Int {
        var course = Course()
        explore(
            decisions, pending: Set(0..<hosts), phase: .preparing, World(), hosts: hosts, allowed: allowed, hook,
            &course)
        return course.ends
    }

    /// Tries each pending host with each outcome next.
    private static func explore(
        _ decisions: TwoPhaseFlip, pending: Set<Int>, phase: TwoPhaseFlip.Phase, _ world: World, hosts: Int,
        allowed: Int,
        _ hook: Bool, _ course: inout Course
    ) {
        for host in pending {
            for succeeds in [true, false] {
                var (decisions, world, pending) = (decisions, world, pending)
                pending.remove(host)
                switch (phase, succeeds) {
                case (.committing, true): world.flipped.insert(host)
                case (.undoing, true): world.flipped.remove(host)
                case (.undoing, false): world.undoFailed.insert(host)
                default: break
                }
                if !succeeds { world.failed.insert(host) }
                let action = decisions.handle(succeeds ? .succeeded(host) : .failed(host))
                // The same event again says nothing new.
                if !pending.isEmpty || action == nil {
                    var again = decisions
                    #expect(again.handle(.failed(host)) == nil && again.failed == decisions.failed)
                }
                #expect((action == nil) == !pending.isEmpty, "the next phase begins when the last host was heard of")
                guard let action else {
                    explore(
                        decisions, pending: pending, phase: phase, world, hosts: hosts, allowed: allowed, hook, &course)
                    continue
                }
                follow(action, decisions, from: phase, world, hosts: hosts, allowed: allowed, hook, &course)
            }
        }
    }

    private static func follow(
        _ action: TwoPhaseFlip.Action, _ decisions: TwoPhaseFlip, from phase: TwoPhaseFlip.Phase, _ world: World,
        hosts: Int,
        allowed: Int, _ hook: Bool, _ course: inout Course
    ) {
        let isGivenUp = world.failed.count > allowed
        let next: (hosts: [Int], phase: TwoPhaseFlip.Phase)
        switch action {
        case .runBeforeHooks(let some):
            #expect(phase == .preparing && hook && !isGivenUp)
            next = (some, .hooking)
        case .commit(let some):
            #expect(phase == (hook ? .hooking : .preparing) && !isGivenUp)
            #expect(
                Set(some) == Set(0..<hosts).subtracting(world.failed),
                "who failed is never told to rename; all others are")
            next = (some, .committing)
        case .undo(let some):
            #expect(phase == .committing && isGivenUp)
            #expect(Set(some) == world.flipped)
            next = (some, .undoing)
        case .finish(let isMixed):
            course.ends += 1
            #expect(decisions.phase == .done)
            #expect(decisions.failed == world.failed)
            #expect(decisions.flipped == world.flipped)
            #expect(isMixed == (isGivenUp && !world.flipped.isEmpty))
            if isGivenUp {
                #expect(world.flipped == world.undoFailed, "given up: nobody stays flipped but where the undo failed")
            }
            // Events that come too late change nothing.
            var late = decisions
            for host in 0..<hosts { #expect(late.handle(.failed(host)) == nil) }
            #expect(late.failed == decisions.failed)
            return
        }
        #expect(!next.hosts.isEmpty)
        guard course.begun.insert("\(next) \(world.failed.sorted()) \(world.flipped.sorted())").inserted else { return }
        explore(
            decisions, pending: Set(next.hosts), phase: next.phase, world, hosts: hosts, allowed: allowed, hook, &course
        )
    }

    @Test("all orders and outcomes of three hosts", arguments: [0, 1, 2], [false, true])
    func exhaustive(allowed: Int, hook: Bool) {
        let decisions = TwoPhaseFlip(hostCount: 3, allowedFailures: allowed, hasBeforeHook: hook)
        #expect(Self.explore(decisions, hosts: 3, allowed: allowed, hook: hook) > 50)
    }
}
