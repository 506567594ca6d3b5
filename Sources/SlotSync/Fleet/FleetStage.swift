// Stages a release on all hosts. The source is scanned once and the patch is encoded once; each host's session is one
// StageConversation with its agent.

public import SystemPackage

extension Fleet {
    /// Brings the tree at `source` into the next slot of every host. One host that fails does not stop the others.
    ///
    /// - Returns: an operation whose report says what happened on each host. It throws where the source cannot be
    ///   used, or changed while it was read.
    public func stage(_ source: FilePath, options: StageOptions = StageOptions()) -> FleetOperation<StageReport> {
        FleetOperation { emit in
            try await self.withConnection(isOneForEach: false, telling: emit) {
                let deadline = ContinuousClock.now + self.lockPatience
                try await $0.waitForLocks(until: deadline, telling: emit)
                return try await FleetStage.run(
                    source, options: options, over: $0, keepsSessions: false, lockDeadline: deadline, emit: emit)
            }
        }
    }
}

/// One stage over a fleet.
@FleetActor
final class FleetStage {
    private let connection: FleetConnection
    private let keepsSessions: Bool
    private let lockDeadline: ContinuousClock.Instant
    private let release: PreparedRelease
    private let options: StageOptions
    private let emit: @Sendable (FleetEvent) -> Void
    private let spool: Spool
    private let library: PatchLibrary
    private let manifests: SpooledManifests
    private let seeds: SpooledSeeds
    /// Whether no basis is asked for.
    private let wholeFiles: Bool
    private let filling: BasisCacheFilling?
    private var channels: [Int: Channel] = [:]
    private var progress: StageProgress
    /// Bytes through sessions that have ended.
    private var endedBytes: (sent: UInt64, received: UInt64) = (0, 0)

    /// Stages over a connection's sessions, which are opened while the source is read.
    ///
    /// - Parameters:
    ///   - keepsSessions: whether a host's session stays open when it has the release.
    ///   - lockDeadline: how long a lock is waited for that another command took meanwhile. Nobody waits who keeps the locks
    ///     of other hosts.
    static func run(
        _ source: FilePath, options: StageOptions, over connection: FleetConnection, keepsSessions: Bool,
        lockDeadline: ContinuousClock.Instant = .now, emit: @escaping @Sendable (FleetEvent) -> Void
    ) async throws -> StageReport {
        try await onQueue { try PreparedRelease.checkFolder(source) }
        connection.openAhead()
        do {
            let wholeFiles = options.wholeFiles ?? (connection.fleet.transport.kind == .local)
            let (release, caches, cache) = try await onQueue {
                let caches = try PreparedRelease.caches(for: source, options: options, emit: emit)
                let release = try PreparedRelease.prepare(source, options: options, caches: caches, emit: emit)
                return (release, caches, wholeFiles ? nil : openCache(in: caches, options, emit))
            }
            let attributes = Task {
                guard !release.isLookedAt else { return }
                await onQueue(qos: .utility) {
                    let (from, moment) = (release.source, Timestamp.fileClock)
                    let lost = SourceAttributes.lost(
                        of: from.manifest, at: from.root, path: source, parallelism: processorCount())
                    if let lost { return emit(.sourceWarning(lost)) }
                    AttributeMark(source: source, in: caches)?.set(for: release.name.id, at: moment)
                }
            }
            let report = try await FleetStage(
                release, caches: caches, cache: cache, wholeFiles: wholeFiles, options: options, over: connection,
                keepsSessions: keepsSessions, lockDeadline: lockDeadline, emit: emit
            ).run()
            await attributes.value
            return report
        } catch {
            await connection.closeSessions()
            throw error
        }
    }

    /// The contents of earlier releases; nil if none are kept.
    private nonisolated static func openCache(
        in folder: FilePath?, _ options: StageOptions, _ emit: @Sendable (FleetEvent) -> Void
    ) -> BasisCache? {
        guard options.cacheSize > 0, let folder else { return nil }
        do { return try BasisCache(in: folder, limit: options.cacheSize) } catch {
            emit(.sourceWarning("contents of releases cannot be kept in \(quoted(folder.string)): \(error)"))
            return nil
        }
    }

    private init(
        _ release: PreparedRelease, caches: FilePath?, cache: BasisCache?, wholeFiles: Bool, options: StageOptions,
        over connection: FleetConnection, keepsSessions: Bool, lockDeadline: ContinuousClock.Instant,
        emit: @escaping @Sendable (FleetEvent) -> Void
    ) throws {
        self.connection = connection
        self.keepsSessions = keepsSessions
        self.lockDeadline = lockDeadline
        self.release = release
        self.wholeFiles = wholeFiles
        self.options = options
        self.emit = emit
        progress = StageProgress(hostCount: connection.fleet.hosts.count)
        spool = try Spool()
        let fleet = connection.fleet
        // A local agent gets bytes as they are.
        let levels: CompressionLevels =
            options.compressionLevel.map { .always($0) } ?? (fleet.transport.kind == .ssh ? .remote : .always(0))
        filling = cache.map { BasisCacheFilling($0) }
        library = PatchLibrary(
            encoder: PairEncoder(
                source: release.source, spool: spool, levels: levels, parallelism: processorCount(), cache: cache,
                filling: filling, message: Request.frameMessage),
            hostCount: fleet.hosts.count)
        manifests = SpooledManifests(
            of: release.manifest, in: spool, archive: ManifestArchive(in: caches),
            level: levels.usual)
        seeds = try SpooledSeeds(of: release.seeds, in: spool, level: levels.usual)
    }

    private func run() async throws -> StageReport {
        // When hosts have what they need, what is new is kept for the next stage, while they put it into place.
        var keeping: Task<Void, any Error>?
        defer { filling?.cancel() }
        library.pool.isAwaited = { [weak self] in self?.channels.values.allSatisfy { $0.pendingBytes == 0 } ?? false }
        if !options.dryRun, let filling {
            library.onEncoded = { [source = release.source] in
                keeping = Task { try await onQueue(qos: .utility) { try filling.finish(source) } }
            }
        }
        let ticker = Task { @FleetActor in
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(200))
                self.reportProgress()
            }
        }
        defer { ticker.cancel() }
        let fleet = connection.fleet
        let results = await connection.each(
            fleet.hosts, atMost: fleet.parallelism, closing: !keepsSessions, telling: emit
        ) { host in
            self.emit(.hostStarted(host.host))
            self.library.expect(host.index)
            // Whatever becomes of it, nobody waits for it then.
            defer {
                self.library.withdraw(host.index)
                self.progress.end(host.index)
            }
            let staged = try await host.inTurn(until: self.lockDeadline, telling: self.emit) {
                try await self.stage(host)
            }
            self.emit(.hostFinished(host.host, .staged(staged)))
            return staged
        }
        if let error = library.sourceFailure { throw error }
        try Task.checkCancellation()
        reportProgress()
        await endKeeping(keeping)
        let manifest = release.manifest
        return StageReport(
            release: release.name, files: manifest.entries.count { $0.kind == .file }, bytes: manifest.contentBytes,
            hosts: results.answers.map(\.answer), failures: results.failures,
            sentBytes: endedBytes.sent, receivedBytes: endedBytes.received, cohorts: library.cohortCount)
    }

    /// Waits until the contents are kept; not for long if the stage is interrupted now, when hosts have all they need.
    private func endKeeping(_ keeping: Task<Void, any Error>?) async {
        let result = await withTaskCancellationHandler {
            await keeping?.result
        } onCancel: { [filling] in
            filling?.cancel()
        }
        if case .failure(let error) = result { emit(.sourceWarning("\(error)")) }
    }

    private func reportProgress() {
        let sent = channels.values.reduce(endedBytes.sent) { $0 + $1.sentBytes }
        emit(.transferred(sent: sent, planned: max(sent, library.plannedBytes)))
        emit(.filled(progress))
    }

    // MARK: One host

    private func stage(_ host: HostConnection) async throws -> StagedHost {
        let session = try await host.session()
        let channel = session.channel
        channels[host.index] = channel
        var lastBytes: UInt64 = 0
        channel.onAlive = { [library, weak self] progress in
            // Only a host that gets on is worth waiting for.
            if progress.bytes > lastBytes { library.noteProgress(of: host.index) }
            lastBytes = progress.bytes
            self?.progress.note(host.index, bytes: progress.bytes)
        }
        channel.onPlan = { [weak self] before, planned in
            self?.progress.plan(host.index, before: before, planned: planned)
        }
        channel.onWarning = { [emit] text in emit(.hostWarning(session.host, text)) }
        defer { end(host, channel) }
        let outcome = try await StageConversation(
            session: session, index: host.index, release: release, options: options, wholeFiles: wholeFiles,
            library: library, spool: spool, manifests: manifests, seeds: seeds, emit: emit
        ).hold()
        return StagedHost(
            host: session.host, outcome: outcome, sentBytes: channel.sentBytes, receivedBytes: channel.receivedBytes,
            badReason: badReason(outcome.kind, session.ring), live: session.ring?.liveRelease,
            owesHook: outcome.kind == .alreadyLive && session.ring?.owedHook?.release == release.name.id)
    }

    /// Why the release is bad on the host: what its greeting said of it, which holds for a copy made anew as well.
    private func badReason(_ kind: StageOutcome.Kind, _ ring: RingStatus?) -> String? {
        let reason = ring?.badReason(of: release.name.id)
        return switch kind {
        case .alreadyBad: reason ?? ""
        case .staged, .planned: reason
        // A person insisted on it.
        case .alreadyReady, .alreadyLive: nil
        }
    }

    private func end(_ host: HostConnection, _ channel: Channel) {
        (channel.onAlive, channel.onPlan, channel.onWarning) = (nil, nil, nil)
        channels[host.index] = nil
        endedBytes.sent += channel.sentBytes
        endedBytes.received += channel.receivedBytes
    }
}
