// The phases of a push as the page shows them, in the timeline and in the plots. They are made from the outcome's
// timeline.

import Canary
import SlotSync

/// A stretch of the push, in seconds after its start.
struct ReportPhase: Equatable {
    /// What it is on the page, as the style sheet names it.
    enum Style: String {
        case stage, baseline, flip, window, watch, rollback
        /// Of no interest unless it takes long.
        case other
    }

    var phase: Rollout.Phase
    var start: Double
    var end: Double
    /// What happened in it; empty: nothing beyond its name.
    var what = ""

    var name: String { "\(phase)" }

    var style: Style {
        switch phase {
        case .staging: .stage
        case .baseline: .baseline
        case .flipping: .flip
        case .window: .window
        case .watching: .watch
        case .takingBack: .rollback
        case .preparing, .confirming, .asking, .marking, .done: .other
        }
    }

    /// Getting ready and confirming are worth a line where they take so long, in seconds.
    private static let longEnough = 0.1

    /// All that are worth a line, in the order of time.
    static func all(of result: PushResult) -> [ReportPhase] {
        let timeline = result.outcome.timeline
        return zip(timeline, timeline.dropFirst().map(\.seconds) + [result.seconds]).compactMap { moment, end in
            var shown = ReportPhase(phase: moment.phase, start: moment.seconds, end: end)
            let isWorthALine = shown.style != .other || end - moment.seconds >= longEnough
            let isVain = shown.style == .rollback && result.outcome.firstFlip == nil
            guard moment.phase != .done, isWorthALine, !isVain else { return nil }
            if case .flipping(let step) = moment.phase {
                let count = result.outcome.hosts.count { $0.step == step && $0.flippedAt != nil }
                shown.what = NumberText.count(count, "host")
            }
            return shown
        }
    }
}
