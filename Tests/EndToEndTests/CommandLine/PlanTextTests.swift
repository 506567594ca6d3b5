// What `push --dry-run` says of a plan.

import SlotSync
import Testing

@testable import Canary
@testable import slotsync

@Suite("The plan of a push in lines")
struct PlanTextTests {
    private func plan(
        _ hosts: Int, mode: RolloutMode = .full, _ change: (inout CanarySettings) -> Void = { _ in }
    ) throws -> RolloutPlan {
        var settings = CanarySettings(metrics: [MetricSettings(name: "load", source: .host(.loadAverage))])
        change(&settings)
        return try RolloutPlan(hosts: try HostList.parse("web[1-\(hosts)]"), settings: settings, mode: mode)
    }

    @Test("each step has a line, the watch and the chance of a false rollback have theirs")
    func steps() throws {
        let plan = try plan(100) {
            $0.phases = [.percent(10)]
            $0.holdBack = .count(5)
        }
        #expect(
            plan.lines == [
                "base line: 1 min, a sample every 5 s",
                "canaries: 5 hosts (web[12,36,51,74,98]), watched for 1 min, the first 10 s left out",
                "phase 1: 5 hosts (web[7,21,45,60,83]) more, watched for 1 min, the first 10 s left out",
                "everybody: 85 hosts more",
                "watch: 5 min, judged against 5 hosts held back",
                "held back until then: 5 hosts (web[20,29,47,85,94])",
                "chance of a false rollback: 0.01, 0.0033 for each of 3 judgements",
            ])
        #expect(try self.plan(100).lines.contains("watch: 5 min, by a guard: no controls are left"))
    }

    @Test("without a judge there is one line, for the hosts that are left")
    func unjudged() throws {
        let lines = ["stage, then flip 2 hosts together; nothing is judged"]
        #expect(try plan(2, mode: .unjudged).lines == lines)
        #expect(try plan(6).settled(StagedFleet(failed: [0], live: [1, 2, 3], new: [4, 5])).lines == lines)
    }
}
