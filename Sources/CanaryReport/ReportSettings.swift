// How strictly the push was judged, what its canaries could have detected, and how to judge it again.

import Canary
import SlotSync

extension ReportPage {
    func writeSettings(into main: inout Markup) {
        let settings = report.settings
        main.element("section", ["class": "settings"]) { section in
            section.element("h2", "How it was judged")
            let said = [
                ("Said before it began, by usual noise: ", report.power),
                ("Said before the flip, by the base line’s noise: ", report.measuredPower),
            ]
            for (when, power) in said where !power.isEmpty {
                section.element("p") { line in
                    line.element("b", when)
                    line.text(power)
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
            writeLooks(into: &section)
            section.element("h3", "Judge it again")
            guard let recording = report.recording else {
                guard report.comparisons.contains(where: { $0.method == .judge }) else {
                    section.element(
                        "p", "No hosts were judged beside others that were not flipped, so there was nothing to record."
                    )
                    return
                }
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

    /// Why a p below the significance need not roll back: each look has a share of it, the last one most.
    private func writeLooks(into section: inout Markup) {
        guard let looks else { return }
        let all = NumberText.percent(report.settings.judge.significance / Double(max(report.settings.judgements, 1)))
        section.element("p", ["class": "remark"]) { line in
            line.text(
                "The judge looks after every sample. Each look has a share of a comparison’s \(all): "
                    + "an early one \(NumberText.percent(looks.early)), the last one \(NumberText.percent(looks.last)), "
                    + "divided among the metrics. So a small p early in a window may be above its limit, and roll back nothing "
                    + "yet: had every look all of it, chance would find something at one of them far too often.")
        }
    }

    /// The looks of a window as the settings have it, with the significance of one early look and of the last; nil: there is
    /// one look alone, or nothing was judged.
    private var looks: (early: Double, last: Double)? {
        let settings = report.settings
        guard report.comparisons.contains(where: { $0.method == .judge }), settings.interval > 0 else { return nil }
        let planned = settings.judge.plannedSamples(every: settings.interval)
        let settle = settings.judge.settleSamples(every: settings.interval)
        let significance = settings.judge.significance / Double(max(settings.judgements, 1))
        guard planned > settle + 1 else { return nil }
        let schedule = LookSchedule.of(
            before: JudgeSettings.samples(in: settings.baseline, every: settings.interval), settle: settle,
            planned: planned,
            significance: significance)
        guard schedule.early > 0 else { return nil }
        return (significance * schedule.early, significance * schedule.last)
    }
}
