// Hears hosts while no operation talks with them, lets those whose flip is on trial hear that the controller is there, and
// sees to it that a host is asked one thing after the other. FleetConnection has one.

import DequeModule

/// Who listens to a connection's hosts.
@FleetActor
final class Attendance {
    /// How often a host on trial hears of the controller: several times in the shortest trial.
    private static let keepAliveInterval = Duration.milliseconds(300)
    /// How many readings a host may owe: the one that was asked for last, and one that is late.
    private static let mostOwedReadings = 2

    /// What a host was asked to read.
    private struct OwedReadings {
        var sample: UInt32
        var sourceCount: Int
    }

    private let sessions: OpenSessions
    private let emit: @Sendable (HostEvent) -> Void
    private let atEnd: @Sendable () -> Void
    private var listeners: [Int: Task<Void, Never>] = [:]
    private var channels: [Int: Channel] = [:]
    /// Hosts on trial, and how long their agents wait for a word of the controller.
    private var onTrial: [Int: Duration] = [:]
    private var heart: Task<Void, Never>?

    /// Who asks something of a host, in the order in which they came: the first one does now, and hears of the session's end.
    private var turns: [Int: Deque<Int>] = [:]
    private var nextTurn = 0
    private let turnEnded = Wakeup()
    /// Why sessions ended meanwhile.
    private var ended: [Int: SlotSyncError] = [:]

    /// How many sources hosts were told to read.
    private var sourceCounts: [Int: Int] = [:]
    private var owed: [Int: Deque<OwedReadings>] = [:]
    private var isClosed = false

    nonisolated init(
        _ sessions: OpenSessions, emit: @escaping @Sendable (HostEvent) -> Void, atEnd: @escaping @Sendable () -> Void
    ) async {
        self.sessions = sessions
        self.emit = emit
        self.atEnd = atEnd
    }

    // MARK: One thing after the other

    /// Does something with a host when nothing else is being done with it; that its session ends meanwhile is the error of
    /// that, and no event.
    nonisolated func during<Answer: Sendable>(
        _ number: Int, _ body: @Sendable (Int) async throws -> Answer
    ) async throws -> Answer {
        let turn = try await beginAsking(number)
        do {
            let answer = try await body(number)
            await endAsking(number, turn, isAnswered: true)
            return answer
        } catch {
            await endAsking(number, turn, isAnswered: false)
            throw error
        }
    }

    private func beginAsking(_ number: Int) async throws -> Int {
        let turn = takeTurn(number)
        do {
            while turns[number]?.first != turn { try await turnEnded.wait() }
            guard !isClosed else { throw SlotSyncError(.cancelled, "the fleet's sessions are closed") }
        } catch {
            endTurn(number, turn)
            throw error
        }
        return turn
    }

    /// - Parameter isAnswered: false: the asker tells what went wrong.
    private func endAsking(_ number: Int, _ turn: Int, isAnswered: Bool) async {
        let error = ended.removeValue(forKey: number)
        if !isAnswered { leave(number) } else if let error { await lose(number, error) }
        endTurn(number, turn)
    }

    private func takeTurn(_ number: Int) -> Int {
        nextTurn += 1
        turns[number, default: []].append(nextTurn)
        return nextTurn
    }

    private func endTurn(_ number: Int, _ turn: Int) {
        turns[number]?.removeAll { $0 == turn }
        if turns[number]?.isEmpty == true { turns[number] = nil }
        turnEnded.wake()
    }

    // MARK: Hearing

    /// Hears a host from now on, over a session that is opened if there is none.
    ///
    /// - Returns: its ring when the session began; nil where it had none.
    func attend(_ number: Int) async throws -> RingStatus? {
        let session = try await sessions.session(of: number)
        guard listeners[number] == nil, !isClosed else { return session.ring }
        let (host, emit) = (session.host, emit)
        session.channel.onWarning = { emit(.warning(host, $0)) }
        session.channel.onReadings = { [weak self] sample, readings in
            try self?.take(readings, sample, from: number)
            emit(.readings(host, number: sample, readings))
        }
        channels[number] = session.channel
        listeners[number] = Task { @FleetActor in
            do { try await session.channel.listen() } catch {
                // Not the end of the session, but of the listening.
                if !Task.isCancelled { await self.noteEnd(of: number, hostError(error)) }
            }
        }
        return session.ring
    }

    private func noteEnd(of number: Int, _ error: SlotSyncError) async {
        guard turns[number] == nil else {
            ended[number] = error
            return
        }
        // Nobody opens another session before this one is closed.
        let turn = takeTurn(number)
        await lose(number, error)
        endTurn(number, turn)
    }

    private func lose(_ number: Int, _ error: SlotSyncError) async {
        leave(number)
        await sessions.close(number, isOrderly: false)
        emit(.lost(sessions.fleet.hosts[number], error))
    }

    /// Hears a host no longer.
    func leave(_ number: Int) {
        listeners.removeValue(forKey: number)?.cancel()
        channels[number] = nil
        onTrial[number] = nil
        sourceCounts[number] = nil
        owed[number] = nil
        ended[number] = nil
    }

    // MARK: Readings

    /// - Parameter sourceCount: how many sources the host was told to read; nil: it is being told, and is not asked.
    func expectReadings(_ sourceCount: Int?, of number: Int) { sourceCounts[number] = sourceCount }

    func requestReadings(_ sample: UInt32, of numbers: [Int]) {
        for number in numbers {
            guard let channel = channels[number], let sourceCount = sourceCounts[number],
                owed[number, default: []].count < Self.mostOwedReadings
            else { continue }
            owed[number, default: []].append(OwedReadings(sample: sample, sourceCount: sourceCount))
            channel.send(.sample(sample))
        }
    }

    /// Agents answer in the order in which they are asked. What nobody asked for would fill the queue of whoever listens.
    private func take(_ readings: HostReadings, _ sample: UInt32, from number: Int) throws {
        guard let owed = owed[number]?.popFirst(), owed.sample == sample else {
            throw SlotSyncError(.protocolViolation, "the agent sent readings that nobody asked for (sample \(sample))")
        }
        guard readings.outcomes.count == owed.sourceCount else {
            throw SlotSyncError(
                .protocolViolation,
                "the agent sent readings of \(readings.outcomes.count) sources, where it was to read \(owed.sourceCount)"
            )
        }
    }

    // MARK: Trials

    func beginTrial(of numbers: [Int], limit: Duration) {
        for number in numbers { onTrial[number] = limit }
        guard heart == nil else { return }
        heart = Task { @FleetActor in
            while !self.onTrial.isEmpty {
                self.beat()
                try? await Task.sleep(for: Self.keepAliveInterval)
            }
            self.heart = nil
        }
    }

    /// Each hears the other, or gives up: an agent that nothing reaches goes back after this time, and so does what is
    /// believed here.
    private func beat() {
        for (number, limit) in onTrial {
            guard let channel = channels[number] else { continue }
            channel.send(.keepAlive)
            guard channel.silence >= limit else { continue }
            channel.giveUp(
                SlotSyncError(
                    .timedOut, "said nothing for \(limit.components.seconds) s while its flip was not confirmed"))
        }
    }

    func endTrial(of number: Int) { onTrial[number] = nil }

    // MARK: The end

    func close(isOrderly: Bool) async {
        guard !isClosed else { return }
        isClosed = true
        onTrial = [:]
        for listener in listeners.values { listener.cancel() }
        for listener in listeners.values { await listener.value }
        listeners = [:]
        channels = [:]
        await sessions.shut(areOrderly: isOrderly)
        atEnd()
    }
}
