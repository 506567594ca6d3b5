// What a push does, rule by rule: its course, its modes and interruptions. The hosts are those of RolloutWorld, on which all
// goes well unless a test says otherwise.

import SlotSync
import Testing

@testable import Canary

@Suite("A rollout")
struct RolloutTests {
    static func push(
        hosts: Int = 6, canaries: Int = 2, mode: RolloutMode = .full, allowed: HostPortion = .none,
        canAsk: Bool = false, _ change: (inout CanarySettings) -> Void = { _ in }
    ) throws -> RolloutWorld {
        var settings = CanarySettings(hosts: .portion(.count(canaries)), metrics: RolloutPlanTests.metrics)
        change(&settings)
        let plan = try RolloutPlan(hosts: RolloutPlanTests.fleet(hosts), settings: settings, mode: mode)
        return RolloutWorld(plan: plan, maxFailures: allowed, canAsk: canAsk)
    }

    @Test("a good release goes live on all hosts, canaries first")
    func goodRelease() throws {
        var push = try Self.push()
        let canaries = push.canaries
        let others = push.steps[1].hosts
        push.runToEnd()
        let requests = push.actions.filter { action in
            switch action {
            case .request: true
            default: false
            }
        }
        #expect(
            requests == [
                .request(.stage, [0, 1, 2, 3, 4, 5]), .request(.prepare, canaries), .request(.flip, canaries),
                .request(.prepare, others), .request(.flip, others),
                .request(.confirm, [0, 1, 2, 3, 4, 5]),
            ])
        #expect(push.problems.isEmpty)
        #expect(push.outcome?.status == .done && push.outcome?.ending == .live)
        #expect(push.outcome?.sentences.first == "live on 6 hosts")
        #expect(
            push.outcome?.timeline.map(\.phase.description) == [
                "staging", "base line", "preparing canaries", "flipping canaries", "watching canaries",
                "preparing everybody", "flipping everybody", "confirming everybody", "watch", "done",
            ])
    }

    @Test("the judge looks at each sample from the third on that counts, and at the end")
    func looks() throws {
        var push = try Self.push()
        var asked: [(Double, Bool)] = []
        push.run(until: .window(.canaries))
        let start = push.now
        while push.rollout.phase == .window(.canaries), let move = push.usualMove {
            let before = push.rollout.looks
            push.make(move)
            if push.rollout.looks > before, let look = push.look { asked.append((push.now - start, look.isLast)) }
        }
        // Ten seconds to settle, three samples, and a second for what is late.
        #expect(asked.map(\.0) == [26, 31, 36, 41, 46, 51, 56, 61])
        #expect(asked.map(\.1) == [false, false, false, false, false, false, false, true])
    }

    @Test("a look that takes long is not asked for twice, and the last one is not left out")
    func slowJudge() throws {
        var push = try Self.push()
        push.run(until: .window(.canaries))
        push.runToNextLook()
        let first = push.look?.number
        for _ in 0..<20 {
            push.now += 5
            for host in push.hosts.indices { push.feed(.sampled(host)) }
            push.feed(.tick)
        }
        #expect(push.look?.number == first && push.problems.isEmpty)
        push.make(.judge(.pass))
        #expect(push.look?.isLast == true && push.rollout.phase == .window(.canaries))
    }

    @Test("each window compares all that have flipped with all that did not, now and before the first flip")
    func comparisons() throws {
        var push = try Self.push(hosts: 10) {
            $0.phases = [.count(5)]
            $0.holdBack = .count(2)
        }
        push.run(until: .window(.canaries))
        let first = try #require(push.rollout.comparison)
        #expect(first.hosts.filter { $0.role == .canary }.map(\.host) == push.canaries)
        #expect(first.hosts.filter { $0.role == .control }.count == 8)
        #expect(first.settings.significance == 0.01 / 3)
        let flip = first.hosts[0].baseline.end
        #expect(Set(first.hosts.map(\.baseline)) == [TimeSpan(start: flip - 60, end: flip)])
        #expect(first.after == TimeSpan(start: push.now, end: push.now + 60))

        push.run(until: .window(.subset(1)))
        let second = try #require(push.rollout.comparison)
        let flipped = (push.canaries + push.steps[1].hosts).sorted()
        #expect(second.hosts.filter { $0.role == .canary }.map(\.host) == flipped)
        #expect(second.hosts.filter { $0.role == .control }.count == 5)
        #expect(Set(second.hosts.map(\.baseline)) == [TimeSpan(start: flip - 60, end: flip)])
        #expect(second.after == TimeSpan(start: push.now, end: push.now + 60))

        push.run(until: .watching)
        let watch = try #require(push.rollout.comparison)
        #expect(watch.kind == .watch)
        #expect(watch.hosts.filter { $0.role == .canary }.map(\.host) == (flipped + push.steps[2].hosts).sorted())
        #expect(Set(watch.hosts.map(\.baseline)) == [TimeSpan(start: flip - 60, end: flip)])
        #expect(watch.hosts.filter { $0.role == .control }.map(\.host) == push.steps[3].hosts)
        #expect(watch.settings.window == 300)
        #expect(push.live.count == 8)

        push.runToEnd()
        #expect((push.live.count == push.hosts.count) && push.outcome?.status == .done)
    }

    @Test("without hosts held back the watch is a guard over everybody")
    func guarding() throws {
        var push = try Self.push()
        push.run(until: .watching)
        let watch = try #require(push.rollout.comparison)
        #expect(watch.kind == .guarding && watch.hosts.map(\.host) == [0, 1, 2, 3, 4, 5])
        // The canaries' own past is further back than that of the others.
        let ends = watch.hosts.map(\.baseline.end)
        #expect(ends[push.canaries[0]] < ends[push.steps[1].hosts[0]])
    }

    @Test("the base line counts from the first sample on")
    func baselineFromFirstSample() throws {
        var push = try Self.push()
        push.run(until: .baseline)
        let start = push.now
        push.now += 4
        for host in push.hosts.indices { push.feed(.sampled(host)) }
        push.run(until: .preparing(.canaries))
        // With a second for what is late.
        #expect(push.now - start == 65)
    }

    @Test("nobody is told to flip before all of a step are prepared")
    func preparedTogether() throws {
        var push = try Self.push()
        push.run(until: .preparing(.everybody))
        let others = push.steps[1].hosts
        for host in others.dropLast() { push.make(.succeed(host)) }
        #expect(push.flips.count == 1)
        push.make(.succeed(others[others.count - 1]))
        #expect(push.actions.contains(.request(.flip, others)))
    }

    @Test("--canary-only ends with the canaries' verdict", arguments: [Verdict.pass, .regression])
    func canaryOnly(verdict: Verdict) throws {
        var push = try Self.push(mode: .canaryOnly)
        push.judgeAllLooks(verdict)
        let canaries = push.canaries
        #expect(push.actions.contains(.request(.confirm, canaries)) == (verdict == .pass))
        #expect(push.outcome?.status == (verdict == .pass ? .done : .rolledBack))
        #expect(push.outcome?.ending == (verdict == .pass ? .canariesLive : .regression))
        #expect(push.live.count == (verdict == .pass ? 2 : 0))
    }

    @Test("--no-canary flips everybody at once, and samples and judges nothing")
    func noCanary() throws {
        var push = try Self.push(mode: .unjudged)
        push.runToEnd()
        let all = Array(0..<6)
        #expect(
            push.actions.dropLast() == [
                .request(.stage, all), .request(.prepare, all), .request(.flip, all), .request(.confirm, all),
            ])
        #expect(push.outcome?.status == .done && push.outcome?.judgement == nil)
    }

    @Test("watch: 0 ends with the confirmation")
    func noWatch() throws {
        var push = try Self.push { $0.watch = 0 }
        push.runToEnd()
        #expect(push.outcome?.status == .done)
        #expect(push.outcome?.timeline.map(\.phase).contains(.watching) == false)
    }

    @Test(
        "an interruption before everybody is confirmed takes all back",
        arguments: [
            Rollout.Phase.staging, .baseline, .preparing(.canaries), .flipping(.canaries), .window(.canaries),
            .preparing(.everybody), .flipping(.everybody), .confirming(.everybody),
        ])
    func interruption(phase: Rollout.Phase) throws {
        var push = try Self.push()
        push.run(until: phase)
        // In the middle of it.
        if push.hosts.contains(where: { $0.request != nil }), let move = push.usualMove { push.make(move) }
        #expect(push.rollout.phase == phase)
        push.make(.interrupt)
        push.runToEnd()
        #expect(push.outcome?.status == .failed && push.outcome?.ending == .interrupted)
        #expect(push.live.isEmpty && push.problems.isEmpty)
        #expect(push.actions.contains(.cancelStaging) == (phase == .staging))
    }

    @Test(
        "a push that gives way takes all back, from wherever it is: the watch, too",
        arguments: [
            Rollout.Phase.staging, .baseline, .preparing(.canaries), .flipping(.canaries), .window(.canaries),
            .preparing(.everybody), .flipping(.everybody), .confirming(.everybody), .watching,
        ])
    func givesWay(phase: Rollout.Phase) throws {
        var push = try Self.push(hosts: 8) { $0.holdBack = .count(2) }
        push.run(until: phase)
        push.make(.askForWay)
        push.runToEnd()
        #expect(push.outcome?.status == .failed && push.outcome?.ending == .gaveWay)
        #expect(push.live.isEmpty && push.problems.isEmpty)
        #expect(push.outcome?.sentences.first?.hasPrefix("gave way to a rollback by eva@desk, ") == true)
        #expect(push.actions.contains(.cancelStaging) == (phase == .staging))
    }

    @Test("hosts that are back are let go, though another one does not answer")
    func releasesHosts() throws {
        var push = try Self.push()
        push.run(until: .window(.canaries))
        push.make(.askForWay)
        let others = push.hosts.indices.filter { !push.canaries.contains($0) }
        #expect(push.actions.contains(.release(others)))
        push.make(.succeed(push.canaries[0]))
        #expect(push.outcome == nil && push.actions.last == .release([push.canaries[0]]))
        push.runToEnd()
        #expect(push.problems.isEmpty)
    }

    @Test("an interruption of the watch leaves the release live and flips who was held back: exit 2")
    func interruptedWatch() throws {
        var push = try Self.push(hosts: 8) { $0.holdBack = .count(2) }
        push.run(until: .watching)
        push.make(.interrupt)
        push.runToEnd()
        #expect(push.outcome?.status == .partlyDone && push.outcome?.ending == .watchCutShort)
        #expect((push.live.count == push.hosts.count))
        #expect(push.outcome?.sentences[0] == "live on 8 hosts, but the watch was cut short by an interruption")
    }

    @Test("a second interruption drops everything at once")
    func secondInterruption() throws {
        var push = try Self.push()
        push.run(until: .flipping(.everybody))
        push.make(.succeed(push.steps[1].hosts[0]))
        push.make(.interrupt)
        #expect(push.outcome == nil)
        push.make(.interrupt)
        #expect(push.actions.contains(.abandon))
        #expect(push.outcome?.ending == .abandoned && push.outcome?.status == .failed)
        #expect(push.outcome?.hosts[push.canaries[0]].standing == .takesItselfBack)
        push.checkEnd()
        #expect(push.problems.isEmpty)
    }

    @Test("a push that is cancelled amid the confirmations takes no host for taken back that may have confirmed")
    func cancelled() throws {
        var push = try Self.push()
        push.run(until: .confirming(.everybody))
        let outcome = push.rollout.outcome(isAbandoned: true)
        #expect(outcome.hosts.allSatisfy { $0.standing == .unknown } && outcome.status == .partlyDone)
    }

    @Test("a second interruption amid a rollback says which hosts are in doubt: exit 2")
    func secondInterruptionAmidRollback() throws {
        var push = try Self.push()
        push.run(until: .confirming(.everybody))
        push.make(.succeed(0))
        push.make(.interrupt)
        push.make(.interrupt)
        #expect(push.outcome?.status == .partlyDone)
        #expect(push.outcome?.hosts.map(\.standing).contains(.unknown) == true)
        push.checkEnd()
        #expect(push.problems.isEmpty)
    }
}
