// The agent's end of a session: requests in from one descriptor, replies out to another, both blocking. The agent's
// one thread asks and answers; a timer says beside it that the agent is alive while it works, so that a controller
// can tell a busy host from a dead one.

import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// Requests in, replies out. The descriptors stay the caller's.
final class AgentConnection: Sendable {
    private struct Input {
        var parser = FrameParser(.requests)
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
    }

    private let inputDescriptor: FileDescriptor
    private let outputDescriptor: FileDescriptor
    private let input = Mutex(Input())
    /// Held while a reply is written, so that none lands inside another.
    private let output = Mutex(())

    init(input: FileDescriptor, output: FileDescriptor) {
        inputDescriptor = input
        outputDescriptor = output
    }

    /// Waits for the next request; nil when the controller has ended the session.
    func receive() throws -> Request? {
        try input.withLock { input in
            while true {
                if let (type, payload) = try input.parser.next() { return try Request(type: type, payload: payload) }
                let count = try input.chunk.withUnsafeMutableBytes { try inputDescriptor.read(into: $0) }
                if count == 0 {
                    guard !input.parser.isInsideMessage else { throw Self.controllerIsGone }
                    return nil
                }
                input.chunk.withUnsafeBytes { input.parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
        }
    }

    /// Whether `receive` would find something at once, or the end of the stream.
    var hasInput: Bool {
        input.withLock { input in
            if input.parser.isInsideMessage { return true }
            var wanted = pollfd(fd: inputDescriptor.rawValue, events: Int16(POLLIN), revents: 0)
            return poll(&wanted, 1, 0) > 0
        }
    }

    /// Writes a reply, and waits until the controller's side takes it. Any thread may call it.
    func send(_ reply: Reply) throws {
        var frame: [UInt8] = []
        reply.encode(into: &frame)
        try output.withLock { _ in
            do { try frame.withUnsafeBytes { try outputDescriptor.writeFully($0) } } catch Errno.brokenPipe {
                throw Self.controllerIsGone
            }
        }
    }

    /// A queue of its own, so that the heart beats when every other thread is busy.
    private static let heart = DispatchQueue(label: "slotsync.heartbeat", qos: .userInteractive)

    /// Does `work`, and meanwhile tells the controller from time to time how far it has come.
    @discardableResult
    func withHeartbeat<Result>(
        every interval: Duration = .milliseconds(500), progress: AgentProgress, _ work: () async throws -> Result
    ) async rethrows -> Result {
        let timer = DispatchSource.makeTimerSource(queue: Self.heart)
        timer.schedule(deadline: .now() + DispatchTimeInterval(interval), repeating: DispatchTimeInterval(interval))
        // A controller that is gone is noticed by whoever answers it next.
        timer.setEventHandler { try? self.send(.alive(files: progress.files, bytes: progress.bytes)) }
        timer.activate()
        defer { timer.cancel() }
        return try await work()
    }

    private static let controllerIsGone = SlotSyncError(
        .unreachable, "the controller's connection broke off in the middle of a session")
}

extension DispatchTimeInterval {
    /// To the nearest nanosecond below; at most 292 years.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        self = overflow ? .never : .nanoseconds(whole + Int(attoseconds / 1_000_000_000))
    }
}
