import SlotSync
import Testing

@testable import Canary

@Suite struct RolloutPlanTests {
    static func fleet(_ count: Int) -> [Host] {
        (1...count).compactMap { try? Host("web\($0)") }
    }

    static let metrics = [MetricSettings(name: "load", source: .host(.loadAverage))]

    private func plan(_ count: Int, _ change: (inout CanarySettings) -> Void = { _ in }) throws -> RolloutPlan {
        var settings = CanarySettings(metrics: Self.metrics)
        change(&settings)
        return try RolloutPlan(hosts: Self.fleet(count), settings: settings)
    }

    @Test func everyHostIsInExactlyOneStep() throws {
        for count in 4...130 {
            let plan = try plan(count) {
                $0.phases = [.percent(30), .percent(50)]
                $0.holdBack = count >= 20 ? .percent(10) : .count(0)
            }
            #expect(plan.steps.flatMap(\.hosts).sorted() == Array(0..<count))
            #expect(plan.steps[0].kind == .canaries && !plan.steps[0].hosts.isEmpty)
        }
    }

    @Test func canariesAreSpreadOverTheList() throws {
        let canaries = try plan(100).steps[0].hosts
        #expect(canaries == [11, 35, 50, 73, 97])
        // However many are chosen, no stretch of the list three times their mean distance is left out.
        for chosen in 2...60 {
            let places = HostSpread.order(of: 300).prefix(chosen).sorted()
            let gaps = zip([-1] + places, places + [300]).map { $1 - $0 }
            #expect(gaps.max()! * chosen <= 3 * 300, "\(chosen)")
        }
    }

    @Test(arguments: [0, 1, 2, 3, 7, 100, 1000]) func theOrderHoldsEachPlaceOnce(count: Int) {
        #expect(HostSpread.order(of: count).sorted() == Array(0..<count))
    }

    @Test func largerSharesKeepTheHostsOfSmallerOnes() throws {
        let few = try plan(100).steps[0].hosts
        let more = try plan(100) { $0.hosts = .portion(.percent(20)) }.steps[0].hosts
        #expect(Set(few).isSubset(of: more))
    }

    @Test func phasesAreTotalsAndHeldBackHostsAreLast() throws {
        let plan = try plan(100) {
            $0.hosts = .portion(.count(3))
            $0.phases = [.percent(10), .count(50)]
            $0.holdBack = .count(5)
        }
        #expect(plan.steps.map(\.kind) == [.canaries, .subset(1), .subset(2), .everybody, .heldBack])
        #expect(plan.steps.map(\.hosts.count) == [3, 7, 40, 45, 5])
        #expect(plan.judgements == 4)
        #expect(plan.judgeSettings(isWatch: true).significance == 0.0025)
        #expect(plan.judgeSettings(isWatch: true).window == 300)
        #expect(plan.judgeSettings(isWatch: false).window == 60)
    }

    @Test func namedCanariesAreTaken() throws {
        let canaries = try HostList.parse("web7,root@web2:22")
        let plan = try plan(10) { $0.hosts = .list(canaries) }
        #expect(plan.steps[0].hosts == [1, 6])
        let stranger = try HostList.parse("db1")
        let error = #expect(throws: SlotSyncError.self) { try self.plan(10) { $0.hosts = .list(stranger) } }
        #expect(error?.message.contains("db1 is none of the 10 hosts") ?? false)
    }

    @Test func aPhaseThatASmallFleetRoundsAwayIsLeftOut() throws {
        let plan = try plan(10) { $0.phases = [.percent(10), .percent(50)] }
        #expect(plan.steps.map(\.kind) == [.canaries, .subset(2), .everybody])
    }

    static let impossible: [(Int, String, @Sendable (inout CanarySettings) -> Void)] = [
        (2, "canary.hosts: 1 of 2 hosts flipped leave 1", { _ in }),
        (10, "canary.hosts: 20 of 10 hosts", { $0.hosts = .portion(.count(20)) }),
        (10, "canary.phases: 9 of 10 hosts", { $0.phases = [.percent(90)] }),
        (
            10, "canary.phases: 5% of 10 hosts are 1, fewer",
            {
                $0.hosts = .portion(.count(3)); $0.phases = [.percent(5)]
            }
        ),
        (10, "canary.hold_back: 1 host", { $0.holdBack = .count(1) }),
        (10, "canary.hold_back: 10 of 10 hosts held back leave none to flip", { $0.holdBack = .count(10) }),
        (
            10, "at least 9 are needed with hold_back",
            {
                $0.hosts = .portion(.count(2))
                $0.holdBack = .count(9)
            }
        ),
    ]

    @Test(arguments: impossible.indices) func whatCannotBeJudgedIsRefused(index: Int) throws {
        let (count, part, change) = Self.impossible[index]
        let error = try #require(throws: SlotSyncError.self) { try plan(count, change) }
        #expect(error.code == .badInput && error.message.contains(part), "\(error.message)")
        #expect(error.message.contains("--no-canary") || !part.contains("hosts flipped"))
    }

    @Test func anotherHostTakesThePlaceOfOneThatIsMissing() throws {
        let plan = try plan(100)
        let missing = plan.steps[0].hosts[2]
        let left = try plan.settled(StagedFleet(failed: [missing]))
        #expect(left.steps[0].hosts.count == 5 && !left.steps[0].hosts.contains(missing))
        #expect(Set(left.steps[0].hosts).isSuperset(of: Set(plan.steps[0].hosts).subtracting([missing])))
        #expect(left.steps.flatMap(\.hosts).count == 99)
    }

    @Test func nobodyTakesThePlaceOfANamedCanary() throws {
        let canaries = try HostList.parse("web7,web2")
        let plan = try plan(10) { $0.hosts = .list(canaries) }
        #expect(try plan.settled(StagedFleet(failed: [6])).steps[0].hosts == [1])
        #expect(throws: SlotSyncError.self) { try plan.settled(StagedFleet(failed: [6, 1])) }
    }

    @Test func tooFewThatAreLeftAreRefused() throws {
        let plan = try plan(4) { $0.phases = [.count(2)] }
        #expect(try plan.settled(StagedFleet(live: [0])).steps.map(\.hosts.count) == [1, 2])
        #expect(throws: SlotSyncError.self) { try plan.settled(StagedFleet(failed: [0], live: [1])) }
    }

    @Test func hostsWithoutAPastAreNoneToJudgeBy() throws {
        let plan = try RolloutPlan(
            hosts: Self.fleet(4), settings: CanarySettings(hosts: .portion(.count(1)), metrics: Self.metrics))
        let few = try #require(throws: SlotSyncError.self) { try plan.settled(StagedFleet(new: [0, 1])) }
        #expect(few.message.hasPrefix("2 hosts on which another release is live are too few to judge by"), "\(few)")
        let named = try RolloutPlan(
            hosts: Self.fleet(5),
            settings: CanarySettings(hosts: .list([Self.fleet(5)[1]]), metrics: Self.metrics))
        let settled = try named.settled(StagedFleet(new: [0]))
        #expect(settled.steps.map(\.hosts) == [[1], [0, 2, 3, 4]] && settled.comparable == 4)
        #expect(
            settled.remark(on: StagedFleet(new: [0]))
                == "nothing is live yet on web1, so it is flipped with everybody, without being judged")
    }

    @Test("where no canary that was named is left it is said what became of each")
    func noNamedCanary() throws {
        let fleet = Self.fleet(9)
        let plan = try RolloutPlan(
            hosts: fleet, settings: CanarySettings(hosts: .list(Array(fleet[1...4])), metrics: Self.metrics))
        for (found, what) in [
            (StagedFleet(new: [1, 2, 3, 4, 5]), "with nothing live yet to compare with: web[2-5]"),
            (
                StagedFleet(failed: [4, 5], live: [1, 2], new: [3]),
                "failed: web5; on the release already: web[2-3]; with nothing live yet to compare with: web4"
            ),
        ] {
            let error = try #require(throws: SlotSyncError.self) { try plan.settled(found) }
            #expect(
                error.message
                    == "no host of canary.hosts can be a canary (\(what)): name others there, or push with --no-canary")
        }
    }

    @Test("new hosts beside others that have the release are flipped at once, unless canaries alone were asked for")
    func newBesideLive() throws {
        let found = StagedFleet(failed: [0], live: [1, 2, 3], new: [4, 5])
        let plan = try plan(6)
        let settled = try plan.settled(found)
        #expect(settled.mode == .unjudged && settled.steps == [RolloutPlan.Step(kind: .everybody, hosts: [4, 5])])
        #expect(
            settled.remark(on: found)
                == "nothing is live yet on web[5-6], and the release is live on web[2-4] already, so there is nothing to "
                + "compare with: they are flipped without being judged")
        let canaryOnly = try RolloutPlan(
            hosts: Self.fleet(6), settings: plan.settings, mode: .canaryOnly)
        let error = try #require(throws: SlotSyncError.self) { try canaryOnly.settled(found) }
        #expect(error.message.contains("there are no canaries: push without --canary-only"), "\(error)")
    }

    @Test func withoutACanaryEverybodyIsOneStep() throws {
        let plan = try RolloutPlan(hosts: Self.fleet(2), settings: CanarySettings(), mode: .unjudged)
        #expect(plan.steps == [RolloutPlan.Step(kind: .everybody, hosts: [0, 1])])
        #expect(plan.judgements == 0)
    }

    @Test func withoutMetricsThereIsNothingToJudgeBy() throws {
        for mode in [RolloutMode.full, .canaryOnly] {
            let error = try #require(throws: SlotSyncError.self) {
                try RolloutPlan(hosts: Self.fleet(20), settings: CanarySettings(), mode: mode)
            }
            #expect(error.code == .badInput && error.message.contains("--no-canary"))
        }
    }

    @Test func settingsThatCannotBeUsedMakeNoPlan() throws {
        #expect(throws: SlotSyncError.self) { try self.plan(20) { $0.window = 12 } }
    }

    @Test("what people are shown of a push are the parts of its plan, and each phase and comparison belongs to one")
    func parts() throws {
        let plan = try plan(100) {
            $0.phases = [.percent(10)]
            $0.holdBack = .count(5)
        }
        let names = ["staging", "base line", "canaries", "phase 1", "everybody", "watch", "held back"]
        #expect(plan.parts.map(\.description) == names)
        let canaryOnly = try RolloutPlan(hosts: Self.fleet(20), settings: plan.settings, mode: .canaryOnly)
        #expect(canaryOnly.parts.map(\.description) == ["staging", "base line", "canaries"])
        let unjudged = try RolloutPlan(hosts: Self.fleet(2), settings: CanarySettings(), mode: .unjudged)
        #expect(unjudged.parts.map(\.description) == ["staging", "everybody"])

        let phases: [Rollout.Phase] = [
            .staging, .baseline, .preparing(.canaries), .window(.subset(1)), .confirming(.everybody), .watching,
            .flipping(.heldBack),
        ]
        #expect(phases.map(\.part) == plan.parts)
        #expect([Rollout.Phase.takingBack, .marking].map(\.part) == [.wayBack, .wayBack])
        #expect([Rollout.Phase.asking, .done].map(\.part) == [nil, nil])
        let kinds: [Comparison.Kind] = [.baseline, .window(.canaries), .watch, .guarding]
        #expect(kinds.map(\.part) == [.baseline, .step(.canaries), .watch, .watch])
    }

    @Test func canaryOnlyHasNothingAfterTheCanaries() throws {
        let settings = CanarySettings(phases: [.percent(50)], holdBack: .count(3), metrics: Self.metrics)
        let plan = try RolloutPlan(hosts: Self.fleet(20), settings: settings, mode: .canaryOnly)
        #expect(plan.steps.map(\.kind) == [.canaries])
        #expect(plan.judgements == 1)
    }
}
