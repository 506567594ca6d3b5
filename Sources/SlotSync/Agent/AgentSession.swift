// The host's end of a session: it serves one request after the other, from `hello` to the end of the stream, on one
// thread. Each kind of work has its own file beside this one. A heartbeat on another thread tells the controller that
// the host is alive.

import Glibc
public import SystemPackage

/// The agent: what `slotsync-agent` and `slotsync agent` run.
public enum HostAgent {
    /// Serves one session on `root`, over standard input and output unless told otherwise.
    ///
    /// - Parameters:
    ///   - root: the folder that holds the ring.
    ///   - policy: the file that says what may be asked for; nil: all may. It is read anew for each session.
    ///   - verifyKey: the file of keys one of which has to have signed a release; nil: none need to, unless the policy says
    ///     so.
    ///   - errors: where the agent says why it fails, where it cannot tell its controller.
    ///   - unattendedHookLimit: how long a hook may take that no controller waits for.
    ///   - askedSilenceLimit: how long a controller may say nothing that was asked to give way.
    /// - Returns: the process's exit status: 0 after an orderly end, 1 after a failure, which was told to the
    ///   controller.
    public static func serve(
        root: String, policy: String? = nil, verifyKey: String? = nil, input: FileDescriptor = .standardInput,
        output: FileDescriptor = .standardOutput, errors: FileDescriptor = .standardError,
        unattendedHookLimit: Duration = .seconds(30), askedSilenceLimit: Duration = .seconds(10)
    ) async -> Int32 {
        ProcessSetup.prepare()
        if let install = askedInstall { return Self.install(install, policy: policy) }
        ProcessSetup.returnLargeMemory()
        let connection = AgentConnection(input: input, output: output)
        let session = AgentSession(
            root: root, connection: connection, unattendedHookLimit: unattendedHookLimit,
            askedSilenceLimit: askedSilenceLimit)
        defer { connection.endWatch() }
        do {
            // Before anything else: to greet may take a flip back, which runs a hook.
            if let policy {
                session.policy = try AgentPolicy(reading: policy)
                try session.policy?.check(root: root)
            }
            session.signers = Result { () throws(SlotSyncError) in try Signers(policy: session.policy, file: verifyKey)
            }
            guard try session.greet() else { return 1 }
        } catch {
            bidFarewell(failure(error, root: root), over: connection, errors: errors)
            return 1
        }
        let lockWatch = session.lockWatch
        let end = await connection.withHeartbeat(
            progress: session.progress, alongside: { lockWatch.look(connection) }, { await session.run() })
        guard let failure = end else { return 0 }
        // All is over, and nobody else has to wait. After a provisional flip the controller may be gone: nothing waits for
        // it then.
        session.ring?.unlock()
        let wasProvisional = session.flip?.request.provisionalLimit != nil
        bidFarewell(
            failure, over: connection, within: wasProvisional ? AgentSession.longestFarewell : nil, errors: errors)
        return 1
    }

    /// Tells the controller why the session ends; if that cannot be, tells whoever reads the agent's errors, without
    /// waiting for anybody.
    private static func bidFarewell(
        _ failure: SlotSyncError, over connection: AgentConnection, within limit: Duration? = nil,
        errors: FileDescriptor
    ) {
        do { try connection.send(.failure(failure), within: limit) } catch {
            if errors.isWritable { try? errors.writeFully("slotsync-agent: \(escapedForDisplay("\(failure)"))\n") }
        }
    }
}

/// An error as the controller is told of it, also one that nobody gave a sentence.
private func failure(_ error: any Error, root: String) -> SlotSyncError {
    if let error = error as? SlotSyncError { return error }
    if let errno = error as? Errno {
        return SlotSyncError(.system, "the agent failed in root \(quoted(root))", errno: errno)
    }
    return SlotSyncError(.system, "the agent failed in root \(quoted(root)): \(error)")
}

/// One session's state on the host.
final class AgentSession {
    let root: String
    let connection: AgentConnection
    let unattendedHookLimit: Duration
    /// What may be asked for; nil: all.
    var policy: AgentPolicy?
    /// Who has to have signed what is staged and flipped to; nil: nobody. A list that cannot be read stops these alone: the
    /// way back does not need it.
    var signers: Result<Signers?, SlotSyncError> = .success(nil)
    let progress = AgentProgress()
    /// Threads for walking and hashing. More do not make a tree on one disk faster.
    let parallelism = min(processorCount(), 8)
    var ring: Ring? { didSet { lockWatch.follow(ring?.lock) } }
    let lockWatch: LockWatch
    /// A request that was read ahead while other work was going on.
    var readAhead: Request?
    var peer = ""
    /// What the controller calls this host.
    private(set) var hostName = ""
    var flip: PreparedFlip?
    /// The flip of an agent that was gone, which this session took back.
    var wentBack: FlipChange?
    /// What is left to do, and to tell, of it.
    var recovered: (flip: ProvisionalFlip, Returned)?
    var recoveryFailure: String?
    var sampler: HostSampler?

    init(
        root: String, connection: AgentConnection, unattendedHookLimit: Duration,
        askedSilenceLimit: Duration = .seconds(10)
    ) {
        lockWatch = LockWatch(patience: askedSilenceLimit)
        self.root = root
        self.connection = connection
        self.unattendedHookLimit = unattendedHookLimit
    }

    func receive() throws -> Request? {
        if let request = readAhead {
            readAhead = nil
            return request
        }
        return try connection.receive()
    }

    /// Exchanges greetings; nothing else may come before ours.
    ///
    /// - Returns: false if the two ends speak different versions: then the controller says so.
    func greet() throws -> Bool {
        guard case .hello(let greeting, let host) = try receive() else {
            throw SlotSyncError(
                .protocolViolation,
                "this is the host's end of a SlotSync session: it is started by `slotsync`, not by hand")
        }
        peer = greeting.peer
        hostName = host
        let own = Greeting(version: SlotSyncVersion.current, peer: machineName())
        guard greeting.major == own.major else {
            // Our own greeting lets the controller say which versions met.
            try connection.send(.hello(own, nil))
            return false
        }
        ring = try Ring.open(root)
        var status = recoverAbandoned()
        status?.identity = ring?.identity
        status?.returned = ring?.state.returned
        try connection.send(.hello(own, status))
        return true
    }

    /// Serves the session to its end; a provisional flip then is taken back.
    ///
    /// - Returns: what went wrong, if anything did.
    func run() async -> SlotSyncError? {
        do {
            try await endRecovery()
            try await serve()
        } catch { return await endProvisional(after: failure(error, root: root)) }
        guard flip?.standing == .provisional else { return nil }
        return await endProvisional(
            after: SlotSyncError(.unreachable, "the controller ended the session before it confirmed the flip"))
    }

    private func serve() async throws {
        while let request = try receive() {
            switch request {
            case .hello: throw unexpected("a second hello")
            case .status: try sendStatus()
            case .stage(let request):
                defer { lockWatch.note(mayEndAtOnce: false) }
                try await stage(request)
                noteWatch()
            case .prepare(let request):
                defer { lockWatch.note(mayEndAtOnce: false) }
                try await prepare(request)
            case .runBeforeHook: try await watched { try await runBeforeHook() }
            case .commit:
                try await watched { try await commit() }
                if flip?.standing == .provisional { noteWatch() }
            case .undo: try await watched { try await undo() }
            case .confirm: try confirm()
            case .keepAlive: break
            case .markBad(let release, let reason): try await markBad(release, because: reason)
            case .preempt:
                try policy?.checkFlips()
                try askForWay()
            case .verify(let slot): try verify(slot: slot)
            case .watch(let request): try watch(request)
            case .sample(let number): try sample(number)
            case .finish: return
            case .manifest, .signatures, .frame, .framesEnd, .seed:
                throw unexpected("a part of a stage that has not begun")
            }
        }
    }

    /// The ring, and before it what a person should know of it.
    private func sendStatus() throws {
        let ring = try existingRing()
        if let handMade = ring.handMade { try connection.send(.warning(handMade.text)) }
        if let warning = ring.lostLiveWarning { try connection.send(.warning(warning)) }
        if let warning = owedHookWarning(ring) { try connection.send(.warning(warning)) }
        if let lock = ring.lockOfOthers() { try connection.send(.lock(lock, isAsked: false)) }
        try connection.send(.status(ring.status))
    }

    /// Notes in the lock that the controller keeps the session after its request was served: it watches this host
    /// beside others before it asks for more. A command that does not watch ends the session before anybody can read
    /// this.
    private func noteWatch() { ring?.noteHolder("a push by \(peer) that watches this host") }

    func unexpected(_ what: String) -> SlotSyncError {
        SlotSyncError(.protocolViolation, "the controller sent \(what)")
    }

    func existingRing() throws -> Ring {
        guard let ring else {
            throw SlotSyncError(
                .notReady, "root \(quoted(root)) holds no ring yet: `slotsync stage` makes it and fills its first slot")
        }
        return ring
    }
}
