// What a push does about hosts that fail, are lost or fall silent.

import SlotSync
import Testing

@testable import Canary

@Suite("A rollout and hosts that fail")
struct RolloutFailureTests {
    @Test("reasons that differ in amounts and the host's own name are one, and others stand beside it")
    func reasonsOfOneKind() throws {
        var push = try RolloutTests.push()
        for host in push.hosts.indices {
            let name = push.rollout.plan.hosts[host].label
            push.hosts[host].request = nil
            push.feed(
                .failed(
                    .stage, host,
                    host == 2
                        ? "no session"
                        : "disk full on \(name): needs 1.2 GB, \(100 * (host + 1)) MB free in /srv/\(name)/www"))
        }
        #expect(
            push.outcome?.sentences == [
                "6 hosts failed, where 0 may: web[1-2,4-6], disk full on {host}: needs 1.2 GB, 100 to 600 MB free in "
                    + "/srv/{host}/www; web3, no session; nothing was flipped"
            ])
    }

    @Test("why a release could not be marked bad is said for each host that has another reason")
    func unmarked() throws {
        var push = try RolloutTests.push()
        push.run(until: .window(.canaries))
        push.runToNextLook()
        push.make(.judge(.regression))
        while push.rollout.phase != .marking, let move = push.usualMove { push.make(move) }
        for host in push.hosts.indices where push.hosts[host].request == .markBad {
            push.hosts[host].request = nil
            push.feed(.failed(.markBad, host, host < 3 ? "no room" : "read-only"))
        }
        let sentences = push.outcome?.sentences ?? []
        #expect(
            sentences.suffix(2) == [
                "web[1-3]: could not be marked bad, no room", "web[4-6]: could not be marked bad, read-only",
            ], "\(sentences)")
    }

    @Test("a host that cannot be staged ends the push before anything is flipped")
    func stagingFails() throws {
        var push = try RolloutTests.push()
        push.make(.fail(3))
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences == ["1 host failed, where 0 may: web4, no; nothing was flipped"])
        #expect(push.flips.isEmpty)
    }

    @Test("a source that cannot be read ends it")
    func sourceUnreadable() throws {
        var push = try RolloutTests.push()
        push.feed(.stagingFailed("no such folder"))
        push.checkEnd()
        #expect(push.outcome?.status == .failed && push.problems.isEmpty)
        #expect(push.outcome?.sentences == ["no such folder; nothing was flipped"])
    }

    @Test("as many as may fail take no part, and another host is the canary")
    func stagingFailsAllowed() throws {
        var push = try RolloutTests.push(hosts: 8, allowed: .count(1))
        let canary = push.canaries[0]
        push.make(.fail(canary))
        push.run(until: .window(.canaries))
        let canaries = push.rollout.plan.steps[0].hosts
        #expect(canaries.count == 2 && !canaries.contains(canary))
        push.runToEnd()
        #expect(push.outcome?.status == .partlyDone)
        #expect(push.outcome?.hosts[canary].standing == .notFlipped && push.outcome?.hosts[canary].failure == "no")
        #expect(push.live.count == 7)
    }

    @Test("a lost canary recovers by itself, and the others are taken back")
    func lostCanary() throws {
        var push = try RolloutTests.push()
        push.run(until: .window(.canaries))
        let (lost, other) = (push.canaries[0], push.canaries[1])
        push.make(.lose(lost, isDone: false))
        #expect(
            push.actions.suffix(4).contains(.request(.recover, [lost]))
                && push.actions.contains(.request(.takeBack, [other])))
        push.runToEnd()
        #expect(push.outcome?.status == .failed && push.outcome?.hosts[lost].standing == .takenBack)
    }

    @Test("a lost canary that may fail is out, and the window goes on")
    func lostCanaryAllowed() throws {
        var push = try RolloutTests.push(hosts: 8, allowed: .count(1))
        push.run(until: .window(.canaries))
        let lost = push.canaries[0]
        push.make(.lose(lost, isDone: false))
        #expect(push.rollout.phase == .window(.canaries))
        // Its samples end; those that there are still count.
        #expect(push.rollout.comparison?.hosts.filter { $0.role == .canary }.map(\.host).contains(lost) == true)
        push.runToEnd()
        #expect(push.outcome?.status == .partlyDone && push.live.count == 7)
    }

    @Test("more than half of the canaries lost are too many, however many may fail")
    func mostCanariesLost() throws {
        var push = try RolloutTests.push(hosts: 8, canaries: 3, allowed: .percent(100))
        push.run(until: .window(.canaries))
        push.make(.lose(push.canaries[0], isDone: false))
        #expect(push.rollout.phase == .window(.canaries))
        push.make(.lose(push.canaries[1], isDone: false))
        #expect(push.rollout.phase == .takingBack)
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
    }

    @Test("a lost control is connected again and flipped with the others")
    func lostControl() throws {
        var push = try RolloutTests.push()
        push.run(until: .window(.canaries))
        let control = push.steps[1].hosts[0]
        push.make(.lose(control, isDone: false))
        #expect(push.rollout.phase == .window(.canaries) && push.actions.last == .request(.recover, [control]))
        push.make(.succeed(control))
        #expect(push.actions.last == .sample([control]))
        push.runToEnd()
        #expect(push.outcome?.status == .done)
    }

    @Test("a control that cannot be connected again is a failure when its turn comes")
    func lostControlForGood() throws {
        var push = try RolloutTests.push()
        push.run(until: .window(.canaries))
        let control = push.steps[1].hosts[0]
        push.make(.lose(control, isDone: false))
        push.runToEnd(refusing: [.recover], on: control)
        #expect(push.problems.isEmpty && push.outcome?.status == .failed)
        #expect(push.actions.filter { $0 == .request(.recover, [control]) }.count == HostProgress.mostRecoveries)
    }

    @Test("a flip that fails on a canary takes the canaries back")
    func canaryFlipFails() throws {
        var push = try RolloutTests.push()
        push.run(until: .flipping(.canaries))
        push.make(.fail(push.canaries[0]))
        // The other is flipping: it is waited for, then taken back.
        #expect(push.rollout.phase == .takingBack)
        push.runToEnd()
        #expect(push.actions.contains(.request(.takeBack, [push.canaries[1]])))
        #expect(push.outcome?.status == .failed && push.problems.isEmpty)
    }

    @Test("a flip of the others that fails takes everybody back, canaries too")
    func flipOfTheRestFails() throws {
        var push = try RolloutTests.push()
        push.run(until: .flipping(.everybody))
        push.make(.succeed(push.steps[1].hosts[0]))
        push.make(.fail(push.steps[1].hosts[1]))
        push.runToEnd()
        #expect(push.outcome?.status == .failed && push.problems.isEmpty)
        #expect(push.live.isEmpty)
    }

    @Test(
        "canaries that are not heard of for three intervals are taken back, and never flipped where the base line is silent",
        arguments: [(Rollout.Phase.window(.canaries), "taken back on 2 hosts"), (.baseline, "nothing was flipped")])
    func blind(phase: Rollout.Phase, end: String) throws {
        var push = try RolloutTests.push()
        push.run(until: phase)
        push.make(.wait(withSamples: false))
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences.first == "no sample of any canary came for 15 s; \(end)")
    }

    @Test("a host that was confirmed and cannot be rolled back is named: exit 2")
    func rollbackFails() throws {
        var push = try RolloutTests.push()
        push.run(until: .watching)
        push.judgeNextLook(.regression)
        push.runToEnd(refusing: [.takeBack, .recover], on: 4)
        #expect(push.outcome?.status == .partlyDone && push.problems.isEmpty)
        let sentence = "web5: still on this release; to go back there: `slotsync rollback --hosts web5`"
        #expect(push.outcome?.sentences.contains(sentence) == true)
    }

    @Test("what to do about a host that stays on a release that was given up is told after where it was live already")
    func adviceAfterFacts() throws {
        var push = try RolloutTests.push(hosts: 7)
        push.make(.stageLive(6))
        push.run(until: .watching)
        push.judgeNextLook(.regression)
        push.runToEnd(refusing: [.takeBack, .recover], on: 4)
        #expect(
            push.outcome?.sentences.dropFirst().prefix(2) == [
                "it was live already on web7",
                "web5: still on this release; to go back there: `slotsync rollback --hosts web5`",
            ], "\(push.outcome?.sentences ?? [])")
    }

    @Test("a host that refuses to confirm goes back alone, if it may")
    func confirmFails() throws {
        var push = try RolloutTests.push(allowed: .count(1))
        push.run(until: .confirming(.everybody))
        push.make(.fail(2))
        push.runToEnd()
        #expect(push.actions.contains(.request(.takeBack, [2])))
        #expect(push.outcome?.status == .partlyDone && push.outcome?.hosts[2].standing == .takenBack)
    }

    @Test(
        "where somebody rolled back meanwhile, hosts that were held back do not get the release",
        arguments: [true, false])
    func overtaken(isInterrupted: Bool) throws {
        var push = try RolloutTests.push(hosts: 8) { $0.holdBack = .count(2) }
        push.run(until: .watching)
        push.make(.lose(push.canaries[0], isDone: false))
        push.hosts[push.canaries[0]].live = .old
        push.make(.succeed(push.canaries[0]))
        if isInterrupted { push.make(.interrupt) }
        push.runToEnd()
        let heldBack = push.steps[push.steps.count - 1].hosts
        #expect(heldBack.count == 2 && heldBack.allSatisfy { push.outcome?.hosts[$0].standing == .notFlipped })
        #expect(push.outcome?.status == .partlyDone)
    }

    @Test("a host that fails to confirm and then to go back is asked which release it has", arguments: [true, false])
    func confirmAndTakeBackFail(isDone: Bool) throws {
        var push = try RolloutTests.push(allowed: .count(1))
        push.run(until: .confirming(.everybody))
        for host in push.hosts.indices where host != 2 { push.make(.succeed(host)) }
        push.make(.fail(2, isDone: isDone))
        push.make(.fail(2))
        #expect(push.actions.last == .request(.recover, [2]))
        push.runToEnd()
        #expect(push.outcome?.status == .partlyDone)
        #expect(push.outcome?.hosts[2].standing == (isDone ? .live : .takenBack))
        #expect(push.problems.isEmpty)
    }

    @Test("a host lost while it confirmed is asked which release it has", arguments: [true, false])
    func confirmLost(isDone: Bool) throws {
        var push = try RolloutTests.push()
        push.run(until: .confirming(.everybody))
        push.make(.lose(2, isDone: isDone))
        #expect(push.rollout.phase == .confirming(.everybody) && push.actions.last == .request(.recover, [2]))
        push.runToEnd()
        #expect(push.outcome?.status == (isDone ? .done : .failed))
    }
}
