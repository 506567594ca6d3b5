// The sessions of a fleet while they are open. Each is opened when somebody first asks for it, once, and handed to
// whoever asks again. A command opens them for one operation; a FleetConnection keeps them from one to the next. However
// many are open, no more than the fleet's `parallelism` are being opened at the same time.

/// A fleet's sessions, by the hosts' positions. Whoever made it has to close it.
@FleetActor
final class OpenSessions {
    let fleet: Fleet
    /// Whether a session stays open when an operation has ended on its host.
    let areKept: Bool
    private var opening: [Int: Task<HostSession, any Error>] = [:]
    private let connecting: ConcurrencyBound
    /// How many hosts prepare a flip: each looks through its slot, and runs the hook `before_flip`.
    let preparing: ConcurrencyBound
    /// Hosts whose open session has prepared a flip, which it can take back.
    private(set) var withFlip: Set<Int> = []
    /// No session is opened any more.
    private var isShut = false

    nonisolated init(_ fleet: Fleet, areKept: Bool = false) async {
        self.fleet = fleet
        self.areKept = areKept
        connecting = await ConcurrencyBound(fleet.parallelism)
        preparing = await ConcurrencyBound(fleet.parallelism)
    }

    /// A host's session, opened now if it was not yet.
    func session(of number: Int) async throws -> HostSession {
        let task = open(number)
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            // Whoever asks next tries anew.
            if opening[number] == task { opening[number] = nil }
            throw error
        }
    }

    func noteFlip(on number: Int) { withFlip.insert(number) }

    /// Begins to open the first sessions, as many as may stage at once: while a source is read, hosts can log in.
    func openAhead() { for number in fleet.hosts.indices.prefix(max(fleet.parallelism, 1)) { open(number) } }

    @discardableResult
    private func open(_ number: Int) -> Task<HostSession, any Error> {
        if let task = opening[number] { return task }
        let task = Task { @FleetActor [fleet, connecting, isShut] in
            guard !isShut else { throw SlotSyncError(.cancelled, "the fleet's sessions are closed") }
            return try await connecting.withPlace { try await fleet.connect(number) }
        }
        opening[number] = task
        return task
    }

    /// An operation has ended on a host.
    ///
    /// - Parameter isOrderly: whether the agent waits for a request; otherwise the conversation broke off.
    func end(_ number: Int, isOrderly: Bool) async {
        if !(isOrderly && areKept) { await close(number, isOrderly: isOrderly) }
    }

    /// Closes a session. It can be opened again afterwards.
    func close(_ number: Int, isOrderly: Bool) async {
        guard let task = opening.removeValue(forKey: number) else { return }
        withFlip.remove(number)
        task.cancel()
        guard let session = try? await task.value else { return }
        if isOrderly { session.channel.send(.finish) }
        await session.channel.close()
    }

    /// Closes what is open, for good.
    ///
    /// - Parameter areOrderly: whether agents that work on something may end it.
    func shut(areOrderly: Bool) async {
        isShut = true
        if !areOrderly {
            for task in opening.values { task.cancel() }
            let end = SlotSyncError(.cancelled, "interrupted")
            for task in opening.values { if let session = try? await task.value { session.channel.giveUp(end) } }
        }
        await closeAll(areOrderly: areOrderly)
    }

    /// Closes what is open, all at the same time.
    func closeAll(areOrderly: Bool) async {
        let closing = opening.keys.map { number in
            Task { @FleetActor in await self.close(number, isOrderly: areOrderly) }
        }
        for task in closing { await task.value }
    }
}
