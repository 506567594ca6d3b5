// The start of every session, and what all operations do alike: connect, exchange greetings, run a body
// on each host with a bound on how many at once, and turn what goes wrong into a host's failure.

import Dispatch

/// A session whose greetings are exchanged.
@FleetActor
struct HostSession {
    let host: Host
    /// The host's position in the fleet.
    let number: Int
    let channel: Channel
    /// Nil: the root holds no ring yet.
    let ring: RingStatus?
}

extension Fleet {
    /// Connects to a host and exchanges greetings.
    @FleetActor
    func connect(_ number: Int) async throws -> HostSession {
        let host = hosts[number]
        let channel = try transport.open(host: host, root: root, timeout: timeout)
        do {
            let own = Greeting(version: SlotSyncVersion.current, peer: "\(userName())@\(machineName())")
            channel.send(.hello(own))
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
            return HostSession(host: host, number: number, channel: channel, ring: ring)
        } catch {
            await channel.close()
            throw error
        }
    }

    /// Opens a session for one thing, and closes it in any case; the agent hears of the end where that went well.
    @FleetActor
    func withSession<Result: Sendable>(
        of number: Int, _ body: @FleetActor (HostSession) async throws -> Result
    ) async throws -> Result {
        let session = try await connect(number)
        do {
            let result = try await body(session)
            session.channel.send(.finish)
            await session.channel.close()
            return result
        } catch {
            await session.channel.close()
            throw error
        }
    }

    /// Runs `body` for every host, at most `parallelism` at a time, and collects what came of it in the hosts' order.
    @FleetActor
    func forEachHost<Result: Sendable>(
        _ body: @escaping @FleetActor @Sendable (Int) async throws -> Result
    ) async -> [(number: Int, result: Swift.Result<Result, SlotSyncError>)] {
        await withTaskGroup(of: (Int, Swift.Result<Result, SlotSyncError>).self) { group in
            var results: [(number: Int, result: Swift.Result<Result, SlotSyncError>)] = []
            let most = max(parallelism, 1)
            for number in hosts.indices {
                if number >= most, let ended = await group.next() { results.append(ended) }
                group.addTask { await Self.outcome(of: number, body) }
            }
            for await ended in group { results.append(ended) }
            return results.sorted { $0.number < $1.number }
        }
    }

    @FleetActor
    private static func outcome<Result: Sendable>(
        of number: Int, _ body: @FleetActor @Sendable (Int) async throws -> Result
    ) async -> (Int, Swift.Result<Result, SlotSyncError>) {
        do { return (number, .success(try await body(number))) } catch { return (number, .failure(hostError(error))) }
    }

    /// The hosts that failed.
    func failures<Result>(_ results: [(number: Int, result: Swift.Result<Result, SlotSyncError>)]) -> [HostFailure] {
        results.compactMap { number, result in
            guard case .failure(let error) = result else { return nil }
            return HostFailure(host: hosts[number], error: error)
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
