// The way back, and the end. Every flip is taken back; a host without a session gets a new one first. After a
// regression the release is marked bad on every host that has it.

extension Rollout {
    /// Takes everything back.
    mutating func end(_ ending: RolloutOutcome.Ending) {
        guard earlyEnd == nil else { return }
        earlyEnd = ending
        watch = nil
        stopSampling()
        enter(.takingBack)
    }

    /// Hosts failed, or could not be seen: takes everything back.
    mutating func fail(_ reason: String) {
        if earlyEnd == nil { failure = reason }
        end(.failed)
    }

    mutating func takeBack() -> Bool {
        let idle = those { $0.standing.isFlipped && $0.request == nil }
        send(
            .takeBack,
            to: idle.filter { hosts[$0].isConnected && [.provisional, .live].contains(hosts[$0].standing) })
        recover(idle.filter { !hosts[$0].isConnected })
        if earlyEnd == .gaveWay { release() }
        // A flip that is under way has to be waited for: it may yet succeed, and is taken back then.
        let isPending = hosts.contains { $0.request == .flip || ($0.request != nil && $0.standing.isFlipped) }
        guard !isPending else { return false }
        if earlyEnd == .regression { enter(.marking) } else { finish() }
        return true
    }

    /// Ends the sessions of hosts that are through: whoever waits for the lock there need not wait for the others.
    private mutating func release() {
        let through = those { host in
            host.isConnected && !host.isReleased && host.request == nil && !host.standing.isFlipped
        }
        guard !through.isEmpty else { return }
        for host in through { hosts[host].isReleased = true }
        actions.append(.release(through))
    }

    mutating func mark() -> Bool {
        let left = those { host in
            host.isStaged && [.notFlipped, .takenBack].contains(host.standing) && !host.isMarkedBad
                && host.markFailure == nil && host.request == nil
        }
        send(.markBad, to: left.filter { hosts[$0].isConnected })
        for host in left where !hosts[host].isConnected && !recover([host]) {
            hosts[host].markFailure = hosts[host].lastLoss
        }
        guard !hosts.contains(where: { $0.request != nil }) else { return false }
        finish()
        return true
    }

    /// The second interruption: agents take back by themselves what was not confirmed.
    mutating func abandon() {
        actions.append(.abandon)
        finish(isAbandoned: true)
    }

    mutating func finish(isAbandoned: Bool = false) {
        stopSampling()
        watch = nil
        enter(.done)
        actions.append(.finish(outcome(isAbandoned: isAbandoned)))
    }

    private mutating func stopSampling() {
        guard samplingSince != nil else { return }
        samplingSince = nil
        actions.append(.stopSampling)
    }
}
