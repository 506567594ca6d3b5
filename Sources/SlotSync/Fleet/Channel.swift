// The controller's end of one session: requests out, replies in, over the pipes of a child process. A session is
// linear code that sends and receives; all waiting, counting and giving up happens here. Transport opens channels.

import Dispatch
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
    /// Called with what the host wants a person to know.
    var onWarning: (@FleetActor (String) -> Void)?

    private(set) var receivedBytes: UInt64 = 0
    var sentBytes: UInt64 { writer.sentBytes }
    /// What was sent and is not in the pipe yet.
    var pendingBytes: Int { writer.pendingBytes }

    private let timeout: Duration
    private let agentProgram: String?
    private let child: ChildProcess
    private var writer: PipeWriter!
    private var readiness: Readiness!
    private var errors: ErrorTail!
    /// Something has happened that a waiting task should look at.
    private let event = Wakeup()

    private var parser = FrameParser(.replies)
    private var inbox: Deque<Reply> = []
    private var isAtEnd = false
    private var wasGreeted = false
    private var failure: SlotSyncError?
    private var isClosed = false

    private let clock = SuspendingClock()
    private var lastLife: SuspendingClock.Instant
    private var progress = HostProgress()
    private var waiters = 0

    /// Where all channels read, one after the other.
    private static var chunk = [UInt8](repeating: 0, count: 64 << 10)

    /// Starts `command` and speaks with what it becomes.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - timeout: How long the host may be silent while something is expected of it.
    ///   - agentProgram: The agent's program, if the user named it; for the message when it is missing.
    init(_ command: [String], timeout: Duration, agentProgram: String? = nil) throws {
        self.timeout = timeout
        self.agentProgram = agentProgram
        let pipes = try Pipes()
        child = ChildProcess(
            command, input: pipes.input.read, output: pipes.output.write, errors: pipes.errors.write)
        lastLife = clock.now
        writer = PipeWriter(owning: pipes.input.write) { [weak self] written in self?.wrote(written) }
        readiness = Readiness(owning: pipes.output.read, for: .reading) { [event] in event.wake() }
        errors = ErrorTail(owning: pipes.errors.read) { [event] in event.wake() }
    }

    // MARK: Sending

    /// Queues a request. It goes out as the host takes it; that it cannot is told by `receive`.
    func send(_ request: Request) {
        var frame: [UInt8] = []
        request.encode(into: &frame)
        writer.append(frame)
    }

    /// Queues whole frames that were encoded once for many hosts.
    func send(frames: [UInt8]) { writer.append(frames) }

    /// Queues whole frames that stand in the spool file, which must keep them until they are written.
    func send(spool: FileDescriptor, at offset: Int64, length: Int) {
        writer.append(rangeOf: spool, at: offset, length: length)
    }

    /// Waits until fewer than `limit` bytes are pending.
    ///
    /// - Throws: as `receive` does, and as soon as the host has reported a failure.
    func drained(below limit: Int) async throws {
        try await wait {
            if writer.isBroken || pendingBytes < limit { return () }
            // What the host says meanwhile shows that it lives; a flood of replies does not.
            try readAvailable(untilReplies: 16)
            if case .failure(let error)? = inbox.first { throw error }
            return nil
        }
    }

    // MARK: Receiving

    /// Waits for the host's next reply. What it says beside that goes to `onAlive` and `onWarning`.
    ///
    /// - Throws: ``SlotSyncError``: what the host reported, that its session has ended, that it is silent, or that the
    ///   task was cancelled. The session can go on after a cancellation, in another task.
    func receive() async throws -> Reply {
        let reply = try await wait {
            try readAvailable(untilReplies: 1)
            return inbox.popFirst()
        }
        guard case .failure(let error) = reply else { return reply }
        failure = error
        throw error
    }

    /// Calls `attempt` until it gives a value, after everything that happens.
    private func wait<Value>(for attempt: @FleetActor () throws -> Value?) async throws -> Value {
        if waiters == 0 { lastLife = clock.now }
        waiters += 1
        Watchdog.shared.watch(self) { [weak self] in self?.checkLife() }
        defer {
            waiters -= 1
            if waiters == 0 { Watchdog.shared.stopWatching(self) }
        }
        do {
            while true {
                if let failure { throw failure }
                if let value = try attempt() { return value }
                if isAtEnd { throw await endOfSession() }
                try await event.wait()
            }
        } catch is CancellationError {
            throw SlotSyncError(.cancelled, "interrupted")
        } catch {
            let error = error as? SlotSyncError ?? SlotSyncError(.unreachable, "the session broke: \(error)")
            failure = failure ?? error
            throw error
        }
    }

    /// Reads until so many replies are there, or nothing more to read for now.
    private func readAvailable(untilReplies enough: Int) throws {
        guard !isAtEnd, !isClosed else { return }
        // A host that never stops must not keep the others waiting. More than a pipe holds is no danger: what is left
        // is followed by an event.
        for _ in 0..<32 where inbox.count < enough {
            let count: Int
            do {
                count = try Self.chunk.withUnsafeMutableBytes { try readiness.descriptor.read(into: $0) }
            } catch Errno.resourceTemporarilyUnavailable {
                return readiness.arm()
            }
            if count == 0 {
                isAtEnd = true
                return
            }
            receivedBytes += UInt64(count)
            Self.chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            while let (type, payload) = try parser.next() { take(try Reply(type: type, payload: payload)) }
            if parser.isInsideMessage { lastLife = clock.now }
        }
        if inbox.count < enough { readiness.arm() }
    }

    private func take(_ reply: Reply) {
        switch reply {
        case .alive(let files, let bytes):
            let now = HostProgress(files: files, bytes: bytes)
            // An agent that beats and neither works nor takes what is sent to it is as good as dead.
            if now != progress || pendingBytes == 0 { lastLife = clock.now }
            progress = now
            onAlive?(now)
        case .warning(let text):
            lastLife = clock.now
            onWarning?(text)
        default:
            if case .hello = reply { wasGreeted = true }
            lastLife = clock.now
            inbox.append(reply)
        }
    }

    private func wrote(_ count: Int) {
        if count > 0 { lastLife = clock.now }
        event.wake()
    }

    // MARK: The end

    /// How long a child may take to end after it has closed its output, or after its input was closed.
    private static let patience = Duration.seconds(2)

    private func checkLife() {
        guard failure == nil, clock.now - lastLife >= timeout else { return }
        let seconds = timeout.components.seconds
        failure = SlotSyncError(
            .timedOut, pendingBytes > 0 ? "took nothing for \(seconds) s" : "said nothing for \(seconds) s")
        event.wake()
    }

    private func endOfSession() async -> SlotSyncError {
        await child.wait(atMost: Self.patience)
        errors.read()
        return SessionEnd(process: child.end, said: errors.text, wasGreeted: wasGreeted, agentProgram: agentProgram)
            .error
    }

    /// Ends the session. What is pending is still written, unless the session has failed or the task is cancelled; then
    /// the child gets a short time to end by itself before it is made to. Afterwards nothing is left of it.
    func close() async {
        guard !isClosed else { return }
        isClosed = true
        if failure == nil, !Task.isCancelled { writer.finish() } else { writer.close() }
        await child.wait(atMost: Self.patience)
        if child.end == nil {
            child.terminate()
            await child.wait(atMost: Self.patience + Self.patience)
        }
        writer.close()
        readiness.close()
        errors.close()
        failure = failure ?? SlotSyncError(.cancelled, "the session is closed")
        event.wake()
    }
}

/// The three pipes of a child: this program's ends do not block, and no other child inherits any.
private struct Pipes {
    let input: (read: FileDescriptor, write: FileDescriptor)
    let output: (read: FileDescriptor, write: FileDescriptor)
    let errors: (read: FileDescriptor, write: FileDescriptor)

    init() throws {
        var made: [(read: FileDescriptor, write: FileDescriptor)] = []
        do {
            for _ in 0..<3 { made.append(try FileDescriptor.closeOnExecPipe()) }
            (input, output, errors) = (made[0], made[1], made[2])
            for end in [input.write, output.read, errors.read] { try end.setNonBlocking() }
        } catch {
            for pipe in made {
                try? pipe.read.close()
                try? pipe.write.close()
            }
            throw SlotSyncError(.system, "cannot make pipes for a session", errno: error)
        }
    }
}
