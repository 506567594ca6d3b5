// The start of every session: a host's agent is started, and greetings are exchanged. HostConnection opens them.

/// A session whose greetings are exchanged.
@FleetActor
struct HostSession {
    let host: Host
    let channel: Channel
    /// The ring when the session began; nil: the root held none yet.
    let ring: RingStatus?

    /// How long a host may take to greet before people are told.
    static let usualGreeting = Duration.seconds(5)

    /// Connects to a host. Whoever opened the session has to close its channel.
    ///
    /// - Parameter onSlow: called when the host has not greeted for a while, and is still waited for.
    /// - Throws: ``DroppedLogin`` where the host's sshd let go of the login before it began.
    static func open(_ host: Host, of fleet: Fleet, onSlow: @escaping @FleetActor () -> Void) async throws
        -> HostSession
    {
        let command = try await fleet.transport.agentCommand(on: host, root: fleet.root, timeout: fleet.timeout)
        let channel = try Channel(
            command, timeout: fleet.timeout, longestStep: fleet.longestStep,
            agentProgram: fleet.transport.remoteCommand, port: host.port)
        channel.peer = host.label
        let alarm = Task { @FleetActor in
            try await Task.sleep(for: usualGreeting)
            onSlow()
        }
        defer { alarm.cancel() }
        do {
            let message = fleet.message.isEmpty ? "" : ": \(fleet.message)"
            let own = Greeting(version: SlotSyncVersion.current, peer: "\(userName())@\(machineName())\(message)")
            channel.send(.hello(own, host: host.name))
            guard case .hello(let greeting, let ring) = try await channel.receivePromptly() else {
                throw SlotSyncError(.protocolViolation, "the agent did not greet: is it a slotsync-agent?")
            }
            try Greeting.check(controller: own, agent: greeting)
            channel.runsHookFirst = ring?.wentBack != nil
            fleetLog.debug(
                "greeted",
                metadata: [
                    "host": "\(host.label)", "agent": "\(greeting.version)", "machine": "\(greeting.peer)",
                    "live": "\(ring?.liveRelease?.id.description ?? "none")",
                ])
            return HostSession(host: host, channel: channel, ring: ring)
        } catch {
            await channel.close()
            guard fleet.transport.kind == .ssh, let end = channel.end, end.isDroppedLogin else { throw error }
            throw DroppedLogin(error: end.error)
        }
    }
}

func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? SlotSyncError)?.code == .cancelled
}

/// Any error as a host's failure.
func hostError(_ error: any Error) -> SlotSyncError {
    if let error = error as? SlotSyncError { return error }
    if error is CancellationError { return SlotSyncError(.cancelled, "interrupted") }
    return SlotSyncError(.system, "\(error)")
}

extension SlotSyncError {
    /// This error of the hosts that could be asked, with those named that could not, and why.
    ///
    /// - Parameter words: what commands are told to be typed with.
    func besides(_ failures: [HostFailure], words: FleetWords) -> SlotSyncError {
        let reasons = Dictionary(grouping: failures, by: \.error.message).sorted { $0.key < $1.key }
        let named = reasons.prefix(Self.mostReasons).map {
            "\(HostList.fold($0.value.map(\.host.label))): \(words.completing($0.key, on: $0.value.map(\.host)))"
        }
        let more = reasons.dropFirst(Self.mostReasons).flatMap { $0.value.map(\.host.label) }
        let rest = more.isEmpty ? [] : ["\(HostList.fold(more)): other reasons"]
        guard !failures.isEmpty else { return self }
        return SlotSyncError(code, "\(message). Besides, hosts failed: " + (named + rest).joined(separator: "; "))
    }

    private static let mostReasons = 5
}

func unexpected(_ reply: Reply) -> SlotSyncError {
    SlotSyncError(.protocolViolation, "the agent sent \(String(describing: reply).prefix(40)) out of turn")
}
