// What happened along a plot's axis of time: when the base line, windows and the watch were, when hosts were flipped,
// and which samples the comparisons left out after that. It is made from the phases of the push.

import Canary

struct PlotCourse: Equatable {
    /// A stretch in which samples were compared.
    struct Zone: Equatable {
        /// One of `baseline`, `window` and `watch`.
        var style: ReportPhase.Style
        /// The phase's own name.
        var name: String
        var start: Double
        var end: Double

        /// What fits into a plot.
        var word: String { style == .baseline ? name : style.rawValue }
    }

    /// A moment in which hosts changed their release.
    struct Mark: Equatable {
        var name: String
        var time: Double
        var isRollback: Bool
    }

    /// Where the axis has its zero, in seconds of the push: at the canaries' flip, or everybody's where there are none; else at
    /// the first sample.
    let zero: Double
    /// All of these in seconds after that.
    var start: Double
    var end: Double
    /// Whether the zero is a flip, and not merely the first sample.
    let zeroIsFlip: Bool
    var zones: [Zone] = []
    var marks: [Mark] = []
    /// What the comparisons of this metric left out because caches were cold.
    var settling: [ClosedRange<Double>] = []

    /// Nil where nothing was sampled.
    init?(_ page: ReportPage, metric: Metric) {
        let times = page.samples.times
        guard let first = times.first, let last = times.last, first.isFinite, last.isFinite else { return nil }
        let firstFlip = page.outcome.firstFlip
        zeroIsFlip = firstFlip != nil
        zero = firstFlip ?? first
        start = first - zero
        end = last - zero
        for phase in page.phases {
            let from = phase.start - zero
            let to = phase.end - zero
            switch phase.style {
            case .baseline, .window, .watch:
                guard from.isFinite, to.isFinite, to > from else { continue }
                zones.append(Zone(style: phase.style, name: phase.name, start: from, end: to))
                start = min(start, from)
                end = max(end, to)
            case .flip:
                // The canaries' flip is the zero of the axis, however long the whole phase took.
                let isFirst = firstFlip.map { phase.start <= $0 && $0 <= phase.end } ?? false
                marks.append(Mark(name: phase.name, time: isFirst ? 0 : from, isRollback: false))
            case .rollback: marks.append(Mark(name: phase.name, time: from, isRollback: true))
            case .stage, .other: break
            }
        }
        // A rollback ends the samples: its line stands at the plot's edge.
        for mark in marks where mark.isRollback && mark.time.isFinite { end = max(end, mark.time) }
        let bounds = start...max(start, end)
        marks = marks.filter { bounds.contains($0.time) }
        stretchBaseline(to: marks.first { !$0.isRollback }?.time, length: page.settings.baseline)
        settling = zones.compactMap { zone in
            metric.kind == .counter && metric.start == .flip ? nil : settling(in: zone, page.settings.settle)
        }
    }

    /// While the first hosts get ready to flip, sampling goes on: the base line is the last stretch before the flip.
    private mutating func stretchBaseline(to flip: Double?, length: Double) {
        guard let flip, let index = zones.firstIndex(where: { $0.style == .baseline }), flip > zones[index].end else {
            return
        }
        zones[index].end = flip
        if length > 0 { zones[index].start = max(zones[index].start, flip - length) }
    }

    /// From the flip before a window to the end of the settling time, which begins when all its hosts have flipped.
    private func settling(in zone: Zone, _ settle: Double) -> ClosedRange<Double>? {
        guard zone.style != .baseline, settle > 0 else { return nil }
        let flip = marks.last { !$0.isRollback && $0.time <= zone.start }?.time ?? zone.start
        return flip...min(zone.start + settle, zone.end)
    }
}
