// Staging a release on all hosts: the source is scanned once, the patch is encoded once, and each host's
// session is one linear conversation with its agent.

public import SystemPackage

extension Fleet {
    /// Brings the tree at `source` into the next slot of every host. One host that fails does not stop the others.
    ///
    /// - Returns: an operation whose report says what happened on each host. It throws where the source cannot be
    ///   used, or changed while it was read.
    public func stage(_ source: FilePath, options: StageOptions = StageOptions()) -> FleetOperation<StageReport> {
        FleetOperation { emit in
            ProcessSetup.prepare()
            return try await OpenSessions(self).stage(source, options: options, emit: emit)
        }
    }
}

extension OpenSessions {
    /// Stages over these sessions, which are opened while the source is read.
    nonisolated func stage(
        _ source: FilePath, options: StageOptions, emit: @escaping @Sendable (FleetEvent) -> Void
    ) async throws -> StageReport {
        try PreparedRelease.checkFolder(source)
        await openAhead()
        do {
            let release = try PreparedRelease.prepare(source, options: options, emit: emit)
            return try await FleetStage(sessions: self, release: release, options: options, emit: emit).run()
        } catch {
            await closeAll(areOrderly: false)
            throw error
        }
    }
}

/// One stage over a fleet.
@FleetActor
final class FleetStage {
    /// How far a host may be behind before its session waits for it.
    nonisolated private static let mostPendingBytes = 4 << 20

    private let sessions: OpenSessions
    private let fleet: Fleet
    private let release: PreparedRelease
    private let options: StageOptions
    private let emit: @Sendable (FleetEvent) -> Void
    private let spool: Spool
    private let library: PatchLibrary
    private let levels: CompressionLevels
    /// Whether no basis is asked for.
    private let wholeFiles: Bool
    private let archive: ManifestArchive?
    private let cache: BasisCache?
    private let filling: BasisCacheFilling?
    private var channels: [Int: Channel] = [:]
    /// Bytes through sessions that have ended.
    private var endedBytes: (sent: UInt64, received: UInt64) = (0, 0)
    /// Spooled manifests, by the release that they are a difference from.
    private var manifests: [ContentDigest?: (length: Int, range: SpoolRange)] = [:]

    nonisolated init(
        sessions: OpenSessions, release: PreparedRelease, options: StageOptions,
        emit: @escaping @Sendable (FleetEvent) -> Void
    ) async throws {
        self.sessions = sessions
        fleet = sessions.fleet
        self.release = release
        self.options = options
        self.emit = emit
        spool = try Spool()
        archive = ManifestArchive(in: options.cacheDirectory ?? CacheFolder.usual)
        // A local agent gets bytes as they are.
        levels = options.compressionLevel.map { .always($0) } ?? (fleet.transport.kind == .ssh ? .remote : .always(0))
        wholeFiles = options.wholeFiles ?? (fleet.transport.kind == .local)
        cache = wholeFiles ? nil : Self.openCache(options, emit)
        filling = cache.map { BasisCacheFilling($0) }
        library = await PatchLibrary(
            encoder: PairEncoder(
                source: release.source, spool: spool, levels: levels, parallelism: processorCount(), cache: cache,
                filling: filling, message: Request.frameMessage),
            hostCount: fleet.hosts.count)
    }

    /// The contents of earlier releases; nil if none are kept.
    nonisolated private static func openCache(
        _ options: StageOptions, _ emit: @Sendable (FleetEvent) -> Void
    ) -> BasisCache? {
        guard options.cacheSize > 0, let folder = options.cacheDirectory ?? CacheFolder.usual else { return nil }
        do { return try BasisCache(in: folder, limit: options.cacheSize) } catch {
            emit(.sourceWarning("contents of releases cannot be kept in \(quoted(folder.string)): \(error)"))
            return nil
        }
    }

    func run() async throws -> StageReport {
        // When hosts have what they need, what is new is kept for the next stage, while they put it into place.
        let keeping = Keeping(filling, release.source)
        library.pool.isAwaited = { [weak self] in self?.channels.values.allSatisfy { $0.pendingBytes == 0 } ?? false }
        if !options.dryRun { library.onEncoded = keeping.begin }
        defer { keeping.cancel() }
        let ticker = Task { @FleetActor in
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(200))
                self.reportProgress()
            }
        }
        defer { ticker.cancel() }
        let results = await fleet.forEachHost { number in
            let host = self.fleet.hosts[number]
            self.emit(.hostStarted(host))
            self.library.expect(number)
            do {
                let staged = try await self.stage(number)
                self.emit(.hostFinished(host, .staged(staged)))
                return staged
            } catch {
                self.library.withdraw(number)
                self.emit(.hostFinished(host, .failed(hostError(error))))
                throw error
            }
        }
        if let error = library.sourceFailure { throw error }
        try Task.checkCancellation()
        reportProgress()
        if let error = await keeping.end() { emit(.sourceWarning("\(error)")) }
        let manifest = release.manifest
        return StageReport(
            release: release.name, files: manifest.entries.count { $0.kind == .file }, bytes: manifest.contentBytes,
            hosts: results.compactMap { try? $0.result.get() }, failures: fleet.failures(results),
            sentBytes: endedBytes.sent, receivedBytes: endedBytes.received, cohorts: library.cohortCount)
    }

    private func reportProgress() {
        let sent = channels.values.reduce(endedBytes.sent) { $0 + $1.sentBytes }
        emit(.transferred(sent: sent, planned: max(sent, library.plannedBytes)))
    }

    // MARK: One host

    private func stage(_ number: Int) async throws -> StagedHost {
        let session = try await sessions.session(of: number)
        let channel = session.channel
        channels[number] = channel
        var lastBytes: UInt64 = 0
        channel.onAlive = { [library] progress in
            // Only a host that gets on is worth waiting for.
            if progress.bytes > lastBytes { library.noteProgress(of: number) }
            lastBytes = progress.bytes
        }
        channel.onWarning = { [emit] text in emit(.hostWarning(session.host, text)) }
        do {
            let outcome = try await converse(session)
            let staged = StagedHost(
                host: session.host, kind: outcome.kind, slot: outcome.slot, received: outcome.received,
                copied: outcome.copied, kept: outcome.kept, sentBytes: channel.sentBytes,
                receivedBytes: channel.receivedBytes)
            await end(number, channel, isOrderly: true)
            return staged
        } catch {
            await end(number, channel, isOrderly: false)
            throw error
        }
    }

    private func end(_ number: Int, _ channel: Channel, isOrderly: Bool) async {
        await sessions.end(number, isOrderly: isOrderly)
        (channel.onAlive, channel.onWarning) = (nil, nil)
        guard channels.removeValue(forKey: number) != nil else { return }
        endedBytes.sent += channel.sentBytes
        endedBytes.received += channel.receivedBytes
    }

    private typealias Outcome = (kind: StagedHost.Kind, slot: Int, received: Int, copied: Int, kept: Int)

    private func converse(_ session: HostSession) async throws -> Outcome {
        try requestStage(session, withWholeManifest: false)
        var isWhole = false
        var rounds = 0
        while true {
            switch try await answer(session, isRepair: rounds > 0) {
            case .manifestNeeded:
                guard !isWhole, rounds == 0 else { throw unexpected(.manifestNeeded) }
                isWhole = true
                try requestStage(session, withWholeManifest: true)
            case .ended(let outcome):
                library.withdraw(session.number)
                return outcome
            case .planned(let count):
                library.withdraw(session.number)
                return (.planned, session.ring?.next ?? 1, count, 0, 0)
            case .work(let work, let count):
                guard rounds <= WireLimits.mostRepairRounds else {
                    throw SlotSyncError(.protocolViolation, "the agent asks for repairs without end")
                }
                if rounds > 0 {
                    emit(.hostWarning(session.host, "\(count) files did not verify and are sent again, whole"))
                }
                try await serve(work, session)
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
        case ended(Outcome)
        case manifestNeeded
    }

    private func answer(_ session: HostSession, isRepair: Bool) async throws -> StageAnswer {
        var parts: [[Need]] = []
        var count = 0
        while true {
            switch try await session.channel.receive() {
            case .needs(let part, let isLast):
                guard count + part.count <= release.manifest.count else {
                    throw SlotSyncError(.protocolViolation, "the agent needs more than the release has")
                }
                count += part.count
                parts.append(library.shared(part))
                guard isLast else { continue }
                guard !options.dryRun else { return .planned(count: count) }
                let needs = parts.count == 1 ? parts[0] : Array(parts.joined())
                let work = try library.join(session.number, needs: needs, isRepair: isRepair)
                return .work(work, count: count)
            case .present(let outcome):
                library.notePresence()
                let kind: StagedHost.Kind =
                    switch outcome.kind {
                    case .alreadyLive: .alreadyLive
                    case .alreadyBad: .alreadyBad
                    case .alreadyReady, .staged: .alreadyReady
                    }
                return .ended((kind, outcome.slot, 0, 0, 0))
            case .staged(let outcome):
                return .ended((.staged, outcome.slot, outcome.received, outcome.copied, outcome.kept))
            case .manifestNeeded where parts.isEmpty: return .manifestNeeded
            case let reply: throw unexpected(reply)
            }
        }
    }

    /// Sends the manifest, as a difference from the live release's where both ends have that.
    private func requestStage(_ session: HostSession, withWholeManifest isWhole: Bool) throws {
        let id = release.name.id
        let ring = session.ring
        let isThere = ring.map { $0.liveRelease?.id == id || $0.readyRelease?.id == id } ?? false
        var request = StageRequest(
            release: release.name, slots: options.slots, base: nil, manifestLength: 0, checksum: options.checksum,
            ownership: options.ownership, sharedPaths: release.sharedPaths, dryRun: options.dryRun,
            wholeFiles: wholeFiles)
        guard isWhole || !isThere else {
            session.channel.send(.stage(request))
            return
        }
        let live = isWhole ? nil : ring?.liveRelease?.id
        let (base, manifest) = try spooledManifest(against: live)
        request.base = base
        request.manifestLength = manifest.length
        session.channel.send(.stage(request))
        session.channel.send(spool: spool.file, at: manifest.range.offset, length: manifest.range.length)
    }

    private func spooledManifest(
        against live: ContentDigest?
    ) throws -> (base: ContentDigest?, manifest: (length: Int, range: SpoolRange)) {
        if let live, let known = manifests[live] { return (live, known) }
        let base = live.flatMap { archive?.manifest(of: $0) }
        let key = base == nil ? nil : live
        if let known = manifests[key] { return (key, known) }
        let bytes = release.manifest.encoded(against: base)
        var message: [UInt8] = []
        var deflater: Deflater? = levels.usual > 0 ? Deflater(level: Int32(levels.usual)) : nil
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(PatchFrameLimits.usualLength))
            rest = rest.dropFirst(part.count)
            Request.manifest(DeflatedPart(deflating: part, by: &deflater)).encode(into: &message)
        }
        let made = (bytes.count, try spool.append(message))
        manifests[key] = made
        return (key, made)
    }

    /// Hands the host what it needs, as it becomes ready.
    private func serve(_ works: AsyncThrowingStream<PatchWork, any Error>, _ session: HostSession) async throws {
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
                    switch try await channel.receive() {
                    case .signature(request.basis, let signature):
                        library.deliver(signature, of: request.basis, from: session.number)
                    case .signatureMissing(request.basis):
                        library.deliver(nil, of: request.basis, from: session.number)
                    case let reply: throw unexpected(reply)
                    }
                }
            case .end: return
            }
        }
        try Task.checkCancellation()
    }
}
