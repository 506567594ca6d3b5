// What happened along a plot's axis of time: which stretch was base line, window or watch, when hosts were flipped, and what
// was left out after that. Read from the phases of a push, on the samples' clock.

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
    var settling: [ClosedRange<Double>] = []

    /// - Parameters: the times of the first and last sample.
    init(_ report: PushReport, samplesFrom first: Double, to last: Double) {
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
        let settle = report.settings.judge.settle
        guard settle > 0 else { return }
        settling = marks.filter { !$0.isRollback && $0.time < bounds.upperBound }.map {
            $0.time...min($0.time + settle, bounds.upperBound)
        }
    }
}
