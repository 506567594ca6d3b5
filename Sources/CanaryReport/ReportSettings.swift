// How strictly the push was judged, what its canaries could have detected, and how to judge it again.

import Canary
import SlotSync

extension ReportPage {
    func writeSettings(into main: inout Markup) {
        main.element("section", ["class": "settings"]) { section in
            section.element("h2", "How it was judged")
            let said = [
                ("Said before it began, by usual noise: ", result.forecast),
                ("Said before the flip, by the base line’s noise: ", result.detection),
            ]
            for (when, detection) in said {
                guard let detection else { continue }
                section.element("p") { line in
                    line.element("b", when)
                    line.text(detection.claim)
                }
            }
            let judgements = result.plan.judgements
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
                    "significance", NumberText.percent(settings.significance),
                    "chance of rolling back a harmless release"
                        + (judgements > 1 ? ", shared by \(judgements) comparisons" : ""))
                setting("tolerance", NumberText.percent(settings.tolerance), "smaller changes never roll back")
                setting("base line", TimeText.exact(settings.baseline), "before the first flip")
                setting("window", TimeText.exact(settings.window), "after a flip, to its end")
                setting("settling", TimeText.exact(settings.settle), "left out after a flip")
                setting("interval", TimeText.exact(settings.interval), "from one sample to the next")
                setting("watch", TimeText.exact(settings.watch), "after everybody was flipped")
                setting("if inconclusive", settings.onInconclusive.rawValue)
            }
            writeLooks(into: &section)
            section.element("h3", "Judge it again")
            guard let recording else {
                guard comparisons.contains(where: \.hasControls) else {
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
            if comparisons.contains(where: { $0.kind == .guarding }) {
                section.element("p", "The guard’s watch has no such hosts, and is not part of it.")
            }
        }
    }

    /// Why a p below the significance need not roll back: each look has a share of it, the last one most.
    private func writeLooks(into section: inout Markup) {
        guard let looks else { return }
        let all = NumberText.percent(result.plan.judgeSettings(isWatch: false).significance)
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
        guard comparisons.contains(where: \.hasControls), settings.interval > 0 else { return nil }
        let judge = result.plan.judgeSettings(isWatch: false)
        let planned = judge.plannedSamples(every: settings.interval)
        let settle = judge.settleSamples(every: settings.interval)
        guard planned > settle + 1 else { return nil }
        let schedule = LookSchedule.of(
            before: JudgeSettings.samples(in: settings.baseline, every: settings.interval), settle: settle,
            planned: planned, significance: judge.significance)
        guard schedule.early > 0 else { return nil }
        return (judge.significance * schedule.early, judge.significance * schedule.last)
    }
}
