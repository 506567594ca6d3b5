// The bytes of one session: a child process, what goes to it, what comes from it, and the waiting between. Everything
// that happens wakes whoever waits. The stream is given up when the other end is silent. Channel speaks messages over
// it, InstallSession lines of text.

import SystemPackage

/// A child process as a two-way stream. Whoever made it has to close it.
@FleetActor
final class ChildStream {
    private(set) var writer: PipeWriter!
    private(set) var receivedBytes: UInt64 = 0
    /// The child has closed its output.
    private(set) var isAtEnd = false
    /// Why the stream can no longer be used.
    var failure: SlotSyncError?

    private let timeout: Duration
    private let child: ChildProcess
    private var readiness: Readiness!
    private var errors: ErrorTail!
    /// Something has happened that a waiting task should look at.
    private let event = Wakeup()
    private var waiters = 0
    private var isClosed = false

    private let clock = SuspendingClock()
    private var lastLife: SuspendingClock.Instant

    /// Where all streams read, one after the other.
    private static var chunk = [UInt8](repeating: 0, count: 64 << 10)
    /// How long a child may take to end after it has closed its output, or after its input was closed.
    private static let patience = Duration.seconds(2)
    private static let patienceAfterFailure = Duration.milliseconds(500)

    /// Starts `command`, a program and its arguments.
    ///
    /// - Parameter timeout: How long the other end may be silent while something is expected of it.
    init(_ command: [String], timeout: Duration) throws {
        self.timeout = timeout
        let pipes = try ChildPipes()
        child = ChildProcess(
            command, input: pipes.input.read, output: pipes.output.write, errors: pipes.errors.write)
        lastLife = clock.now
        writer = PipeWriter(
            owning: pipes.input.write, onProgress: { [weak self] hasRead in self?.wrote(hasRead) },
            onFailure: { [weak self] error in self?.giveUp(error) })
        readiness = Readiness(owning: pipes.output.read, for: .reading) { [event] in event.wake() }
        errors = ErrorTail(owning: pipes.errors.read) { [event] in event.wake() }
    }

    // MARK: Waiting

    /// Calls `attempt` until it gives a value, after everything that happens.
    ///
    /// - Throws: ``SlotSyncError``: what `attempt` throws; what `ending` says of a child that has closed its output;
    ///   that the other end is silent; that the task was cancelled. Only after the last can the stream still be used.
    func wait<Value>(
        for attempt: @FleetActor () throws -> Value?, ending: @FleetActor () async -> SlotSyncError
    ) async throws -> Value {
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
                if isAtEnd { throw await ending() }
                try await event.wait()
            }
        } catch is CancellationError {
            throw SlotSyncError(.cancelled, "interrupted")
        } catch {
            let error =
                error as? SlotSyncError
                ?? SlotSyncError(
                    .unreachable, "the session broke off: cannot read from its pipe", errno: error as? Errno)
            giveUp(error)
            throw error
        }
    }

    /// The other end has shown that it lives. One that takes nothing any more can only end, whatever it says.
    func noteLife() { if !writer.isBroken { lastLife = clock.now } }

    /// How long the other end has shown no life; known while somebody waits.
    var silence: Duration { clock.now - lastLife }

    /// Nothing more can come of this stream: whoever waits hears why.
    func giveUp(_ error: SlotSyncError) {
        guard failure == nil else { return }
        failure = error
        event.wake()
    }

    /// Whoever waits looks again.
    func wake() { event.wake() }

    /// What a pipe has room for is no sign of life: a controller that says every moment that it is there would take a
    /// frozen host for one that lives.
    private func wrote(_ hasRead: Bool) {
        if hasRead { noteLife() }
        event.wake()
    }

    private func checkLife() {
        guard silence >= timeout else { return }
        let how =
            writer.isBroken
            ? "reads nothing any more, and did not end" : writer.pendingBytes > 0 ? "took nothing" : "said nothing"
        giveUp(SlotSyncError(.timedOut, "\(how) for \(TimeText.exact(timeout))"))
    }

    // MARK: Reading

    /// Hands out what is there, while `isWanted`. If it still is when nothing is left, what comes later wakes whoever
    /// waits; if not, the caller has to ask again before it waits.
    func read(while isWanted: @FleetActor () -> Bool, _ take: @FleetActor (UnsafeRawBufferPointer) throws -> Void)
        throws
    {
        guard !isAtEnd, !isClosed else { return }
        // A host that never stops must not keep the others waiting. More than a pipe holds is no danger: what is left
        // is followed by an event.
        for _ in 0..<32 where isWanted() {
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
            try Self.chunk.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        if isWanted() { readiness.arm() }
    }

    // MARK: The end

    /// How the child ended, nil if it does not, and what it printed last on its standard error.
    func end() async -> (process: ChildProcess.End?, said: String) {
        await child.wait(atMost: Self.patience)
        errors.read()
        return (child.end, errors.text)
    }

    /// Ends the session. What is pending is still written, unless the session has failed or the task is cancelled; then
    /// the child gets a short time to end by itself before it is made to. Afterwards nothing is left of it.
    func close() async {
        guard !isClosed else { return }
        isClosed = true
        let isGood = failure == nil && !Task.isCancelled
        if isGood {
            writer.finish()
        } else {
            writer.close()
            readiness.close()
        }
        await child.wait(atMost: isGood ? Self.patience : Self.patienceAfterFailure)
        if child.end == nil {
            child.terminate()
            await child.wait(atMost: Self.patience + Self.patience)
        }
        writer.close()
        readiness.close()
        errors.close()
        giveUp(SlotSyncError(.cancelled, "the session is closed"))
        event.wake()
    }
}
