// The controller's end of one session with an agent: requests go out, replies come in. A session is linear code that
// sends and receives. ChildStream does the waiting, Transport opens channels.

import CSystemCalls
import DequeModule
import SystemPackage

/// A conversation with the agent of one host. Whoever opened it has to close it.
@FleetActor
final class Channel {
    /// How far the host has come, by its own word.
    struct HostProgress: Equatable, Sendable {
        var files: UInt64 = 0
        var bytes: UInt64 = 0
    }

    /// Called when the host tells that it is alive.
    var onAlive: (@FleetActor (HostProgress) -> Void)?
    /// Called when the host says how many bytes it has counted so far, and how many it is about to put into place.
    var onPlan: (@FleetActor (_ before: UInt64, _ planned: UInt64) -> Void)?
    /// Called with what the host wants a person to know; what it said before this was set comes at once.
    var onWarning: (@FleetActor (String) -> Void)? {
        didSet {
            guard let onWarning else { return }
            for text in earlyWarnings { onWarning(text) }
            earlyWarnings = []
        }
    }

    /// Tells what a person should know of the host.
    func warn(_ text: String) {
        if let onWarning {
            onWarning(text)
        } else if earlyWarnings.count < Self.mostEarlyWarnings {
            earlyWarnings.append(text)
        }
    }

    /// Called once, when another command asks for the lock that the host holds for this session, with which and for whom.
    var onGiveWay: (@FleetActor (String) -> Void)?

    /// Called with what the host read when it was asked for the sample with this number. What it throws ends the
    /// session.
    var onReadings: (@FleetActor (UInt32, HostReadings) throws -> Void)?

    var receivedBytes: UInt64 { stream.receivedBytes }
    var sentBytes: UInt64 { stream.writer.sentBytes }
    /// What was sent and is not in the pipe yet.
    var pendingBytes: Int { stream.writer.pendingBytes }
    /// Whether nothing that is sent goes out any more.
    var isBroken: Bool { stream.writer.isBroken }

    private let stream: ChildStream
    private let timeout: Duration
    private let agentProgram: String?
    private let port: Int?
    private var parser = FrameParser(.replies)
    /// Who is told of if what the host says is more than this program can bear.
    var peer = ""
    /// What was read and nobody has received yet: no more than came in one piece.
    private var inbox: Deque<Reply> = []
    /// Tasks that wait for a reply.
    private var receivers = 0
    private var earlyWarnings: [String] = []
    /// An agent that recovers its ring says so right after its greeting. Nobody has to keep more than a few warnings.
    private static let mostEarlyWarnings = 16
    /// Warnings beyond this number are dropped: nobody reads them, and they would fill the memory.
    private static let mostWarnings = 1000
    private var warnings = 0
    private var wasGreeted = false
    /// Whether the host runs a hook before it answers for the first time: it has taken back what an agent had left.
    var runsHookFirst = false
    /// How the session ended, where a reply was waited for in vain.
    private(set) var end: SessionEnd?
    private var progress = HostProgress()
    /// When the host last came further, by its own word, and how far it was then.
    private var lastAdvance = SuspendingClock.now
    private var advance = HostProgress()
    private var advanceSent: UInt64 = 0
    /// Bytes of a message that is not whole yet, since the host last showed that it lives.
    private var begunBytes = 0
    private var plans = 0
    /// How many samples were asked for, and how many have come.
    private var askedSamples = 0
    private var gotSamples = 0
    /// How many of them the host takes before what it is asked next, and when the last one of those came.
    private var dueSamples = 0
    private var lastDueSample: SuspendingClock.Instant?

    /// Starts `command` and speaks with what it becomes.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - timeout: How long the host may be silent while something is expected of it.
    ///   - longestStep: How long it may get no further while it shows that it lives; nil: ten times as long.
    ///   - agentProgram: The agent's program, if the user named it; for the message when it is missing.
    ///   - port: The host's port, if the user named it; for the message when the login fails.
    init(
        _ command: [String], timeout: Duration, longestStep: Duration? = nil, agentProgram: String? = nil,
        port: Int? = nil
    ) throws {
        self.longestStep = longestStep ?? timeout * Self.timeoutsOfStep
        self.agentProgram = agentProgram
        self.port = port
        self.timeout = timeout
        stream = try ChildStream(command, timeout: timeout)
    }

    // MARK: Sending

    /// Queues a request. It goes out as the host takes it; that it cannot is told by `receive`.
    func send(_ request: Request) {
        if case .sample = request { askedSamples += 1 }
        var frame: [UInt8] = []
        request.encode(into: &frame)
        stream.writer.append(frame)
    }

    /// Queues whole frames that were encoded once for many hosts.
    func send(frames: [UInt8]) { stream.writer.append(frames) }

    /// Queues whole frames that stand in the spool file, which must keep them until they are written.
    func send(spool: FileDescriptor, at offset: Int64, length: Int) {
        stream.writer.append(rangeOf: spool, at: offset, length: length)
    }

    /// Waits until fewer than `limit` bytes are pending.
    ///
    /// - Throws: as `receive` does, and as soon as the host has reported a failure, or says anything else to nobody.
    func drained(below limit: Int) async throws {
        try await stream.wait {
            if stream.writer.isBroken || pendingBytes < limit { return () }
            // What the host says meanwhile shows that it lives.
            try read(untilReplies: 1)
            try expectNoReply()
            return nil
        } ending: {
            await endOfSession()
        }
    }

    /// How long the host has shown no life, while somebody listens or waits for a reply.
    var silence: Duration { stream.silence }

    /// Makes all that waits for this host fail.
    func giveUp(_ error: SlotSyncError) { stream.giveUp(error) }

    // MARK: Receiving

    /// Waits for the host's next reply. What it says beside that goes to `onAlive` and `onWarning`.
    ///
    /// - Throws: ``SlotSyncError``: what the host reported, that its session has ended, that it is silent, or that the
    ///   task was cancelled. The session can go on after a cancellation, in another task.
    func receive() async throws -> Reply {
        receivers += 1
        defer {
            receivers -= 1
            // What is left in the pipe is for whoever listens.
            stream.wake()
        }
        return try await stream.wait {
            try read(untilReplies: 1)
            guard let reply = inbox.popFirst() else { return nil }
            runsHookFirst = false
            if case .failure(let error) = reply { throw error }
            return reply
        } ending: {
            await endOfSession()
        }
    }

    /// No sign of life within this before the end of the patience is none at all.
    private static let lifeSigns = Duration.milliseconds(500)

    /// Waits for the reply to a request that needs no work worth mentioning: no longer than the host may be silent,
    /// even if it shows that it lives. An agent whose disk hangs still sends heartbeats. It may answer samples that it
    /// owes first, each in its time.
    ///
    /// - Throws: as `receive` does.
    func receivePromptly() async throws -> Reply {
        if runsHookFirst { return try await receive() }
        let clock = SuspendingClock()
        let start = clock.now
        // Those that are asked for from now on stand behind what was asked: they are no excuse.
        (dueSamples, lastDueSample) = (askedSamples, nil)
        let alarm = Task { @FleetActor in
            var end: SuspendingClock.Instant {
                (lastDueSample ?? start) + timeout + (gotSamples < dueSamples ? ReadingLimits.longestSampling : .zero)
            }
            while clock.now < end { try await clock.sleep(until: end, tolerance: nil) }
            try Task.checkCancellation()
            // Both clocks run out together where a host never said anything.
            let isThere = silence + Self.lifeSigns < timeout
            giveUp(
                SlotSyncError(
                    .timedOut,
                    isThere
                        ? "did not answer for \(TimeText.rounded(clock.now - start)), though it is there"
                        : "said nothing for \(TimeText.exact(timeout))"))
        }
        defer { alarm.cancel() }
        return try await receive()
    }

    /// How long a step may take that cannot be counted, such as bringing all that was written to a disk.
    let longestStep: Duration
    /// How many time-outs that is, unless somebody says more.
    private static let timeoutsOfStep = 10
    /// Fewer bytes more than that are no step.
    private static let leastAdvance: UInt64 = 64 << 10
    /// A message that comes in smaller pieces than that, each in a time-out, is none.
    private static let leastPiece = 4 << 10
    /// How much there is to do is said once in a stage.
    private static let mostPlans = 16

    /// Waits for the reply to a request that is work, as long as the host gets on with it: a file more, or 64 KiB, or
    /// another word of the answer. An agent whose disk hangs still sends heartbeats.
    ///
    /// - Parameter limit: how long the host may get no further; nil: as long as it may be silent.
    /// - Throws: as `receive` does.
    func receiveWhileAdvancing(within limit: Duration? = nil) async throws -> Reply {
        if runsHookFirst { return try await receive() }
        let clock = SuspendingClock()
        let limit = limit ?? timeout
        (lastAdvance, advance, advanceSent) = (clock.now, progress, sentBytes)
        let alarm = Task { @FleetActor in
            while clock.now < lastAdvance + limit {
                try await clock.sleep(until: lastAdvance + limit, tolerance: nil)
            }
            try Task.checkCancellation()
            giveUp(
                SlotSyncError(
                    .timedOut,
                    silence + Self.lifeSigns < timeout
                        ? "is there, but got no further for \(TimeText.exact(limit)): its disk may hang, or raise --timeout"
                        : "said nothing for \(TimeText.exact(timeout))"))
        }
        defer { alarm.cancel() }
        return try await receive()
    }

    /// Hears what the host says beside its answers, until the task is cancelled. Another task may `receive` meanwhile.
    ///
    /// - Throws: ``SlotSyncError``: as `receive` does.
    func listen() async throws {
        let _: Void = try await stream.wait {
            // Whoever waits for a reply reads, and hands out what comes beside it.
            guard receivers == 0 else { return nil }
            try read(untilReplies: 1)
            try expectNoReply()
            return nil
        } ending: {
            await endOfSession()
        }
    }

    /// Nobody waits for a reply. One that was not asked for would be kept for ever, or taken for the answer to the next
    /// request.
    private func expectNoReply() throws {
        guard let reply = inbox.first else { return }
        if case .failure(let error) = reply { throw error }
        throw unexpected(reply)
    }

    /// Reads until so many replies are there, or nothing more to read for now.
    private func read(untilReplies enough: Int) throws {
        try stream.read(while: { inbox.count < enough }) { bytes in
            ss_note_peer(peer)
            parser.append(bytes)
            begunBytes += bytes.count
            while let (type, payload) = try parser.next() {
                begunBytes = 0
                try take(Reply(type: type, payload: payload))
            }
            // Two bytes a second are no life.
            if parser.isInsideMessage, begunBytes >= Self.leastPiece {
                begunBytes = 0
                stream.noteLife()
            }
        }
    }

    private func take(_ reply: Reply) throws {
        switch reply {
        case .alive(let files, let bytes):
            let now = HostProgress(files: files, bytes: bytes)
            // An agent that sends heartbeats but does not greet, or neither works nor takes what is sent to it, is as
            // good as dead.
            if wasGreeted, now != progress || pendingBytes == 0 { stream.noteLife() }
            if now.files != advance.files || now.bytes < advance.bytes
                || now.bytes - advance.bytes >= Self.leastAdvance || sentBytes - advanceSent >= Self.leastAdvance
            {
                (lastAdvance, advance, advanceSent) = (.now, now, sentBytes)
            }
            progress = now
            onAlive?(now)
        case .plan(let before, let planned):
            plans += 1
            guard plans <= Self.mostPlans else {
                throw SlotSyncError(.protocolViolation, "the agent says again and again how much there is to do")
            }
            stream.noteLife()
            lastAdvance = .now
            onPlan?(before, planned)
        case .warning(let text):
            warnings += 1
            guard warnings <= Self.mostWarnings else { return }
            stream.noteLife()
            warn(text)
        case .giveWay(let who):
            // Once: it is no way to show life.
            if onGiveWay != nil { stream.noteLife() }
            onGiveWay?(who)
            onGiveWay = nil
        case .sample(let number, let readings):
            stream.noteLife()
            gotSamples += 1
            lastAdvance = .now
            if gotSamples <= dueSamples { lastDueSample = SuspendingClock().now }
            // Where nobody hears them they are a reply like any other.
            if let onReadings { try onReadings(number, readings) } else { inbox.append(reply) }
        default:
            if case .hello = reply { wasGreeted = true }
            stream.noteLife()
            inbox.append(reply)
        }
    }

    // MARK: The end

    private func endOfSession() async -> SlotSyncError {
        let (process, said) = await stream.end()
        let end = SessionEnd(
            process: process, said: said, wasGreeted: wasGreeted, agentProgram: agentProgram, port: port)
        self.end = end
        return end.error
    }

    /// Ends the session. What is pending is still written, unless the session has failed or the task is cancelled; then
    /// the child gets a short time to end by itself before it is made to. Afterwards nothing is left of it.
    func close() async { await stream.close() }
}
