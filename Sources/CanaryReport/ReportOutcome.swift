// The end of a push in the page's words: the headline with its shape and colour, the sentence below it, and what became of
// each host.

import Canary
import SlotSync

extension RolloutOutcome {
    /// One word for the headline, and the class that gives it its colour.
    var headline: (word: String, icon: ReportIcon, tone: String) {
        switch ending {
        case .live, .canariesLive, .watchCutShort:
            hosts.allSatisfy { $0.failure == nil }
                ? ("Released", .check, "good") : ("Partly released", .question, "open")
        case .regression: ("Rolled back", .back, "bad")
        case .inconclusive: ("Undecided", .question, "open")
        case .failed: ("Failed", .cross, "bad")
        case .interrupted, .abandoned: ("Interrupted", .pause, "open")
        case .gaveWay: ("Gave way", .pause, "open")
        }
    }

    /// What happened, and what the judge said of it.
    var story: String {
        var first = sentences.first ?? ""
        if status == .partlyDone {
            for kind in kinds(of: hosts.compactMap { host in host.failure.map { (host.host, $0) } }) {
                first += "; not on \(HostList.fold(kind.hosts)): \(kind.text)"
            }
        }
        if let why = judgement?.why {
            if !first.contains(why) {
                first = first.isEmpty ? why : "\(first): \(why)"
            } else if ending == .regression {
                first = why
            }
        }
        return lackSentence.map { "\(first); \($0)" } ?? first
    }
}

/// Hosts that stand together on the page.
enum ReportGroup: Hashable {
    /// Those of a step. Who took no part stands with everybody.
    case step(RolloutPlan.StepKind)
    /// Nothing was live there before: neither canaries nor controls, and flipped with everybody.
    case new

    /// The order in which they are flipped.
    var rank: Int {
        switch self {
        case .step(.canaries): .min
        case .step(.subset(let number)): min(number, .max - 3)
        case .step(.everybody): .max - 2
        case .new: .max - 1
        case .step(.heldBack): .max
        }
    }
}

/// How a host stood at the end, in the order in which a summary counts.
enum ReportEnd: CaseIterable {
    case live, takenBack, unflipped, lost, failed

    var word: String {
        switch self {
        case .live: "on the new release"
        case .takenBack: "back on the previous release"
        case .unflipped: "not flipped"
        case .lost: "lost"
        case .failed: "failed"
        }
    }

    var isTrouble: Bool { self == .lost || self == .failed }
}

extension RolloutOutcome.HostOutcome {
    var group: ReportGroup { isUnjudged ? .new : .step(step ?? .everybody) }

    var end: ReportEnd {
        switch standing {
        case .live, .alreadyLive: .live
        case .takenBack: .takenBack
        case .notFlipped: failure == nil ? .unflipped : .failed
        case .provisional, .takesItselfBack, .unknown: .lost
        }
    }
}

extension StageReport {
    /// What was live on most hosts before; nil: nothing on any, or the release itself.
    var previous: ReleaseName? {
        let live = hosts.compactMap(\.live).filter { $0.id != release.id }
        let counts = Dictionary(grouping: live, by: \.id)
        return counts.values.max { ($0.count, $1[0].id.description) < ($1.count, $0[0].id.description) }?.first
    }
}
