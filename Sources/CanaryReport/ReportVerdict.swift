// The top of the report: what was decided and why, for which release, and how to read the rest.

import Canary
import SlotSync

extension ReportPage {
    func writeVerdict(into main: inout Markup) {
        main.element("header", ["class": "verdict \(outcome.headline.tone)"]) { header in
            header.element("p", ["class": "about"], "Push to \(title)\(courseText)")
            header.element("h1") { title in
                outcome.headline.icon.draw(into: &title)
                title.element("span", outcome.headline.word)
            }
            header.element("p", ["class": "sentence"]) { $0.lines(outcome.story) }
            header.element("dl", ["class": "facts"]) { facts in
                func fact(_ name: StaticString, _ value: String, title: String = "") {
                    facts.element("div") { pair in
                        pair.element("dt") { $0.literal(name) }
                        pair.element("dd") {
                            if title.isEmpty { $0.text(value) } else { $0.element("span", ["title": title], value) }
                        }
                    }
                }
                let release = result.staged?.release
                fact("Release", releaseText(release), title: release.map { "\($0.id)" } ?? "")
                if let previous = result.staged?.previous {
                    fact("Before it", releaseText(previous), title: "\(previous.id)")
                }
                fact("Verdict", outcome.judgement?.verdict.word ?? "not judged")
                fact("Hosts", hostsFact)
                let start = MomentText.moment(start)
                fact("Began", "\(start.date) \(start.clock) UTC")
                fact("Took", TimeText.rounded(result.seconds))
            }
        }
    }

    /// From which release to which: `, from v1.4.1 (a81c5510) to v1.4.2 (3f2a09bc)`.
    private var courseText: String {
        guard let staged = result.staged, let previous = staged.previous else { return "" }
        return ", from \(releaseText(previous)) to \(releaseText(staged.release))"
    }

    private var hostsFact: String {
        let canaries = hosts.count { $0.step == .canaries }
        let all = NumberText.count(hosts.count)
        guard canaries > 0 else { return all }
        // Who was never flipped was no canary yet.
        let chosen = hosts.contains { $0.flippedAt != nil } ? "" : "chosen as "
        return "\(all), \(NumberText.count(canaries)) of them \(chosen)\(canaries == 1 ? "canary" : "canaries")"
    }

    // MARK: What it means

    /// For readers who never saw such a report: what was done, and the words of the field.
    func writeExplanation(into main: inout Markup) {
        main.element("section", ["class": "explanation"]) { section in
            section.element("p", ["class": "lead"], storyText)
            section.element("details") { details in
                details.element("summary", "The words used here")
                details.element("dl", ["class": "words"]) { words in
                    for (word, meaning) in Self.glossary {
                        words.element("dt") { $0.literal(word) }
                        words.element("dd") { $0.literal(meaning) }
                    }
                }
            }
        }
    }

    /// How a push goes, in this push's numbers: who was switched when, and what was compared.
    private var storyText: String {
        let all = NumberText.count(hosts.count, "host")
        guard let steps = stepsText else {
            return
                "SlotSync copies a release to all hosts first, and switches none of them before every copy is complete. "
                + "In this push no host was switched."
        }
        let flipped = hosts.count { $0.flippedAt != nil }
        let some = flipped == hosts.count ? "them" : "\(NumberText.count(flipped)) of them"
        let story = "SlotSync copied the release to \(all) and then switched \(some) to it\(steps). \(comparisonsText)"
        let isBack = hosts.allSatisfy { $0.flippedAt == nil || $0.end == .takenBack }
        return isBack ? story + "Then \(flipped == 1 ? "it was" : "they were") switched back." : story
    }

    /// Those that were flipped together, in the order of time; nil: nobody was.
    private var stepsText: String? {
        // New hosts are flipped in one step with all the others.
        let flipped = Dictionary(grouping: hosts.filter { $0.flippedAt != nil }) { $0.step ?? .everybody }
        let steps = flipped.keys.sorted { ReportGroup.step($0).rank < ReportGroup.step($1).rank }
        switch steps {
        case []: return nil
        case [.everybody]: return ", all at once and without canaries"
        case [.canaries]: return flipped[.canaries]?.count == 1 ? ", the canary" : ", the canaries"
        default:
            let texts = steps.map { step in
                let count = flipped[step, default: []].count
                return switch step {
                case .canaries: "\(NumberText.count(count)) \(count == 1 ? "canary" : "canaries")"
                case .subset(let number): "\(NumberText.count(count, "host")) of phase \(number)"
                case .everybody: NumberText.count(count, "other")
                case .heldBack: "\(NumberText.count(count)) that had been held back"
                }
            }
            return " in \(steps.count) steps: " + texts.joined(separator: ", then ")
        }
    }

    /// What was compared with what, each sentence with a blank behind it.
    private var comparisonsText: String {
        guard comparisons.contains(where: { $0.kind != .baseline }) else { return "Nothing was compared. " }
        var text = ""
        let judged = comparisons.filter(\.hasControls)
        if judged.count == 1 {
            let (flipped, controls) = (judged[0].flipped, judged[0].controls)
            text +=
                "The metrics of the \(flipped == 1 ? "one" : NumberText.count(flipped)) switched first were compared with "
            text += "those of \(NumberText.count(controls, "host")) that had not been switched, the "
            text += "\(controls == 1 ? "control" : "controls"), and with what all of them had shown before. "
        } else if judged.count > 1 {
            text +=
                "\(NumberText.count(judged.count)) times, the metrics of all hosts switched by then were compared with those "
            text +=
                "of the hosts that had not been switched, the controls, and with what all had shown before the first switch. "
        }
        guard comparisons.contains(where: { $0.kind == .guarding }) else { return text }
        return text
            + "When everybody was switched no controls were left: the watch was a guard, which compares each host "
            + "with its own past and notices large changes alone. "
    }

    private static let glossary: KeyValuePairs<StaticString, StaticString> = [
        "Canary": "a host that gets the release before the others, so that a bad one harms few.",
        "Control":
            "a host that still runs the previous release and is watched at the same time. What happens to both, such as more visitors, is not the release’s doing.",
        "Base line": "samples from before the first switch: what is usual for each host.",
        "Flip": "the switch of a host to the release. It is one step: no host ever serves a mixture.",
        "Settling":
            "the first seconds after a flip. Caches are cold then, so levels are left out; events that are counted count.",
        "Window":
            "the time after a flip in which all hosts flipped by then are compared with controls, before others are flipped.",
        "Watch":
            "the time after everybody was flipped. With hosts held back it is a comparison like the window’s; without, a guard.",
        "p":
            "how often a harmless release would look at least as bad as this one, by chance. A small p is evidence against the release.",
        "Limit":
            "a p below it counts. It is set so that all metrics together roll back a harmless release no more often than the significance says.",
        "Tolerance": "a change smaller than this never rolls a release back, however certain it is.",
        "10–90 %": "the band in which eight of ten hosts are.",
    ]
}
