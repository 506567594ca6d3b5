// What `push` says while it runs and at its end: phases and verdicts as lines for people and as objects for `--json`.

import Canary
import SlotSync

struct PushNarration: Sendable {
    let plan: RolloutPlan
    let options: PushOptions

    /// What the plan's canaries can detect; empty where nothing is judged.
    var power: String { plan.forecast?.claim ?? "" }

    /// The plan for `--json`.
    var planJSON: JSONValue {
        let steps = plan.steps.map { step -> JSONValue in
            ["step": .text("\(step.kind)"), "hosts": .list(step.hosts.map { .text(plan.hosts[$0].label) })]
        }
        return ["event": "plan", "steps": .list(steps), "power": .text(plan.forecast?.claim)]
    }

    // MARK: While it runs

    /// A line for people who read along; nil for what only moves the live view.
    func line(_ event: PushEvent, isVerbose: Bool) -> String? {
        switch event {
        case .phase(let phase): line(phase)
        case .judged(let judgement, let kind, let isLast) where isLast || judgement.verdict == .regression || isVerbose:
            // What a guard is, its own sentence says.
            "\(name(kind)): \(judgement.verdict.rawValue): \(judgement.why)"
        case .warning(let hosts, let text):
            (hosts.isEmpty ? "" : HostList.fold(hosts.map(\.label)) + ": ") + "warning: \(text)"
        case .waiting(let hosts, let what):
            "waiting for \(what) on \(HostList.fold(hosts.map(\.label))); Ctrl-C again leaves at once: agents take back what "
                + "was not confirmed"
        case .detectable(let detection): "by the base line, " + detection.claim
        case .staging, .staged, .progress, .judged, .question: nil
        }
    }

    func json(_ event: PushEvent) -> JSONValue? {
        switch event {
        case .phase(let phase): ["event": "phase", "phase": .text(phase)]
        case .detectable(let detection):
            [
                "event": "detectable", "power": .text(detection.claim),
                "changes": .list(
                    detection.changes.map {
                        ["metric": .text($0.metric), "factor": .number($0.factor), "share": .number($0.share)]
                    }),
            ]
        case .judged(let judgement, let kind, let isLast):
            [
                "event": "verdict", "of": .text(kind), "method": kind == .guarding ? "guard" : "judge",
                "verdict": .text(judgement.verdict.rawValue),
                "is_last": .bool(isLast || judgement.verdict == .regression), "why": .text(judgement.why),
                "metrics": .list(judgement.metrics.map(json)),
            ]
        case .warning(let hosts, let text): .warning(plan.words.completing(text, on: hosts), of: hosts)
        case .waiting(let hosts, let what):
            ["event": "waiting", "hosts": .list(hosts.map { .text($0.label) }), "for": .text(what)]
        case .question(let question): ["event": "question", "message": .text(question)]
        // Told as they come.
        case .staging, .staged, .progress: nil
        }
    }

    private func json(_ metric: MetricJudgement) -> JSONValue {
        [
            "name": .text(metric.name), "verdict": .text(metric.verdict.rawValue), "p": .number(metric.p),
            "effect": .effect(metric.effect), "canaries": .number(metric.canaryLevel),
            "controls": .number(metric.controlLevel), "canaries_before": .number(metric.canaryBefore),
            "controls_before": .number(metric.controlBefore), "canary": .text(metric.canary),
            "is_decided": .bool(!metric.isUndecided),
        ]
    }

    private func line(_ phase: Rollout.Phase) -> String? {
        let canary = options.canary
        return switch phase {
        case .baseline: "\(phase.sentence): sampling for \(TimeText.exact(canary.baseline))"
        case .flipping, .takingBack: phase.sentence
        case .window: "\(phase.sentence) for \(TimeText.exact(canary.window))"
        case .confirming(.everybody): "everybody is flipped: confirming"
        case .watching: "watching everybody for \(TimeText.exact(canary.watch))"
        case .staging, .preparing, .asking, .confirming, .marking, .done: nil
        }
    }

    private func name(_ kind: Comparison.Kind) -> String {
        if case .window(let step) = kind { step.people } else { "\(kind)" }
    }

    // MARK: At the end

    func conclude(_ result: PushResult, _ reporter: Reporter, report: String?) async -> Conclusion {
        let outcome = result.outcome
        // Each is told of a second time, after its staging.
        for host in outcome.hosts { await reporter.json(json(host)) }
        let failures = outcome.hosts.compactMap { host in
            host.failure.map { (host: host.host, text: $0) }
        }
        // Where too many hosts failed, the first sentence has all that had failed by then, with their reasons.
        let first = outcome.sentences.first ?? ""
        let reasons = kinds(of: failures, words: plan.words)
        if !reasons.allSatisfy({ first.contains("\(HostList.fold($0.hosts)), \($0.text)") }) {
            for reason in reasons { await reporter.problem("\(HostList.fold(reason.hosts)): \(reason.text)") }
        }
        let release = result.staged.map { "release \($0.release.short): " } ?? ""
        for (index, sentence) in outcome.sentences.enumerated() {
            let line = index == 0 ? release + sentence : sentence
            if outcome.status == .done { await reporter.result([line]) } else { await reporter.problem(line) }
        }
        if outcome.ending == .inconclusive, options.canary.onInconclusive == .ask, !options.canAsk {
            await reporter.problem(
                "on_inconclusive says to ask, but without a terminal in the foreground nobody can be asked: --yes answers yes"
            )
        }
        if outcome.ending == .canariesLive, let release = result.staged?.release {
            await reporter.note(
                "to bring it to the other hosts: \(plan.words.command("flip", "\(release.id)")); to take the canaries back: "
                    + plan.words.command("rollback"))
        }
        if let report { await reporter.note("report: \(report)") }
        await reporter.json([
            "event": "verdict", "of": "push", "verdict": .text(outcome.judgement?.verdict.rawValue),
            "is_last": .bool(true), "why": .text(outcome.sentences.first),
        ])
        var conclusion = Conclusion(
            status: ExitStatus(rawValue: outcome.status.rawValue) ?? .failed, release: result.staged?.release)
        conclusion.hosts = outcome.hosts.count
        conclusion.failed = failures.count
        conclusion.sentBytes = result.staged?.sentBytes ?? 0
        conclusion.receivedBytes = result.staged?.receivedBytes ?? 0
        return conclusion
    }

    private func json(_ host: RolloutOutcome.HostOutcome) -> JSONValue {
        [
            "event": "host", "host": .text(host.host.label), "result": .text(host.standing.rawValue),
            "failure": .text(host.failure.map { plan.words.completing($0, on: [host.host]) }),
            "is_bad": .bool(host.isMarkedBad),
        ]
    }
}
