// What events say of hosts: which release is live there now, whether there is a session, who takes part no more. What
// follows from it for the push is decided afterwards, in RolloutSteps and RolloutEnding.

extension Rollout {
    mutating func noteDone(_ request: HostRequest, _ host: Int) {
        switch request {
        case .stage, .heal, .prepare: break
        case .flip: hosts[host].standing = .provisional
        case .confirm: hosts[host].standing = .confirmed
        case .undo, .rollBack:
            hosts[host].standing = .old
            hosts[host].wasTakenBack = true
        case .markBad: hosts[host].isMarkedBad = true
        }
    }

    mutating func noteFailed(_ request: HostRequest, _ host: Int, _ reason: String) {
        switch request {
        case .stage, .prepare, .flip, .confirm: fail(host, reason)
        case .undo, .rollBack, .heal:
            // A session in which a host cannot be taken back is of no more use. Without it, the agent takes back.
            if request == .undo { hosts[host].standing = .lapsing }
            hosts[host].isConnected = false
            hosts[host].lastLoss = reason
        case .markBad: hosts[host].markFailure = reason
        }
    }

    mutating func noteLost(_ host: Int, _ reason: String) {
        let request = hosts[host].request
        hosts[host].request = nil
        hosts[host].isConnected = false
        hosts[host].lastLoss = reason
        asked.remove(host)
        switch request {
        case .stage, .prepare: fail(host, reason)
        case .flip:
            hosts[host].standing = .lapsing
            fail(host, reason)
        case .confirm, .rollBack: hosts[host].standing = .unknown
        case .undo: hosts[host].standing = .lapsing
        case .markBad: hosts[host].markFailure = reason
        case .heal: break
        case nil where hosts[host].standing == .provisional:
            hosts[host].standing = .lapsing
            fail(host, reason)
        case nil: break
        }
        // A new session heals what a lost one left behind, and lets a control take part later.
        let isNeeded = hosts[host].standing != .old || hosts[host].isUsable
        if isNeeded, phase != .marking { heal([host]) }
    }

    mutating func noteHealed(_ host: Int, isLive: Bool) {
        hosts[host].isConnected = true
        switch (hosts[host].standing, isLive) {
        case (.lapsing, true), (.unknown, true): hosts[host].standing = .confirmed
        case (.lapsing, false), (.unknown, false), (.confirmed, false):
            if hosts[host].standing != .lapsing, earlyEnd == nil {
                fail(host, "its session ended (\(hosts[host].lastLoss)), and the release is not live there any more")
            }
            hosts[host].standing = .old
            hosts[host].wasTakenBack = true
        case (.old, _), (.provisional, _), (.confirmed, true): break
        }
        if samplingSince != nil, hosts[host].failure == nil, !hosts[host].isFirst { actions.append(.sample([host])) }
    }

    mutating func noteInterruption() {
        guard !isInterrupted else { return abandon() }
        isInterrupted = true
        switch phase {
        case .staging:
            actions.append(.cancelStaging)
            end(.interruption)
        case .watching, .asking:
            if isCommitted { cutWatchShort() } else { end(.interruption) }
        case .takingBack, .marking, .done: break
        case .baseline, .preparing, .flipping, .window, .confirming:
            if !isCommitted { end(.interruption) }
        }
    }

    /// The one that comes by the thousand.
    mutating func noteSample(_ host: Int) {
        hosts[host].lastSample = now
        guard !hasSample, phase == .baseline, plan.steps[0].hosts.contains(host) else { return }
        hasSample = true
        phaseEnd = now + plan.settings.baseline + lateness
    }
}
