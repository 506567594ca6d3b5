// The course of the push: each phase with its place on a common axis of time, how long it took, and what happened.

import SlotSync

extension ReportPage {
    func writeTimeline(into main: inout Markup) {
        guard !phases.isEmpty else { return }
        main.element("section") { section in
            section.element("h2", "Course of the push")
            section.element("ol", ["class": "phases"]) { list in
                for phase in phases {
                    list.element("li") { item in
                        item.element("span", ["class": "phase-name"], phase.name)
                        item.element("span", ["class": "phase-time"]) { time in
                            time.element("time", clock(phase.start))
                            time.element("span", TimeText.rounded(phase.end - phase.start))
                        }
                        writeBar(of: phase, into: &item)
                        if !phase.what.isEmpty { item.element("p") { $0.lines(phase.what) } }
                    }
                }
            }
            section.element(
                "p", ["class": "remark"],
                "Times are UTC. The bars share one axis, from \(clock(0)) to \(clock(result.seconds)).")
        }
    }

    private func writeBar(of phase: ReportPhase, into item: inout Markup) {
        let whole = max(result.seconds, 1e-3)
        func percent(_ seconds: Double) -> Double {
            let share = seconds / whole * 100
            return share.isFinite ? min(max(share, 0), 100) : 0
        }
        let start = percent(phase.start)
        item.element("svg", ["class": "bar", "width": "100%", "height": "12", "aria-hidden": "true"]) { svg in
            svg.empty("rect", ["class": "track", "y": "4.5", "width": "100%", "height": "3", "rx": "1.5"])
            // The stroke keeps a flip of a few milliseconds visible.
            svg.empty(
                "rect",
                [
                    "class": "span \(phase.style.rawValue)", "x": Markup.number(start) + "%", "y": "1",
                    "height": "10",
                    "width": Markup.number(max(percent(phase.end) - start, 0)) + "%", "rx": "2",
                ])
        }
    }
}
