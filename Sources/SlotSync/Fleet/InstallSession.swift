// Puts the agent on one host over one ssh session. The host's side is a small shell script, InstallCommand, given as the
// remote command. It says what machine it is and which agent it has, and is told whether to go on. Then it unpacks what
// follows under another name, tries it, and renames it.

import DequeModule

/// One host's installation.
@FleetActor
final class InstallSession {
    private let agent: AgentProgram
    /// The folder for the agent; nil: `.local/bin` below the home folder.
    private let folder: String?
    /// The host's port, if the user named it; for the message when the login fails.
    private let port: Int?
    private let stream: ChildStream
    /// What the host printed and nobody has read yet, in lines that are safe to show.
    private var lines: Deque<String> = []
    private var splitter = LineSplitter()
    private var printed = 0
    /// What kind of machine the host is, once it has said so.
    private var machine: String?
    /// Whether the host's sshd let go of the login before it began.
    private(set) var isDroppedLogin = false
    /// All that a host may print: a start-up file that never stops would be read for ever.
    private static let mostPrinted = 1 << 20

    init(agent: AgentProgram, folder: String?, port: Int? = nil, stream: ChildStream) {
        self.agent = agent
        self.folder = folder
        self.port = port
        self.stream = stream
    }

    /// Waits until the host's side has begun.
    func begin() async throws { machine = try await answer("machine") }

    func close() async { await stream.close() }

    /// Installs the agent, unless this very program is there. The session has begun.
    func run() async throws -> InstallOutcome {
        let machine = machine ?? ""
        guard agent.machine.runs(on: machine) else {
            throw SlotSyncError(
                .badInput,
                "the agent \(quoted(agent.path.string)) is for \(agent.machine), the host is \(machine): "
                    + "build one on such a machine with `make static` and name it with --agent")
        }
        let isSame = try await answer("sum") == agent.sum
        let words = try await answer("has").split(separator: " ")
        let version = words.first { $0.first.map { ("0"..."9").contains($0) } ?? false }.map(String.init) ?? ""
        // Builds of one version may differ, even in the protocol.
        guard !isSame || version != SlotSyncVersion.current else { return .alreadyThere }
        stream.writer.append(Array("take\n".utf8))
        stream.writer.append(agent.compressed)
        stream.writer.finish()
        return .installed(path: try await answer("done"), before: version.isEmpty ? nil : version)
    }

    /// Waits for the line that begins with `word`, and returns the rest of it.
    private func answer(_ word: String) async throws -> String {
        let mark = InstallCommand.mark + word
        return try await stream.wait {
            while true {
                try stream.read(while: { lines.isEmpty }) { try take($0) }
                guard let line = lines.popFirst() else { return nil }
                if line.hasPrefix(mark) { return String(line.dropFirst(mark.count).drop { $0 == " " }) }
            }
        } ending: {
            let end = await stream.end()
            if machine == nil, case .exited = end.process { isDroppedLogin = LoginWords.tellOfDrop(end.said) }
            // A machine with a broken agent gets a new one; a new one that does not run is what is told here.
            let hint =
                machine == nil
                ? LoginWords.advice(on: end.said, port: port)
                : agent.isStatic ? "" : " (the agent is not static: `make static` builds one that runs everywhere)"
            return SlotSyncError(.unreachable, "not installed: \(Self.reason(end.process, end.said))\(hint)")
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) throws {
        printed += bytes.count
        guard printed <= Self.mostPrinted else {
            throw SlotSyncError(.protocolViolation, "the host prints without end: check its shell's start-up files")
        }
        splitter.take(bytes) { lines.append(escapedForDisplay(String(decoding: $0, as: UTF8.self))) }
    }

    private static func reason(_ end: ChildProcess.End?, _ said: String) -> String {
        switch end {
        case .failed(let reason): reason
        case _ where !said.isEmpty: said
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "ended by signal \(signal)"
        case nil: "the host closed its end of the session"
        }
    }
}
