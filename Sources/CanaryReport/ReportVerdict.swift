// The top of the report: what was decided and why, which release it was about, and how to read the rest.

import Canary

extension ReportPage {
    func writeVerdict(into main: inout Markup) {
        main.element("header", ["class": "verdict \(report.outcome.tone)"]) { header in
            header.element("p", ["class": "about"], "Push to \(report.title)\(courseText)")
            header.element("h1") { title in
                report.outcome.icon.draw(into: &title)
                title.element("span", report.outcome.word)
            }
            header.element("p", ["class": "sentence"]) { $0.lines(report.sentence) }
            header.element("dl", ["class": "facts"]) { facts in
                func fact(_ name: StaticString, _ value: String, title: String = "") {
                    facts.element("div") { pair in
                        pair.element("dt") { $0.literal(name) }
                        pair.element("dd") {
                            if title.isEmpty { $0.text(value) } else { $0.element("span", ["title": title], value) }
                        }
                    }
                }
                fact("Release", releaseText(report.release), title: report.release.id)
                if let previous = report.previous {
                    fact("Before it", releaseText(previous), title: previous.id)
                }
                fact("Verdict", report.verdict?.word ?? "not judged")
                fact("Hosts", hostsFact)
                let start = NumberText.moment(report.start)
                fact("Began", "\(start.date) \(start.clock) UTC")
                fact("Took", NumberText.duration(report.end - report.start))
            }
        }
    }

    /// From which release to which: `, from v1.4.1 (a81c5510) to v1.4.2 (3f2a09bc)`.
    private var courseText: String {
        guard !report.release.id.isEmpty, let previous = report.previous else { return "" }
        return ", from \(releaseText(previous)) to \(releaseText(report.release))"
    }

    private var hostsFact: String {
        let canaries = report.hosts.count { $0.role == .canary }
        let all = NumberText.count(report.hosts.count)
        guard canaries > 0 else { return all }
        // Who was never flipped was no canary yet.
        let chosen = report.hosts.contains { $0.flippedAt != nil } ? "" : "chosen as "
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
        let all = NumberText.count(report.hosts.count, "host")
        guard let steps = stepsText else {
            return
                "SlotSync copies a release to all hosts first, and switches none of them before every copy is complete. "
                + "In this push no host was switched."
        }
        let flipped = report.hosts.count { $0.flippedAt != nil }
        let some = flipped == report.hosts.count ? "them" : "\(NumberText.count(flipped)) of them"
        let story = "SlotSync copied the release to \(all) and then switched \(some) to it\(steps). \(comparisonsText)"
        let isBack = report.hosts.allSatisfy { $0.flippedAt == nil || $0.outcome == .rolledBack }
        return isBack ? story + "Then \(flipped == 1 ? "it was" : "they were") switched back." : story
    }

    /// Those that were flipped together, in the order of time; nil: nobody was.
    private var stepsText: String? {
        // New hosts are flipped in one step with all the others.
        let flipped = Dictionary(grouping: report.hosts.filter { $0.flippedAt != nil }) {
            $0.role == .new ? .control : $0.role
        }
        let roles = flipped.keys.sorted { $0.rank < $1.rank }
        switch roles {
        case []: return nil
        case [.control]: return ", all at once and without canaries"
        case [.canary]: return flipped[.canary]?.count == 1 ? ", the canary" : ", the canaries"
        default:
            let steps = roles.map { role in
                let count = flipped[role, default: []].count
                return switch role {
                case .canary: "\(NumberText.count(count)) \(count == 1 ? "canary" : "canaries")"
                case .phase(let number): "\(NumberText.count(count, "host")) of phase \(number)"
                case .control, .new: NumberText.count(count, "other")
                case .heldBack: "\(NumberText.count(count)) that had been held back"
                }
            }
            return " in \(roles.count) steps: " + steps.joined(separator: ", then ")
        }
    }

    /// What was compared with what, each sentence with a blank behind it.
    private var comparisonsText: String {
        guard report.comparisons.contains(where: { $0.method != .baseline }) else { return "Nothing was compared. " }
        var text = ""
        let judged = report.comparisons.filter { $0.method == .judge }
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
        guard report.comparisons.contains(where: { $0.method == .fleetGuard }) else { return text }
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
