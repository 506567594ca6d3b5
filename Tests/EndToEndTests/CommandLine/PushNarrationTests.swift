// What `push` says: the plan, and events in one naming.

import SlotSync
import Testing

@testable import Canary
@testable import slotsync

@Suite("What push says")
struct PushNarrationTests {
    private func narration(_ canary: CanarySettings) throws -> PushNarration {
        var options = PushOptions()
        options.canary = canary
        let plan = try RolloutPlan(
            hosts: try HostList.parse("web[01-40]"), settings: canary, mode: canary.metrics.isEmpty ? .unjudged : .full)
        return PushNarration(plan: plan, options: options)
    }

    private func power(baseline: Double, interval: Double) throws -> String {
        let metrics = [
            MetricSettings(name: "load", source: .host(.loadAverage)),
            MetricSettings(name: "errors", source: .host(.log(path: "/log", pattern: "x"))),
        ]
        return try narration(
            CanarySettings(hosts: .portion(.count(3)), baseline: baseline, interval: interval, metrics: metrics)
        ).power
    }

    @Test("what canaries can show is reckoned with the base line and the interval of the settings")
    func power() throws {
        let usual = try power(baseline: 60, interval: 5)
        #expect(usual.hasPrefix("these canaries can show: load "), "\(usual)")
        let long = try power(baseline: 1800, interval: 5)
        #expect(long != usual, "\(long)")
        let rare = try power(baseline: 60, interval: 15)
        #expect(rare != usual, "\(rare)")
    }

    @Test(
        "a phase has one name, in --json and in reports",
        arguments: [
            (Rollout.Phase.baseline, "base line"), (.flipping(.canaries), "flipping canaries"),
            (.window(.subset(1)), "watching phase 1"), (.preparing(.heldBack), "preparing hosts held back"),
            (.confirming(.everybody), "confirming everybody"), (.watching, "watch"), (.marking, "marking as bad"),
        ])
    func phases(_ phase: Rollout.Phase, _ name: String) throws {
        #expect("\(phase)" == name)
        #expect(
            try narration(CanarySettings()).json(.phase(phase))?.line == #"{"event":"phase","phase":"\#(name)"}"#)
    }

    @Test("what canaries can show by their base line is one line, and with --json each change beside it")
    func detectable() throws {
        let change = DetectableChange(metric: "load", factor: 1.5, share: 0.75)
        let event = PushEvent.detectable(Detection(changes: [change], sentence: "load +50 % in 7 of 10 cases"))
        let narration = try narration(CanarySettings())
        #expect(
            narration.line(event, isVerbose: false)
                == "by the base line, these canaries can show: load +50 % in 7 of 10 cases")
        #expect(
            narration.json(event)?.line
                == #"{"event":"detectable","power":"these canaries can show: load +50 % in 7 of 10 cases","#
                + #""changes":[{"metric":"load","factor":1.5,"share":0.75}]}"#)
    }

    @Test("a metric that one canary decides names it, and one that was left open says so")
    func metrics() throws {
        let judgement = Judgement(
            verdict: .regression,
            metrics: [
                MetricJudgement(name: "dies", verdict: .regression, canaryBefore: 0.5, canary: "web07"),
                MetricJudgement(name: "load", verdict: .inconclusive, isUndecided: true),
            ], why: "…")
        let event = PushEvent.judged(judgement, kind: .window(.canaries), isLast: false)
        let line = try #require(try narration(CanarySettings()).json(event)?.line)
        #expect(line.contains(#""canaries_before":0.5,"controls_before":null,"canary":"web07","is_decided":true}"#))
        #expect(line.contains(#""canary":null,"is_decided":false}"#))
    }

    @Test("what an interrupted push waits for is said with its hosts, and what another Ctrl-C does")
    func waiting() throws {
        let event = PushEvent.waiting(try HostList.parse("web[03-05]"), for: "after_flip")
        let narration = try narration(CanarySettings())
        #expect(
            narration.line(event, isVerbose: false)
                == "waiting for after_flip on web[03-05]; Ctrl-C again leaves at once: agents take back what was not "
                + "confirmed")
        #expect(
            narration.json(event)?.line
                == #"{"event":"waiting","hosts":["web03","web04","web05"],"for":"after_flip"}"#)
    }
}
