// The sessions of a fleet, and what is asked of many hosts at once. Whoever stages, flips some hosts, looks at them,
// and then flips the others or takes those back keeps one open: each host's session carries all of it. The fleet's own
// operations (stage, flip, status) open one each, and close it at their end.

public import SystemPackage

/// Sessions with the hosts of a fleet that stay open. Whoever makes one closes it. Each host is asked one thing at a
/// time; different hosts may be asked different things.
///
/// ```swift
/// let connection = await FleetConnection(fleet)
/// let staged = try await connection.stage("build/site").report
/// let canaries = Array(staged.hosts.map(\.host).prefix(3))
/// let flip = HostFlip(release: staged.release.id, provisionalLimit: .seconds(10))
/// let prepared = await connection.prepare(flip, on: canaries)
/// let flipped = await connection.flip(flip, on: prepared.done)
/// if await areHealthy(flipped.done) { _ = await connection.confirm(on: flipped.done) }
/// await connection.close()  // canaries that nobody confirmed go back by themselves
/// ```
public final class FleetConnection: Sendable {
    /// The hosts, and how they are reached.
    public let fleet: Fleet
    /// What happens to hosts beside what they are asked, from `listen` on. One consumer; it ends with `close`.
    public let events: AsyncStream<HostEvent>
    private let emit: AsyncStream<HostEvent>.Continuation
    private let connections: [Host: HostConnection]
    /// Hears how logins go, while an operation is watched.
    private let teller = OperationTeller()
    @FleetActor private var isClosed = false
    @FleetActor private var keepAlives: Task<Void, Never>?

    /// How often a host whose flip is provisional hears of the controller: several times in the shortest limit.
    private static let keepAliveInterval = Duration.milliseconds(300)

    /// Opens nothing yet: each session is opened when it is first needed.
    public init(_ fleet: Fleet) async {
        ProcessSetup.prepare()
        // Where that cannot be, the first operation says so.
        let fleet = (try? fleet.fitting(isOneForEach: true)) ?? fleet
        self.fleet = fleet
        (events, emit) = AsyncStream.makeStream(of: HostEvent.self)
        connections = await Self.connections(to: fleet, teller, emit)
    }

    /// Tells of logins until somebody else is to hear of them; nil: nobody is.
    @FleetActor
    func tellLogins(_ tell: (@Sendable (FleetEvent) -> Void)?) { teller.tell = tell }

    /// Tells of another command that asks for the lock of a root.
    @FleetActor
    func onGiveWay(_ tell: @escaping @Sendable (String) -> Void) { teller.onGiveWay = tell }

    /// Which command has asked for the lock of a root, and for whom; nil: none.
    @FleetActor var preemptor: String? { teller.preemptor }

    @FleetActor
    private static func connections(
        to fleet: Fleet, _ teller: OperationTeller, _ emit: AsyncStream<HostEvent>.Continuation
    ) -> [Host: HostConnection] {
        let (connecting, preparing) = (ConcurrencyBound(fleet.parallelism), ConcurrencyBound(fleet.parallelism))
        let all = fleet.hosts.indices.map { index in
            HostConnection(index, of: fleet, connecting: connecting, preparing: preparing, teller: teller) {
                emit.yield($0)
            }
        }
        return Dictionary(all.map { ($0.host, $0) }) { first, _ in first }
    }

    // MARK: Many hosts at once

    /// Asks something of each of these hosts, and waits for all of them. What fails on a host closes its session.
    ///
    /// - Parameters:
    ///   - limit: how many hosts are asked at the same time.
    ///   - closes: whether sessions are closed when the answer is there.
    ///   - emit: called with each host that fails, as soon as it does.
    @FleetActor
    func each<Answer: Sendable>(
        _ hosts: [Host], atMost limit: Int = .max, closing closes: Bool = false,
        telling emit: (@Sendable (FleetEvent) -> Void)? = nil,
        _ body: @escaping @FleetActor @Sendable (HostConnection) async throws -> Answer
    ) async -> HostResults<Answer> {
        let asked = hosts.compactMap { connections[$0] }
        var rest = asked.enumerated().makeIterator()
        var results = [Result<Answer, any Error>?](repeating: nil, count: asked.count)
        let workers = (0..<min(max(limit, 1), asked.count)).map { _ in
            Task { @FleetActor in
                while let (index, host) = rest.next() {
                    do { results[index] = .success(try await host.ask(closing: closes, body)) } catch {
                        results[index] = .failure(error)
                        emit?(.hostFinished(host.host, .failed(hostError(error))))
                    }
                }
            }
        }
        await withTaskCancellationHandler {
            for worker in workers { await worker.value }
        } onCancel: {
            for worker in workers { worker.cancel() }
        }
        return HostResults(asked.map(\.host), results)
    }

    /// Begins to open the first sessions, as many as may stage at once: while a source is read, hosts can log in.
    @FleetActor
    func openAhead() {
        for host in fleet.hosts.prefix(max(fleet.parallelism, 1)) { connections[host]?.open() }
    }

    /// Closes what is open, without waiting for agents. It can be opened again.
    @FleetActor
    func closeSessions() async {
        await Self.all(connections.values) { await $0.close(isOrderly: false) }
    }

    /// Ends all sessions, and whatever hosts are being asked. Flips that are provisional are then taken back.
    ///
    /// - Parameter atOnce: agents get no time to end what they are about in good order.
    public func close(atOnce: Bool = false) async { await shut(isOrderly: !atOnce) }

    @FleetActor
    private func shut(isOrderly: Bool) async {
        guard !isClosed else { return }
        isClosed = true
        await Self.all(connections.values) { await $0.shut(isOrderly: isOrderly) }
        emit.finish()
    }

    /// At the same time, also in a cancelled task.
    @FleetActor
    private static func all(
        _ connections: some Collection<HostConnection>, _ body: @escaping @FleetActor (HostConnection) async -> Void
    ) async {
        for task in connections.map({ host in Task { @FleetActor in await body(host) } }) { await task.value }
    }

    // MARK: What hosts are asked

    /// Brings a tree into the next slot of every host; see ``Fleet/stage(_:options:)``.
    public func stage(_ source: FilePath, options: StageOptions = StageOptions()) -> FleetOperation<StageReport> {
        FleetOperation { emit in
            _ = try self.fleet.fitting(isOneForEach: true)
            await self.tellLogins(emit)
            do {
                try await self.waitForLocks(until: .now + self.fleet.lockPatience, telling: emit)
                let report = try await FleetStage.run(
                    source, options: options, over: self, keepsSessions: true, emit: emit)
                await self.tellLogins(nil)
                return report
            } catch {
                await self.tellLogins(nil)
                throw error
            }
        }
    }

    /// Hears these hosts from now on: that their sessions end, what they warn of, what they were asked to read.
    ///
    /// A session that is not open is opened; the agent that starts then takes back a provisional flip that nobody
    /// watches.
    public func listen(to hosts: [Host]) async -> HostResults<RingStatus?> {
        await each(hosts) { try await $0.listen() }
    }

    /// First phase of a flip: hosts confirm that the release is ready, and run the hook `before_flip`. Hosts whose flip
    /// will be provisional are heard from now on.
    public func prepare(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<FlipOutcome> {
        await each(hosts) { host in
            if flip.provisionalLimit != nil { _ = try await host.listen() }
            let outcome = try await host.prepare(FlipRequest(flip))
            try await host.runBeforeHook()
            return outcome
        }
    }

    /// Second phase: hosts that have prepared the flip make it, all in one go, and run the hook `after_flip`.
    public func flip(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<FlipOutcome> {
        await each(hosts) { host in
            if let limit = flip.provisionalLimit {
                host.provisionalLimit = limit
                self.sendKeepAlives()
            }
            return try await host.commit()
        }
    }

    /// Lets hosts whose flip is provisional hear of the controller, as long as there are any.
    @FleetActor
    private func sendKeepAlives() {
        guard keepAlives == nil else { return }
        keepAlives = Task { @FleetActor in
            while connections.values.contains(where: { $0.provisionalLimit != nil }) {
                for host in connections.values { host.keepAlive() }
                try? await Task.sleep(for: Self.keepAliveInterval)
            }
            keepAlives = nil
        }
    }

    /// Makes the provisional flip of these hosts one that stays.
    public func confirm(on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { host in
            try await host.request(.confirm) { $0 == .confirmed }
            host.provisionalLimit = nil
        }
    }

    /// Takes back this session's flip, provisional or not; on a host whose session was lost meanwhile, and is opened
    /// anew, rolls back unless the host has done so by itself.
    public func takeBack(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { try await $0.takeBack(flip.release, hook: flip.hooks.onTheWayBack) }
    }

    /// Asks hosts again whose sessions were lost, in new ones, and hears them. Waits until their agents have taken back
    /// what was not confirmed.
    ///
    /// - Parameter patience: how long the agent of a lost session waits for a word before it goes back.
    /// - Returns: the rings as they are then; nil: there is none.
    public func recover(_ hosts: [Host], patience: Duration) async -> HostResults<RingStatus?> {
        await each(hosts) { host in
            let ring = try await host.recover(patience: patience)
            _ = try await host.listen()
            return ring
        }
    }

    /// Ends the sessions of hosts that have nothing left to do, in good order: whoever waits for their locks goes on.
    public func release(_ hosts: [Host]) async { _ = await each(hosts, closing: true) { _ in } }

    /// Marks a release as bad, with the reason, on hosts where it is not live: flips refuse it from then on.
    public func markBad(_ release: ContentDigest, because reason: String, on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { host in
            try await host.request(.markBad(release: release, reason: reason)) { reply in
                if case .status(let ring) = reply { ring.hasMarkedBad(release) } else { false }
            }
        }
    }

    /// Tells hosts what they will be asked to read, and starts the counting.
    ///
    /// - Parameters:
    ///   - sources: for each host its sources.
    ///   - interval: how often they will be asked.
    /// - Returns: for each source why it cannot be read for now; nil where it can.
    public func prepareReadings(
        _ sources: [Host: [HostSource]], every interval: Duration
    ) async -> HostResults<[String?]> {
        await each(fleet.hosts.filter { sources[$0] != nil }) { host in
            try await host.watch(sources[host.host] ?? [], every: interval)
        }
    }

    /// Asks hosts that were told what to read for their readings; they come as events, with this number. A host that
    /// still owes two is not asked, nor is one whose session has ended.
    public func requestReadings(_ number: UInt32, of hosts: [Host]) async { await ask(hosts, forReadings: number) }

    @FleetActor
    private func ask(_ hosts: [Host], forReadings number: UInt32) {
        for host in hosts { connections[host]?.requestReadings(number) }
    }
}
