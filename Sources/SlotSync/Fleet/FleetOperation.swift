// An operation on a fleet as its caller sees it. It runs by itself, tells what happens, and has a report at its end.
// Each operation's own report stands beside it.

/// An operation that is under way.
public struct FleetOperation<Report: Sendable>: Sendable {
    /// What happens, until the operation ends. One consumer, who may come late: of `scanning`, `transferred` and `filled` it gets
    /// the newest, of everything else all.
    public let events: AsyncStream<FleetEvent>
    private let task: Task<Report, any Error>

    init(_ work: @escaping @Sendable (@escaping @Sendable (FleetEvent) -> Void) async throws -> Report) {
        let queue = EventQueue()
        events = AsyncStream(unfolding: { await queue.next() })
        task = Task {
            defer { queue.finish() }
            return try await work { queue.append($0) }
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

/// What happens while an operation runs.
public enum FleetEvent: Sendable {
    /// The source is being read: files and bytes so far.
    case scanning(files: UInt64, bytes: UInt64)
    /// The source was read: the release, its files and their bytes.
    case scanned(release: ReleaseName, files: Int, bytes: UInt64)
    /// Something about the source that a person should know, such as a FIFO that is left out.
    case sourceWarning(String)
    /// A host's turn has come.
    case hostStarted(Host)
    /// What a person should know of a host, one line.
    case hostWarning(Host, String)
    /// The host's sshd, or a jump host's, dropped the login, for this reason; it is tried again.
    case loginDropped(Host, SlotSyncError)
    /// The host has not greeted for some seconds, and is still waited for.
    case loginSlow(Host)
    /// Another session holds the lock of the host's root, and is waited for.
    case lockAwaited(Host, RingLock)
    /// A hook runs on the host, and is waited for: its name; nil: it has ended.
    case hookAwaited(Host, String?)
    /// Another session holds the lock of the host's root, and was asked to give way.
    case wayAsked(Host, RingLock)
    /// It has given way.
    case wayMade(Host)
    /// Bytes sent to and still to be sent to all hosts, as far as known; a few times a second.
    case transferred(sent: UInt64, planned: UInt64)
    /// How far all slots are filled; a few times a second.
    case filled(StageProgress)
    /// Once for each host whose turn came.
    case hostFinished(Host, HostResult)
}

/// How one host ended.
public enum HostResult: Sendable, Hashable {
    /// It has the release, or, in a dry run, could get it.
    case staged(StagedHost)
    /// The release is live there; it may still be taken back.
    case flipped(FlipOutcome)
    /// It has the agent.
    case installed(InstallOutcome)
    /// It has answered what it was asked for, and changed nothing.
    case answered
    /// It could not do what was asked.
    case failed(SlotSyncError)
}
