// How a session gets to its host: by ssh, by the user's own remote shell, or to a child process on this machine. Pure
// functions decide what is run; only what ssh_config says of a host has to be asked for. HostSession and FleetInstall
// start it.

import Glibc
import SystemPackage

/// The way to the hosts of a fleet.
public struct Transport: Sendable, Hashable {
    /// By what sessions go.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The agent runs on the host, at the end of an ssh session.
        case ssh
        /// The agent is a child process here: one machine, demonstrations, tests.
        case local
    }

    /// By what sessions go.
    public var kind: Kind
    /// The command that stands for `ssh`, called as `COMMAND HOST REMOTE-COMMAND` with nothing added; as rsync's `-e`.
    public var remoteShell: String?
    /// The agent's program; as rsync's `--rsync-path`. With `ssh` it goes to the host's shell as it is; nil: where
    /// `slotsync install` puts it. With `local` it has to be named.
    public var remoteCommand: String?

    /// By ssh, to an agent where `slotsync install` puts it, unless more is said.
    public init(_ kind: Kind = .ssh, remoteShell: String? = nil, remoteCommand: String? = nil) {
        self.kind = kind
        self.remoteShell = remoteShell
        self.remoteCommand = remoteCommand
    }

    /// The program and arguments that become the agent of `host`. What the user's ssh_config says of it is asked first.
    ///
    /// - Parameter root: The ring's folder; `{host}` in it stands for the host's name.
    @FleetActor
    func agentCommand(on host: Host, root: String, timeout: Duration) async throws -> [String] {
        let root = Self.root(root, of: host)
        return switch kind {
        case .local: try localCommand(root: root)
        case .ssh: try await loginCommand(to: host, timeout: timeout) + [agentCommand(root: root)]
        }
    }

    /// The program and arguments that lead to a host's shell; the remote command is to follow as one more argument.
    @FleetActor
    func loginCommand(to host: Host, timeout: Duration) async throws -> [String] {
        guard remoteShell == nil else { return try remoteShellCommand(to: host, settings: nil, timeout: timeout) }
        let settings = try await sshSettings(of: Self.sshDestination(host), timeout: timeout)
        try await checkJumps(to: host, settings, timeout: timeout)
        return try remoteShellCommand(to: host, settings: settings, timeout: timeout)
    }

    /// More jump hosts than anybody has one behind the other.
    private static let mostJumps = 16

    /// Whether the way to a host comes to an end: ssh asks ssh_config about a jump host, too, and so jumps for ever where one
    /// leads back to another, each time by one more process.
    @FleetActor
    private func checkJumps(to host: Host, _ settings: SSHSettings?, timeout: Duration) async throws {
        var names = [host.name]
        var jump = settings?.firstJump
        while let next = jump {
            let isCircle = names.contains { Host.comparedName(of: $0[...]) == Host.comparedName(of: next.name[...]) }
            names.append(next.name)
            guard !isCircle, names.count <= Self.mostJumps else {
                let way =
                    names.count == 2
                    ? "ssh_config has it as a jump host to itself"
                    : "by ssh_config its jump hosts lead in a circle (\(names.map { escapedForDisplay($0) }.joined(separator: ", then ")))"
                throw SlotSyncError(
                    .unreachable,
                    "\(way), so no login would come to an end: write `ProxyJump none` for the one that is reached without the "
                        + "others, in front of the lines that hold for all hosts")
            }
            jump = try await sshSettings(of: next.destination, timeout: timeout)?.firstJump
        }
    }

    /// What ssh_config says of a host; nil where ssh does not tell: then its session says why.
    ///
    /// - Parameter destination: the host, as ssh is given it.
    @FleetActor
    private func sshSettings(of destination: [String], timeout: Duration) async throws -> SSHSettings? {
        let stream = try ChildStream(["ssh", "-G"] + destination, timeout: timeout)
        stream.writer.finish()
        var printed: [UInt8] = []
        var isWhole = false
        do {
            isWhole = try await stream.wait {
                try stream.read(while: { printed.count < SSHSettings.longest }) { printed.append(contentsOf: $0) }
                return stream.isAtEnd || printed.count >= SSHSettings.longest ? stream.isAtEnd : nil
            } ending: {
                SlotSyncError(.unreachable, "ssh does not tell its settings")
            }
        } catch let error as SlotSyncError where error.code != .cancelled {}
        await stream.close()
        try Task.checkCancellation()
        return isWhole && !printed.isEmpty ? SSHSettings(String(decoding: printed, as: UTF8.self)) : nil
    }

    /// A host's root. The name is one component of a path or a part of it: no host has a name that leads elsewhere.
    package static func root(_ pattern: String, of host: Host) -> String {
        var root = ""
        var rest = pattern[...]
        while let place = rest.firstPlace(of: "{host}") {
            root += rest[..<place.lowerBound] + host.name
            rest = rest[place.upperBound...]
        }
        return root + rest
    }

    /// The program and arguments for the agent as a child process.
    ///
    /// - Throws: ``SlotSyncError`` where no agent is named: an embedding program that was started in its place would run
    ///   as often as there are hosts.
    func localCommand(root: String) throws(SlotSyncError) -> [String] {
        let arguments = ["agent", "--root", root]
        guard let program = remoteCommand else {
            throw SlotSyncError(
                .badInput,
                "Transport(.local) names no agent: say with its argument remoteCommand where slotsync-agent is, or another "
                    + "program that serves as one")
        }
        if program.contains(where: \.isWhitespace), access(program, F_OK) != 0 {
            return ["/bin/sh", "-c", "exec \(program) agent --root \"$0\"", root]
        }
        return [program] + arguments
    }

    /// `slotsync-agent` beside the running program, else the running program itself, for a program that serves as an
    /// agent when it is called `PROGRAM agent --root ROOT`.
    package static func agentOfThisMachine() throws(SlotSyncError) -> String {
        let program = try runningProgram()
        let agent = program.removingLastComponent().appending("slotsync-agent").string
        return access(agent, X_OK) == 0 ? agent : program.string
    }

    /// The program and arguments that lead to a host's shell; the remote command is to follow as one more argument.
    ///
    /// - Parameter settings: what ssh_config says of the host; nil: nobody knows.
    func remoteShellCommand(to host: Host, settings: SSHSettings?, timeout: Duration) throws(SlotSyncError) -> [String]
    {
        if let remoteShell {
            try Self.checkPort(host)
            return try ShellWords.split(remoteShell, option: "--rsh") + [host.destination]
        }
        let options = (settings ?? SSHSettings("")).options(timeout: timeout)
        return ["ssh"] + options + Self.sshDestination(host)
    }

    private static func sshDestination(_ host: Host) -> [String] {
        (host.port.map { ["-p", String($0)] } ?? []) + ["--", host.destination]
    }

    private static func checkPort(_ host: Host) throws(SlotSyncError) {
        guard let port = host.port else { return }
        throw SlotSyncError(
            .badInput,
            "the port of \(quoted(host.description)) cannot be given to --rsh, which is called with the host alone: put it "
                + "into --rsh (\(quoted("ssh -p \(port)"))) or into ssh_config")
    }

    /// Fails at once, before any host is bothered, where the remote shell cannot be called for these hosts.
    package func check(_ hosts: [Host]) throws(SlotSyncError) {
        guard kind == .ssh, let remoteShell else { return }
        _ = try ShellWords.split(remoteShell, option: "--rsh")
        for host in hosts { try Self.checkPort(host) }
    }

    /// The remote command that becomes the agent, whatever the login shell is.
    func agentCommand(root: String) -> String {
        if let remoteCommand { return "\(remoteCommand) agent --root \(ShellWords.quoted(root))" }
        let search = #"PATH="$HOME/.local/bin:$PATH"; export PATH; exec slotsync-agent agent --root "$0""#
        return "exec sh -c \(ShellWords.quoted(search)) \(ShellWords.quoted(root))"
    }
}
