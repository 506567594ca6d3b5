// The top of the report: what was decided and why, which release it was about, and how to read the rest.

extension ReportPage {
    func writeVerdict(into main: inout Markup) {
        main.element("header", ["class": "verdict \(report.outcome.tone)"]) { header in
            header.element("p", ["class": "about"], "Push to \(report.title)")
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

    private var hostsFact: String {
        let canaries = report.hosts.count { $0.role == .canary }
        let all = NumberText.count(report.hosts.count)
        return canaries == 0
            ? all : "\(all), \(NumberText.count(canaries)) of them \(canaries == 1 ? "canary" : "canaries")"
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

    /// How a push goes, in this push's numbers.
    private var storyText: String {
        let all = NumberText.count(report.hosts.count, "host")
        let canaries = report.hosts.count { $0.role == .canary && $0.flippedAt != nil }
        let guardStory =
            report.comparisons.contains { $0.method == .fleetGuard }
            ? "After everybody was switched no controls were left: the watch was a guard, which compares the hosts with "
                + "their own past and notices large changes alone." : ""
        guard canaries > 0 else {
            return report.hosts.contains { $0.flippedAt != nil }
                ? "SlotSync copied the release to \(all) and then switched them to it, all at once and without canaries. "
                    + guardStory
                : "SlotSync copies a release to all hosts first, and switches none of them before every copy is complete. "
                    + "In this push no host was switched."
        }
        let others = report.hosts.count - canaries
        var story =
            "SlotSync copied the release to \(all) and then switched \(NumberText.count(canaries)) of them to it, the "
        story += canaries == 1 ? "canary. " : "canaries. "
        guard !report.comparisons.isEmpty else { return story + "Nothing was compared." }
        if others > 0 {
            story += canaries == 1 ? "Its" : "Their"
            story += " metrics were compared with those of the "
            story +=
                others == 1
                ? "one host that had not been switched, the control"
                : "\(NumberText.count(others)) hosts that had not been switched, the controls"
            story += ", and with what all of them had shown before. "
        }
        return story + guardStory
    }

    private static let glossary: KeyValuePairs<StaticString, StaticString> = [
        "Canary": "a host that gets the release before the others, so that a bad one harms few.",
        "Control":
            "a host that still runs the previous release and is watched at the same time. What happens to both, such as more visitors, is not the release’s doing.",
        "Base line": "samples from before the switch: what is usual for each host.",
        "Flip": "the switch of a host to the release. It is one step: no host ever serves a mixture.",
        "Settling": "the first seconds after a flip. Caches are cold then, so they are left out.",
        "Window": "the time in which canaries are compared with controls.",
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
