// What changes nothing: the status of every ring, and the verification of what is in the slots.

/// What one host says of its ring.
public struct HostStatus: Sendable {
    /// The host.
    public var host: Host
    /// Nil: the root holds no ring yet.
    public var ring: RingStatus?
}

/// What all hosts say of their rings.
public struct StatusReport: Sendable {
    /// Hosts that answered, in the fleet's order.
    public var hosts: [HostStatus]
    /// Hosts that could not be asked.
    public var failures: [HostFailure]
}

/// What hashing a slot again found.
public struct VerifiedSlot: Sendable {
    /// The host that has it.
    public var host: Host
    /// The slot, from 1.
    public var slot: Int
    /// The release that it was sealed with.
    public var release: ReleaseName
    /// How many files were hashed.
    public var files: Int
    /// How many bytes these have.
    public var bytes: UInt64
    /// How many entries are not as they were sealed; 0: the slot is whole.
    public var differences: Int
    /// The first differences, a line each.
    public var lines: [String]
}

/// What hashing the slots of all hosts again found.
public struct VerifyReport: Sendable {
    /// In the fleet's order, and in each host by slot.
    public var slots: [VerifiedSlot]
    /// Hosts that could not be verified to the end.
    public var failures: [HostFailure]
}

extension Fleet {
    /// Asks every host for its ring.
    public func status() -> FleetOperation<StatusReport> {
        FleetOperation { emit in
            ProcessSetup.prepare()
            let results = await self.forEachHost { number in
                try await self.withSession(of: number) { session in
                    // Asked for although the greeting has it: what the agent has to tell besides comes before the answer.
                    session.channel.onWarning = { emit(.hostWarning(session.host, $0)) }
                    let ring = session.ring == nil ? nil : try await self.ring(of: session)
                    return HostStatus(host: session.host, ring: ring)
                }
            }
            try Task.checkCancellation()
            return StatusReport(
                hosts: results.compactMap { try? $0.result.get() }, failures: self.failures(results))
        }
    }

    @FleetActor
    private func ring(of session: HostSession) async throws -> RingStatus {
        session.channel.send(.status)
        let reply = try await session.channel.receivePromptly()
        guard case .status(let ring) = reply else { throw unexpected(reply) }
        return ring
    }

    /// Hashes slots again on every host and compares them with what was sealed.
    ///
    /// - Parameter slot: one slot; nil: all that hold a release.
    public func verify(slot: Int? = nil) -> FleetOperation<VerifyReport> {
        FleetOperation { emit in
            ProcessSetup.prepare()
            let results = await self.forEachHost { number in
                emit(.hostStarted(self.hosts[number]))
                return try await self.withSession(of: number) { try await self.verify(slot: slot, $0) }
            }
            try Task.checkCancellation()
            return VerifyReport(
                slots: results.flatMap { (try? $0.result.get()) ?? [] }, failures: self.failures(results))
        }
    }

    @FleetActor
    private func verify(slot: Int?, _ session: HostSession) async throws -> [VerifiedSlot] {
        session.channel.send(.verify(slot: slot))
        var slots: [VerifiedSlot] = []
        while true {
            switch try await session.channel.receive() {
            case .verified(let found):
                guard slots.count < RingStatus.slotCounts.upperBound else {
                    throw SlotSyncError(.protocolViolation, "the agent verified more slots than a ring has")
                }
                slots.append(
                    VerifiedSlot(
                        host: session.host, slot: found.slot, release: found.release, files: found.files,
                        bytes: found.bytes, differences: found.differences, lines: found.named))
            case .status: return slots
            case let reply: throw unexpected(reply)
            }
        }
    }
}
