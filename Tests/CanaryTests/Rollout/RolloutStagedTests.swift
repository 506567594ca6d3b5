// What a push does with hosts that have the release already, and with hosts on which nothing is live yet.

import SlotSync
import Testing

@testable import Canary

@Suite("A rollout and what it finds on hosts")
struct RolloutStagedTests {
    @Test("a release that is live everywhere has nothing to do")
    func liveEverywhere() throws {
        var push = try RolloutTests.push()
        for host in push.hosts.indices { push.make(.stageLive(host)) }
        #expect(push.outcome?.status == .done)
        #expect(push.outcome?.sentences[0] == "live already, there was nothing to flip")
    }

    @Test("hosts where it is live take no part and are not taken back")
    func liveOnSome() throws {
        var push = try RolloutTests.push(hosts: 8)
        push.make(.stageLive(push.canaries[0]))
        push.run(until: .window(.canaries))
        push.judgeNextLook(.regression)
        push.runToEnd()
        #expect(push.outcome?.status == .rolledBack && push.problems.isEmpty)
        #expect(push.outcome?.hosts[push.canaries[0]].standing == .alreadyLive)
        #expect(!push.hosts[push.canaries[0]].isMarkedBad)
    }

    @Test("where nothing is live on any host a push ends after staging, and says what to do", arguments: [0, 6])
    func liveNowhere(allowed: Int) throws {
        var push = try RolloutTests.push(allowed: .count(allowed))
        for host in 0..<6 { push.make(.stageFirst(host)) }
        push.runToEnd()
        #expect(push.problems.isEmpty && push.flips.isEmpty && push.outcome?.status == .failed)
        #expect(
            push.outcome?.sentences.first
                == "nothing is live yet on web[1-6], so there is nothing to compare with: flip "
                + "everybody at once with `slotsync push SOURCE --no-canary`; nothing was flipped")
        #expect(push.outcome?.timeline.map(\.phase).contains(.baseline) == false)
    }

    @Test("new hosts beside others that have the release already are flipped without being judged, which is told")
    func liveOnAllOthers() throws {
        var push = try RolloutTests.push()
        for host in 0..<4 { push.make(.stageLive(host)) }
        for host in 4..<6 { push.make(.stageFirst(host)) }
        push.runToEnd()
        #expect(push.problems.isEmpty && push.live == [4, 5] && push.outcome?.status == .done)
        #expect(
            push.warnings.count == 1 && push.warnings[0].hasPrefix("nothing is live yet on web[5-6], and the release"))
        #expect(
            push.outcome?.sentences == [
                "live on 2 hosts",
                "web[5-6]: nothing was live there before, so they were flipped without being judged",
                "it was live already on web[1-4]",
            ])
        #expect(push.outcome?.hosts.map(\.isUnjudged) == [false, false, false, false, true, true])
    }

    @Test("a new host that cannot be rolled back is told what can be done about it")
    func newHostThatStays() throws {
        var push = try RolloutTests.push(hosts: 9)
        push.make(.stageFirst(8))
        push.run(until: .watching)
        push.make(.lose(8, isDone: false))
        push.make(.succeed(8))
        push.judgeNextLook(.regression)
        push.runToEnd(refusing: [.takeBack], on: 8)
        #expect(push.problems.isEmpty && push.live == [8] && push.outcome?.status == .partlyDone)
        let told = push.outcome?.sentences.filter { $0.hasPrefix("web9: ") } ?? []
        #expect(
            told.count == 1 && told[0].contains("slotsync push SOURCE --no-canary")
                && !told[0].contains("slotsync rollback"))
    }

    @Test("a host on which nothing is live is neither canary nor control, and is flipped with everybody")
    func liveOnOthers() throws {
        var push = try RolloutTests.push(hosts: 9, canaries: 2) { $0.holdBack = .count(2) }
        let new = [push.canaries[0], push.steps[2].hosts[0]]
        for host in new { push.make(.stageFirst(host)) }
        push.run(until: .baseline)
        let steps = push.rollout.plan.steps
        #expect(steps.map(\.hosts.count) == [2, 5, 2])
        #expect(Set(new).isSubset(of: steps[1].hosts))
        #expect(push.actions.contains(.listen(new.sorted())))
        push.run(until: .watching)
        #expect(push.rollout.comparison?.hosts.count == 7)
        push.runToEnd()
        #expect(push.problems.isEmpty && push.live.count == 9 && push.outcome?.status == .done)
        let names = HostList.fold(new.map { push.rollout.plan.hosts[$0].label })
        #expect(
            push.outcome?.sentences.contains(
                "\(names): nothing was live there before, so they were flipped without being judged") == true)
    }

    @Test("too few hosts that are left to judge by end it")
    func tooFewLeft() throws {
        var push = try RolloutTests.push(hosts: 4, canaries: 1)
        push.make(.stageLive(0))
        push.make(.stageLive(1))
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences[0].contains("push with --no-canary") == true)
    }
}
