// The plan of a push in words, a line a step. `push --dry-run` prints them.

import Canary
import SlotSync

extension RolloutPlan {
    /// The plan, a line a step, in the order of time.
    var lines: [String] {
        guard mode != .unjudged else {
            return ["stage, then flip \(NumberText.count(steps[0].hosts.count, "host")) together; nothing is judged"]
        }
        var lines = [
            "base line: \(TimeText.exact(settings.baseline)), a sample every \(TimeText.exact(settings.interval))"
        ]
        for step in steps { lines += self.lines(of: step) }
        let each = judgeSettings(isWatch: false).significance
        lines.append(
            "chance of a false rollback: \(NumberText.probability(settings.significance))"
                + (judgements > 1 ? ", \(NumberText.probability(each)) for each of \(judgements) judgements" : ""))
        return lines
    }

    private func lines(of step: Step) -> [String] {
        let window =
            "watched for \(TimeText.exact(settings.window)), the first \(TimeText.exact(settings.settle)) left out"
        switch step.kind {
        case .canaries: return ["canaries: \(named(step.hosts)), \(window)"]
        case .subset(let number): return ["phase \(number): \(named(step.hosts)) more, \(window)"]
        case .everybody:
            var lines = ["everybody: \(NumberText.count(step.hosts.count, "host")) more"]
            if settings.watch > 0 {
                let heldBack = steps.last.flatMap { $0.kind == .heldBack ? $0.hosts.count : nil }
                let how =
                    heldBack.map { "judged against \(NumberText.count($0, "host")) held back" }
                    ?? "by a guard: no controls are left"
                lines.append("watch: \(TimeText.exact(settings.watch)), \(how)")
            }
            return lines
        case .heldBack: return ["held back until then: \(named(step.hosts))"]
        }
    }

    /// `3 hosts (web[007,042,077])`
    private func named(_ some: [Int]) -> String {
        "\(NumberText.count(some.count, "host")) (\(names(some)))"
    }
}
