// Hears hosts while no operation talks with them, and lets those whose flip is on trial hear that the controller is there.
// FleetConnection has one.

/// Who listens to a connection's hosts.
@FleetActor
final class Attendance {
    /// How often a host on trial hears of the controller: several times in the shortest trial.
    private static let keepAliveInterval = Duration.milliseconds(300)
    /// How many readings a host may owe: the one that was asked for last, and one that is late.
    private static let mostOwedReadings = 2

    private let sessions: OpenSessions
    private let emit: @Sendable (HostEvent) -> Void
    private let atEnd: @Sendable () -> Void
    private var listeners: [Int: Task<Void, Never>] = [:]
    private var channels: [Int: Channel] = [:]
    private var onTrial: Set<Int> = []
    /// Hosts that are being asked something: whoever asks hears of the session's end.
    private var asked: Set<Int> = []
    private let answered = Wakeup()
    /// Sessions of those that ended meanwhile.
    private var ended: [Int: SlotSyncError] = [:]
    private var owedReadings: [Int: Int] = [:]
    private var heart: Task<Void, Never>?
    private var isClosed = false

    nonisolated init(
        _ sessions: OpenSessions, emit: @escaping @Sendable (HostEvent) -> Void, atEnd: @escaping @Sendable () -> Void
    ) async {
        self.sessions = sessions
        self.emit = emit
        self.atEnd = atEnd
    }

    /// Does something with a host when nothing else is being done with it; that its session ends meanwhile is the error of
    /// that, and no event.
    nonisolated func during<Answer: Sendable>(
        _ number: Int, _ body: @Sendable (Int) async throws -> Answer
    ) async throws -> Answer {
        try await beginAsking(number)
        do {
            let answer = try await body(number)
            await endAsking(number, isAnswered: true)
            return answer
        } catch {
            await endAsking(number, isAnswered: false)
            throw error
        }
    }

    private func beginAsking(_ number: Int) async throws {
        while asked.contains(number) { try await answered.wait() }
        asked.insert(number)
    }

    /// - Parameter isAnswered: false: the asker tells what went wrong.
    private func endAsking(_ number: Int, isAnswered: Bool) async {
        asked.remove(number)
        answered.wake()
        if !isAnswered { leave(number) }
        if let error = ended.removeValue(forKey: number), isAnswered { await lose(number, error) }
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
        onTrial.remove(number)
    }

    /// Hears a host from now on, over a session that is opened if there is none.
    ///
    /// - Returns: its ring when the session began; nil where it had none.
    func attend(_ number: Int) async throws -> RingStatus? {
        let session = try await sessions.session(of: number)
        guard listeners[number] == nil, !isClosed else { return session.ring }
        let (host, emit) = (session.host, emit)
        session.channel.onWarning = { emit(.warning(host, $0)) }
        session.channel.onReadings = { [weak self] sample, readings in
            self?.owedReadings[number] = max((self?.owedReadings[number] ?? 0) - 1, 0)
            emit(.readings(host, number: sample, readings))
        }
        channels[number] = session.channel
        owedReadings[number] = 0
        listeners[number] = Task { @FleetActor in
            do { try await session.channel.listen() } catch {
                // Not the end of the session, but of the listening.
                if Task.isCancelled { return }
                if self.asked.contains(number) {
                    self.ended[number] = hostError(error)
                } else {
                    await self.lose(number, hostError(error))
                }
            }
        }
        return session.ring
    }

    func requestReadings(_ sample: UInt32, of numbers: [Int]) {
        for number in numbers {
            guard let channel = channels[number], owedReadings[number, default: 0] < Self.mostOwedReadings else {
                continue
            }
            owedReadings[number, default: 0] += 1
            channel.send(.sample(sample))
        }
    }

    // MARK: Trials

    func beginTrial(_ numbers: [Int]) {
        onTrial.formUnion(numbers)
        guard heart == nil else { return }
        heart = Task { @FleetActor in
            while !self.onTrial.isEmpty, !Task.isCancelled {
                for number in self.onTrial { self.channels[number]?.send(.keepAlive) }
                try? await Task.sleep(for: Self.keepAliveInterval)
            }
            self.heart = nil
        }
    }

    func endTrial(_ numbers: [Int]) { onTrial.subtract(numbers) }

    // MARK: The end

    func close() async {
        guard !isClosed else { return }
        isClosed = true
        onTrial = []
        for listener in listeners.values { listener.cancel() }
        for listener in listeners.values { await listener.value }
        listeners = [:]
        channels = [:]
        await sessions.closeAll(areOrderly: true)
        atEnd()
    }
}
