// One host as its controller holds it. The session is opened when it is first needed, and again after it was lost.
// Requests follow one another; between them the host is heard, if somebody wants that. FleetConnection has one for each
// host. HostRequests.swift has the requests.

/// A host's session while there is one, and what has to be known from one request to the next.
@FleetActor
final class HostConnection {
    let host: Host
    /// The host's index in the fleet.
    let index: Int
    let fleet: Fleet
    /// How many hosts connect at the same time, and how many prepare a flip.
    let connecting: ConcurrencyBound
    let preparing: ConcurrencyBound
    private let emit: @Sendable (HostEvent) -> Void
    let teller: OperationTeller

    /// One request at a time, in the order in which they came.
    private let tickets = ConcurrencyBound(1)
    private var opening: Task<HostSession, any Error>?
    private var isClosed = false

    /// Called with what the host wants a person to know, in sessions that are opened from now on.
    var onWarning: (@FleetActor (String) -> Void)?
    private var listener: Task<Void, Never>?
    /// Reads what the host says while others are waited for.
    private var attendant: Task<Void, Never>?
    /// Shows an agent whose lock is asked for that its controller is there.
    private var answering: Task<Void, Never>?
    private static let answeringInterval = Duration.seconds(1)
    /// The channel that the listener hears.
    private var heard: Channel?
    /// Why the session ended while nobody waited for an answer; told when the request under way is over.
    private var loss: SlotSyncError?
    private var readings = OwedReadings()

    /// What the agent of an earlier session took back that nobody had confirmed, and what was live then; nil: nothing.
    private(set) var earlierReturn: (from: ReleaseName, to: ContentDigest)?

    /// The flip that was prepared last, and what the host said of it. It outlasts the session.
    var flip: (request: FlipRequest, outcome: FlipOutcome)?
    /// Whether the open session has prepared it, and so can commit it and take it back.
    var hasPreparedFlip = false
    /// How long the agent waits for a word of the controller before it takes a flip back that is not confirmed; nil: no
    /// flip is provisional.
    var provisionalLimit: Duration?

    init(
        _ index: Int, of fleet: Fleet, connecting: ConcurrencyBound, preparing: ConcurrencyBound,
        teller: OperationTeller = OperationTeller(), emit: @escaping @Sendable (HostEvent) -> Void
    ) {
        self.index = index
        host = fleet.hosts[index]
        self.fleet = fleet
        self.connecting = connecting
        self.preparing = preparing
        self.teller = teller
        self.emit = emit
    }

    /// Tells whoever watches the operation under way.
    func tell(_ event: FleetEvent) { teller.tell?(event) }

    // MARK: One request after the other

    /// Asks something of the host when nothing else is being asked of it. What fails ends the session, which is no
    /// event.
    ///
    /// - Parameter closes: whether the session is closed when the answer is there.
    func ask<Answer: Sendable>(
        closing closes: Bool, _ body: @FleetActor (HostConnection) async throws -> Answer
    ) async throws -> Answer {
        try await tickets.withPermit {
            guard !isClosed else { throw Self.closed }
            try Task.checkCancellation()
            do {
                let answer = try await body(self)
                if let loss { await lose(loss) } else if closes { await close(isOrderly: true) }
                return answer
            } catch {
                await close(isOrderly: false)
                throw error
            }
        }
    }

    private static let closed = SlotSyncError(.cancelled, "the fleet's sessions are closed")

    // MARK: The session

    /// The session, opened now if there is none.
    func session() async throws -> HostSession {
        let task = open()
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            // Whoever asks next tries anew.
            if opening == task { opening = nil }
            throw error
        }
    }

    /// Begins to open the session, if there is none.
    @discardableResult
    func open() -> Task<HostSession, any Error> {
        if let opening { return opening }
        let task = Task { @FleetActor [host, fleet, isClosed, teller, emit] in
            guard !isClosed else { throw Self.closed }
            let session = try await self.logIn {
                try await HostSession.open(host, of: fleet) { self.tell(.loginSlow(host)) }
            }
            session.channel.onWarning = self.onWarning
            if let identity = session.ring?.identity, let other = teller.note(identity, of: host) {
                session.channel.warn(
                    "it is \(other.label) by another name: both lead to one ring, and each finds the other in its way. Name one "
                        + "of them (--except leaves out)")
            }
            session.channel.onGiveWay = { [weak self, weak channel = session.channel] who in
                if let channel { self?.answer(channel) }
                emit(.askedToGiveWay(host, who))
                teller.preemptor = who
                teller.onGiveWay?(who)
            }
            return session
        }
        opening = task
        return task
    }

    /// Lets an agent that was asked to give way hear something until the session ends. It gives a controller up that
    /// hangs.
    private func answer(_ channel: Channel) {
        answering?.cancel()
        answering = Task { @FleetActor in
            while !Task.isCancelled {
                channel.send(.keepAlive)
                try? await Task.sleep(for: Self.answeringInterval)
            }
        }
    }

    /// Closes the session, if there is one. It can be opened again.
    ///
    /// - Parameter isOrderly: whether the agent waits for a request; otherwise the conversation broke off.
    func close(isOrderly: Bool) async {
        stopListening()
        answering?.cancel()
        guard let task = opening else { return }
        opening = nil
        hasPreparedFlip = false
        task.cancel()
        guard let session = try? await task.value else { return }
        if let ring = session.ring, let from = ring.wentBack, let to = ring.liveRelease?.id {
            earlierReturn = (from, to)
        }
        if isOrderly { session.channel.send(.finish) }
        await session.channel.close()
    }

    /// Closes the session for good. None is opened any more.
    ///
    /// - Parameter isOrderly: whether an agent that works on something may end it.
    func shut(isOrderly: Bool) async {
        isClosed = true
        stopListening()
        if !isOrderly, let opening {
            opening.cancel()
            let end = SlotSyncError(.cancelled, "interrupted")
            if let session = try? await opening.value { session.channel.giveUp(end) }
        }
        await close(isOrderly: isOrderly)
    }

    // MARK: Listening

    /// Hears the host from now on: what it warns of, the readings that it was asked for, and that its session ends.
    ///
    /// - Returns: its ring when the session began; nil where it had none.
    func listen() async throws -> RingStatus? {
        let session = try await session()
        guard listener == nil, !isClosed else { return session.ring }
        attendant?.cancel()
        attendant = nil
        let (host, emit) = (host, emit)
        session.channel.onWarning = { emit(.warning(host, $0)) }
        session.channel.onReadings = { [weak self] sample, readings in
            try self?.readings.settle(sample, by: readings)
            emit(.readings(host, number: sample, readings))
        }
        heard = session.channel
        listener = Task { @FleetActor in
            do { try await session.channel.listen() } catch {
                // Not the end of the session, but of the listening.
                if !Task.isCancelled { await self.noteLoss(hostError(error)) }
            }
        }
        return session.ring
    }

    private func noteLoss(_ error: SlotSyncError) async {
        loss = error
        // A request that is under way tells of it by itself. Nobody opens a session before this one is closed.
        try? await tickets.withPermit { if let loss { await lose(loss) } }
    }

    private func lose(_ error: SlotSyncError) async {
        await close(isOrderly: false)
        emit(.lost(host, error))
    }

    /// Reads what the host says while others are waited for: its lock may be asked for, and an agent whose controller says
    /// nothing to that lets go of it.
    func attend() {
        guard attendant == nil, listener == nil, !isClosed, let opening else { return }
        // That the session has ended is told by what is asked next.
        attendant = Task { @FleetActor in try? await opening.value.channel.listen() }
    }

    private func stopListening() {
        attendant?.cancel()
        attendant = nil
        listener?.cancel()
        (listener, heard, loss) = (nil, nil, nil)
        readings = OwedReadings()
        provisionalLimit = nil
    }

    // MARK: Between requests

    /// - Parameter count: how many sources the host was told to read; nil: it is being told, and is not asked.
    func expectReadings(ofSources count: Int?) { readings.sourceCount = count }

    /// Asks for readings, unless the host is not heard, or owes too many.
    func requestReadings(_ sample: UInt32) {
        if let heard, readings.ask(sample) { heard.send(.sample(sample)) }
    }

    /// Lets an agent whose flip is provisional hear that its controller is there. Each hears the other, or gives up: an
    /// agent that nothing reaches goes back after the limit, and so does what is believed here.
    func keepAlive() {
        guard let provisionalLimit, let heard else { return }
        heard.send(.keepAlive)
        guard heard.silence >= provisionalLimit else { return }
        heard.giveUp(
            SlotSyncError(
                .timedOut,
                "said nothing for \(TimeText.exact(provisionalLimit)) while its flip was not confirmed"))
    }
}
