// One host's part of a stage. The manifest goes out, needs come back, frames go out until the host has put all of it
// into place. FleetStage holds one with each host, and PatchLibrary says what goes to which.

@FleetActor
struct StageConversation {
    /// How far a host may be behind before its session waits for it.
    nonisolated private static let mostPendingBytes = 4 << 20

    let session: HostSession
    /// The host's index in the fleet.
    let index: Int
    let release: PreparedRelease
    let options: StageOptions
    /// Whether no basis is asked for.
    let wholeFiles: Bool
    let library: PatchLibrary
    let spool: Spool
    let manifests: SpooledManifests
    let seeds: SpooledSeeds
    let emit: @Sendable (FleetEvent) -> Void

    /// Holds the conversation to its end; the session stays open.
    func hold() async throws -> StageOutcome {
        try await requestStage(withWholeManifest: false)
        var isWhole = false
        var rounds = 0
        while true {
            switch try await answer(isRepair: rounds > 0) {
            case .manifestNeeded:
                guard !isWhole, rounds == 0 else { throw unexpected(.manifestNeeded) }
                isWhole = true
                try await requestStage(withWholeManifest: true)
            case .ended(let outcome): return outcome
            case .planned(let count):
                return StageOutcome(
                    kind: .planned, slot: session.ring?.slotToFill(with: release.name.id) ?? 1, received: count)
            case .work(let work, let count):
                guard rounds <= WireLimits.mostRepairRounds else {
                    throw SlotSyncError(.protocolViolation, "the agent asks for repairs without end")
                }
                if rounds > 0 {
                    let files = "\(NumberText.count(count, "file")) did not verify and \(count == 1 ? "is" : "are")"
                    emit(.hostWarning(session.host, "\(files) sent again, whole"))
                }
                try await serve(work)
                session.channel.send(.framesEnd)
                rounds += 1
            }
        }
    }

    /// What an agent answers to a stage, or to the end of a round.
    private enum StageAnswer {
        /// So many contents are needed; this is how they come. The list itself the library holds, once for all hosts.
        case work(AsyncThrowingStream<PatchWork, any Error>, count: Int)
        /// So many contents would be needed.
        case planned(count: Int)
        case ended(StageOutcome)
        case manifestNeeded
    }

    private func answer(isRepair: Bool) async throws -> StageAnswer {
        var parts: [[Need]] = []
        var count = 0
        var seeding = SeedRequests()
        while true {
            switch try await session.channel.receiveWhileAdvancing(within: session.channel.longestStep) {
            case .needs(let part, let isLast):
                guard count + part.count <= release.manifest.count else {
                    throw SlotSyncError(.protocolViolation, "the agent needs more than the release has")
                }
                count += part.count
                parts.append(library.shared(part))
                guard isLast else { continue }
                guard !options.dryRun else { return .planned(count: count) }
                let needs = parts.count == 1 ? parts[0] : Array(parts.joined())
                let work = try library.join(index, needs: needs, isRepair: isRepair)
                return .work(work, count: count)
            case .seedsNeeded(let entries, let isLast) where parts.isEmpty && !isRepair && !options.dryRun:
                try seeding.take(entries, isLast: isLast)
                try await sendSeeds(entries)
            case .present(let outcome) where parts.isEmpty && !isRepair:
                try outcome.check(isOneOf: [.alreadyReady, .alreadyLive, .alreadyBad], slotCount: slotCount)
                library.notePresence()
                return .ended(outcome)
            case .staged(let outcome) where parts.isEmpty && isRepair:
                try outcome.check(isOneOf: [.staged], slotCount: slotCount)
                return .ended(outcome)
            case .manifestNeeded where parts.isEmpty: return .manifestNeeded
            case let reply: throw unexpected(reply)
            }
        }
    }

    private var slotCount: Int { session.ring?.slots.count ?? options.slots ?? Ring.usualSlotCount }

    /// Sends the manifest, as a difference from the live release's where both ends have that.
    private func requestStage(withWholeManifest isWhole: Bool) async throws {
        let id = release.name.id
        let ring = session.ring
        let isThere = ring.map { $0.liveRelease?.id == id || $0.newestReady(of: id) != nil } ?? false
        var request = StageRequest(
            release: release.name, slots: options.slots, base: nil, manifestLength: 0, checksum: options.checksum,
            ownership: options.ownership, sharedPaths: release.sharedPaths, dryRun: options.dryRun,
            wholeFiles: wholeFiles, foreign: options.foreign, sharedFiles: release.sharedFiles,
            seedsLength: seeds.manifest?.length ?? 0,
            signature: options.signature,
            hooksToCome: options.hooksToCome.map { [$0.beforeFlip, $0.afterFlip, $0.onTheWayBack] })
        guard isWhole || !isThere else {
            session.channel.send(.stage(request))
            sendSeedsManifest()
            return
        }
        let live = isWhole ? nil : ring?.liveRelease?.id
        let manifest = try await manifests.manifest(against: live)
        request.base = manifest.base
        request.manifestLength = manifest.length
        session.channel.send(.stage(request))
        session.channel.send(spool: spool.file, at: manifest.range.offset, length: manifest.range.length)
        sendSeedsManifest()
    }

    private func sendSeedsManifest() {
        guard let range = seeds.manifest?.range else { return }
        session.channel.send(spool: spool.file, at: range.offset, length: range.length)
    }

    /// Sends what the host lacks of what the source has at shared paths.
    private func sendSeeds(_ entries: [UInt32]) async throws {
        for entry in entries {
            for range in try await seeds.file(entry) {
                session.channel.send(spool: spool.file, at: range.offset, length: range.length)
            }
            try await session.channel.drained(below: Self.mostPendingBytes)
        }
    }

    /// Hands the host what it needs, as it becomes ready.
    private func serve(_ works: AsyncThrowingStream<PatchWork, any Error>) async throws {
        let channel = session.channel
        for try await work in works {
            switch work {
            case .frames(let ranges):
                for range in ranges { channel.send(spool: spool.file, at: range.offset, length: range.length) }
                // A host that takes nothing more, or has failed, is noticed here and not when all is encoded.
                try await channel.drained(below: Self.mostPendingBytes)
            case .signatures(let requests):
                channel.send(.signatures(requests))
                for request in requests {
                    switch try await channel.receiveWhileAdvancing(within: channel.longestStep) {
                    case .signature(request.basis, let signature) where signature.seed == request.seed:
                        library.deliver(signature, of: request.basis, from: index)
                    case .signatureMissing(request.basis):
                        library.deliver(nil, of: request.basis, from: index)
                    case let reply: throw unexpected(reply)
                    }
                }
            case .end: return
            }
        }
        try Task.checkCancellation()
    }
}

/// What an agent has asked for of the seeds. Each comes once: it may be asked for in parts, rising over all of them, and
/// the last part ends it.
struct SeedRequests {
    private var next: UInt32 = 0
    private var hasEnded = false

    mutating func take(_ entries: [UInt32], isLast: Bool) throws(SlotSyncError) {
        guard !hasEnded, let first = entries.first, let last = entries.last, first >= next, last < .max else {
            throw SlotSyncError(.protocolViolation, "the agent asks for what is shared again, or out of order")
        }
        next = last + 1
        hasEnded = isLast
    }
}
