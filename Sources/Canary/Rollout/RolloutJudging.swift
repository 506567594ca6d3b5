// Windows and the watch: when the judge is asked, and what follows from its answer. The judge computes elsewhere: an
// action asks it, an event has its answer.

import SlotSync

extension Rollout {
    /// How long somebody may think about a question; no answer is no.
    public static let longestQuestion = 600.0
    /// How many intervals without a sample of any canary make a release that nobody can see.
    static let blindIntervals = 3.0
    /// No shorter silence counts, however often is sampled.
    static let shortestBlindness = 3.0

    // MARK: What is compared

    /// The window of the step whose hosts have just flipped: all that have flipped against all that did not yet.
    mutating func openWindow() {
        let kind = plan.steps[stepIndex].kind
        enter(.window(kind))
        open(.window(kind), canaries: those { $0.standing == .provisional }, controls: controls)
    }

    /// Hosts that did not flip yet and are to, from a release that was live before.
    var controls: [Int] { those { $0.isComparable && $0.flippedAt == nil } }

    /// The watch after everybody flipped: a judge with controls, a guard without.
    mutating func openWatch() {
        let confirmed = those { $0.standing == .live && !$0.isFirst }
        guard !confirmed.isEmpty else { return afterWatch() }
        let controls = controls
        enter(.watching)
        // Those held back may have been lost since the plan was made.
        if plan.steps.last?.kind == .heldBack, controls.count >= RolloutPlan.fewestControls {
            open(.watch, canaries: confirmed, controls: controls)
        } else {
            open(.guarding, canaries: confirmed, controls: [])
        }
    }

    private mutating func open(_ kind: Comparison.Kind, canaries: [Int], controls: [Int]) {
        let comparison = comparison(kind, canaries: canaries, controls: controls)
        watch = Watch(comparison: comparison, nextLook: timeOfNextLook(in: comparison, after: now))
        phaseEnd = comparison.after.end + lateness
    }

    /// Canaries and controls are compared at the same times, before the first host flipped and now: traffic changes. A guard
    /// has nobody to compare with, and takes the time that is nearest, before each host's own flip.
    func comparison(_ kind: Comparison.Kind, canaries: [Int], controls: [Int]) -> Comparison {
        let settings = plan.judgeSettings(isWatch: phase == .watching)
        let firstFlip = hosts.compactMap(\.flippedAt).min() ?? now
        func watched(_ host: Int, _ role: HostSamples.Role) -> Comparison.Watched {
            let end = kind == .guarding ? hosts[host].flippedAt ?? firstFlip : firstFlip
            let start = max(samplingSince ?? 0, end - plan.settings.baseline)
            return Comparison.Watched(host: host, role: role, baseline: TimeSpan(start: start, end: end))
        }
        return Comparison(
            kind: kind, hosts: canaries.map { watched($0, .canary) } + controls.map { watched($0, .control) },
            after: TimeSpan(start: now, end: now + settings.window), settings: settings)
    }

    // MARK: Looks

    /// The judge looks at each sample from the third on, and at the end.
    private func timeOfNextLook(in comparison: Comparison, after time: Double) -> Double {
        let interval = plan.settings.interval
        let settled = comparison.after.start + comparison.settings.settle + lateness
        // A hair more, or rounding finds the look that was just had again.
        let samples = max(((time - settled) / interval + 1e-6).rounded(.down) + 1, Double(CanarySettings.fewestSamples))
        return min(settled + samples * interval, comparison.after.end + lateness)
    }

    /// Asks the judge if it is time to.
    mutating func look() -> Bool {
        guard var watch else { return false }
        if case .window = phase {
            if let blind = blindness(of: members, since: watch.comparison.after.start) {
                fail(blind)
                return true
            }
        }
        guard watch.pendingLook == nil, now >= watch.nextLook else { return false }
        looks += 1
        watch.pendingLook = looks
        watch.isLast = now >= watch.comparison.after.end + lateness
        watch.nextLook = timeOfNextLook(in: watch.comparison, after: now)
        self.watch = watch
        actions.append(.judge(watch.comparison, look: looks, isLast: watch.isLast))
        return false
    }

    mutating func noteJudged(_ judgement: Judgement, _ look: Int) {
        guard let watch, watch.pendingLook == look else { return }
        self.watch?.pendingLook = nil
        self.judgement = judgement
        switch judgement.verdict {
        case .regression: end(.regression)
        case .pass where watch.isLast: pass()
        case .inconclusive where watch.isLast: weigh(judgement)
        case .pass, .inconclusive: break
        }
    }

    private mutating func pass() {
        if isCommitted {
            afterWatch()
        } else if plan.mode == .canaryOnly, stepIndex >= 0 {
            watch = nil
            beginConfirming()
        } else {
            beginStep(stepIndex + 1)
        }
    }

    mutating func weigh(_ judgement: Judgement) {
        switch plan.settings.onInconclusive {
        case .proceed:
            let new = passedLacks.note(judgement)
            if !new.isEmpty {
                actions.append(.warn("\(new.joined(separator: "; ")): going on all the same, as on_inconclusive says"))
            }
            pass()
        case .ask where canAsk:
            watch = nil
            enter(.asking)
            phaseEnd = now + Rollout.longestQuestion
            actions.append(.ask("\(judgement.why): go on all the same?"))
        case .ask, .rollback: end(.inconclusive)
        }
    }

    mutating func noteAnswer(_ goesOn: Bool) {
        guard let judgement else { return }
        guard goesOn else { return end(.inconclusive) }
        _ = passedLacks.note(judgement)
        pass()
    }

    // MARK: Blindness

    /// What is to be said if none of the hosts was heard of for too long. A release that nobody sees is not passed.
    func blindness(of some: [Int], since start: Double) -> String? {
        guard let end = endOfPatience(some, since: start), now >= end else { return nil }
        return
            "no sample of any \(stepIndex > 0 ? "host flipped last" : "canary") came for \(TimeText.exact(blindTime))"
    }

    private var blindTime: Double { max(Rollout.blindIntervals * plan.settings.interval, Rollout.shortestBlindness) }

    private func endOfPatience(_ some: [Int], since start: Double) -> Double? {
        guard !some.isEmpty else { return nil }
        return some.compactMap { hosts[$0].lastSample }.reduce(start, max) + blindTime
    }

    /// When something is to be done although no event comes.
    var deadlines: [Double] {
        switch phase {
        case .baseline:
            let end = isBaselineAsked ? nil : phaseEnd
            return [end, endOfPatience(plan.steps[0].hosts, since: samplingSince ?? now)].compactMap(\.self)
        case .window, .watching:
            guard let watch else { return [] }
            var deadlines = watch.pendingLook == nil ? [watch.nextLook] : []
            if case .window = phase, let end = endOfPatience(members, since: watch.comparison.after.start) {
                deadlines.append(end)
            }
            return deadlines
        case .asking: return [phaseEnd].compactMap(\.self)
        default: return []
        }
    }
}
