// What a push does, rule by rule. The hosts are those of RolloutWorld, on which all goes well unless a test says otherwise.

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

    // MARK: The usual course

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

    // MARK: Verdicts

    @Test("a regression takes the canaries back and marks the release bad on every host")
    func regression() throws {
        var push = try Self.push()
        push.run(until: .window(.canaries))
        push.judgeNextLook(.regression)
        #expect(push.rollout.phase == .takingBack)
        #expect(push.actions.contains(.request(.takeBack, push.canaries)))
        push.runToEnd()
        #expect(push.actions.contains(.request(.markBad, [0, 1, 2, 3, 4, 5])))
        #expect(push.outcome?.status == .rolledBack && push.outcome?.ending == .regression)
        #expect(push.outcome?.sentences == ["rolled back: because", "it is marked bad on 6 hosts"])
        #expect(push.outcome?.hosts.filter { $0.standing == .takenBack }.map(\.step) == [.canaries, .canaries])
        #expect(push.outcome?.judgement?.why == "because")
        #expect(push.problems.isEmpty)
    }

    @Test("a regression in the watch rolls everybody back")
    func regressionInTheWatch() throws {
        var push = try Self.push()
        push.run(until: .watching)
        push.judgeNextLook(.regression)
        #expect(push.actions.contains(.request(.takeBack, [0, 1, 2, 3, 4, 5])))
        push.runToEnd()
        #expect(push.outcome?.status == .rolledBack && (push.marked.count == push.hosts.count))
    }

    @Test("too little data before the end decides nothing, at the end it takes back without marking")
    func inconclusive() throws {
        var push = try Self.push()
        push.judgeAllLooks(.inconclusive)
        #expect(push.outcome?.status == .failed && push.outcome?.ending == .inconclusive)
        #expect(push.outcome?.judgement?.verdict == .inconclusive)
        #expect(push.marked.isEmpty)
        #expect(push.outcome?.sentences == ["inconclusive, taken back on 2 hosts: because"])
        #expect(push.rollout.looks == 8)
    }

    @Test("on_inconclusive: continue goes on, and says so")
    func inconclusiveContinues() throws {
        var push = try Self.push { $0.onInconclusive = .proceed }
        push.judgeAllLooks(.inconclusive)
        #expect(push.outcome?.status == .done)
        #expect(
            push.outcome?.sentences.contains("it went on although there was too little data to judge by: because")
                == true)
    }

    @Test("on_inconclusive: ask does what somebody says", arguments: [true, false])
    func inconclusiveAsks(answer: Bool) throws {
        var push = try Self.push(canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .asking, verdict: .inconclusive)
        #expect(push.actions.contains(.ask("because: go on all the same?")))
        push.make(.reply(answer))
        #expect(push.rollout.phase == (answer ? .preparing(.everybody) : .takingBack))
        push.runToEnd()
        #expect(push.outcome?.status == (answer ? .done : .failed))
    }

    @Test("a question that nobody answers is answered no after ten minutes")
    func noAnswer() throws {
        var push = try Self.push(canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .asking, verdict: .inconclusive)
        #expect(push.wakeAt == push.now + 600)
        push.make(.wait(withSamples: false))
        push.runToEnd()
        #expect(push.outcome?.ending == .inconclusive)
    }

    @Test("where nobody can be asked it is taken back")
    func nobodyToAsk() throws {
        var push = try Self.push(canAsk: false) { $0.onInconclusive = .ask }
        push.judgeAllLooks(.inconclusive)
        #expect(push.outcome?.ending == .inconclusive && push.problems.isEmpty)
    }

    // MARK: Hosts that fail

    @Test("a host that cannot be staged ends the push before anything is flipped")
    func stagingFails() throws {
        var push = try Self.push()
        push.make(.fail(3))
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences == ["1 host failed, where 0 may: web4, no; nothing was flipped"])
        #expect(push.flips.isEmpty)
    }

    @Test("a source that cannot be read ends it")
    func sourceUnreadable() throws {
        var push = try Self.push()
        push.feed(.stagingFailed("no such folder"))
        push.checkEnd()
        #expect(push.outcome?.status == .failed && push.problems.isEmpty)
        #expect(push.outcome?.sentences == ["no such folder; nothing was flipped"])
    }

    @Test("as many as may fail take no part, and another host is the canary")
    func stagingFailsAllowed() throws {
        var push = try Self.push(hosts: 8, allowed: .count(1))
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
        var push = try Self.push()
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
        var push = try Self.push(hosts: 8, allowed: .count(1))
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
        var push = try Self.push(hosts: 8, canaries: 3, allowed: .percent(100))
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
        var push = try Self.push()
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
        var push = try Self.push()
        push.run(until: .window(.canaries))
        let control = push.steps[1].hosts[0]
        push.make(.lose(control, isDone: false))
        push.runToEnd(refusing: [.recover], on: control)
        #expect(push.problems.isEmpty && push.outcome?.status == .failed)
        #expect(push.actions.filter { $0 == .request(.recover, [control]) }.count == HostProgress.mostRecoveries)
    }

    @Test("a flip that fails on a canary takes the canaries back")
    func canaryFlipFails() throws {
        var push = try Self.push()
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
        var push = try Self.push()
        push.run(until: .flipping(.everybody))
        push.make(.succeed(push.steps[1].hosts[0]))
        push.make(.fail(push.steps[1].hosts[1]))
        push.runToEnd()
        #expect(push.outcome?.status == .failed && push.problems.isEmpty)
        #expect(push.live.isEmpty)
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

    @Test("canaries that are not heard of for three intervals are taken back")
    func blind() throws {
        var push = try Self.push()
        push.run(until: .window(.canaries))
        push.make(.wait(withSamples: false))
        #expect(push.rollout.phase == .takingBack)
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences[0] == "no sample of any canary came for 15 s; taken back on 2 hosts")
    }

    @Test("canaries that give no base line are never flipped")
    func blindBefore() throws {
        var push = try Self.push()
        push.run(until: .baseline)
        push.make(.wait(withSamples: false))
        push.runToEnd()
        #expect(push.outcome?.sentences == ["no sample of any canary came for 15 s; nothing was flipped"])
    }

    @Test("a metric without a base line ends the push before anything is flipped")
    func lackingBefore() throws {
        var push = try Self.push()
        push.run(until: .baseline)
        push.lackBaseline()
        push.runToEnd()
        #expect(push.flips.isEmpty && push.outcome?.status == .failed && push.outcome?.ending == .inconclusive)
        #expect(
            push.outcome?.sentences == [
                "inconclusive, nothing was flipped: load has no sample of a canary before the flip"
            ])
    }

    @Test("on_inconclusive: continue goes on without a base line, and says so")
    func lackingBeforeContinues() throws {
        var push = try Self.push { $0.onInconclusive = .proceed }
        push.run(until: .baseline)
        push.lackBaseline()
        #expect(push.rollout.phase == .preparing(.canaries))
        push.runToEnd()
        #expect(push.live.count == 6)
        let lack = "load has no sample of a canary before the flip"
        #expect(
            push.outcome?.sentences.contains("it went on although there was too little data to judge by: \(lack)")
                == true)
        #expect(push.warnings == ["\(lack): going on all the same, as on_inconclusive says"])
    }

    @Test("a metric that lacks something in every judgement is warned of once, and named once at the end")
    func warnedOfOnce() throws {
        var push = try Self.push(hosts: 10) {
            $0.onInconclusive = .proceed
            $0.phases = [.count(5)]
            $0.holdBack = .count(2)
        }
        push.run(until: .baseline)
        push.lackBaseline()
        push.judgeAllLooks { look in
            var judgement = RolloutWorld.lack("load has no sample of a canary after the flip")
            // Something else is lacking, of which nobody knows yet.
            if look.comparison.kind == .watch {
                judgement.metrics.append(
                    MetricJudgement(name: "errors", verdict: .inconclusive, note: "errors has no sample"))
            }
            return judgement
        }
        #expect(push.problems.isEmpty && push.live.count == 10)
        let before = "load has no sample of a canary before the flip"
        #expect(
            push.warnings
                == [before, "errors has no sample"].map {
                    "\($0): going on all the same, as on_inconclusive says"
                })
        #expect(
            push.outcome?.sentences.filter { $0.contains("it went on") } == [
                "it went on although there was too little data to judge by: \(before); errors has no sample"
            ])
    }

    @Test("canaries that fall silent are warned of and named, once each, beside what metrics lack")
    func warnedOfSilence() throws {
        var push = try Self.push(hosts: 10) {
            $0.onInconclusive = .proceed
            $0.phases = [.count(5)]
        }
        push.run(until: .baseline)
        push.lackBaseline()
        push.judgeAllLooks { look in
            var judgement = RolloutWorld.lack("load has no sample of a canary after the flip")
            judgement.lost = look.comparison.kind == .window(.canaries) ? ["web2"] : ["web2", "web3", "web4"]
            return judgement
        }
        #expect(push.problems.isEmpty && push.live.count == 10)
        let lacks = [
            "load has no sample of a canary before the flip", "web2 fell silent after the flip",
            "web[3-4] fell silent after the flip",
        ]
        #expect(push.warnings == lacks.map { "\($0): going on all the same, as on_inconclusive says" })
        let end = "it went on although there was too little data to judge by: " + lacks.joined(separator: "; ")
        #expect(push.outcome?.sentences.contains(end) == true)
    }

    @Test(
        "on_inconclusive: ask does what somebody says about a base line that lacks something",
        arguments: [true, false],
        [RolloutMode.full, .canaryOnly])
    func lackingBeforeAsks(answer: Bool, mode: RolloutMode) throws {
        var push = try Self.push(mode: mode, canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .baseline)
        push.lackBaseline()
        #expect(push.rollout.phase == .asking)
        push.make(.reply(answer))
        #expect(push.rollout.phase == (answer ? .preparing(.canaries) : .done))
        push.runToEnd()
        #expect(push.flips.isEmpty == !answer && push.live.count == (!answer ? 0 : mode == .full ? 6 : 2))
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

    @Test("a push that was taken back does not say that it went on")
    func wentOnAndBack() throws {
        var push = try Self.push { $0.onInconclusive = .proceed }
        push.run(until: .preparing(.everybody), verdict: .inconclusive)
        #expect(push.rollout.phase == .preparing(.everybody))
        push.judgeAllLooks(.regression)
        #expect(push.outcome?.ending == .regression)
        #expect(push.outcome?.sentences.contains { $0.contains("it went on") } == false)
    }

    @Test("a host that was confirmed and cannot be rolled back is named: exit 2")
    func rollbackFails() throws {
        var push = try Self.push()
        push.run(until: .watching)
        push.judgeNextLook(.regression)
        push.runToEnd(refusing: [.takeBack, .recover], on: 4)
        #expect(push.outcome?.status == .partlyDone && push.problems.isEmpty)
        #expect(push.outcome?.sentences.contains("web5: still on this release; run `slotsync rollback` there") == true)
    }

    @Test("a host that refuses to confirm goes back alone, if it may")
    func confirmFails() throws {
        var push = try Self.push(allowed: .count(1))
        push.run(until: .confirming(.everybody))
        push.make(.fail(2))
        push.runToEnd()
        #expect(push.actions.contains(.request(.takeBack, [2])))
        #expect(push.outcome?.status == .partlyDone && push.outcome?.hosts[2].standing == .takenBack)
    }

    @Test("a host lost while it confirmed is asked which release it has", arguments: [true, false])
    func confirmLost(isDone: Bool) throws {
        var push = try Self.push()
        push.run(until: .confirming(.everybody))
        push.make(.lose(2, isDone: isDone))
        #expect(push.rollout.phase == .confirming(.everybody) && push.actions.last == .request(.recover, [2]))
        push.runToEnd()
        #expect(push.outcome?.status == (isDone ? .done : .failed))
    }

    // MARK: What is live already

    @Test("a release that is live everywhere has nothing to do")
    func liveEverywhere() throws {
        var push = try Self.push()
        for host in push.hosts.indices { push.make(.stageLive(host)) }
        #expect(push.outcome?.status == .done)
        #expect(push.outcome?.sentences[0] == "live already, there was nothing to flip")
    }

    @Test("hosts where it is live take no part and are not taken back")
    func liveOnSome() throws {
        var push = try Self.push(hosts: 8)
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
        var push = try Self.push(allowed: .count(allowed))
        for host in 0..<6 { push.make(.stageFirst(host)) }
        push.runToEnd()
        #expect(push.problems.isEmpty && push.flips.isEmpty && push.outcome?.status == .failed)
        #expect(
            push.outcome?.sentences.first
                == "nothing is live yet on web[1-6], so there is nothing to compare with: flip "
                + "everybody at once with `slotsync push --no-canary`; nothing was flipped")
        #expect(push.outcome?.timeline.map(\.phase).contains(.baseline) == false)
    }

    @Test("new hosts beside others that have the release already are flipped without being judged, which is told")
    func liveOnAllOthers() throws {
        var push = try Self.push()
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
        var push = try Self.push(hosts: 9)
        push.make(.stageFirst(8))
        push.run(until: .watching)
        push.make(.lose(8, isDone: false))
        push.make(.succeed(8))
        push.judgeNextLook(.regression)
        push.runToEnd(refusing: [.takeBack], on: 8)
        #expect(push.problems.isEmpty && push.live == [8] && push.outcome?.status == .partlyDone)
        let told = push.outcome?.sentences.filter { $0.hasPrefix("web9: ") } ?? []
        #expect(
            told.count == 1 && told[0].contains("slotsync push --no-canary") && !told[0].contains("slotsync rollback"))
    }

    @Test("a host on which nothing is live is neither canary nor control, and is flipped with everybody")
    func liveOnOthers() throws {
        var push = try Self.push(hosts: 9, canaries: 2) { $0.holdBack = .count(2) }
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
        var push = try Self.push(hosts: 4, canaries: 1)
        push.make(.stageLive(0))
        push.make(.stageLive(1))
        push.runToEnd()
        #expect(push.outcome?.status == .failed)
        #expect(push.outcome?.sentences[0].contains("push with --no-canary") == true)
    }

    // MARK: Interruptions

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

    // MARK: Modes

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
}

extension RolloutWorld {
    var canaries: [Int] { steps[0].hosts }
    /// The hosts on which the release is live for good.
    var live: [Int] { hosts.indices.filter { hosts[$0].live == .confirmed } }

    var warnings: [String] {
        actions.compactMap { action in
            if case .warn(let text) = action { text } else { nil }
        }
    }

    var marked: [Int] { hosts.indices.filter { hosts[$0].isMarkedBad } }

    var flips: [Rollout.Action] {
        actions.filter { action in
            if case .request(.flip, _) = action { true } else { false }
        }
    }

    /// Lets all go well until a phase begins; every look before it gets this verdict.
    mutating func run(until phase: Rollout.Phase, verdict: Verdict = .pass) {
        while rollout.phase != phase, outcome == nil, let move = usualMove {
            make(move == .judge(.pass) ? .judge(verdict) : move)
        }
    }

    /// Lets all go well until the judge is asked.
    mutating func runToNextLook() {
        while look == nil, let move = usualMove { make(move) }
    }

    mutating func judgeNextLook(_ verdict: Verdict) {
        runToNextLook()
        make(.judge(verdict))
    }

    /// Runs to the end, while one host fails to do what it is asked of this.
    mutating func runToEnd(refusing requests: [Rollout.HostRequest?], on host: Int) {
        while outcome == nil, let move = usualMove { make(requests.contains(hosts[host].request) ? .fail(host) : move) }
        checkEnd()
    }

    /// Lets all go well until the base line is looked at, and that lack something.
    mutating func lackBaseline() {
        while !isBaselineAsked, let move = usualMove { make(move) }
        make(.checkBaseline(isEnough: false))
    }

    /// Runs to the end; every look gets this verdict.
    mutating func judgeAllLooks(_ verdict: Verdict) {
        judgeAllLooks { _ in Judgement(verdict: verdict, metrics: [], why: "because") }
    }

    mutating func judgeAllLooks(_ judgement: (Look) -> Judgement) {
        while outcome == nil, problems.isEmpty, let move = usualMove {
            if case .judge = move, let look { judge(judgement(look)) } else { make(move) }
        }
        checkEnd()
    }
}
