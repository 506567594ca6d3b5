// The library's front door: a fleet of hosts, and how they are reached. Each operation on all of them has a file of its
// own (FleetStage, FleetFlip, FleetInspection, FleetInstall) and returns at once with a handle.

/// Hosts that hold the same site, and how to reach them.
///
/// ```swift
/// let fleet = Fleet(hosts: try HostList.parse("web[01-20].example.com"), root: "/srv/www")
/// let staging = fleet.stage("build/site")
/// for await event in staging.events { print(event) }
/// let staged = try await staging.report
/// let flipped = try await fleet.flip(.id(staged.release.id)).report
/// ```
public struct Fleet: Sendable {
    /// Each once.
    public var hosts: [Host]
    /// The folder that holds the ring on each host; `{host}` stands for the host's name.
    public var root: String
    /// How the hosts are reached.
    public var transport: Transport
    /// How many hosts are being connected to, stage, prepare a flip, or are asked for what they have, at the same time.
    /// Sessions that are open already, the flip itself, taking it back and samples are not bounded by it.
    public var parallelism: Int
    /// How long a host may say nothing before it is given up.
    public var timeout: Duration
    /// How long a host that shows that it lives may get no further with work; nil: ten times ``timeout``.
    var longestStep: Duration?
    /// How long whoever holds a root's lock is waited for.
    public var lockPatience = Duration.zero
    /// How long a hook that follows a flip or a way back may take when a rollback asks for the lock meanwhile.
    package var preemptedHookLimit = Duration.seconds(20)
    /// What others are told who want the lock meanwhile, besides who holds it; one line.
    public var message = ""
    /// What commands that messages name are to be typed with.
    package var words = FleetWords()

    /// What ``parallelism`` is where nothing is said.
    public static let usualParallelism = 128
    /// What ``timeout`` is where nothing is said.
    public static let usualTimeout = Duration.seconds(60)

    /// - Parameter hosts: each once: two sessions would fight for one root.
    public init(
        hosts: [Host], root: String, transport: Transport = Transport(), parallelism: Int = Fleet.usualParallelism,
        timeout: Duration = Fleet.usualTimeout
    ) {
        self.hosts = hosts
        self.root = root
        self.transport = transport
        self.parallelism = parallelism
        self.timeout = timeout
    }

    /// Checks a ``root`` before any host is asked.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for one that begins with `~`, and for one that is not absolute.
    public static func check(root: String) throws(SlotSyncError) { try RootPath.check(ofFleet: root) }

    /// The folder that holds the ring on one of the hosts.
    public func root(of host: Host) -> String { Transport.root(root, of: host) }

    /// Does something over sessions that are closed afterwards.
    ///
    /// - Parameters:
    ///   - isOneForEach: whether all hosts have one at the same time, and not as many as ``parallelism`` says.
    ///   - givesWay: whether it ends as if it was cancelled, where another command asks for the lock of a root.
    ///   - emit: called with what there is to tell of logins.
    /// - Throws: ``SlotSyncError`` before the first of them where there cannot be so many.
    func withConnection<Result: Sendable>(
        isOneForEach: Bool, givesWay: Bool = true, telling emit: @escaping @Sendable (FleetEvent) -> Void,
        _ body: @escaping @Sendable (FleetConnection) async throws -> Result
    ) async throws -> Result {
        let connection = await FleetConnection(try fitting(isOneForEach: isOneForEach))
        await connection.tellLogins(emit)
        let work = Task { try await body(connection) }
        if givesWay { await connection.onGiveWay { _ in work.cancel() } }
        do {
            let result = try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                work.cancel()
            }
            await connection.close()
            return result
        } catch {
            await connection.close(atOnce: true)
            if givesWay, isCancellation(error), let who = await connection.preemptor {
                throw SlotSyncError(.preempted, "gave way to \(who)")
            }
            throw error
        }
    }

    /// Asks something of every host, no more than ``parallelism`` at the same time, each in a session for that alone.
    ///
    /// - Parameter emit: called with each host that fails, as soon as it does.
    func askEach<Answer: Sendable>(
        telling emit: @escaping @Sendable (FleetEvent) -> Void,
        _ body: @escaping @FleetActor @Sendable (HostConnection) async throws -> Answer
    ) async throws -> HostResults<Answer> {
        try await withConnection(isOneForEach: false, telling: emit) { connection in
            let results = await connection.each(
                hosts, atMost: connection.fleet.parallelism, closing: true, telling: emit, body)
            try Task.checkCancellation()
            return results
        }
    }
}
