// What a push came to: host by host, in sentences, and as an exit code. Made by Rollout at its end; the summary, `--json`
// and the report are made of it.

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

    /// What became of a host.
    public enum HostResult: Sendable, Hashable {
        /// The release is live.
        case live
        /// It was live before the push.
        case alreadyLive
        /// It never went live.
        case notFlipped
        /// It was live for a while.
        case takenBack
        /// The session ended before the flip was confirmed or undone: the agent takes it back by itself within seconds.
        case takesItselfBack
        /// The session ended while the flip was confirmed or rolled back: either release may be live.
        case unknown
    }

    /// One host's part in the end.
    public struct HostOutcome: Sendable, Hashable {
        public var host: Host
        /// The step that it belongs to; nil if it took no part from the beginning.
        public var step: RolloutPlan.StepKind?
        public var result: HostResult
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

    /// A judgement that ended a window or the watch, or found that the base line lacked something.
    public struct Verdict: Sendable, Equatable {
        /// Since the push began.
        public var seconds: Double
        public var comparison: Comparison
        public var judgement: Judgement
    }

    public var ending: Ending
    public var status: Status
    /// Every host of the push, in the order of the list.
    public var hosts: [HostOutcome]
    /// The judgement that decided, or the latest; nil if nothing was judged.
    public var judgement: Judgement?
    /// The judgements of all windows and of the watch, in their order; before them, that of a base line which lacked
    /// something.
    public var verdicts: [Verdict]
    /// What happened, for people; the first sentence says it all.
    public var sentences: [String]
    /// The one of them that says what the push went on without, though it was inconclusive for that; nil: nothing.
    public var lackSentence: String?
    public var timeline: [Moment]
}

extension Rollout {
    func outcome(isAbandoned: Bool) -> RolloutOutcome {
        var steps: [Int: RolloutPlan.StepKind] = [:]
        for step in plan.steps { for host in step.hosts { steps[host] = step.kind } }
        let outcomes = hosts.indices.map { index in
            RolloutOutcome.HostOutcome(
                host: plan.hosts[index], step: steps[index], result: result(of: hosts[index]),
                failure: hosts[index].failure,
                isMarkedBad: hosts[index].isMarkedBad,
                isUnjudged: hosts[index].isFirst && !hosts[index].wasLive && plan.isMeantToJudge)
        }
        let ending = isAbandoned ? .abandoned : self.ending
        return RolloutOutcome(
            ending: ending, status: status(ending, outcomes), hosts: outcomes, judgement: judgement,
            verdicts: verdicts, sentences: sentences(ending), lackSentence: lackSentence, timeline: timeline)
    }

    private func result(of host: HostProgress) -> RolloutOutcome.HostResult {
        switch host.standing {
        case .old: host.wasLive ? .alreadyLive : host.wasTakenBack ? .takenBack : .notFlipped
        case .provisional, .lapsing: .takesItselfBack
        case .confirmed: .live
        case .unknown: .unknown
        }
    }

    private var ending: RolloutOutcome.Ending {
        switch earlyEnd {
        case .regression: .regression
        case .inconclusive: .inconclusive
        case .failure: .failed
        case .interruption: .interrupted
        case nil: isWatchCutShort ? .watchCutShort : plan.mode == .canaryOnly ? .canariesLive : .live
        }
    }

    private func status(_ ending: RolloutOutcome.Ending, _ hosts: [RolloutOutcome.HostOutcome]) -> RolloutOutcome.Status
    {
        let isAnyNew = hosts.contains { $0.result == .live || $0.result == .unknown }
        switch ending {
        case .live, .canariesLive:
            let isWhole = hosts.allSatisfy { $0.failure == nil && $0.result != .unknown }
            return isWhole ? .done : isAnyNew || hosts.contains { $0.result == .alreadyLive } ? .partlyDone : .failed
        case .watchCutShort: return .partlyDone
        case .regression: return isAnyNew ? .partlyDone : .rolledBack
        case .inconclusive, .failed, .interrupted, .abandoned: return isAnyNew ? .partlyDone : .failed
        }
    }

    // MARK: Sentences

    private func sentences(_ ending: RolloutOutcome.Ending) -> [String] {
        func those(_ isMeant: (HostProgress) -> Bool) -> [Int] { hosts.indices.filter { isMeant(hosts[$0]) } }
        let live = those { $0.standing == .confirmed }
        let takenBack = those { $0.wasTakenBack && $0.standing == .old }
        var sentences = [headline(ending, live: live.count, takenBack: takenBack.count)]
        if let lackSentence { sentences.append(lackSentence) }
        if [.live, .canariesLive].contains(ending), let judgement { sentences.append(judgement.why) }

        let isGivenUp = earlyEnd != nil || ending == .abandoned
        let unjudged = live.filter { hosts[$0].isFirst && plan.isMeantToJudge }
        if !isGivenUp, !unjudged.isEmpty {
            sentences.append(
                "\(names(unjudged)): nothing was live there before, so \(unjudged.count == 1 ? "it was" : "they were") "
                    + "flipped without being judged")
        }
        let wasLive = those(\.wasLive)
        if !wasLive.isEmpty, ending != .live || !live.isEmpty {
            sentences.append("it was live already on \(names(wasLive))")
        }
        if isGivenUp { sentences += advice(forLive: live) }
        let lapsing = those { $0.standing == .lapsing }
        if !lapsing.isEmpty {
            sentences.append(
                "\(names(lapsing)): lost before the flip was confirmed, so the agent takes it back by itself; see "
                    + "`slotsync status`")
        }
        let unknown = those { $0.standing == .unknown }
        if !unknown.isEmpty {
            sentences.append(
                "\(names(unknown)): lost at a moment at which either release may be live; see `slotsync status`")
        }
        if ending == .abandoned {
            let left = those { $0.isUsable && $0.standing == .old && !$0.wasTakenBack }
            if !live.isEmpty, !left.isEmpty { sentences.append("\(names(left)): not flipped") }
        }
        let marked = those(\.isMarkedBad)
        if !marked.isEmpty { sentences.append("it is marked bad on \(RolloutText.hosts(marked.count))") }
        let unmarked = those { $0.markFailure != nil }
        if !unmarked.isEmpty {
            sentences.append("\(names(unmarked)): could not be marked bad, \(hosts[unmarked[0]].markFailure ?? "")")
        }
        return sentences
    }

    /// What to do about hosts that are still on a release that was given up.
    private func advice(forLive live: [Int]) -> [String] {
        let old = live.filter { !hosts[$0].isFirst }
        let new = live.filter { hosts[$0].isFirst }
        var sentences: [String] = []
        if !old.isEmpty { sentences.append("\(names(old)): still on this release; run `slotsync rollback` there") }
        if !new.isEmpty {
            sentences.append(
                "\(names(new)): still on this release, the first there, so there is none to roll back to: bring "
                    + "another one there with `slotsync push --no-canary`")
        }
        return sentences
    }

    private var lackSentence: String? {
        guard !passedLacks.isEmpty, earlyEnd == nil else { return nil }
        return "it went on although there was too little data to judge by: \(list(passedLacks.lacks))"
    }

    private func headline(_ ending: RolloutOutcome.Ending, live: Int, takenBack: Int) -> String {
        let back = takenBack == 0 ? "nothing was flipped" : "taken back on \(RolloutText.hosts(takenBack))"
        switch ending {
        case .live:
            if live > 0 { return "live on \(RolloutText.hosts(live))" }
            return hosts.contains(where: \.wasLive)
                ? "live already, there was nothing to flip" : "no host could be staged"
        case .canariesLive: return "live on \(RolloutText.hosts(live)), the canaries alone"
        case .watchCutShort: return "live on \(RolloutText.hosts(live)), but the watch was cut short by an interruption"
        case .regression: return "rolled back: \(earlyJudgement?.why ?? "")"
        case .inconclusive: return "inconclusive, \(back): \(earlyJudgement?.why ?? "")"
        case .interrupted: return "interrupted, \(back)"
        case .abandoned: return "given up at once by a second interruption"
        case .failed:
            if case .failure(let reason) = earlyEnd { return "\(reason); \(back)" }
            return back
        }
    }

    private var earlyJudgement: Judgement? {
        switch earlyEnd {
        case .regression(let judgement), .inconclusive(let judgement): judgement
        case .failure, .interruption, nil: nil
        }
    }
}
