// The start of every session: a host's agent is started, and greetings are exchanged. HostConnection opens them.

/// A session whose greetings are exchanged.
@FleetActor
struct HostSession {
    let host: Host
    let channel: Channel
    /// The ring when the session began; nil: the root held none yet.
    let ring: RingStatus?

    /// Connects to a host. Whoever opened the session has to close its channel.
    static func open(_ host: Host, of fleet: Fleet) async throws -> HostSession {
        let channel = try fleet.transport.open(host: host, root: fleet.root, timeout: fleet.timeout)
        do {
            let own = Greeting(version: SlotSyncVersion.current, peer: "\(userName())@\(machineName())")
            channel.send(.hello(own, host: host.name))
            guard case .hello(let greeting, let ring) = try await channel.receivePromptly() else {
                throw SlotSyncError(.protocolViolation, "the agent did not greet: is it a slotsync-agent?")
            }
            try Greeting.check(controller: own, agent: greeting)
            fleetLog.debug(
                "greeted",
                metadata: [
                    "host": "\(host.label)", "agent": "\(greeting.version)", "machine": "\(greeting.peer)",
                    "live": "\(ring?.liveRelease?.id.description ?? "none")",
                ])
            return HostSession(host: host, channel: channel, ring: ring)
        } catch {
            await channel.close()
            throw error
        }
    }
}

/// Any error as a host's failure.
func hostError(_ error: any Error) -> SlotSyncError {
    if let error = error as? SlotSyncError { return error }
    if error is CancellationError { return SlotSyncError(.cancelled, "interrupted") }
    return SlotSyncError(.system, "\(error)")
}

func unexpected(_ reply: Reply) -> SlotSyncError {
    SlotSyncError(.protocolViolation, "the agent sent \(String(describing: reply).prefix(40)) out of turn")
}
