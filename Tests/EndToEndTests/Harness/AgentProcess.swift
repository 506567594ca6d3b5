// Runs an agent as a process of its own. Its controller is a process as well: `cat`, which passes on what the test
// sends. So a test can kill or stop either of them.

import Foundation
import SystemPackage
import Testing

@testable import SlotSync

final class AgentProcess {
    private let agent = Process()
    private let controller = Process()
    private let toController: FileDescriptor
    private let fromAgent: FileDescriptor
    private var parser = FrameParser(.replies)

    /// Starts both.
    ///
    /// - Parameter wrapper: a program and its arguments, which runs the agent.
    init(root: String, wrapper: [String] = []) throws {
        let said = try FileDescriptor.closeOnExecPipe()
        let passedOn = try FileDescriptor.closeOnExecPipe()
        let answered = try FileDescriptor.closeOnExecPipe()
        (toController, fromAgent) = (said.write, answered.read)
        let command = wrapper + [Program.agent, "agent", "--root", root]
        Self.prepare(controller, ["/bin/cat"], said.read, passedOn.write)
        Self.prepare(agent, command, passedOn.read, answered.write)
        defer { for end in [said.read, passedOn.read, passedOn.write, answered.write] { try? end.close() } }
        try controller.run()
        try agent.run()
    }

    private static func prepare(
        _ process: Process, _ command: [String], _ input: FileDescriptor, _ output: FileDescriptor
    ) {
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = FileHandle(fileDescriptor: input.rawValue, closeOnDealloc: false)
        process.standardOutput = FileHandle(fileDescriptor: output.rawValue, closeOnDealloc: false)
    }

    deinit {
        for process in [agent, controller] where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? toController.close()
        try? fromAgent.close()
    }

    func send(_ requests: Request...) throws {
        var bytes: [UInt8] = []
        for request in requests { request.encode(into: &bytes) }
        try bytes.withUnsafeBytes { try toController.writeFully($0) }
    }

    /// Greets, prepares a provisional flip and commits it.
    func flip(_ release: ContentDigest, within limit: Duration, after: String = "", undo: String = "") throws {
        let request = FlipRequest(
            direction: .flip, release: release, beforeHook: "", afterHook: after, undoHook: undo,
            provisionalLimit: limit)
        try send(.hello(Greeting(version: "test", peer: "anna@desk")), .prepare(request), .commit)
    }

    /// The next reply that is no sign of life; nil at the end of the session.
    func reply() async throws -> Reply? {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            while let (type, payload) = try parser.next() {
                let reply = try Reply(type: type, payload: payload)
                if case .alive = reply { continue }
                if case .plan = reply { continue }
                return reply
            }
            try await eventually("the agent says nothing") { fromAgent.isReadable }
            let count = try chunk.withUnsafeMutableBytes { try fromAgent.read(into: $0) }
            if count == 0 { return nil }
            chunk[..<count].withUnsafeBytes { parser.append($0) }
        }
    }

    /// Waits until the agent has flipped; false if its session ended before.
    @discardableResult
    func flipped() async throws -> Bool {
        while let reply = try await reply() { if case .flipped = reply { return true } }
        return false
    }

    func signalController(_ number: Int32) { kill(controller.processIdentifier, number) }
    func signalAgent(_ number: Int32) { kill(agent.processIdentifier, number) }

    /// Waits for the agent's end.
    ///
    /// - Returns: whether a signal ended it.
    @discardableResult
    func ended() async throws -> Bool {
        try await eventually("the agent does not end") { !agent.isRunning }
        return agent.terminationReason == .uncaughtSignal
    }
}
