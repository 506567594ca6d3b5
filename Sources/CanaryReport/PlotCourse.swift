// What happened along a plot's axis of time: which stretch was base line, window or watch, when hosts were flipped, and what
// the comparisons left out after that. Read from the phases of a push, on the samples' clock.

import Canary

struct PlotCourse: Equatable {
    /// A stretch in which samples were compared.
    struct Zone: Equatable {
        var kind: PushReport.Phase.Kind
        /// The phase's own name.
        var name: String
        var start: Double
        var end: Double

        /// What fits into a plot.
        var word: String { kind == .baseline ? "base line" : kind.rawValue }
    }

    /// A moment in which hosts changed their release.
    struct Mark: Equatable {
        var name: String
        var time: Double
        var isRollback: Bool
    }

    /// All in seconds after the canaries' flip.
    var start: Double
    var end: Double
    /// Whether the axis' zero is the canaries' flip, and not merely the first sample.
    var hasCanaryFlip: Bool
    var zones: [Zone] = []
    var marks: [Mark] = []
    /// What the comparisons of this metric left out because caches were cold.
    var settling: [ClosedRange<Double>] = []

    /// - Parameters: the times of the first and last sample.
    init(_ report: PushReport, kind: Metric.Kind, samplesFrom first: Double, to last: Double) {
        let flip = report.canaryFlip ?? 0
        hasCanaryFlip = report.canaryFlip != nil
        start = first
        end = last
        for phase in report.phases {
            let from = phase.start - flip
            let to = phase.end - flip
            switch phase.kind {
            case .baseline, .window, .watch:
                guard from.isFinite, to.isFinite, to > from else { continue }
                zones.append(Zone(kind: phase.kind, name: phase.name, start: from, end: to))
                start = min(start, from)
                end = max(end, to)
            case .flip:
                // The canaries' flip is the zero of the axis, however long the whole phase took.
                let isCanaries = report.canaryFlip.map { phase.start <= $0 && $0 <= phase.end } ?? false
                marks.append(Mark(name: phase.name, time: isCanaries ? 0 : from, isRollback: false))
            case .rollback:
                marks.append(Mark(name: phase.name, time: from, isRollback: true))
            case .stage, .other: break
            }
        }
        // A rollback ends the samples: its line stands at the plot's edge.
        for mark in marks where mark.isRollback && mark.time.isFinite { end = max(end, mark.time) }
        let bounds = start...max(start, end)
        marks = marks.filter { bounds.contains($0.time) }
        stretchBaseline(to: marks.first { !$0.isRollback }?.time, length: report.settings.baseline)
        settling = zones.compactMap { zone in
            // The judge counts every event after a flip; a guard leaves out theirs as well.
            let isGuarded = zone.kind == .watch && report.comparisons.contains { $0.method == .fleetGuard }
            return kind == .gauge || isGuarded ? settling(in: zone, report.settings.judge.settle) : nil
        }
    }

    /// While the first hosts get ready to flip, sampling goes on: the base line is the last stretch before the flip.
    private mutating func stretchBaseline(to flip: Double?, length: Double) {
        guard let flip, let index = zones.firstIndex(where: { $0.kind == .baseline }), flip > zones[index].end else {
            return
        }
        zones[index].end = flip
        if length > 0 { zones[index].start = max(zones[index].start, flip - length) }
    }

    /// From the flip before a window to the end of the settling time, which begins when all its hosts have flipped.
    private func settling(in zone: Zone, _ settle: Double) -> ClosedRange<Double>? {
        guard zone.kind != .baseline, settle > 0 else { return nil }
        let flip = marks.last { !$0.isRollback && $0.time <= zone.start }?.time ?? zone.start
        return flip...min(zone.start + settle, zone.end)
    }
}
