// The way back, and the end. What was not confirmed is undone, what was is rolled back; a host without a session gets a new
// one first. After a regression the release is marked bad wherever it stands.

import SlotSync

extension Rollout {
    /// Takes everything back.
    mutating func end(_ reason: EarlyEnd) {
        guard earlyEnd == nil else { return }
        earlyEnd = reason
        watch = nil
        stopSampling()
        enter(.takingBack)
    }

    mutating func takeBack() -> Bool {
        let flipped = hosts.indices.filter { hosts[$0].standing != .old }
        let idle = flipped.filter { hosts[$0].request == nil }
        let connected = idle.filter { hosts[$0].isConnected }
        send(.undo, to: connected.filter { hosts[$0].standing == .provisional })
        send(.rollBack, to: connected.filter { hosts[$0].standing == .confirmed })
        heal(idle.filter { !hosts[$0].isConnected })
        // A flip that is under way has to be waited for: it may yet succeed, and is taken back then.
        let isPending = hosts.contains { $0.request == .flip || ($0.request != nil && $0.standing != .old) }
        guard !isPending else { return false }
        if case .regression = earlyEnd { enter(.marking) } else { finish() }
        return true
    }

    mutating func mark() -> Bool {
        let left = hosts.indices.filter {
            let host = hosts[$0]
            return host.isStaged && !host.wasLive && host.standing == .old && !host.isMarkedBad
                && host.markFailure == nil
                && host.request == nil
        }
        var why = ""
        if case .regression(let judgement) = earlyEnd { why = judgement.why }
        send(.markBad, to: left.filter { hosts[$0].isConnected }, reason: why)
        for host in left where !hosts[host].isConnected && !heal([host]) {
            hosts[host].markFailure = hosts[host].lastLoss
        }
        guard !hosts.contains(where: { $0.request != nil }) else { return false }
        finish()
        return true
    }

    /// The second interruption: agents take back by themselves what was not confirmed.
    mutating func abandon() {
        for host in hosts.indices {
            switch (hosts[host].request, hosts[host].standing) {
            case (.confirm, _), (.rollBack, _): hosts[host].standing = .unknown
            case (.flip, _), (_, .provisional): hosts[host].standing = .lapsing
            default: break
            }
        }
        actions.append(.abandon)
        finish(isAbandoned: true)
    }

    mutating func finish(isAbandoned: Bool = false) {
        stopSampling()
        // No session is left that could confirm.
        for host in hosts.indices where hosts[host].standing == .provisional { hosts[host].standing = .lapsing }
        watch = nil
        enter(.done)
        actions.append(.finish(outcome(isAbandoned: isAbandoned)))
    }

    private mutating func stopSampling() {
        guard samplingSince != nil else { return }
        samplingSince = nil
        actions.append(.stopSampling)
    }

    /// `web[003,017]`
    func names(_ some: [Int]) -> String { HostList.fold(some.map { plan.hosts[$0].label }) }
}
