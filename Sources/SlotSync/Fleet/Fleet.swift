// The library's front door: a fleet of hosts, and what can be done with all of them at once. Each
// operation returns at once with a handle: its events can be watched, its report awaited.

public import SystemPackage

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
    public var hosts: [Host]
    /// The folder that holds the ring on each host; `{host}` stands for the host's name.
    public var root: String
    public var transport: Transport
    /// How many sessions connect, or stage, at the same time.
    public var parallelism: Int
    /// How long a host may say nothing before it is given up.
    public var timeout: Duration

    public static let usualParallelism = 128
    public static let usualTimeout = Duration.seconds(60)

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

    /// The folder that holds the ring on one of the hosts.
    public func root(of host: Host) -> String { Transport.root(root, of: host) }
}

/// What is staged, and how.
public struct StageOptions: Sendable {
    /// A human's name for the release.
    public var name = ""
    public var exclusions = Exclusions()
    /// Paths that outlive releases: each becomes a link to `shared/PATH`.
    public var shared: [String] = []
    /// Trust neither the hash cache nor a host's stat tuples: hash everything.
    public var checksum = false
    /// Say what would be sent, change nothing.
    public var dryRun = false
    public var allowsEmpty = false
    /// Carry numeric owners and groups; the agents must run as root.
    public var ownership = false
    /// Link again what is hard-linked in the source.
    public var hardLinks = false
    /// Slots of a ring that is made now (2 to 9); an existing ring must have as many. Nil: five.
    public var slots: Int?
    /// Send changed files whole, without a basis, and keep no contents for the next stage; nil: to local agents alone. On one
    /// machine reading a basis costs as much as reading the content.
    public var wholeFiles: Bool?
    /// zlib's level for what goes over the wire, 0 to 9; nil: over ssh 6, or 4 while hosts wait for more; 0 to local agents.
    public var compressionLevel: Int?
    /// Where the controller keeps what makes the next stage cheaper; nil: `$XDG_CACHE_HOME/slotsync` or
    /// `~/.cache/slotsync`.
    public var cacheDirectory: FilePath?
    /// How many bytes of releases' contents are kept there, though no more than a quarter of the room; 0: none.
    public var cacheSize: UInt64 = 2 << 30

    public static let compressionLevels = 0...9

    public init() {}
}

/// Shell commands that run on each host around a flip, with SLOTSYNC_ROOT, SLOTSYNC_SLOT and SLOTSYNC_RELEASE set.
public struct Hooks: Sendable, Hashable {
    public var beforeFlip = ""
    public var afterFlip = ""
    public var afterRollback = ""

    public init(beforeFlip: String = "", afterFlip: String = "", afterRollback: String = "") {
        self.beforeFlip = beforeFlip
        self.afterFlip = afterFlip
        self.afterRollback = afterRollback
    }
}

/// How a person or a script says which release is meant.
public enum ReleaseSelector: Sendable, Hashable {
    case id(ContentDigest)
    /// A full ID, a unique prefix of one, or a name.
    case text(String)
    /// flip: what every host's next slot agrees on; rollback: what was live before.
    case usual
}

public struct FlipOptions: Sendable {
    public var hooks = Hooks()
    /// How many hosts may fail before everything is taken back.
    public var maxFailures = FailureAllowance.none
    /// Flip to a release that is bad, too.
    public var force = false

    public init() {}
}

/// A host that could not do what was asked, and why.
public struct HostFailure: Sendable, Hashable {
    public var host: Host
    public var error: SlotSyncError

    public init(host: Host, error: SlotSyncError) {
        self.host = host
        self.error = error
    }
}

/// What happens while an operation runs.
public enum FleetEvent: Sendable {
    /// The source is being read: files and bytes so far.
    case scanning(files: UInt64, bytes: UInt64)
    /// The source was read: the release, its files and their bytes.
    case scanned(release: ReleaseName, files: Int, bytes: UInt64)
    /// Something about the source that a person should know, such as a FIFO that is left out.
    case sourceWarning(String)
    case hostStarted(Host)
    case hostWarning(Host, String)
    /// Bytes sent to and still to be sent to all hosts, as far as known; a few times a second.
    case transferred(sent: UInt64, planned: UInt64)
    case hostFinished(Host, HostResult)
}

/// How one host ended.
public enum HostResult: Sendable, Hashable {
    case staged(StagedHost)
    case flipped(FlippedHost)
    case installed(InstalledHost)
    case failed(SlotSyncError)
}

/// What staging did on one host.
public struct StagedHost: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case staged, alreadyReady, alreadyLive, alreadyBad, planned }
    public var host: Host
    public var kind: Kind
    public var slot: Int
    /// Files that came over the wire, that were copied on the host, and that were there already.
    public var received: Int
    public var copied: Int
    public var kept: Int
    /// Bytes through the session, from and to the controller.
    public var sentBytes: UInt64
    public var receivedBytes: UInt64
}

public struct StageReport: Sendable {
    public var release: ReleaseName
    public var files: Int
    public var bytes: UInt64
    public var hosts: [StagedHost]
    public var failures: [HostFailure]
    /// Bytes through all sessions.
    public var sentBytes: UInt64
    public var receivedBytes: UInt64
    /// How many different sets of needs there were.
    public var cohorts: Int
}

/// What a flip, a rollback or taking one back did on one host.
public struct FlippedHost: Sendable, Hashable {
    public var host: Host
    public var slot: Int
    public var release: ReleaseName
    public var previousSlot: Int?
    public var previous: ReleaseName?
    /// False: the release was live already.
    public var changed: Bool
    /// The host's clock right after the rename, in nanoseconds since 1970; 0 if nothing was renamed.
    public var renamedAt: Int64
}

public struct FlipReport: Sendable {
    public var release: ReleaseName?
    /// Hosts on which the release is live now.
    public var flipped: [FlippedHost]
    /// Hosts that were flipped and taken back, since too many others failed.
    public var takenBack: [Host]
    /// Hosts that did not flip, or could not be taken back.
    public var failures: [HostFailure]
    /// Hosts that were lost after they had been told to flip, or to go back: they may have either release.
    public var uncertain: [Host]
    /// Whether too many hosts failed: then nothing was flipped, or it was taken back.
    public var isGivenUp: Bool
    /// Whether some hosts are left on another release than before although the flip was given up.
    public var isMixed: Bool
}

public struct HostStatus: Sendable {
    public var host: Host
    /// Nil: the root holds no ring yet.
    public var ring: RingStatus?
}

public struct StatusReport: Sendable {
    public var hosts: [HostStatus]
    public var failures: [HostFailure]
}

public struct VerifiedSlot: Sendable {
    public var host: Host
    public var slot: Int
    public var release: ReleaseName
    public var files: Int
    public var bytes: UInt64
    public var differences: Int
    /// The first differences, a line each.
    public var lines: [String]
}

public struct VerifyReport: Sendable {
    public var slots: [VerifiedSlot]
    public var failures: [HostFailure]
}

/// An operation that is under way.
public struct FleetOperation<Report: Sendable>: Sendable {
    /// What happens, until the operation ends. One consumer.
    public let events: AsyncStream<FleetEvent>
    private let task: Task<Report, any Error>

    init(_ work: @escaping @Sendable (@escaping @Sendable (FleetEvent) -> Void) async throws -> Report) {
        let (events, continuation) = AsyncStream.makeStream(
            of: FleetEvent.self, bufferingPolicy: .bufferingNewest(4096))
        self.events = events
        task = Task {
            defer { continuation.finish() }
            return try await work { continuation.yield($0) }
        }
    }

    /// What came of it. Hosts that failed are in the report; it throws where nothing was done on any host.
    public var report: Report {
        get async throws {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Ends the operation early: sessions are closed, and hosts are left as an interruption leaves them.
    public func cancel() { task.cancel() }
}
