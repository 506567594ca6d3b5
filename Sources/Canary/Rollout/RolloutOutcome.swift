// What came of a push: for each host, in sentences, and as an exit code. Rollout makes it at its end; the summary,
// `--json` and the report show it.

public import SlotSync

/// The end of a push.
public struct RolloutOutcome: Sendable, Equatable {
    /// How it ended.
    public enum Ending: Sendable, Hashable {
        /// The release is live on every host that took part.
        case live
        /// `--canary-only`: live on the canaries.
        case canariesLive
        /// Live everywhere, but the watch was interrupted.
        case watchCutShort
        /// Judged a regression, and taken back.
        case regression
        /// Too little data, and taken back for that.
        case inconclusive
        /// Taken back, or never flipped, for another reason.
        case failed
        /// Taken back because of an interruption.
        case interrupted
        /// Taken back because another command, a rollback, asked for the hosts' locks.
        case gaveWay
        /// Given up at once, by a second interruption: hosts take back by themselves what was not confirmed.
        case abandoned
    }

    /// The exit code.
    public enum Status: Int32, Sendable, Hashable {
        case done = 0
        /// The live release is what it was, on every host.
        case failed = 1
        /// Some hosts are on another release than was intended, or the watch was cut short.
        case partlyDone = 2
        /// Judged a regression and taken back, everywhere.
        case rolledBack = 3
    }

    /// One host's part in the end.
    public struct HostOutcome: Sendable, Hashable {
        public var host: Host
        /// The step that it belongs to; nil if it took no part from the beginning.
        public var step: RolloutPlan.StepKind?
        public var standing: HostStanding
        /// When it was told to flip, in seconds from the push's beginning; nil: never.
        public var flippedAt: Double?
        /// Why it took no part, or not to the end.
        public var failure: String?
        public var isMarkedBad: Bool
        /// Nothing was live there before, so that it was neither canary nor control in a push that was to judge.
        public var isUnjudged: Bool
    }

    /// The beginning of a phase.
    public struct Moment: Sendable, Hashable {
        /// Since the push began.
        public var seconds: Double
        public var phase: Rollout.Phase
    }

    public var ending: Ending
    /// Every host of the push, in the order of the list.
    public var hosts: [HostOutcome]
    /// What was found of the release; nil where nothing was judged, or where something else ended the push: what an earlier
    /// window came to says nothing of that.
    public var judgement: Judgement?
    /// What happened, for people; the first sentence says it all.
    public var sentences: [String]
    /// The one of them that says what the push went on without, though it was inconclusive for that; nil: nothing.
    public var lackSentence: String?
    public var timeline: [Moment]

    public var status: Status {
        let isAnyNew = hosts.contains { $0.standing == .live || $0.standing == .unknown }
        switch ending {
        case .live, .canariesLive:
            let isWhole = hosts.allSatisfy { $0.failure == nil && $0.standing != .unknown }
            return isWhole ? .done : isAnyNew || hosts.contains { $0.standing == .alreadyLive } ? .partlyDone : .failed
        case .watchCutShort: return .partlyDone
        case .regression: return isAnyNew ? .partlyDone : .rolledBack
        case .inconclusive, .failed, .interrupted, .gaveWay, .abandoned: return isAnyNew ? .partlyDone : .failed
        }
    }

    /// When hosts were flipped first, in seconds from the push's beginning; nil: none was.
    public var firstFlip: Double? { hosts.compactMap(\.flippedAt).min() }
}

extension Rollout {
    mutating func outcome(isAbandoned: Bool) -> RolloutOutcome {
        for host in hosts.indices where isAbandoned {
            switch (hosts[host].request, hosts[host].standing) {
            case (.confirm, _), (.takeBack, .live): hosts[host].standing = .unknown
            case (.flip, _): hosts[host].standing = .takesItselfBack
            default: break
            }
        }
        // No session is left that could confirm.
        for host in hosts.indices where hosts[host].standing == .provisional {
            hosts[host].standing = hosts[host].standingWithoutSession
        }
        var steps: [Int: RolloutPlan.StepKind] = [:]
        for step in plan.steps { for host in step.hosts { steps[host] = step.kind } }
        let outcomes = hosts.enumerated().map { index, host in
            RolloutOutcome.HostOutcome(
                host: plan.hosts[index], step: steps[index], standing: host.standing, flippedAt: host.flippedAt,
                failure: host.failure, isMarkedBad: host.isMarkedBad,
                isUnjudged: host.isFirst && host.standing != .alreadyLive && plan.isMeantToJudge)
        }
        let usual: RolloutOutcome.Ending =
            isWatchCutShort ? .watchCutShort : plan.mode == .canaryOnly ? .canariesLive : .live
        let ending = isAbandoned ? .abandoned : earlyEnd ?? usual
        let isJudged = [.live, .canariesLive, .regression, .inconclusive].contains(ending)
        return RolloutOutcome(
            ending: ending, hosts: outcomes, judgement: isJudged ? judgement : nil, sentences: sentences(ending),
            lackSentence: lackSentence, timeline: timeline)
    }

    // MARK: Sentences

    private func sentences(_ ending: RolloutOutcome.Ending) -> [String] {
        let live = those { $0.standing == .live }
        var sentences = [headline(ending, live: live.count)]
        if let lackSentence { sentences.append(lackSentence) }
        if [.live, .canariesLive].contains(ending), let judgement { sentences.append(judgement.why) }

        /// A sentence that names hosts, if there are any.
        func say(of some: [Int], _ text: String) {
            if !some.isEmpty { sentences.append("\(plan.names(some)): \(text)") }
        }
        let isGivenUp = earlyEnd != nil || ending == .abandoned
        let new = live.filter { hosts[$0].isFirst }
        if !isGivenUp, plan.isMeantToJudge {
            say(
                of: new,
                "nothing was live there before, so \(new.count == 1 ? "it was" : "they were") flipped without being judged"
            )
        }
        let wasLive = those { $0.standing == .alreadyLive }
        if !wasLive.isEmpty, ending != .live || !live.isEmpty {
            sentences.append("it was live already on \(plan.names(wasLive))")
        }
        if isGivenUp {
            let left = live.filter { !hosts[$0].isFirst }
            say(of: left, "still on this release; to go back there: \(plan.command("rollback", on: left))")
            say(
                of: new,
                "still on this release, the first there, so there is none to roll back to: bring another one there with "
                    + plan.command("push", "SOURCE", "--no-canary", on: new))
        }
        let lost = those { $0.standing == .takesItselfBack }
        say(
            of: lost,
            "lost before the flip was confirmed, so the agent takes it back by itself; see "
                + plan.command("status", on: lost))
        let unknown = those { $0.standing == .unknown }
        say(
            of: unknown,
            "lost at a moment at which either release may be live; see \(plan.command("status", on: unknown))")
        if ending == .abandoned, !live.isEmpty {
            say(of: those { $0.isUsable && $0.standing == .notFlipped }, "not flipped")
        }
        let marked = hosts.count { $0.isMarkedBad }
        if marked > 0 { sentences.append("it is marked bad on \(NumberText.count(marked, "host"))") }
        let unmarked = plan.kinds(of: those { $0.markFailure != nil }) { hosts[$0].markFailure }
        return sentences + unmarked.map { "\(HostList.fold($0.hosts)): could not be marked bad, \($0.text)" }
    }

    private var lackSentence: String? {
        guard !passedLacks.lacks.isEmpty, earlyEnd == nil else { return nil }
        return
            "it went on although there was too little data to judge by: \(passedLacks.lacks.joined(separator: "; "))"
    }

    private func headline(_ ending: RolloutOutcome.Ending, live: Int) -> String {
        let takenBack = hosts.count { $0.standing == .takenBack }
        let back = takenBack == 0 ? "nothing was flipped" : "taken back on \(NumberText.count(takenBack, "host"))"
        switch ending {
        case .live where live > 0: return "live on \(NumberText.count(live, "host"))"
        case .live where hosts.contains { $0.standing == .alreadyLive }:
            return "live already, there was nothing to flip"
        case .live: return "no host could be staged"
        case .canariesLive: return "live on \(NumberText.count(live, "host")), the canaries alone"
        case .watchCutShort:
            return "live on \(NumberText.count(live, "host")), but the watch was cut short by an interruption"
        case .regression: return "rolled back: \(judgement?.why ?? "")"
        case .inconclusive: return "inconclusive, \(back): \(judgement?.why ?? "")"
        case .interrupted: return "interrupted, \(back)"
        case .abandoned: return "given up at once by a second interruption"
        case .failed: return "\(failure); \(back)"
        case .gaveWay: return "\(failure), \(back)"
        }
    }
}
