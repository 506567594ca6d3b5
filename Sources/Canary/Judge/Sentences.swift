// Says in one sentence, with numbers, what a comparison found. Look calls it when it has the verdict.

import SlotSync

/// What the hosts on the release are called, in a judge's sentences and in the live view.
public enum FlippedName: Sendable, Hashable {
    /// The first ones, in their own window.
    case canaries
    /// All that were flipped by then: in a further phase's window, and in the watch.
    case flippedHosts
    /// All hosts: none was left to compare with.
    case allHosts

    var one: String {
        switch self {
        case .canaries: "canary"
        case .flippedHosts: "flipped host"
        case .allHosts: "host"
        }
    }
    var many: String { self == .canaries ? "canaries" : one + "s" }
}

enum Sentences {
    /// "errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9 over 4 metrics".
    static func regression(_ metrics: [Look.Finding], over count: Int, _ naming: FlippedName) -> String {
        metrics.map { levels($0, naming) }.joined(separator: "; ") + over(count)
    }

    static func pass(_ findings: [Look.Finding], silent: [String], _ naming: FlippedName) -> String {
        let rest =
            silent.isEmpty
            ? "" : "; \(list(silent)) never sent a sample and \(silent.count == 1 ? "is" : "are") not judged"
        let tolerated = findings.filter { $0.isSignificant && $0.judgement.verdict != .regression }
        if let finding = tolerated.first {
            return "no metric got worse by more than its tolerance: " + levels(finding, naming) + ", is within "
                + NumberText.percent(finding.tolerance) + over(findings.count) + rest
        }
        return "no metric got worse: " + nearest(findings, naming) + rest
    }

    static func soFar(_ findings: [Look.Finding], samples: Int, of planned: Int, _ naming: FlippedName) -> String {
        // The last look may see no sample more than the one before.
        let progress =
            samples + 1 < planned ? "\(samples) of \(planned) samples" : "\(samples) samples, before the last look"
        return "no metric got worse so far, after \(progress): " + nearest(findings, naming)
    }

    private static let tooLittle = "too little data to tell: "

    /// What an inconclusive judgement's sentence says is lacking.
    static func reason(_ why: String) -> String {
        why.hasPrefix(tooLittle) ? String(why.dropFirst(tooLittle.count)) : why
    }

    /// - Parameter secondHalf: where the second half of the window begins, in seconds after the flip, as `end`.
    static func inconclusive(
        _ lacks: [String], lost: [String], from secondHalf: Double, to end: Double
    ) -> String {
        var parts: [String] = []
        if !lost.isEmpty {
            parts.append(
                "\(list(lost)) sent no sample from \(TimeText.exact(secondHalf)) to \(TimeText.exact(end)) after the flip"
            )
        }
        parts += lacks.prefix(3)
        if lacks.count > 3 {
            parts.append("as \(lacks.count == 4 ? "1 more metric does" : "\(lacks.count - 3) more metrics do")")
        }
        return tooLittle + parts.joined(separator: "; ")
    }

    /// What stands nearest to a regression, and how far that is.
    private static func nearest(_ findings: [Look.Finding], _ naming: FlippedName) -> String {
        let tested = findings.filter { $0.judgement.p != nil }
        guard let finding = tested.min(by: { $0.nearness < $1.nearness }) else {
            return "no metric could be tested yet"
        }
        var text = "the nearest is " + levels(finding, naming)
        if let critical = finding.judgement.criticalP {
            text += " where \(NumberText.probability(critical)) would roll back"
        }
        return text + over(findings.count)
    }

    /// "errors 14.0 a minute on 3 canaries, 0.4 on 97 controls, p = 2e-9".
    private static func levels(_ finding: Look.Finding, _ naming: FlippedName) -> String {
        let unit = finding.kind == .counter ? " a minute" : ""
        let canaries =
            finding.judgement.canary.map { "\(naming.one) \($0) alone" }
            ?? NumberText.count(finding.canaries, naming.one, plural: naming.many)
        var text = finding.judgement.name
        if let level = finding.judgement.canaryLevel { text += " \(NumberText.level(level))\(unit)" }
        text += " on \(canaries)"
        // Hosts have levels of their own: a gauge's change is not what the two levels say.
        if finding.kind == .gauge, let effect = finding.judgement.effect { text += " (\(NumberText.change(effect)))" }
        if let level = finding.judgement.controlLevel {
            text += ", \(NumberText.level(level)) on \(NumberText.count(finding.controls, "control"))"
        }
        if let p = finding.judgement.p { text += ", p = \(NumberText.probability(p))" }
        return text
    }

    private static func over(_ count: Int) -> String { count > 1 ? " over \(count) metrics" : "" }

    /// "web01", "web01, web02 and 3 more".
    private static func list(_ names: [String]) -> String {
        names.count <= 3 ? names.joined(separator: ", ") : "\(names[0]), \(names[1]) and \(names.count - 2) more"
    }
}
