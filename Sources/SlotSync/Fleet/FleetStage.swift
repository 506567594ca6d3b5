// Staging a release on all hosts: the source is scanned once, the patch is encoded once, and each host's session is one
// StageConversation with its agent.

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
    private let sessions: OpenSessions
    private let fleet: Fleet
    private let release: PreparedRelease
    private let options: StageOptions
    private let emit: @Sendable (FleetEvent) -> Void
    private let spool: Spool
    private let library: PatchLibrary
    private let manifests: SpooledManifests
    /// Whether no basis is asked for.
    private let wholeFiles: Bool
    private let filling: BasisCacheFilling?
    private var channels: [Int: Channel] = [:]
    /// Bytes through sessions that have ended.
    private var endedBytes: (sent: UInt64, received: UInt64) = (0, 0)

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
        // A local agent gets bytes as they are.
        let levels: CompressionLevels =
            options.compressionLevel.map { .always($0) } ?? (fleet.transport.kind == .ssh ? .remote : .always(0))
        wholeFiles = options.wholeFiles ?? (fleet.transport.kind == .local)
        let cache = wholeFiles ? nil : Self.openCache(options, emit)
        filling = cache.map { BasisCacheFilling($0) }
        library = await PatchLibrary(
            encoder: PairEncoder(
                source: release.source, spool: spool, levels: levels, parallelism: processorCount(), cache: cache,
                filling: filling, message: Request.frameMessage),
            hostCount: fleet.hosts.count)
        manifests = await SpooledManifests(
            of: release.manifest, in: spool, archive: ManifestArchive(in: options.cacheDirectory ?? CacheFolder.usual),
            level: levels.usual)
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
            let outcome = try await StageConversation(
                session: session, release: release, options: options, wholeFiles: wholeFiles, library: library,
                spool: spool, manifests: manifests, emit: emit
            ).hold()
            let staged = StagedHost(
                host: session.host, kind: outcome.kind, slot: outcome.slot, received: outcome.received,
                copied: outcome.copied, kept: outcome.kept, sentBytes: channel.sentBytes,
                receivedBytes: channel.receivedBytes, badReason: badReason(outcome.kind, session),
                isFirst: session.ring?.live == nil, live: session.ring?.liveRelease)
            await end(number, channel, isOrderly: true)
            return staged
        } catch {
            await end(number, channel, isOrderly: false)
            throw error
        }
    }

    /// Why the release is bad on the host: what its greeting said of it, which holds for a copy made anew as well.
    private func badReason(_ kind: StagedHost.Kind, _ session: HostSession) -> String? {
        let reason = session.ring?.badReason(of: release.name.id)
        return switch kind {
        case .alreadyBad: reason ?? ""
        case .staged: reason.flatMap { $0.isEmpty ? nil : $0 }
        case .alreadyReady, .alreadyLive, .planned: nil
        }
    }

    private func end(_ number: Int, _ channel: Channel, isOrderly: Bool) async {
        await sessions.end(number, isOrderly: isOrderly)
        (channel.onAlive, channel.onWarning) = (nil, nil)
        guard channels.removeValue(forKey: number) != nil else { return }
        endedBytes.sent += channel.sentBytes
        endedBytes.received += channel.receivedBytes
    }
}
