// What was measured: all metrics of the comparison that decided, then each with its plot, its p and its limit.

import Canary
import SlotSync

extension ReportPage {
    func writeMetrics(into main: inout Markup) {
        guard !samples.metrics.isEmpty || !comparisons.isEmpty else {
            main.element("section") { section in
                section.element("h2", "Metrics")
                section.element(
                    "p", "No metric was sampled, so nothing can be said about what the release does to its hosts.")
            }
            return
        }
        guard !comparisons.isEmpty || !samples.times.isEmpty else {
            main.element("section") { section in
                section.element("h2", "Metrics")
                section.element("p", "Nothing was sampled: the push ended before.")
            }
            return
        }
        main.element("section") { section in
            section.element("h2", "Metrics at a glance")
            if let decidingIndex {
                writeGlance(comparisons[decidingIndex], into: &section)
            } else {
                section.element("p", "Samples were taken, but nothing was compared: the push ended before.")
            }
            writeOtherComparisons(into: &section)
        }
        for name in worstFirst(samples.metrics.map(\.name)) {
            for index in samples.metrics.indices where samples.metrics[index].name == name {
                writeMetric(index, into: &main)
            }
        }
    }

    /// The comparison that decided: the first that found something, else the last one of flipped with unflipped hosts.
    private var decidingIndex: Int? {
        comparisons.firstIndex { $0.judgement.verdict == .regression }
            ?? comparisons.firstIndex { $0.judgement.verdict == .inconclusive && $0.kind != .baseline }
            ?? comparisons.lastIndex(where: \.hasControls)
            ?? comparisons.indices.last
    }

    private var deciding: JudgedComparison? { decidingIndex.map { comparisons[$0] } }

    /// Names of metrics: what regressed, what is unclear, and the rest, each in the order of the configuration.
    private func worstFirst(_ names: [String]) -> [String] {
        func rank(_ name: String) -> Int {
            let found = deciding?.judgement.metrics.first { $0.name == name }
            return switch found?.verdict {
            case .regression: 0
            case .inconclusive: found?.isUndecided == true ? 2 : 1
            case .pass, nil: 2
            }
        }
        var seen: Set<String> = []
        let unique = names.filter { seen.insert($0).inserted }
        return (0...2).flatMap { wanted in unique.filter { rank($0) == wanted } }
    }

    // MARK: At a glance

    private func writeGlance(_ comparison: JudgedComparison, into section: inout Markup) {
        section.element("p", ["class": "caption"]) { caption in
            caption.element("b", comparison.title)
            caption.text(": \(comparison.explanation)")
        }
        let isGuard = comparison.kind == .guarding
        section.element("table", ["class": "glance"]) { table in
            table.element("thead") { head in
                head.element("tr") { row in
                    row.element("th", ["scope": "col"], "Metric")
                    row.element("th", ["scope": "col"], "Found")
                    row.element("th", ["scope": "col", "class": "number"], isGuard ? "Now" : "Flipped")
                    row.element("th", ["scope": "col", "class": "number"], isGuard ? "Before" : "Controls")
                    row.element("th", ["scope": "col", "class": "number"], "Change")
                    row.element("th", ["scope": "col", "class": "number"], "p")
                }
            }
            table.element("tbody") { body in
                let all = comparison.judgement.metrics
                for found in worstFirst(all.map(\.name)).compactMap({ name in all.first { $0.name == name } }) {
                    let index = samples.metrics.firstIndex { $0.name == found.name }
                    let metric = index.map { samples.metrics[$0] } ?? Metric(name: found.name, kind: .gauge)
                    let unit = index.map { samples.units[$0] } ?? ""
                    body.element("tr", ["class": "row-\(found.tone)"]) { row in
                        row.element("th", ["scope": "row"]) { name in
                            if let index {
                                name.element("a", ["href": "#metric-\(index + 1)"], found.name)
                            } else {
                                name.text(found.name)
                            }
                        }
                        row.element("td", ["class": "found"]) { cell in
                            writeVerdict(of: found, into: &cell)
                            if let alone = found.aloneText { cell.element("span", ["class": "remark"], alone) }
                        }
                        func cell(_ label: String, _ text: String, before: String? = nil) {
                            row.element("td", ["class": "number", "data-label": label]) { cell in
                                cell.text(text)
                                if let before { cell.element("span", ["class": "remark"], "before it \(before)") }
                            }
                        }
                        func shown(_ value: Double?) -> String { level(value, of: metric, unit: unit) }
                        cell(
                            isGuard ? "now" : "flipped", shown(found.canaryLevel),
                            before: found.canaryBefore.map(shown))
                        cell(
                            isGuard ? "before" : "controls", shown(found.controlLevel),
                            before: found.controlBefore.map(shown))
                        cell("change", found.effect.map(NumberText.change) ?? NumberText.none)
                        cell("p", found.p.map(NumberText.probability) ?? NumberText.none)
                    }
                }
            }
        }
    }

    private func writeOtherComparisons(into section: inout Markup) {
        let decidingIndex = decidingIndex
        let others = comparisons.enumerated().filter { $0.offset != decidingIndex }.map(\.element)
        guard !others.isEmpty else { return }
        section.element("ul", ["class": "comparisons"]) { list in
            for comparison in others {
                list.element("li") { item in
                    writeVerdict(comparison.judgement.verdict, into: &item)
                    item.element("span") { line in
                        line.element("b", comparison.title)
                        line.text(", \(comparison.sides): \(comparison.why)")
                    }
                }
            }
        }
    }

    private func writeVerdict(_ verdict: Verdict, into page: inout Markup) {
        writeChip(verdict.word, verdict.icon, tone: verdict.tone, into: &page)
    }

    private func writeVerdict(of found: MetricJudgement, into page: inout Markup) {
        writeChip(found.word, found.icon, tone: found.tone, into: &page)
    }

    private func writeChip(_ word: String, _ icon: ReportIcon, tone: String, into page: inout Markup) {
        page.element("span", ["class": "chip \(tone)"]) { chip in
            icon.draw(into: &chip)
            chip.element("span", word)
        }
    }

    // MARK: One metric

    /// The most findings that stand beside a plot; more stand below it.
    private static let mostBeside = 2

    private func writeMetric(_ index: Int, into main: inout Markup) {
        let metric = samples.metrics[index]
        let found = deciding?.judgement.metrics.first { $0.name == metric.name }
        let tone = found.map { "metric metric-\($0.tone)" } ?? "metric"
        main.element("section", ["class": tone, "id": "metric-\(index + 1)"]) { section in
            section.element("h3") { title in
                title.element("span", ["class": "metric-name"], metric.name)
                title.element("span", ["class": "metric-kind"], kindText(metric, unit: samples.units[index]))
            }
            let isStacked = !(1...Self.mostBeside).contains(comparisons.count)
            section.element("div", ["class": isStacked ? "metric-body stacked" : "metric-body"]) { body in
                if let plot = MetricPlot(index, of: self) {
                    body.element("figure") { figure in
                        plot.draw(into: &figure, label: plotLabel(metric))
                        figure.element("figcaption") { caption in
                            writeLegend(of: plot, into: &caption)
                            writeNumbers(of: plot, into: &caption)
                        }
                    }
                } else {
                    body.element("p", ["class": "nothing"], "No sample of this metric arrived.")
                }
                guard !comparisons.isEmpty else { return }
                body.element("div", ["class": "findings"]) { findings in
                    for comparison in comparisons { writeFinding(of: index, in: comparison, into: &findings) }
                }
            }
        }
    }

    private func kindText(_ metric: Metric, unit: String) -> String {
        var text =
            metric.kind == .counter ? "events a minute on each host" : unit.isEmpty ? "level" : "level in \(unit)"
        text += metric.worse == .higher ? "; higher is worse" : "; lower is worse"
        return metric.isCritical ? text + "; critical: one bad canary is enough" : text
    }

    private func plotLabel(_ metric: Metric) -> String {
        "\(metric.name) over time, hosts on the release beside those that were not flipped; the numbers of the comparisons stand beside the plot"
    }

    private func writeFinding(
        of index: Int, in comparison: JudgedComparison, into findings: inout Markup
    ) {
        let metric = samples.metrics[index]
        guard let found = comparison.judgement.metrics.first(where: { $0.name == metric.name }) else { return }
        let isGuard = comparison.kind == .guarding
        findings.element("div", ["class": "finding"]) { finding in
            finding.element("h4", comparison.title)
            finding.element("p", ["class": "remark"], comparison.sides)
            finding.element("p") { writeVerdict(of: found, into: &$0) }
            if let alone = found.aloneText { finding.element("p", ["class": "remark"], alone) }
            finding.element("dl") { list in
                func line(_ name: StaticString, _ value: String, _ remarks: String...) {
                    list.element("dt") { $0.literal(name) }
                    list.element("dd") { detail in
                        detail.element("b", value)
                        for remark in remarks { detail.element("span", ["class": "remark"], remark) }
                    }
                }
                func levels(_ name: StaticString, _ now: Double?, _ before: Double?) {
                    func shown(_ value: Double?) -> String { level(value, of: metric, unit: samples.units[index]) }
                    if let before {
                        line(name, shown(now), "before it \(shown(before))")
                    } else {
                        line(name, shown(now))
                    }
                }
                if found.canaryLevel != nil || found.controlLevel != nil {
                    levels(isGuard ? "Now" : "Flipped", found.canaryLevel, found.canaryBefore)
                    levels(isGuard ? "Before" : "Controls", found.controlLevel, found.controlBefore)
                }
                if let effect = found.effect, isGuard {
                    line("Change", NumberText.change(effect))
                } else if let effect = found.effect {
                    let tolerance = metric.tolerance ?? settings.tolerance
                    line("Change", NumberText.change(effect), "tolerance \(NumberText.percent(tolerance))")
                }
                if let p = found.p {
                    let odds = NumberText.odds(p) + " by chance"
                    if let limit = found.criticalP {
                        line("p", NumberText.probability(p), odds, "limit \(NumberText.probability(limit))")
                    } else {
                        line("p", NumberText.probability(p), odds)
                    }
                }
            }
            if !found.note.isEmpty { finding.element("p", ["class": "note"]) { $0.lines(found.note) } }
        }
    }
}
