// What follows from verdicts, and from a base line that lacks something to judge by.

import Foundation
import SlotSync
import Testing

@testable import Canary

@Suite("A rollout and its verdicts")
struct RolloutVerdictTests {
    @Test("a regression takes the canaries back and marks the release bad on every host")
    func regression() throws {
        var push = try RolloutTests.push()
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

    @Test("README shows of a regression what is said")
    func shownInREADME() throws {
        var push = try RolloutTests.push(hosts: 120) { $0.hosts = .portion(.percent(5)) }
        push.run(until: .window(.canaries))
        push.runToNextLook()
        let metric = MetricJudgement(
            name: "p95_ms", verdict: .regression, p: 6.7e-13, effect: 6.1, canaryLevel: 412, controlLevel: 61.1)
        let finding = Look.Finding(
            judgement: metric, kind: .gauge, tolerance: 0.1, isSignificant: true, canaries: push.canaries.count,
            controls: 120 - push.canaries.count)
        let why = Sentences.regression([finding], over: 2, .canaries)
        push.judge(Judgement(verdict: .regression, metrics: [metric], why: why))
        push.runToEnd()
        let said = try #require(push.outcome?.sentences).joined(separator: "\n")
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let page = try String(contentsOf: top.appending(path: "README.md"), encoding: .utf8)
        #expect(page.contains("release 35066255: \(said)\n"), "\(said)")
    }

    @Test("a regression in the watch rolls everybody back")
    func regressionInTheWatch() throws {
        var push = try RolloutTests.push()
        push.run(until: .watching)
        push.judgeNextLook(.regression)
        #expect(push.actions.contains(.request(.takeBack, [0, 1, 2, 3, 4, 5])))
        push.runToEnd()
        #expect(push.outcome?.status == .rolledBack && (push.marked.count == push.hosts.count))
    }

    @Test(
        "too little data before the end decides nothing, at the end it takes back without marking",
        arguments: [CanarySettings.InconclusivePolicy.rollback, .ask])
    func inconclusive(policy: CanarySettings.InconclusivePolicy) throws {
        var push = try RolloutTests.push { $0.onInconclusive = policy }
        push.judgeAllLooks(.inconclusive)
        #expect(push.outcome?.status == .failed && push.outcome?.ending == .inconclusive)
        #expect(push.outcome?.judgement?.verdict == .inconclusive)
        #expect(push.marked.isEmpty && push.problems.isEmpty)
        #expect(push.outcome?.sentences == ["inconclusive, taken back on 2 hosts: because"])
        #expect(push.rollout.looks == 8)
    }

    @Test("on_inconclusive: continue goes on, and says so")
    func inconclusiveContinues() throws {
        var push = try RolloutTests.push { $0.onInconclusive = .proceed }
        push.judgeAllLooks(.inconclusive)
        #expect(push.outcome?.status == .done)
        #expect(
            push.outcome?.sentences.contains("it went on although there was too little data to judge by: because")
                == true)
    }

    @Test("on_inconclusive: ask does what somebody says", arguments: [true, false])
    func inconclusiveAsks(answer: Bool) throws {
        var push = try RolloutTests.push(canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .asking, verdict: .inconclusive)
        #expect(push.actions.contains(.ask("because: go on all the same?")))
        push.make(.reply(answer))
        #expect(push.rollout.phase == (answer ? .preparing(.everybody) : .takingBack))
        push.runToEnd()
        #expect(push.outcome?.status == (answer ? .done : .failed))
    }

    @Test("a question that nobody answers is answered no after ten minutes")
    func noAnswer() throws {
        var push = try RolloutTests.push(canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .asking, verdict: .inconclusive)
        #expect(push.wakeAt == push.now + 600)
        push.make(.wait(withSamples: false))
        push.runToEnd()
        #expect(push.outcome?.ending == .inconclusive)
    }

    @Test("a metric without a base line ends the push before anything is flipped")
    func lackingBefore() throws {
        var push = try RolloutTests.push()
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
        var push = try RolloutTests.push { $0.onInconclusive = .proceed }
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

    @Test(
        "on_inconclusive: ask does what somebody says about a base line that lacks something",
        arguments: [true, false],
        [RolloutMode.full, .canaryOnly])
    func lackingBeforeAsks(answer: Bool, mode: RolloutMode) throws {
        var push = try RolloutTests.push(mode: mode, canAsk: true) { $0.onInconclusive = .ask }
        push.run(until: .baseline)
        push.lackBaseline()
        #expect(push.rollout.phase == .asking)
        push.make(.reply(answer))
        #expect(push.rollout.phase == (answer ? .preparing(.canaries) : .done))
        push.runToEnd()
        #expect(push.flips.isEmpty == !answer && push.live.count == (!answer ? 0 : mode == .full ? 6 : 2))
    }

    @Test("a metric that lacks something in every judgement is warned of once, and named once at the end")
    func warnedOfOnce() throws {
        var push = try RolloutTests.push(hosts: 10) {
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
        var push = try RolloutTests.push(hosts: 10) {
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

    @Test("a push that was taken back does not say that it went on")
    func wentOnAndBack() throws {
        var push = try RolloutTests.push { $0.onInconclusive = .proceed }
        push.run(until: .preparing(.everybody), verdict: .inconclusive)
        #expect(push.rollout.phase == .preparing(.everybody))
        push.judgeAllLooks(.regression)
        #expect(push.outcome?.ending == .regression)
        #expect(push.outcome?.sentences.contains { $0.contains("it went on") } == false)
    }
}
