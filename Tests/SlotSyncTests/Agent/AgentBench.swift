// An agent in this process, at the end of two pipes, and the controller's side played by hand. Both sides block,
// so each has a thread of its own.

import Dispatch
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

/// One session with an agent.
final class AgentBench: Sendable {
    private let toAgent: FileDescriptor
    private let fromAgent: FileDescriptor
    private let parser = Mutex(FrameParser(.replies))
    private let isOpen = Mutex(true)

    fileprivate init(toAgent: FileDescriptor, fromAgent: FileDescriptor) {
        self.toAgent = toAgent
        self.fromAgent = fromAgent
    }

    func send(_ requests: Request...) throws {
        var bytes: [UInt8] = []
        for request in requests { request.encode(into: &bytes) }
        try bytes.withUnsafeBytes { try toAgent.writeFully($0) }
    }

    /// Sends a request but for its last byte.
    func sendBeginning(of request: Request) throws {
        var bytes: [UInt8] = []
        request.encode(into: &bytes)
        try bytes.dropLast().withUnsafeBytes { try toAgent.writeFully($0) }
    }

    /// The next reply that is no sign of life; nil at the end.
    func receive() throws -> Reply? {
        try parser.withLock { parser in
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                if let (type, payload) = try parser.next() {
                    let reply = try Reply(type: type, payload: payload)
                    if case .alive = reply { continue }
                    if case .plan = reply { continue }
                    return reply
                }
                let count = try chunk.withUnsafeMutableBytes { try fromAgent.read(into: $0) }
                if count == 0 { return nil }
                chunk[..<count].withUnsafeBytes { parser.append($0) }
            }
        }
    }

    /// Greets, and takes the agent's greeting.
    @discardableResult
    func greet() throws -> RingStatus? {
        try send(.hello(Greeting(version: "test", peer: "anna@desk")))
        let reply = try receive()
        guard case .hello(_, let ring)? = reply else {
            throw SlotSyncError(.protocolViolation, "no greeting, but \(String(describing: reply))")
        }
        return ring
    }

    /// Expects a failure next, and the end of the session after it.
    func expectFailure(_ code: SlotSyncError.Code, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let reply = try receive()
        guard case .failure(let error)? = reply else {
            Issue.record("\(String(describing: reply)) in place of a failure", sourceLocation: sourceLocation)
            return
        }
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        #expect(try receive() == nil, sourceLocation: sourceLocation)
    }

    /// Ends the session from the controller's side.
    func hangUp() {
        isOpen.withLock { isOpen in
            if isOpen { try? toAgent.close() }
            isOpen = false
        }
    }

    fileprivate func close() {
        hangUp()
        try? fromAgent.close()
    }
}

/// Runs `body` against an agent that serves `root`.
///
/// - Returns: the agent's exit status.
@discardableResult
func withAgent(
    root: FilePath, policy: String? = nil, verifyKey: String? = nil, unattendedHookLimit: Duration = .seconds(600),
    askedSilenceLimit: Duration = .seconds(600),
    _ body: @escaping @Sendable (AgentBench) throws -> Void
) async throws -> Int32 {
    let (agentIn, toAgent) = try FileDescriptor.closeOnExecPipe()
    let (fromAgent, agentOut) = try FileDescriptor.closeOnExecPipe()
    let bench = AgentBench(toAgent: toAgent, fromAgent: fromAgent)
    let agent = Task(executorPreference: AgentThread()) {
        let status = await HostAgent.serve(
            root: root.string, policy: policy, verifyKey: verifyKey, input: agentIn, output: agentOut,
            unattendedHookLimit: unattendedHookLimit, askedSilenceLimit: askedSilenceLimit)
        try? agentIn.close()
        try? agentOut.close()
        return status
    }
    let result = await withCheckedContinuation { continuation in
        DispatchQueue(label: "controller").async {
            let result = Result { try body(bench) }
            bench.hangUp()
            continuation.resume(returning: result)
        }
    }
    let status = await agent.value
    bench.close()
    try result.get()
    return status
}

/// Keeps an agent's blocking work off the threads that all tests share.
private final class AgentThread: TaskExecutor {
    private let queue = DispatchQueue(label: "agent")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
