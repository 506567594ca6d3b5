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

    /// Hears a host from now on, over a session that is opened if there is none.
    func attend(_ number: Int) async throws {
        guard listeners[number] == nil, !isClosed else { return }
        let session = try await sessions.session(of: number)
        // Somebody else may have come first meanwhile, or the end.
        guard listeners[number] == nil, !isClosed else { return }
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
                self.listeners[number] = nil
                self.channels[number] = nil
                await self.sessions.close(number, isOrderly: false)
                emit(.lost(host, hostError(error)))
            }
        }
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
