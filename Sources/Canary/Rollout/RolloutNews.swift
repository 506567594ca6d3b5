// Notes what events say of hosts: which release is live there, whether there is a session, and who takes no part any
// more. RolloutSteps and RolloutEnding then decide what the push does next.

extension Rollout {
    mutating func noteDone(_ request: HostRequest, _ host: Int) {
        switch request {
        case .stage, .recover, .prepare: break
        case .flip: hosts[host].standing = .provisional
        case .confirm: hosts[host].standing = .live
        case .takeBack: hosts[host].standing = .takenBack
        case .markBad: hosts[host].isMarkedBad = true
        }
    }

    mutating func noteFailed(_ request: HostRequest, _ host: Int, _ reason: String) {
        switch request {
        case .stage, .prepare, .flip: fail(host, reason)
        case .confirm:
            hosts[host].mayBeConfirmed = true
            fail(host, reason)
        case .takeBack, .recover:
            // A session in which a host cannot be taken back is of no more use. Without it, the agent takes back.
            if hosts[host].standing == .provisional { hosts[host].standing = hosts[host].standingWithoutSession }
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
            hosts[host].standing = .takesItselfBack
            fail(host, reason)
        case .takeBack where hosts[host].standing == .provisional:
            hosts[host].standing = hosts[host].standingWithoutSession
        case .confirm, .takeBack: hosts[host].standing = .unknown
        case .markBad: hosts[host].markFailure = reason
        case nil where hosts[host].standing == .provisional:
            hosts[host].standing = hosts[host].standingWithoutSession
            fail(host, reason)
        case .recover, nil: break
        }
        // A new session repairs what a lost one left behind, and lets a control take part later.
        if hosts[host].standing.isFlipped || hosts[host].isUsable, phase != .marking { recover([host]) }
    }

    mutating func noteRecovered(_ host: Int, isLive: Bool) {
        hosts[host].isConnected = true
        switch (hosts[host].standing, isLive) {
        case (.takesItselfBack, true), (.unknown, true): hosts[host].standing = .live
        case (.takesItselfBack, false), (.unknown, false), (.live, false):
            if hosts[host].standing != .takesItselfBack, earlyEnd == nil {
                // Somebody else took it from there: nobody else is to get it.
                isOvertaken = isOvertaken || hosts[host].standing == .live
                fail(host, "its session ended (\(hosts[host].lastLoss)), and the release is not live there any more")
            }
            hosts[host].standing = .takenBack
        case (.notFlipped, _), (.alreadyLive, _), (.takenBack, _), (.provisional, _), (.live, true): break
        }
        if samplingSince != nil, hosts[host].failure == nil, !hosts[host].isFirst { actions.append(.sample([host])) }
    }

    mutating func noteInterruption() {
        guard !isInterrupted else { return abandon() }
        isInterrupted = true
        switch phase {
        case .watching, .asking:
            guard isCommitted else { return end(.interrupted) }
            isWatchCutShort = true
            afterWatch()
        case .takingBack, .marking, .done: break
        case .staging, .baseline, .preparing, .flipping, .window, .confirming:
            if phase == .staging { actions.append(.cancelStaging) }
            if !isCommitted { end(.interrupted) }
        }
    }

    /// Somebody wants to roll back, and cannot while this push holds the locks: it goes back by itself, from wherever it is.
    mutating func noteRequest(of who: String) {
        guard ![.takingBack, .marking, .done].contains(phase) else { return }
        if phase == .staging { actions.append(.cancelStaging) }
        failure = "gave way to \(who)"
        actions.append(.warn("giving way to \(who)"))
        end(.gaveWay)
    }

    /// The one that comes by the thousand.
    mutating func noteSample(_ host: Int) {
        hosts[host].lastSample = now
        guard !hasSample, phase == .baseline, plan.steps[0].hosts.contains(host) else { return }
        hasSample = true
        phaseEnd = now + plan.settings.baseline + lateness
    }
}
