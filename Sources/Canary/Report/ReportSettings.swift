// How strictly the push was judged, what its canaries could have detected, and how to judge it again.

import SlotSync

extension ReportPage {
    func writeSettings(into main: inout Markup) {
        let settings = report.settings
        main.element("section", ["class": "settings"]) { section in
            section.element("h2", "How it was judged")
            if !report.power.isEmpty {
                section.element("p") { line in
                    line.element("b", "Said before it began: ")
                    line.text(report.power)
                }
            }
            section.element("dl") { list in
                func setting(_ name: String, _ value: String, _ meaning: String = "") {
                    list.element("div") { pair in
                        pair.element("dt", name)
                        pair.element("dd") { detail in
                            detail.element("b", value)
                            if !meaning.isEmpty { detail.element("span", ["class": "remark"], meaning) }
                        }
                    }
                }
                setting(
                    "significance", NumberText.percent(settings.judge.significance),
                    "chance of rolling back a harmless release"
                        + (settings.judgements > 1 ? ", shared by \(settings.judgements) comparisons" : ""))
                setting("tolerance", NumberText.percent(settings.judge.tolerance), "smaller changes never roll back")
                setting("base line", NumberText.duration(settings.baseline), "before the first flip")
                setting("window", NumberText.duration(settings.judge.window), "after a flip, to its end")
                setting("settling", NumberText.duration(settings.judge.settle), "left out after a flip")
                setting("interval", NumberText.duration(settings.interval), "from one sample to the next")
                setting("watch", NumberText.duration(settings.watch), "after everybody was flipped")
                for other in settings.others { setting(other.name, other.value) }
            }
            section.element("h3", "Judge it again")
            guard let recording = report.recording else {
                section.element("p") { line in
                    line.text("This push was not recorded. With ")
                    line.element("code", "--record FILE")
                    line.text(" its samples are kept, and the verdict can be computed again later.")
                }
                return
            }
            section.element(
                "p",
                "What was compared with hosts that were not flipped is recorded. The same judge, with the same settings "
                    + "or others, says what it makes of it:"
            )
            section.element("pre") { $0.element("code", "slotsync judge \(ShellWords.quoted(recording))") }
            if report.comparisons.contains(where: { $0.method == .fleetGuard }) {
                section.element("p", "The guard’s watch has no such hosts, and is not part of it.")
            }
        }
    }
}
