// A fleet's sessions, kept from one operation to the next: what a program needs that stages, flips some hosts, looks at
// them, and then flips the others or takes those back. One session a host carries all of it.

public import SystemPackage

/// Sessions with the hosts of a fleet that stay open. Whoever makes one closes it; operations on the same host follow one
/// another, those on different hosts may overlap.
///
/// ```swift
/// let connection = await FleetConnection(fleet)
/// let staged = try await connection.stage("build/site").report
/// let canaries = Array(staged.hosts.map(\.host).prefix(3))
/// let flipped = try await connection.flip(staged.release.id, on: canaries, trial: .seconds(10))
/// if await areHealthy(canaries) { _ = await connection.confirm(on: canaries) }
/// await connection.close()  // canaries that nobody confirmed go back by themselves
/// ```
public struct FleetConnection: Sendable {
    public let fleet: Fleet
    /// What happens to hosts beside the operations, from `listen` on. One consumer; it ends with `close`.
    public let events: AsyncStream<HostEvent>
    private let sessions: OpenSessions
    private let attendance: Attendance
    private let numbers: [Host: Int]

    public init(_ fleet: Fleet) async {
        ProcessSetup.prepare()
        self.fleet = fleet
        sessions = await OpenSessions(fleet, areKept: true)
        let (events, continuation) = AsyncStream.makeStream(of: HostEvent.self)
        self.events = events
        attendance = await Attendance(sessions) { continuation.yield($0) } atEnd: { continuation.finish() }
        numbers = Dictionary(zip(fleet.hosts, fleet.hosts.indices)) { first, _ in first }
    }

    /// Brings a tree into the next slot of every host; see ``Fleet/stage(_:options:)``.
    public func stage(_ source: FilePath, options: StageOptions = StageOptions()) -> FleetOperation<StageReport> {
        FleetOperation { emit in try await sessions.stage(source, options: options, emit: emit) }
    }

    /// Hears these hosts from now on: that their sessions end, what they warn of, what they were asked to read. A session
    /// that is not open is opened, which takes back what an earlier one left on trial there.
    ///
    /// - Returns: hosts that could not be reached.
    public func listen(to hosts: [Host]) async -> [HostFailure] {
        await each(hosts) { number in try await attendance.attend(number) }.failures
    }

    /// Makes a release live on some hosts, or on none of them.
    ///
    /// - Parameter trial: each host goes back by itself when it does not hear from this program for so long, until the
    ///   flip is confirmed; nil: it stands at once.
    public func flip(
        _ release: ContentDigest, on hosts: [Host], options: FlipOptions = FlipOptions(), trial: Duration? = nil
    ) async throws -> FlipReport {
        let numbers = places(of: hosts)
        if trial != nil {
            _ = await listen(to: hosts)
            await attendance.beginTrial(numbers)
        }
        let report = try await sessions.flip(
            .flip, .id(release), on: numbers, options: options, trial: trial, emit: { _ in })
        let isLive = Set(report.flipped.map(\.host))
        await attendance.endTrial(places(of: hosts.filter { !isLive.contains($0) }))
        return report
    }

    /// Ends the trial of these hosts: the release stays live there.
    public func confirm(on hosts: [Host]) async -> HostResults {
        await each(hosts) { number in
            try await sessions.ask(.confirm, of: number) { $0 == .confirmed }
            await attendance.endTrial([number])
        }
    }

    /// Goes back to what was live before on these hosts, on trial or not. A host whose session was lost is asked anew.
    public func takeBack(_ release: ContentDigest, on hosts: [Host], hooks: Hooks = Hooks()) async -> HostResults {
        await each(hosts) { number in
            try await sessions.takeBack(release, on: number, hooks: hooks)
            await attendance.endTrial([number])
        }
    }

    /// Marks a release as bad, with the reason, on hosts where it is not live: flips refuse it from then on.
    public func markBad(_ release: ContentDigest, because reason: String, on hosts: [Host]) async -> HostResults {
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
    /// - Returns: for each host why its sources cannot be read, in their order, nil where they can; and hosts that failed.
    public func prepareReadings(
        _ sources: [Host: [HostSource]], every interval: Duration
    ) async -> (reasons: [Host: [String?]], failures: [HostFailure]) {
        var reasons: [Host: [String?]] = [:]
        let results = await withTaskGroup(of: (Host, Result<[String?], SlotSyncError>).self) { group in
            for (host, sources) in sources {
                guard let number = numbers[host] else { continue }
                group.addTask {
                    do {
                        return (host, .success(try await self.sessions.watch(sources, every: interval, on: number)))
                    } catch { return (host, .failure(hostError(error))) }
                }
            }
            var failures: [HostFailure] = []
            for await (host, result) in group {
                switch result {
                case .success(let found): reasons[host] = found
                case .failure(let error): failures.append(HostFailure(host: host, error: error))
                }
            }
            return failures
        }
        return (reasons, results)
    }

    /// Asks hosts for their readings; they come as events, with this number. A host that still owes earlier ones is not
    /// asked.
    public func requestReadings(_ number: UInt32, of hosts: [Host]) async {
        await attendance.requestReadings(number, of: places(of: hosts))
    }

    /// Ends all sessions. What is on trial then goes back.
    public func close() async { await attendance.close() }

    private func places(of hosts: [Host]) -> [Int] { hosts.compactMap { numbers[$0] } }

    /// Does something on each host, on all at once.
    private func each(
        _ hosts: [Host], _ body: @escaping @Sendable (Int) async throws -> Void
    ) async -> HostResults {
        await withTaskGroup(of: (Host, SlotSyncError?).self) { group in
            for host in hosts {
                guard let number = numbers[host] else { continue }
                group.addTask {
                    do { try await body(number) } catch { return (host, hostError(error)) }
                    return (host, nil)
                }
            }
            var errors: [Host: SlotSyncError] = [:]
            var done: Set<Host> = []
            for await (host, error) in group {
                if let error { errors[host] = error } else { done.insert(host) }
            }
            return HostResults(
                done: hosts.filter(done.contains),
                failures: hosts.compactMap { host in errors[host].map { HostFailure(host: host, error: $0) } })
        }
    }
}

/// What happens to a host beside the operations.
public enum HostEvent: Sendable {
    /// What it read when it was asked for the sample with this number.
    case readings(Host, number: UInt32, HostReadings)
    case warning(Host, String)
    /// Its session has ended. What was on trial there goes back by itself.
    case lost(Host, SlotSyncError)
}

/// How something went that each host did by itself.
public struct HostResults: Sendable {
    public var done: [Host]
    public var failures: [HostFailure]
}
