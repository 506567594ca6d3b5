// Every kind of event in every state of a push: each deviation from the usual course, each pair of them, and long random
// walks. RolloutWorld says what must never happen.

import SlotSync
import Testing

@testable import Canary

@Suite("A rollout under all orders of events")
struct RolloutExplorerTests {
    private static func world(
        hosts: Int, mode: RolloutMode = .full, allowed: Int = 0, canAsk: Bool = false, longWindows: Bool = false,
        _ change: (inout CanarySettings) -> Void = { _ in }
    ) throws -> RolloutWorld {
        var settings = CanarySettings(
            hosts: .portion(.count(1)), baseline: 15, window: 20, settle: 5, watch: 20,
            metrics: RolloutPlanTests.metrics)
        if longWindows { (settings.window, settings.watch) = (60, 300) }
        change(&settings)
        let plan = try RolloutPlan(hosts: RolloutPlanTests.fleet(hosts), settings: settings, mode: mode)
        return RolloutWorld(plan: plan, maxFailures: .count(allowed), canAsk: canAsk)
    }

    /// Follows the usual course from `world`; at each moment tries each deviation, and from there `depth` - 1 more.
    ///
    /// - Returns: how many ends were reached.
    private static func deviate(from world: RolloutWorld, depth: Int) -> Int {
        var world = world
        var ends = 0
        while world.outcome == nil {
            guard let usual = world.usualMove else { break }
            for move in world.moves where move != usual && move != .nonsense {
                var other = world
                other.make(move)
                if depth > 1, other.outcome == nil { ends += deviate(from: other, depth: depth - 1) }
                other.runToEnd()
                ends += 1
                guard other.problems.isEmpty else {
                    Issue.record("\(move) at \(world.rollout.phase), event \(world.events): \(other.problems)")
                    return ends
                }
            }
            world.make(usual)
            guard world.problems.isEmpty, world.events < 20_000 else { break }
        }
        world.checkEnd()
        #expect(world.problems.isEmpty, "the usual course")
        return ends + 1
    }

    @Test("one deviation at each moment", arguments: [RolloutMode.full, .canaryOnly, .unjudged], [0, 1, 6])
    func oneDeviation(mode: RolloutMode, allowed: Int) throws {
        let world = try Self.world(hosts: 6, mode: mode, allowed: allowed, canAsk: true) {
            $0.phases = [.count(2)]
            $0.holdBack = .count(2)
            $0.onInconclusive = .ask
        }
        #expect(Self.deviate(from: world, depth: 1) > 100)
    }

    @Test("events that fit nothing change nothing, at each moment")
    func nonsense() throws {
        var world = try Self.world(hosts: 6) {
            $0.phases = [.count(2)]
            $0.holdBack = .count(2)
        }
        var undisturbed = world
        undisturbed.runToEnd()
        while world.outcome == nil, let usual = world.usualMove {
            let (phase, actions) = (world.rollout.phase, world.actions)
            world.make(.nonsense)
            let new = world.actions.dropFirst(actions.count)
            let isQuiet = new.allSatisfy { if case .wake = $0 { true } else { false } }
            #expect(isQuiet && world.rollout.phase == phase)
            world.make(usual)
            guard world.problems.isEmpty else { break }
        }
        world.checkEnd()
        #expect(world.problems.isEmpty && world.outcome == undisturbed.outcome)
    }

    @Test("two deviations at each pair of moments", arguments: [0, 1])
    func twoDeviations(allowed: Int) throws {
        let world = try Self.world(hosts: 3, allowed: allowed)
        #expect(Self.deviate(from: world, depth: 2) > 5_000)
    }

    @Test("random walks, which come to every kind of end")
    func randomWalks() throws {
        var endings: Set<RolloutOutcome.Ending> = []
        for seed in 0..<1_000 {
            var generator = SplitMix(state: UInt64(seed))
            let count = Int.random(in: 5...9, using: &generator)
            let mode = [RolloutMode.full, .full, .canaryOnly, .unjudged].randomElement(using: &generator) ?? .full
            let policy = CanarySettings.InconclusivePolicy.allCases.randomElement(using: &generator) ?? .ask
            let (phases, heldBack) = (Bool.random(using: &generator), Bool.random(using: &generator))
            var world = try Self.world(
                hosts: count, mode: mode, allowed: Int.random(in: 0...count, using: &generator),
                canAsk: Bool.random(using: &generator), longWindows: Bool.random(using: &generator)
            ) {
                $0.hosts = .portion(.count(2))
                if phases { $0.phases = [.count(3)] }
                if heldBack { $0.holdBack = .count(2) }
                $0.onInconclusive = policy
            }
            // How often something else than the usual happens: seldom, so that pushes get far, or nearly always.
            let oddity = [0.01, 0.05, 0.3, 0.9].randomElement(using: &generator) ?? 0.5
            while world.outcome == nil, world.events < 20_000, world.problems.isEmpty {
                var next = world.usualMove
                if Double.random(in: 0..<1, using: &generator) < oddity {
                    var moves = world.moves
                    // Whoever interrupted once is likely to do it again.
                    let patience = world.interruptions == 0 ? 0.8 : 0.1
                    if Double.random(in: 0..<1, using: &generator) < patience {
                        moves.removeAll { $0 == .interrupt || $0 == .askForWay }
                    }
                    next = moves.randomElement(using: &generator)
                }
                guard let next else { break }
                world.make(next)
            }
            world.checkEnd()
            if let ending = world.outcome?.ending { endings.insert(ending) }
            #expect(world.problems.isEmpty, "seed \(seed): \(world.problems)")
        }
        #expect(endings.count == 9, "\(endings)")
    }
}
