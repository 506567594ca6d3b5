// Flip and rollback over a fleet: opens all sessions, asks what is meant, and carries out what
// TwoPhaseFlip decides. Hosts connect and prepare by turns, no more than the fleet's `parallelism` at the same time; the
// commit goes out to all of them in one go, over sessions that are open already.

import Dispatch

extension Fleet {
    /// Makes a staged release live on every host, or on none.
    ///
    /// - Parameter release: which one; by default what every host's next slot agrees on.
    public func flip(
        _ release: ReleaseSelector = .usual, options: FlipOptions = FlipOptions()
    ) -> FleetOperation<FlipReport> {
        FleetOperation { emit in
            try await FleetFlip(fleet: self, direction: .flip, selector: release, options: options, emit: emit).run()
        }
    }

    /// Goes back to the release that was live before, on every host or on none.
    ///
    /// - Parameter release: which one to go back to instead.
    public func rollback(
        _ release: ReleaseSelector = .usual, options: FlipOptions = FlipOptions()
    ) -> FleetOperation<FlipReport> {
        FleetOperation { emit in
            try await FleetFlip(fleet: self, direction: .rollback, selector: release, options: options, emit: emit)
                .run()
        }
    }
}

@FleetActor
private final class FleetFlip {
    private let fleet: Fleet
    private let direction: FlipRequest.Direction
    private let selector: ReleaseSelector
    private let options: FlipOptions
    private let emit: @Sendable (FleetEvent) -> Void
    private var sessions: [Int: HostSession] = [:]
    private let preparing: ConcurrencyBound
    private var decisions = TwoPhaseFlip(hostCount: 0, allowedFailures: 0, hasBeforeHook: false)
    private var errors: [Int: SlotSyncError] = [:]
    private var outcomes: [Int: FlipOutcome] = [:]
    /// Hosts that were told to rename and then fell silent: nobody knows whether they did.
    private var inDoubt: Set<Int> = []

    nonisolated init(
        fleet: Fleet, direction: FlipRequest.Direction, selector: ReleaseSelector, options: FlipOptions,
        emit: @escaping @Sendable (FleetEvent) -> Void
    ) async {
        self.fleet = fleet
        preparing = await ConcurrencyBound(fleet.parallelism)
        self.direction = direction
        self.selector = selector
        self.options = options
        self.emit = emit
    }

    func run() async throws -> FlipReport {
        ProcessSetup.prepare()
        do {
            let report = try await flip()
            await closeAll()
            return report
        } catch {
            await closeAll()
            throw error
        }
    }

    private func flip() async throws -> FlipReport {
        guard !fleet.hosts.isEmpty else { throw SlotSyncError(.badInput, "there are no hosts to flip") }
        let hooks = options.hooks
        guard
            [hooks.beforeFlip, hooks.afterFlip, hooks.afterRollback].allSatisfy({
                $0.utf8.count <= WireLimits.longestHook
            })
        else {
            throw SlotSyncError(
                .badInput, "a hook is longer than \(WireLimits.longestHook) bytes: put it into a script and call that")
        }
        let connected = await fleet.forEachHost { number in
            self.emit(.hostStarted(self.fleet.hosts[number]))
            let session = try await self.fleet.connect(number)
            session.channel.onWarning = { [emit = self.emit] text in emit(.hostWarning(session.host, text)) }
            self.sessions[number] = session
        }
        for (number, result) in connected {
            if case .failure(let error) = result { fail(number, error) }
        }
        try Task.checkCancellation()
        let rings = sessions.sorted { $0.key < $1.key }.map { (host: $0.value.host, ring: $0.value.ring) }
        let release = try ReleaseChoice(direction: direction, rings: rings).choose(selector)
        let allowed = options.maxFailures.hosts(of: fleet.hosts.count)
        let beforeHook = direction == .flip ? options.hooks.beforeFlip : ""
        decisions = TwoPhaseFlip(
            hostCount: fleet.hosts.count, allowedFailures: allowed, hasBeforeHook: !beforeHook.isEmpty)
        let request = FlipRequest(
            direction: direction, release: release, beforeHook: beforeHook,
            afterHook: direction == .flip ? options.hooks.afterFlip : options.hooks.afterRollback,
            undoHook: options.hooks.afterRollback, force: options.force)
        var action = await phase(.prepare(request), on: Array(fleet.hosts.indices))
        while true {
            switch action {
            case .runBeforeHooks(let hosts):
                try Task.checkCancellation()
                action = await phase(.runBeforeHook, on: hosts)
            case .commit(let hosts):
                // From here on an interruption no longer stops half-way: all commit, or all are taken back.
                try Task.checkCancellation()
                action = await phase(.commit, on: hosts)
            case .undo(let hosts): action = await phase(.undo, on: hosts)
            case .finish: return report()
            }
        }
    }

    /// Sends one request to these hosts and hears each of them.
    private func phase(_ request: Request, on hosts: [Int]) async -> TwoPhaseFlip.Action {
        let moves = request == .commit || request == .undo
        // In one go, before any answer is waited for: hosts flip within moments of each other.
        if moves { for number in hosts { sessions[number]?.channel.send(request) } }
        let answers = AsyncStream<TwoPhaseFlip.Event>.makeStream()
        let listeners = hosts.map { number in
            Task { @FleetActor in
                let isDone = moves ? await self.hear(number, request) : await self.ask(number, request)
                answers.continuation.yield(isDone ? .succeeded(number) : .failed(number))
            }
        }
        // Tasks of their own, not children of ours: what has begun to commit is heard to the end, even if we are
        // interrupted meanwhile.
        let next = Task { @FleetActor in
            for await event in answers.stream {
                if let action = self.decisions.handle(event) { return action }
            }
            return TwoPhaseFlip.Action.finish(isMixed: false)
        }
        return await withTaskCancellationHandler {
            await next.value
        } onCancel: {
            if !moves { for listener in listeners { listener.cancel() } }
        }
    }

    /// Sends one host a request when it is its turn, and hears it.
    private func ask(_ number: Int, _ request: Request) async -> Bool {
        guard let session = sessions[number], errors[number] == nil else { return false }
        do {
            return try await preparing.withPlace {
                session.channel.send(request)
                return await hear(number, request)
            }
        } catch {
            fail(number, error)
            return false
        }
    }

    private func hear(_ number: Int, _ request: Request) async -> Bool {
        guard let session = sessions[number], errors[number] == nil else { return false }
        do {
            let channel = session.channel
            let reply = isAnsweredSoon(request) ? try await channel.receivePromptly() : try await channel.receive()
            switch (reply, request) {
            case (.prepared(let outcome), .prepare): outcomes[number] = outcome
            case (.hookDone, .runBeforeHook), (.flipped, .undo): break
            case (.flipped(let outcome), .commit):
                outcomes[number] = outcome
                emit(.hostFinished(session.host, .flipped(FlippedHost(session.host, outcome))))
            case (let reply, _): throw unexpected(reply)
            }
            return true
        } catch {
            let lost: [SlotSyncError.Code] = [.unreachable, .timedOut, .protocolViolation]
            if request == .commit || request == .undo, lost.contains(hostError(error).code) { inDoubt.insert(number) }
            fail(number, error)
            return false
        }
    }

    /// Whether hosts have no hook to run before they answer: a rename that takes long is a disk that hangs.
    private func isAnsweredSoon(_ request: Request) -> Bool {
        let hooks = options.hooks
        return switch request {
        case .commit: (direction == .flip ? hooks.afterFlip : hooks.afterRollback).isEmpty
        case .undo: hooks.afterRollback.isEmpty
        default: false
        }
    }

    private func fail(_ number: Int, _ error: any Error) {
        errors[number] = hostError(error)
        emit(.hostFinished(fleet.hosts[number], .failed(hostError(error))))
    }

    private func closeAll() async {
        let open = sessions
        sessions = [:]
        for session in open.values { session.channel.send(.finish) }
        let closing = open.values.map { session in Task { @FleetActor in await session.channel.close() } }
        for task in closing { await task.value }
    }

    private func report() -> FlipReport {
        let flipped = decisions.flipped.sorted().compactMap { number in
            outcomes[number].map { FlippedHost(fleet.hosts[number], $0) }
        }
        let takenBack = decisions.takenBack.sorted().filter { outcomes[$0]?.changed ?? false }
        return FlipReport(
            release: flipped.first?.release ?? outcomes.values.first?.release, flipped: flipped,
            takenBack: takenBack.map { fleet.hosts[$0] },
            failures: errors.keys.sorted().map { HostFailure(host: fleet.hosts[$0], error: errors[$0]!) },
            uncertain: inDoubt.sorted().map { fleet.hosts[$0] },
            isGivenUp: decisions.isGivenUp, isMixed: decisions.isGivenUp && flipped.contains { $0.changed })
    }
}
