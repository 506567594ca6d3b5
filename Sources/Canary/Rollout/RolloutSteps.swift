// The way forward: from the staged fleet through the plan's steps to everybody. Each call of `advance` looks at the
// current phase, and begins the next one when all that it waits for is there.

import SlotSync

extension Rollout {
    /// Goes one phase further, or does what the phase asks for now.
    ///
    /// - Returns: whether it went on, so that the phase it came to has to be looked at as well.
    mutating func advance() -> Bool {
        if let reason = reasonToTakeBack {
            fail(reason)
            return true
        }
        switch phase {
        case .staging: return endStaging()
        case .baseline: return endBaseline()
        case .preparing: return prepare()
        case .flipping: return endFlipping()
        case .window, .watching: return look()
        case .asking:
            if let phaseEnd, now >= phaseEnd { noteAnswer(false) }
            return phase != .asking
        case .confirming: return confirm()
        case .takingBack: return takeBack()
        case .marking: return mark()
        case .done: return false
        }
    }

    /// Why the push cannot go on, of what can happen at any moment before it is committed.
    private var reasonToTakeBack: String? {
        guard !isCommitted else { return nil }
        switch phase {
        case .staging, .takingBack, .marking, .done, .watching: return nil
        case .baseline, .preparing, .flipping, .window, .asking, .confirming: break
        }
        if let reason = tooManyFailures { return reason }
        guard plan.mode != .unjudged else { return nil }
        let flipped = those { $0.flippedAt != nil }
        let lost = flipped.filter { hosts[$0].failure != nil }
        if lost.count * 2 > flipped.count {
            return "more than half of the hosts flipped so far failed or were lost: \(plan.names(lost))"
        }
        return nil
    }

    private var tooManyFailures: String? {
        let failed = those { $0.failure != nil }
        guard failed.count > allowedFailures else { return nil }
        let reasons = plan.kinds(of: failed) { hosts[$0].failure }.map { "\(HostList.fold($0.hosts)), \($0.text)" }
        return "\(NumberText.count(failed.count, "host")) failed, where \(allowedFailures) may: "
            + reasons.joined(separator: "; ")
    }

    // MARK: Staging and base line

    private mutating func endStaging() -> Bool {
        guard !hosts.contains(where: { $0.request == .stage }) else { return false }
        if let reason = tooManyFailures {
            fail(reason)
            return true
        }
        let usable = those(\.isUsable)
        guard !usable.isEmpty else {
            finish()
            return true
        }
        let live = Set(those { $0.standing == .alreadyLive })
        let fleet = StagedFleet(
            failed: Set(those { !$0.isUsable }).subtracting(live), live: live,
            new: Set(those { $0.isUsable && $0.isFirst }))
        do { plan = try plan.settled(fleet) } catch {
            fail(error.message)
            return true
        }
        if plan.mode == .unjudged {
            let remark = plan.remark(on: fleet)
            if !remark.isEmpty { actions.append(.warn(remark)) }
            beginStep(0)
            return true
        }
        enter(.baseline)
        samplingSince = now
        phaseEnd = now + plan.settings.baseline + lateness
        let connected = usable.filter { hosts[$0].isConnected }
        actions.append(.sample(connected.filter { !hosts[$0].isFirst }))
        if !fleet.new.isEmpty { actions.append(.listen(connected.filter { hosts[$0].isFirst })) }
        return true
    }

    private mutating func endBaseline() -> Bool {
        if let blind = blindness(of: plan.steps[0].hosts, since: samplingSince ?? now) {
            fail(blind)
            return true
        }
        guard let phaseEnd, now >= phaseEnd, !isBaselineAsked else { return false }
        // Nobody is flipped for a window that could not end with a pass.
        let canaries = plan.steps[0].hosts
        let others = controls.filter { !canaries.contains($0) }
        isBaselineAsked = true
        actions.append(.checkBaseline(comparison(.baseline, canaries: canaries, controls: others)))
        return false
    }

    mutating func noteBaseline(_ lack: Judgement?) {
        guard phase == .baseline, isBaselineAsked else { return }
        guard let lack else { return beginStep(0) }
        judgement = lack
        weigh(lack)
    }

    /// A little more than the time itself, so that the samples taken at the last moment have come.
    var lateness: Double { min(plan.settings.interval / 2, 1) }

    // MARK: One step

    mutating func beginStep(_ index: Int) {
        guard plan.steps.indices.contains(index) else { return finish() }
        stepIndex = index
        let step = plan.steps[index]
        members = step.hosts
        asked = []
        watch = nil
        enter(.preparing(step.kind))
    }

    /// Every host of the step says that it is ready, before any is flipped.
    private mutating func prepare() -> Bool {
        let left = members.filter { hosts[$0].failure == nil }
        let unasked = left.filter { !asked.contains($0) && hosts[$0].request == nil }
        let connected = unasked.filter { hosts[$0].isConnected }
        asked.formUnion(connected)
        send(.prepare, to: connected)
        for host in unasked where !hosts[host].isConnected && !recover([host]) { fail(host, hosts[host].lastLoss) }
        guard left.allSatisfy({ hosts[$0].request == nil || hosts[$0].failure != nil }) else { return false }
        if reasonToTakeBack != nil { return true }

        members = members.filter { hosts[$0].failure == nil }
        guard !members.isEmpty else { return skipStep() }
        let kind = plan.steps[stepIndex].kind
        for host in members { hosts[host].flippedAt = now }
        send(.flip, to: members)
        enter(.flipping(kind))
        return true
    }

    /// Nobody of the step is left.
    private mutating func skipStep() -> Bool {
        switch plan.steps[stepIndex].kind {
        case .canaries: fail("none of the canaries could be prepared")
        case .subset: beginStep(stepIndex + 1)
        case .everybody: beginConfirming()
        case .heldBack: finish()
        }
        return true
    }

    private mutating func endFlipping() -> Bool {
        guard !members.contains(where: { hosts[$0].request == .flip }) else { return false }
        members = members.filter { hosts[$0].standing == .provisional }
        switch plan.steps[stepIndex].kind {
        case .canaries where members.isEmpty: fail("none of the canaries could be flipped")
        case .subset where members.isEmpty: beginStep(stepIndex + 1)
        case .canaries, .subset: openWindow()
        case .everybody, .heldBack: beginConfirming()
        }
        return true
    }

    // MARK: Confirming

    /// After a verdict for the canaries, or after everybody flipped.
    mutating func beginConfirming() {
        enter(.confirming(plan.steps[stepIndex].kind))
        send(.confirm, to: those { $0.standing == .provisional && $0.request == nil })
    }

    private mutating func confirm() -> Bool {
        // Who refuses to confirm goes back alone, if as many hosts may fail.
        let refusing = those { $0.standing == .provisional && $0.request == nil }
        send(.takeBack, to: refusing.filter { hosts[$0].failure != nil })
        for host in hosts.indices where hosts[host].standing == .unknown && hosts[host].request == nil {
            if !recover([host]) { fail(host, hosts[host].lastLoss) }
        }
        let isPending = hosts.contains { host in
            switch host.request {
            case .confirm, .takeBack: true
            case .recover: host.standing == .unknown
            default: false
            }
        }
        guard !isPending else { return false }
        if reasonToTakeBack != nil { return true }
        guard hosts.contains(where: { $0.standing == .live }) else {
            fail("no host could be flipped")
            return true
        }
        switch plan.steps[stepIndex].kind {
        case .canaries, .subset, .heldBack: finish()
        case .everybody:
            isCommitted = true
            if plan.mode == .full, plan.settings.watch > 0 { openWatch() } else { afterWatch() }
        }
        return true
    }

    /// The hosts that were held back, or the end.
    mutating func afterWatch() {
        watch = nil
        guard !isOvertaken else { return finish() }
        beginStep(stepIndex + 1)
    }
}
