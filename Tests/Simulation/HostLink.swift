// The controller's end of a host: a model of HostConnection and of the channel below it. One thing is asked at a time; a
// session is opened when it is needed; what is awaited has its time; between requests a loss is heard. HostLinkRequests
// has what is asked.

import SlotSync

final class HostLink {
    typealias Answered<Answer> = (Result<Answer, SlotSyncError>) -> Void

    let host: SimulatedHost
    unowned let controller: Controller
    var session: SimulatedSession?
    /// What the greeting of the session said.
    private(set) var ring: RingStatus?
    private var isListening = false
    /// Why the session ended while nobody waited for an answer.
    private var loss: SlotSyncError?
    private var isAsking = false
    private var queue: [() -> Void] = []
    private var pending: (number: Int, isPrompt: Bool, answered: Answered<SimulatedReply>)?
    private var exchanges = 0
    private var isShut = false

    var flip: (request: FlipRequest, outcome: FlipOutcome)?
    var hasPreparedFlip = false
    /// In seconds.
    var provisionalLimit: Double?
    var onLost: (SlotSyncError) -> Void = { _ in }

    init(_ host: SimulatedHost, _ controller: Controller) { (self.host, self.controller) = (host, controller) }

    var world: World { host.world }
    private var timeout: Double { world.scenario.timeout }

    // MARK: One request after the other

    /// Asks something when nothing else is being asked. What fails ends the session.
    func ask<Answer>(
        closing closes: Bool = false, _ body: @escaping (@escaping Answered<Answer>) -> Void,
        then: @escaping Answered<Answer>
    ) {
        queue.append {
            guard !self.isShut else {
                self.isAsking = false
                return then(.failure(Self.closed))
            }
            body { result in
                switch result {
                case .failure: self.close(isOrderly: false)
                case .success:
                    if let loss = self.loss { self.lose(loss) } else if closes { self.close(isOrderly: true) }
                }
                self.isAsking = false
                then(result)
                self.next()
            }
        }
        next()
    }

    private static let closed = SlotSyncError(.cancelled, "the fleet's sessions are closed")

    private func next() {
        while !isAsking, !queue.isEmpty {
            isAsking = true
            queue.removeFirst()()
        }
    }

    // MARK: The session

    /// Opens the session, if there is none.
    func open(_ opened: @escaping Answered<RingStatus>) {
        guard !isShut else { return opened(.failure(Self.closed)) }
        if session != nil, let ring { return opened(.success(ring)) }
        let now = world.time.now
        guard host.isUp, host.isolatedUntil <= now else {
            let seconds = world.dice.chance(0.5) ? 0.01 : 10
            host.hadTrouble = true
            return controller.after(seconds) {
                opened(.failure(SlotSyncError(.unreachable, "no agent answered")))
            }
        }
        let session = SimulatedSession(self, host)
        self.session = session
        ring = nil
        world.opened(session)
        world.time.after(world.dice.seconds(0.02...0.3)) { session.agent?.begin() }
        expect(isPrompt: true) { result in
            switch result {
            case .success(.hello(let ring)):
                self.ring = ring
                opened(.success(ring))
            case .success: opened(.failure(SlotSyncError(.protocolViolation, "the agent did not greet")))
            case .failure(let error):
                self.close(isOrderly: false)
                opened(.failure(error))
            }
        }
    }

    func listen(_ listening: @escaping Answered<RingStatus>) {
        open { result in
            if case .success = result { self.isListening = true }
            listening(result)
        }
    }

    func close(isOrderly: Bool) {
        (isListening, loss, provisionalLimit, hasPreparedFlip) = (false, nil, nil, false)
        guard let session else { return }
        self.session = nil
        (ring, pending) = (nil, nil)
        if isOrderly { session.send(.finish) }
        session.close(isOrderly: isOrderly)
    }

    /// Closes the session for good.
    func shut(isOrderly: Bool) {
        isShut = true
        let waiting = pending
        close(isOrderly: isOrderly)
        waiting?.answered(.failure(SlotSyncError(.cancelled, "interrupted")))
    }

    func clear() { (queue, pending, session, onLost) = ([], nil, nil, { _ in }) }

    /// The controller is gone.
    func abandon(silently: Bool) {
        if silently { session?.beSilent() } else { session?.tellAgent(after: world.dice.seconds(0...3)) }
        if silently { session?.tellAgent(after: world.dice.seconds(20...200)) }
        isShut = true
    }

    private func lose(_ error: SlotSyncError) {
        close(isOrderly: false)
        onLost(error)
    }

    // MARK: Replies

    /// Sends a request and waits for its answer.
    ///
    /// - Parameter isPrompt: whether the answer takes no work: then other signs of life do not do.
    func exchange(_ request: SimulatedRequest, isPrompt: Bool, _ answered: @escaping Answered<SimulatedReply>) {
        open { result in
            if case .failure(let error) = result { return answered(.failure(error)) }
            guard let session = self.session, !session.isEndToldToLink else {
                return answered(.failure(Self.ended))
            }
            if case .confirm = request { self.host.wasConfirmed = true }
            session.send(request)
            self.expect(isPrompt: isPrompt) { result in
                guard case .success(.failure(let error)) = result else { return answered(result) }
                answered(.failure(error))
            }
        }
    }

    private static let ended = SlotSyncError(.unreachable, "the session ended early")

    private func expect(isPrompt: Bool, _ answered: @escaping Answered<SimulatedReply>) {
        exchanges += 1
        pending = (exchanges, isPrompt, answered)
        // The session may have ended before.
        if session?.isEndToldToLink == true { return settle(.failure(Self.ended)) }
        watch(exchanges, after: timeout)
    }

    private func watch(_ number: Int, after seconds: Double) {
        controller.after(seconds) {
            guard let pending = self.pending, pending.number == number, let session = self.session else { return }
            let patience = self.timeout - session.silence
            if pending.isPrompt || patience <= 0 {
                self.host.hadTrouble = true
                self.settle(.failure(SlotSyncError(.timedOut, "did not answer in time")))
            } else {
                self.watch(number, after: max(patience, 1))
            }
        }
    }

    private func settle(_ result: Result<SimulatedReply, SlotSyncError>) {
        guard let pending else { return }
        self.pending = nil
        pending.answered(result)
    }

    func receive(_ reply: SimulatedReply, _ session: SimulatedSession) {
        guard session === self.session else { return }
        if pending != nil { return settle(.success(reply)) }
        guard isListening else { return }
        if case .failure(let error) = reply { noteLoss(error) } else { noteLoss(Self.ended) }
    }

    func hearEnd(_ session: SimulatedSession) {
        guard session === self.session else { return }
        host.hadTrouble = true
        if pending != nil { settle(.failure(Self.ended)) } else if isListening { noteLoss(Self.ended) }
    }

    private func noteLoss(_ error: SlotSyncError) {
        guard loss == nil else { return }
        // A request that is under way tells of it by itself.
        if isAsking { loss = error } else { lose(error) }
    }

    /// A host whose flip is provisional, and that says nothing for as long as it waits for a word, is given up.
    func armSilence(_ session: SimulatedSession) {
        guard let limit = provisionalLimit else { return }
        controller.after(max(limit - session.silence, 0.3)) {
            guard session === self.session, self.isListening, let limit = self.provisionalLimit else { return }
            guard session.silence >= limit else {
                if session.silence > 0 { self.armSilence(session) }
                return
            }
            let error = SlotSyncError(.timedOut, "said nothing while its flip was not confirmed")
            self.host.hadTrouble = true
            if self.pending != nil { self.settle(.failure(error)) } else { self.noteLoss(error) }
        }
    }
}
