// A fleet's sessions, kept from one operation to the next: what a program needs that stages, flips some hosts, looks at
// them, and then flips the others or takes those back. One session a host carries all of it.

public import SystemPackage

/// Sessions with the hosts of a fleet that stay open. Whoever makes one closes it. Each host is asked one thing at a time;
/// different hosts may be asked different things.
///
/// ```swift
/// let connection = await FleetConnection(fleet)
/// let staged = try await connection.stage("build/site").report
/// let canaries = Array(staged.hosts.map(\.host).prefix(3))
/// let flip = HostFlip(release: staged.release.id, trial: .seconds(10))
/// let prepared = await connection.prepare(flip, on: canaries)
/// let flipped = await connection.flip(flip, on: prepared.done)
/// if await areHealthy(flipped.done) { _ = await connection.confirm(on: flipped.done) }
/// await connection.close()  // canaries that nobody confirmed go back by themselves
/// ```
public struct FleetConnection: Sendable {
    /// The hosts, and how they are reached.
    public let fleet: Fleet
    /// What happens to hosts beside what they are asked, from `listen` on. One consumer; it ends with `close`.
    public let events: AsyncStream<HostEvent>
    private let sessions: OpenSessions
    private let attendance: Attendance
    private let numbers: [Host: Int]

    /// Opens nothing yet: each session is opened when it is first needed.
    public init(_ fleet: Fleet) async {
        ProcessSetup.prepare()
        self.fleet = fleet
        sessions = await OpenSessions(fleet, areKept: true)
        let (events, continuation) = AsyncStream.makeStream(of: HostEvent.self)
        self.events = events
        attendance = await Attendance(sessions) {
            continuation.yield($0)
        } atEnd: {
            continuation.finish()
        }
        numbers = Dictionary(zip(fleet.hosts, fleet.hosts.indices)) { first, _ in first }
    }

    /// Brings a tree into the next slot of every host; see ``Fleet/stage(_:options:)``.
    public func stage(_ source: FilePath, options: StageOptions = StageOptions()) -> FleetOperation<StageReport> {
        FleetOperation { emit in try await sessions.stage(source, options: options, emit: emit) }
    }

    /// Hears these hosts from now on: that their sessions end, what they warn of, what they were asked to read.
    ///
    /// A session that is not open is opened; the agent that starts then takes back what an earlier one left on trial.
    public func listen(to hosts: [Host]) async -> HostResults<RingStatus?> {
        await each(hosts) { number in try await attendance.attend(number) }
    }

    /// First phase of a flip: hosts confirm that the release is ready, and run the hook `before_flip`. Hosts whose flip will
    /// be on trial are heard from now on.
    public func prepare(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<FlippedHost> {
        await each(hosts) { number in
            if flip.trial != nil { _ = try await attendance.attend(number) }
            return try await sessions.prepare(flip, on: number)
        }
    }

    /// Second phase: hosts that have prepared the flip make it, all in one go, and run the hook `after_flip`.
    public func flip(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<FlippedHost> {
        if let trial = flip.trial { await attendance.beginTrial(of: places(of: hosts), limit: trial) }
        return await each(hosts) { number in try await sessions.commit(flip, on: number) }
    }

    /// Ends the trial of these hosts: the release stays live there.
    public func confirm(on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { number in
            try await sessions.ask(.confirm, of: number) { $0 == .confirmed }
            await attendance.endTrial(of: number)
        }
    }

    /// Takes back this session's flip, on trial or not; on a host whose session was lost meanwhile, and is opened anew, rolls
    /// back unless the host has done so by itself.
    public func takeBack(_ flip: HostFlip, on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { number in
            try await sessions.takeBack(flip, on: number)
            await attendance.endTrial(of: number)
        }
    }

    /// Marks a release as bad, with the reason, on hosts where it is not live: flips refuse it from then on.
    public func markBad(_ release: ContentDigest, because reason: String, on hosts: [Host]) async -> HostResults<Void> {
        await each(hosts) { number in
            try await sessions.ask(.markBad(release: release, reason: reason), of: number) { reply in
                if case .status = reply { true } else { false }
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
        await each(sources.keys.sorted { numbers[$0] ?? 0 < numbers[$1] ?? 0 }) { number in
            let sources = sources[fleet.hosts[number]] ?? []
            await attendance.expectReadings(nil, of: number)
            let problems = try await sessions.watch(sources, every: interval, on: number)
            await attendance.expectReadings(sources.count, of: number)
            return problems
        }
    }

    /// Asks hosts that were told what to read for their readings; they come as events, with this number. A host that still
    /// owes two is not asked, nor is one whose session has ended.
    public func requestReadings(_ number: UInt32, of hosts: [Host]) async {
        await attendance.requestReadings(number, of: places(of: hosts))
    }

    /// Ends the session with a host at once. What is on trial there goes back.
    public func drop(_ host: Host) async {
        guard let number = numbers[host] else { return }
        await attendance.leave(number)
        await sessions.close(number, isOrderly: false)
    }

    /// Ends all sessions, and whatever hosts are being asked. What is on trial then goes back.
    ///
    /// - Parameter atOnce: agents get no time to end what they are about in good order.
    public func close(atOnce: Bool = false) async { await attendance.close(isOrderly: !atOnce) }

    private func places(of hosts: [Host]) -> [Int] { hosts.compactMap { numbers[$0] } }

    /// Asks something of each host, of all in one go. Its session is closed where that fails.
    private func each<Answer: Sendable>(
        _ hosts: [Host], _ body: @escaping @Sendable (Int) async throws -> Answer
    ) async -> HostResults<Answer> {
        await withTaskGroup(of: (Int, Result<Answer, SlotSyncError>).self) { group in
            for host in hosts {
                guard let number = numbers[host] else { continue }
                group.addTask { await outcome(of: number, body) }
            }
            var results: [Host: Result<Answer, SlotSyncError>] = [:]
            for await (number, result) in group { results[fleet.hosts[number]] = result }
            return HostResults(hosts, results)
        }
    }

    /// What comes of asking one host. A function of its own: as a part of the group's closure it crashes where Swift 6.3.1
    /// optimises, since the group reads a result that is not there.
    private func outcome<Answer: Sendable>(
        of number: Int, _ body: @Sendable (Int) async throws -> Answer
    ) async -> (Int, Result<Answer, SlotSyncError>) {
        do { return (number, .success(try await attendance.during(number, body))) } catch {
            return (number, .failure(hostError(error)))
        }
    }
}

/// A flip as each host by itself is asked for it.
public struct HostFlip: Sendable, Hashable {
    /// The ID of the release, which the hosts have staged.
    public var release: ContentDigest
    /// What runs on the host before and after it.
    public var hooks: Hooks
    /// Flip to a release that is bad, too.
    public var force: Bool
    /// The host goes back by itself when it hears nothing of the controller for so long (1 s to 10 minutes), until the
    /// flip is confirmed; nil: it stands.
    public var trial: Duration?

    /// A flip that stands, without hooks, unless more is said.
    public init(release: ContentDigest, hooks: Hooks = Hooks(), force: Bool = false, trial: Duration? = nil) {
        self.release = release
        self.hooks = hooks
        self.force = force
        self.trial = trial
    }
}

/// What happens to a host beside what it is asked.
public enum HostEvent: Sendable {
    /// What it read when it was asked for the sample with this number.
    case readings(Host, number: UInt32, HostReadings)
    /// What a person should know of it, one line.
    case warning(Host, String)
    /// Its session has ended. What was on trial there goes back by itself.
    case lost(Host, SlotSyncError)
}

/// What came of asking several hosts.
public struct HostResults<Answer: Sendable>: Sendable {
    /// In the hosts' order.
    public var answers: [(host: Host, answer: Answer)]
    /// Hosts that could not do it, in the hosts' order.
    public var failures: [HostFailure]

    /// Hosts that did it.
    public var done: [Host] { answers.map(\.host) }

    init(_ hosts: [Host], _ results: [Host: Result<Answer, SlotSyncError>]) {
        answers = hosts.compactMap { host in (try? results[host]?.get()).map { (host, $0) } }
        failures = hosts.compactMap { host in
            guard case .failure(let error) = results[host] else { return nil }
            return HostFailure(host: host, error: error)
        }
    }
}
