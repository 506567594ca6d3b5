// What changes nothing: the status of every ring, and the verification of what is in the slots.

extension Fleet {
    /// Asks every host for its ring.
    public func status() -> FleetOperation<StatusReport> {
        FleetOperation { _ in
            ProcessSetup.prepare()
            let results = await self.forEachHost { number in
                let session = try await self.connect(number)
                session.channel.send(.finish)
                await session.channel.close()
                return HostStatus(host: session.host, ring: session.ring)
            }
            try Task.checkCancellation()
            return StatusReport(
                hosts: results.compactMap { try? $0.result.get() }, failures: self.failures(results))
        }
    }

    /// Hashes slots again on every host and compares them with what was sealed.
    ///
    /// - Parameter slot: one slot; nil: all that hold a release.
    public func verify(slot: Int? = nil) -> FleetOperation<VerifyReport> {
        FleetOperation { emit in
            ProcessSetup.prepare()
            let results = await self.forEachHost { number in
                emit(.hostStarted(self.hosts[number]))
                return try await self.verify(slot: slot, on: number)
            }
            try Task.checkCancellation()
            return VerifyReport(
                slots: results.flatMap { (try? $0.result.get()) ?? [] }, failures: self.failures(results))
        }
    }

    @FleetActor
    private func verify(slot: Int?, on number: Int) async throws -> [VerifiedSlot] {
        let session = try await connect(number)
        do {
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
                            bytes: found.bytes,
                            differences: found.differences, lines: found.named))
                case .status:
                    session.channel.send(.finish)
                    await session.channel.close()
                    return slots
                case let reply: throw unexpected(reply)
                }
            }
        } catch {
            await session.channel.close()
            throw error
        }
    }
}
