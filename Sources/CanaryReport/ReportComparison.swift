// A comparison in the page's words: its name, and who was compared with whom.

import Canary
import SlotSync

extension JudgedComparison {
    /// "Window of the canaries", "Watch (guard)": the title says it of a guard, and nothing beside it says it again.
    var title: String {
        switch kind {
        case .baseline: "Base line"
        case .window(let step): "Window of \(step.people)"
        case .watch: "Watch"
        case .guarding: "Watch (guard)"
        }
    }

    /// How many hosts were on the release: all that had been flipped by then, not those of the latest step alone.
    var flipped: Int { kind == .baseline ? 0 : recording.hosts.count { $0.role == .canary } }
    /// How many were not; none for a guard.
    var controls: Int { recording.hosts.count - flipped }

    /// Who was compared with whom, in a word.
    var sides: String {
        switch kind {
        case .window, .watch: "\(NumberText.count(flipped)) flipped, \(NumberText.count(controls)) not"
        case .guarding: "\(NumberText.count(flipped, "host")), all flipped"
        case .baseline: "\(NumberText.count(controls, "host")), none flipped yet"
        }
    }

    var explanation: String {
        switch kind {
        case .window, .watch:
            "\(NumberText.count(flipped, "host")) flipped by then against \(NumberText.count(controls)) not flipped, at the "
                + "same times: before the first flip, and now."
        case .guarding:
            "\(NumberText.count(flipped, "host")) against their own past, since none was left unflipped. Large changes alone "
                + "can be seen so."
        case .baseline:
            "too few samples to judge anything by of the metrics that stand here, before the first of "
                + "\(NumberText.count(controls, "host")) was flipped."
        }
    }

    /// The judge's sentence, without the word that the title has already.
    var why: String {
        let prefix = "guard: "
        let why = judgement.why
        return kind == .guarding && why.hasPrefix(prefix) ? String(why.dropFirst(prefix.count)) : why
    }
}

extension MetricJudgement {
    /// What was found of a metric; one that another's regression left open is not called inconclusive.
    var word: String { isUndecided ? "not decided" : verdict.word }
    var icon: ReportIcon { isUndecided ? .pause : verdict.icon }
    var tone: String { isUndecided ? "idle" : verdict.tone }
    /// Whose numbers these are where they are not all flipped hosts'; nil: they are.
    var aloneText: String? {
        canary.map { verdict == .regression ? "on \($0) alone" : "\($0) alone stands nearest" }
    }
}

extension Verdict {
    var word: String {
        switch self {
        case .pass: "no regression"
        case .regression: "regression"
        case .inconclusive: "inconclusive"
        }
    }

    var icon: ReportIcon {
        switch self {
        case .pass: .check
        case .regression: .cross
        case .inconclusive: .question
        }
    }

    var tone: String {
        switch self {
        case .pass: "good"
        case .regression: "bad"
        case .inconclusive: "open"
        }
    }
}
