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
        let channel = try await transport.open(host: host, root: root, timeout: timeout)
        do {
            let own = Greeting(version: SlotSyncVersion.current, peer: "\(userName())@\(machineName())")
            channel.send(.hello(own))
            guard case .hello(let greeting, let ring) = try await channel.receive() else {
                throw SlotSyncError(.protocolViolation, "the agent did not greet: is it a slotsync-agent?")
            }
            try greeting.check(against: own)
            return HostSession(host: host, number: number, channel: channel, ring: ring)
        } catch {
            await channel.close()
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
            func start(_ number: Int) {
                group.addTask { @FleetActor in
                    do { return (number, .success(try await body(number))) } catch {
                        return (number, .failure(hostError(error)))
                    }
                }
            }
            let first = min(max(parallelism, 1), hosts.count)
            for number in 0..<first { start(number) }
            var next = first
            while let (number, result) = await group.next() {
                results.append((number, result))
                if next < hosts.count {
                    start(next)
                    next += 1
                }
            }
            return results.sorted { $0.number < $1.number }
        }
    }

    /// The same for sessions that stay open: `parallelism` bounds how many connect at a time.
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
