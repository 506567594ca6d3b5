// `slotsync push --dry-run`: what staging would do, and the plan that a push would follow. The plan is made for the hosts as a
// dry stage finds them, since hosts on which nothing is live yet, or the release already, are no canaries.

import Canary
import SlotSync
import SystemPackage

struct PushRehearsal: Sendable {
    let source: FilePath
    let fleet: Fleet
    let options: PushOptions
    /// The plan for all hosts, before anybody looked at them.
    let plan: RolloutPlan

    /// Stages without changing anything, and shows what came of it.
    ///
    /// - Throws: ``SlotSyncError`` where the source cannot be read.
    func show(_ reporter: Reporter) async throws -> Conclusion {
        let report = try await reporter.follow(
            fleet.stage(source, options: options.stagingForFlip), as: "planning", hosts: fleet.hosts.count,
            readsSource: true)
        let found = StagedFleet(report, of: fleet.hosts, force: options.force)
        await show(found, reporter)
        for host in report.hosts { await reporter.json(of: host.host, host.json) }
        await reporter.failures(report.failures, root: fleet.root)
        await reporter.unsent(report)
        await reporter.result([report.summary(duration: reporter.elapsed)])
        return report.conclusion
    }

    /// The plan for what was found, or why there is none.
    private func show(_ found: StagedFleet, _ reporter: Reporter) async {
        guard found.failed.count + found.live.count < fleet.hosts.count else {
            if !found.live.isEmpty { await reporter.essentialResult(["live already, there would be nothing to flip"]) }
            return await reporter.json(["event": "plan", "steps": .list([]), "power": .null])
        }
        do throws(SlotSyncError) {
            let settled = try plan.settled(found)
            let narration = PushNarration(plan: settled, options: options)
            let remark = settled.remark(on: found)
            await reporter.essentialResult(settled.lines + [remark, narration.power].filter { !$0.isEmpty })
            await reporter.json(narration.planJSON)
        } catch {
            await reporter.json(["event": "plan", "steps": .list([]), "power": .null])
            await reporter.warn("a push would end after staging: \(error.message)")
        }
    }
}
