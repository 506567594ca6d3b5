// The operations that change nothing: the status of every ring, and the verification of what is in the slots.

extension Fleet {
    /// Asks every host for its ring; nil: the root holds none yet.
    public func status() -> FleetOperation<HostResults<RingStatus?>> {
        FleetOperation { emit in
            try await self.askEach(telling: emit) { host in
                host.onWarning = { emit(.hostWarning(host.host, $0)) }
                let ring = try await host.ring()
                emit(.hostFinished(host.host, .answered))
                return ring
            }
        }
    }

    /// Hashes slots again on every host and compares them with what was sealed: what was found in each, by slot.
    ///
    /// - Parameter slot: one slot; nil: all that hold a release.
    public func verify(slot: Int? = nil) -> FleetOperation<HostResults<[SlotVerification]>> {
        FleetOperation { emit in
            try await self.askEach(telling: emit) { host in
                emit(.hostStarted(host.host))
                let found = try await host.verify(slot: slot)
                emit(.hostFinished(host.host, .answered))
                return found
            }
        }
    }
}

extension HostConnection {
    /// - Returns: nil: the root holds no ring yet.
    func ring() async throws -> RingStatus? {
        let session = try await session()
        guard session.ring != nil else { return nil }
        // Asked for although the greeting has it: what the agent has to tell besides comes before the answer.
        session.channel.send(.status)
        var reply = try await session.channel.receivePromptly()
        var lock: RingLock?
        if case .lock(let held, _) = reply {
            lock = held
            reply = try await session.channel.receivePromptly()
        }
        guard case .status(var ring) = reply else { throw unexpected(reply) }
        ring.lock = lock
        return ring
    }

    fileprivate func verify(slot: Int?) async throws -> [SlotVerification] {
        let channel = try await session().channel
        channel.send(.verify(slot: slot))
        var slots: [SlotVerification] = []
        while true {
            switch try await channel.receiveWhileAdvancing(within: channel.longestStep) {
            case .verified(let found):
                guard slots.count < RingStatus.slotCounts.upperBound else {
                    throw SlotSyncError(.protocolViolation, "the agent verified more slots than a ring has")
                }
                slots.append(found)
            case .status(let ring):
                try slots.check(against: slot, in: ring)
                return slots
            case let reply: throw unexpected(reply)
            }
        }
    }
}
