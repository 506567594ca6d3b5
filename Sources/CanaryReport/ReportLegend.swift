// The legend below a plot, and its numbers as a table for readers who cannot see the plot or hover over it.

import SlotSync

extension ReportPage {
    func writeLegend(of plot: MetricPlot, into caption: inout Markup) {
        let columns = plot.columns
        let middle = plot.metric.kind == .counter ? "mean" : "median"
        caption.element("ul", ["class": "legend"]) { list in
            func item(_ kind: String, _ text: String) {
                list.element("li") { item in
                    item.element("span", ["class": "swatch \(kind)"]) { _ in }
                    item.text(text)
                }
            }
            if columns.canarySpread != nil {
                item("canary", "canaries: mean and band of 10–90 %")
            } else if columns.canaries.count > 1 {
                item("canary", "canaries: mean; thin: each of the \(columns.canaries.count)")
            } else if let only = columns.canaries.first {
                item("canary", "canary \(only.host)")
            }
            let isWithCanaries = columns.canarySpread != nil || !columns.canaries.isEmpty
            if !columns.controls.isEmpty {
                let name = isWithCanaries ? "controls, not flipped at that time" : "before the flip"
                item("control", "\(name): \(middle) and band of 10–90 %")
            }
            if !columns.flipped.isEmpty {
                item("flipped", isWithCanaries ? "flipped later, each from its own flip on" : "after the flip")
            }
            if !plot.course.settling.isEmpty { item("settle", "settling, left out") }
        }
        caption.element("ol", ["class": "marks"]) { list in
            for (index, mark) in plot.course.marks.enumerated() {
                list.element("li") { item in
                    item.element("span", ["class": mark.isRollback ? "badge rollback" : "badge"], "\(index + 1)")
                    item.text("\(mark.name), \(clock(mark.time + plot.course.zero))")
                }
            }
        }
        var remarks: [String] = []
        if plot.metric.kind == .counter {
            remarks.append(
                "Each point is the rate over the \(Int(PlotColumns.smoothing)) s before it, begun anew at a host’s flip."
            )
        }
        let canaries = hosts.count { $0.step == .canaries && $0.flippedAt != nil }
        if canaries > 0, comparisons.contains(where: { $0.hasControls && $0.flipped > canaries }) {
            remarks.append(
                "Once more hosts were flipped, they were compared with the controls together with the canaries.")
        }
        if plot.value.low != 0 && plot.value.high != 0 { remarks.append("The axis does not begin at zero.") }
        if let clipped = plot.clipped {
            remarks.append(
                "One canary’s line is cut off at the frame: it reached \(NumberText.level(clipped)).")
        }
        if !remarks.isEmpty { caption.element("p", ["class": "remark"], remarks.joined(separator: " ")) }
    }

    /// The plot's columns as a table.
    func writeNumbers(of plot: MetricPlot, into caption: inout Markup) {
        let columns = plot.columns
        let spreads = [("controls", columns.controls), ("flipped later", columns.flipped)].filter { !$0.1.isEmpty }
        let hasCanaries = !columns.canaryMean.allSatisfy(\.isNaN)
        caption.element("details") { details in
            details.element("summary", "The numbers")
            details.element("table", ["class": "numbers"]) { table in
                table.element("thead") { head in
                    head.element("tr") { row in
                        row.element("th", ["scope": "col"], "Time")
                        if hasCanaries { row.element("th", ["scope": "col", "class": "number"], "canaries") }
                        for (name, _) in spreads { row.element("th", ["scope": "col", "class": "number"], name) }
                    }
                }
                table.element("tbody") { body in
                    for (index, time) in columns.times.enumerated() {
                        body.element("tr") { row in
                            row.element("td", TimeText.offset(time.rounded()))
                            if hasCanaries {
                                row.element("td", ["class": "number"], NumberText.level(columns.canaryMean[index]))
                            }
                            for (_, spread) in spreads { row.element("td", ["class": "number"], spread.text(index)) }
                        }
                    }
                }
            }
        }
    }
}
