// Draws the plot of one metric as SVG: canaries beside the hosts that were not flipped, and the events of the push.
// The plot fills the width of the page: paths are stretched, letters and strokes are not. ReportMetrics calls it.

import Canary
import SlotSync

/// A plot, ready to be drawn.
struct MetricPlot {
    let metric: Metric
    let columns: PlotColumns
    let time: PlotScale
    let value: PlotScale
    let course: PlotCourse
    /// The highest or lowest value that lies outside of the frame; nil: all are inside.
    let clipped: Double?

    /// One canary's line may reach this many times higher than all means and bands before the frame cuts it off.
    private static let mostOverMeans = 4.0

    /// - Parameter index: the metric's, among those that were sampled. Nil where there is nothing to draw.
    init?(_ index: Int, of page: ReportPage) {
        metric = page.samples.metrics[index]
        guard let course = PlotCourse(page, metric: metric) else { return nil }
        self.course = course
        columns = PlotColumns(
            page.samples, metric: index, hosts: page.hosts, zero: course.zero,
            rollback: course.marks.first(where: \.isRollback)?.time)
        let spreads = [columns.controls, columns.flipped] + (columns.canarySpread.map { [$0] } ?? [])
        let means = columns.canaryMean + spreads.flatMap { $0.low + $0.middle + $0.high }
        let lines = columns.canaries.flatMap(\.values).filter { !$0.isNaN }
        let drawn = means.filter { !$0.isNaN }
        guard !drawn.isEmpty else { return nil }

        time = PlotScale.time(from: course.start, to: course.end, mostTicks: Self.mostDeskTicks)
        let reach = Self.mostOverMeans * (drawn.map { abs($0) }.max() ?? 0)
        let outside = lines.filter { abs($0) > reach }
        clipped = outside.max { abs($0) < abs($1) }
        value = PlotScale.values(drawn + lines.filter { abs($0) <= reach }, kind: metric.kind)
    }

    // MARK: Drawing

    private static let height = 246
    private static let stripTop = 24
    private static let stripHeight = 18
    private static let frameTop = 48
    private static let frameHeight = 172
    /// A character of the plot's letters is about this wide, and a plot at least so wide on a phone and on a desk, in pixels.
    private static let characterWidth = 6.2
    static let phoneWidth = 250.0
    private static let deskWidth = 468.0
    /// So many labels of time have room side by side.
    private static let mostDeskTicks = 10
    private static let mostPhoneTicks = 5

    /// - Parameter label: What the plot shows, for those who do not see it.
    func draw(into page: inout Markup, label: String) {
        page.element(
            "svg",
            [
                "class": "plot", "width": "100%", "height": "\(Self.height)", "overflow": "visible", "role": "img",
                "aria-label": label,
            ]
        ) { svg in
            drawZones(into: &svg)
            drawGrid(into: &svg)
            drawSeries(into: &svg)
            drawMarks(into: &svg)
            drawReadings(into: &svg)
        }
    }

    /// Base line, window and watch: a strip above the frame that says which is which; settling is shaded.
    private func drawZones(into svg: inout Markup) {
        for zone in course.zones {
            svg.element(
                "rect",
                [
                    "class": "zone \(zone.style.rawValue)", "x": percent(zone.start), "y": "\(Self.stripTop)",
                    "width": width(from: zone.start, to: zone.end), "height": "\(Self.stripHeight)",
                ]
            ) { $0.element("title", zone.name) }
            let share = time.place(zone.end) - time.place(zone.start)
            let needed = Double(zone.word.count) * Self.characterWidth + 4
            guard share * Self.deskWidth > needed else { continue }
            svg.element(
                "text",
                [
                    "class": share * Self.phoneWidth > needed ? "zone-name" : "zone-name desk",
                    "x": percent((zone.start + zone.end) / 2), "y": "\(Self.stripTop + 13)", "text-anchor": "middle",
                ], zone.word)
        }
        for settle in course.settling {
            svg.element(
                "rect",
                [
                    "class": "settle", "x": percent(settle.lowerBound), "y": "\(Self.frameTop)",
                    "width": width(from: settle.lowerBound, to: settle.upperBound), "height": "\(Self.frameHeight)",
                ]
            ) { $0.element("title", "settling after a flip: left out of the comparison") }
        }
    }

    private func drawGrid(into svg: inout Markup) {
        for (tick, label) in zip(value.ticks, value.tickLabels) {
            let y = Markup.number(Double(Self.frameTop) + (1 - value.place(tick)) * Double(Self.frameHeight))
            svg.empty("line", ["class": tick == 0 ? "zero" : "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y])
            svg.element("text", ["x": "-8", "y": y, "dy": "4", "text-anchor": "end"], label)
        }
        let bottom = Self.frameTop + Self.frameHeight
        svg.empty(
            "line", ["class": "axis", "x1": "0", "x2": "100%", "y1": "\(bottom)", "y2": "\(bottom)"])
        // A phone has room for some of a desk's.
        let onPhone = time.ticks(atMost: Self.mostPhoneTicks)
        for tick in time.ticks {
            let isOnPhone = onPhone.contains(tick)
            svg.element(
                "text",
                [
                    "class": isOnPhone ? "tick" : "tick desk", "x": percent(tick), "y": "\(bottom + 18)",
                    "text-anchor": "middle",
                ], tick == 0 && course.zeroIsFlip ? "flip" : time.timeLabel(tick))
        }
    }

    private func drawSeries(into svg: inout Markup) {
        let path = PlotPath(time: time, value: value)
        svg.element(
            "svg",
            [
                "y": "\(Self.frameTop)", "width": "100%", "height": "\(Self.frameHeight)",
                "viewBox": "0 0 \(PlotPath.width) \(PlotPath.height)", "preserveAspectRatio": "none",
            ]
        ) { frame in
            func draw(_ spread: PlotColumns.Spread, _ group: String) {
                frame.empty(
                    "path",
                    ["class": "\(group) band", "d": path.band(columns.times, low: spread.low, high: spread.high)])
            }
            func draw(_ values: [Double], _ group: String) {
                frame.empty("path", ["class": "\(group) middle", "d": path.line(columns.times, values)])
            }
            for (spread, group) in [(columns.controls, "control"), (columns.flipped, "flipped")] where !spread.isEmpty {
                draw(spread, group)
            }
            if let spread = columns.canarySpread { draw(spread, "canary") }
            for (spread, group) in [(columns.controls, "control"), (columns.flipped, "flipped")] where !spread.isEmpty {
                draw(spread.middle, group)
            }
            // A lone canary is its own mean.
            for line in columns.canaries where columns.canaries.count > 1 {
                frame.element("path", ["class": "canary one", "d": path.line(columns.times, line.values)]) {
                    $0.element("title", line.host)
                }
            }
            draw(columns.canaryMean, "canary")
        }
    }

    /// Flips, as numbered lines. Numbers that would lie on one another on a phone stand one above the other.
    private func drawMarks(into svg: inout Markup) {
        var lastPlaces = (low: -1.0, raised: -1.0)
        for (index, mark) in course.marks.enumerated() {
            let place = time.place(mark.time)
            let isRaised = (place - lastPlaces.low) * Self.phoneWidth < 18 && lastPlaces.raised < lastPlaces.low
            if isRaised { lastPlaces.raised = place } else { lastPlaces.low = place }
            let kind = mark.isRollback ? "mark rollback" : "mark"
            let y = isRaised ? -8 : 10
            svg.element("g", ["class": kind]) { group in
                group.element("title", mark.name)
                group.empty(
                    "line",
                    [
                        "x1": percent(mark.time), "x2": percent(mark.time), "y1": "\(y)",
                        "y2": "\(Self.frameTop + Self.frameHeight)",
                    ])
                group.empty("circle", ["cx": percent(mark.time), "cy": "\(y)", "r": "8.5"])
                group.element(
                    "text", ["x": percent(mark.time), "y": "\(y + 4)", "text-anchor": "middle"], "\(index + 1)")
            }
        }
    }

    /// What stands in each column, where the pointer rests on it.
    private func drawReadings(into svg: inout Markup) {
        let times = columns.times
        for index in times.indices {
            let from = index > 0 ? (times[index - 1] + times[index]) / 2 : times[index]
            let to = index + 1 < times.count ? (times[index] + times[index + 1]) / 2 : times[index]
            guard to > from else { continue }
            svg.element(
                "rect",
                [
                    "class": "reading", "x": percent(from), "y": "\(Self.frameTop)", "width": width(from: from, to: to),
                    "height": "\(Self.frameHeight)",
                ]
            ) { rect in
                rect.element("title") { title in
                    title.text(TimeText.offset(times[index].rounded()))
                    func add(_ name: String, _ value: Double) {
                        guard !value.isNaN else { return }
                        title.literal("\n")
                        title.text("\(name) \(NumberText.level(value))")
                    }
                    add("canaries", columns.canaryMean[index])
                    func add(_ name: String, _ spread: PlotColumns.Spread) {
                        guard spread.middle.indices.contains(index), !spread.middle[index].isNaN else { return }
                        title.literal("\n")
                        title.text("\(name) \(spread.text(index))")
                    }
                    add("controls", columns.controls)
                    add("flipped later", columns.flipped)
                }
            }
        }
    }

    private func percent(_ seconds: Double) -> String { Markup.number(time.place(seconds) * 100) + "%" }

    private func width(from start: Double, to end: Double) -> String {
        Markup.number((time.place(end) - time.place(start)) * 100) + "%"
    }
}
