// The agent's end of a session: requests in from one descriptor, replies out to another, both blocking. The agent's
// one thread asks and answers; another says beside it that the agent is alive while it works, so that a controller
// can tell a busy host from a dead one. While a flip is under way signals are held, and its controller's end is noticed;
// while it is provisional, nothing here waits longer than its controller may be silent: `beginWatch` and `endWatch` say when.

import Glibc
import Synchronization
import SystemPackage

/// Requests in, replies out. The descriptors stay the caller's.
final class AgentConnection: Sendable {
    /// What bounds every wait while a flip is under way.
    private struct Watch: Sendable {
        /// How long a controller may be silent; nil: as long as it is there.
        var limit: Duration?
        /// Can be read once a signal came that ends the process.
        var signal: FileDescriptor
    }

    private let inputDescriptor: FileDescriptor
    private let outputDescriptor: FileDescriptor
    private let input: Mutex<RequestStream>
    /// Held while a reply is written, so that none lands inside another. True: one was cut off, so that nothing can follow.
    private let output = Mutex(false)
    private let watch = Mutex<Watch?>(nil)
    /// Why the controller is given up, if it is: nothing is heard of it any more, and waited for.
    private let end = Mutex<SlotSyncError?>(nil)
    /// Between two looks whether it is.
    private static let slice = Duration.milliseconds(500)

    init(input: FileDescriptor, output: FileDescriptor) {
        inputDescriptor = input
        outputDescriptor = output
        self.input = Mutex(RequestStream(input))
    }

    // MARK: Watch

    /// From now on a controller that is silent for `limit`, if there is one, or a signal that would end the process, is an
    /// error of the session.
    func beginWatch(limit: Duration?) throws {
        let signal: FileDescriptor
        do { signal = try TerminationSignals.hold() } catch {
            throw SlotSyncError(.system, "cannot make a pipe for signals", errno: error)
        }
        watch.withLock { watch in
            if watch != nil { TerminationSignals.release() }
            watch = Watch(limit: limit, signal: signal)
        }
    }

    func endWatch() {
        watch.withLock { watch in
            if watch != nil { TerminationSignals.release() }
            watch = nil
        }
    }

    private static var interrupted: SlotSyncError {
        SlotSyncError(.cancelled, "the agent was told to end (\(TerminationSignals.received ?? "a signal"))")
    }

    /// Throws if a signal came while it was held.
    func checkSignals() throws { if watch.withLock({ $0 })?.signal.isReadable ?? false { throw Self.interrupted } }

    // MARK: The controller is given up

    /// Ends the session as its end does, whatever still comes. Any thread may call it.
    func giveUp(_ error: SlotSyncError) { end.withLock { $0 = $0 ?? error } }

    /// How many bytes have come from the controller so far, read or not; nil: it is being read just now. Any thread may
    /// ask.
    var bytesFromController: UInt64? {
        input.withLockIfAvailable { $0.receivedBytes + UInt64(inputDescriptor.bytesToRead) }
    }

    /// Waits as long as the controller is not given up.
    ///
    /// - Returns: false: the deadline has come.
    private func wait(_ wanted: inout [pollfd], until deadline: ContinuousClock.Instant?) throws -> Bool {
        while true {
            let slice = ContinuousClock.now + Self.slice
            if try waitUntilReady(&wanted, until: deadline.map { min($0, slice) } ?? slice) { return true }
            if let deadline, deadline <= .now { return false }
            if let end = end.withLock({ $0 }) { throw end }
        }
    }

    // MARK: Requests

    /// Waits for the next request; nil when the controller has ended the session. A keep-alive is no request.
    func receive() throws -> Request? {
        let watch = watch.withLock { $0 }
        // From here: what the agent did before was its own time, not the controller's silence.
        var deadline = (watch?.limit).map { ContinuousClock.now + $0 }
        while true {
            if let end = end.withLock({ $0 }) { throw end }
            let (request, isOver) = try input.withLock { input throws -> (Request?, Bool) in
                if let request = try input.next() { return (request, false) }
                guard input.isAtEnd else { return (nil, false) }
                guard !input.isInsideMessage else { throw Self.controllerIsGone }
                return (nil, true)
            }
            if request != nil || isOver { return request }
            // Without the lock: `reasonToStop` is asked by other threads.
            try waitForInput(watch, until: deadline)
            try input.withLock { if inputDescriptor.isReadable { try $0.read() } }
            deadline = (watch?.limit).map { ContinuousClock.now + $0 }
        }
    }

    private func waitForInput(_ watch: Watch?, until deadline: ContinuousClock.Instant?) throws {
        var wanted = [pollfd(fd: inputDescriptor.rawValue, events: Int16(POLLIN), revents: 0)]
        guard let watch else {
            _ = try wait(&wanted, until: nil)
            return
        }
        wanted += [
            pollfd(fd: watch.signal.rawValue, events: Int16(POLLIN), revents: 0),
            // Nothing is asked of it: an error is told all the same, when its reader is gone.
            pollfd(fd: outputDescriptor.rawValue, events: 0, revents: 0),
        ]
        guard try wait(&wanted, until: deadline) else { throw Self.silence(watch.limit) }
        if wanted[1].revents != 0 { throw Self.interrupted }
        if wanted[0].revents == 0 { throw Self.controllerIsGone }
    }

    private static func silence(_ limit: Duration?) -> SlotSyncError {
        SlotSyncError(.timedOut, "nothing came from the controller for \(TimeText.exact(limit ?? .zero))")
    }

    /// Whether `receive` would find something at once, or the end of the stream.
    var hasInput: Bool { input.withLock { $0.isInsideMessage || inputDescriptor.isReadable } }

    /// Why work that the agent waits for is to be given up, while a flip is under way: its controller is gone and asks for
    /// nothing more, or is silent for too long, or the process was told to end. Nil: it is to go on. Any thread may call it.
    func reasonToStop() -> SlotSyncError? {
        if let end = end.withLock({ $0 }) { return end }
        guard let watch = watch.withLock({ $0 }) else { return nil }
        if watch.signal.isReadable { return Self.interrupted }
        return input.withLock { input in
            do {
                try input.lookAhead()
                if input.hasDecision { return nil }
                if input.isAtEnd { return Self.controllerIsGone }
                guard let limit = watch.limit, ContinuousClock.now - input.lastInput >= limit else { return nil }
                return Self.silence(limit)
            } catch {
                return error as? SlotSyncError ?? SlotSyncError(.system, "cannot read requests", errno: error as? Errno)
            }
        }
    }

    /// Whether readings are to be left, while a flip is under way: what shall become of it has been said, or there is a
    /// `reasonToStop`.
    var isPressed: Bool { reasonToStop() != nil || input.withLock { $0.hasDecision } }

    // MARK: Replies

    /// Writes a reply, and waits until the controller's side takes it: while a flip is provisional no longer than its
    /// controller may be silent, else as long as it takes, or for `limit`. Any thread may call it.
    func send(_ reply: Reply, within limit: Duration? = nil) throws {
        var frame: [UInt8] = []
        reply.encode(into: &frame)
        let watch = watch.withLock { $0 }
        try output.withLock { isCutOff in
            guard !isCutOff else { throw Self.controllerIsGone }
            var rest = frame[...]
            do {
                try write(&rest, atMost: limit ?? watch?.limit, watch?.signal)
            } catch let error as Errno {
                // The reason can follow a reply of which nothing is written, and nothing can follow a part of one.
                isCutOff = error == .brokenPipe || rest.count < frame.count
                throw error == .brokenPipe
                    ? Self.controllerIsGone
                    : SlotSyncError(.unreachable, "cannot write to the controller's session", errno: error)
            } catch {
                isCutOff = true
                throw error
            }
        }
    }

    /// Leaves in `rest` what could not be written. Waits before each piece for room, for `limit` if there is one, or for a
    /// signal: no longer than the controller is worth waiting for.
    private func write(_ rest: inout ArraySlice<UInt8>, atMost limit: Duration?, _ signal: FileDescriptor?) throws {
        while !rest.isEmpty {
            try waitForRoom(atMost: limit, signal)
            // A pipe that is ready takes so many bytes without waiting.
            let piece = rest.prefix(Int(PIPE_BUF))
            do throws(Errno) {
                let raw = outputDescriptor.rawValue
                let count = try systemCall { piece.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) } }
                rest = rest.dropFirst(count)
            } catch {
                // Whoever made the pipe may have left it in a mode that does not wait.
                guard error == .resourceTemporarilyUnavailable else { throw error }
            }
        }
    }

    private func waitForRoom(atMost limit: Duration?, _ signal: FileDescriptor?) throws {
        var wanted = [pollfd(fd: outputDescriptor.rawValue, events: Int16(POLLOUT), revents: 0)]
        if let signal { wanted.append(pollfd(fd: signal.rawValue, events: Int16(POLLIN), revents: 0)) }
        guard try wait(&wanted, until: limit.map { .now + $0 }) else {
            throw SlotSyncError(.timedOut, "the controller took nothing for \(TimeText.exact(limit ?? .zero))")
        }
        if wanted.last?.fd == signal?.rawValue, wanted.last?.revents != 0 { throw Self.interrupted }
    }

    /// Does `work`, and meanwhile tells the controller from time to time how far it has come. Where no thread can be made
    /// for that, the controller is warned, and the work is done all the same: a way back needs none.
    ///
    /// - Parameter look: called at the same times; it must not wait for anything.
    @discardableResult
    func withHeartbeat<Result>(
        every interval: Duration = .milliseconds(500), progress: AgentProgress,
        alongside look: @escaping @Sendable () -> Void = {}, _ work: () async throws -> Result
    ) async rethrows -> Result {
        var pulse: Pulse?
        do throws(Errno) {
            pulse = try Pulse(every: interval) {
                look()
                self.sendWithoutWaiting(.alive(files: progress.files, bytes: progress.bytes))
            }
        } catch {
            try? send(
                .warning(
                    "no thread can be made here (\(error)): all is done one after the other, with no sign of life "
                        + "meanwhile. Raise the limit of processes (`ulimit -u`), or let the sandbox have clone3"))
        }
        defer { pulse?.end() }
        return try await work()
    }

    /// Sends what is shorter than PIPE_BUF if that needs no waiting: a heartbeat that waited while it held the output's
    /// lock would delay a host that has to go back. Whoever answers next notices that the controller is gone.
    ///
    /// - Returns: whether it was sent.
    @discardableResult
    func sendWithoutWaiting(_ reply: Reply) -> Bool {
        var frame: [UInt8] = []
        reply.encode(into: &frame)
        let isSent = output.withLockIfAvailable { isCutOff in
            guard !isCutOff, outputDescriptor.isWritable else { return false }
            // One of which nothing could be written is left out.
            let count = frame.withUnsafeBytes { try? outputDescriptor.write($0) }
            if let count, count < frame.count { isCutOff = true }
            return count == frame.count
        }
        return isSent ?? false
    }

    /// Whether nobody is at the other end any more, as far as that can be seen without reading.
    var isControllerGone: Bool {
        var ends = [
            pollfd(fd: inputDescriptor.rawValue, events: 0, revents: 0),
            pollfd(fd: outputDescriptor.rawValue, events: 0, revents: 0),
        ]
        return poll(&ends, nfds_t(ends.count), 0) > 0
    }

    static let controllerIsGone = SlotSyncError(
        .unreachable, "the controller's connection broke off in the middle of a session")
}
