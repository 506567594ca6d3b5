// How a session gets to its host: by ssh, by the user's own remote shell, or to a child process on this machine. Pure
// functions decide what is run; `open` starts it and hands out the channel.

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
    /// The agent's program; as rsync's `--rsync-path`. With `ssh` it goes to the host's shell as it is.
    public var remoteCommand: String?

    /// By ssh, to an agent where `slotsync install` puts it, unless more is said.
    public init(_ kind: Kind = .ssh, remoteShell: String? = nil, remoteCommand: String? = nil) {
        self.kind = kind
        self.remoteShell = remoteShell
        self.remoteCommand = remoteCommand
    }

    /// Starts a session with the agent of `host`. Nothing has been said on it yet.
    ///
    /// - Parameter root: The ring's folder; `{host}` in it stands for the host's name.
    @FleetActor
    func open(host: Host, root: String, timeout: Duration) throws -> Channel {
        let root = Self.root(root, of: host)
        let command =
            switch kind {
            case .local: try localCommand(root: root)
            case .ssh: try remoteShellCommand(to: host, timeout: timeout) + [agentCommand(root: root)]
            }
        return try Channel(command, timeout: timeout, agentProgram: remoteCommand)
    }

    /// A host's root. The name is one component of a path or a part of it: no host has a name that leads elsewhere.
    static func root(_ pattern: String, of host: Host) -> String {
        var root = ""
        var rest = pattern[...]
        while let place = rest.firstPlace(of: "{host}") {
            root += rest[..<place.lowerBound] + host.name
            rest = rest[place.upperBound...]
        }
        return root + rest
    }

    /// The program and arguments for the agent as a child process.
    func localCommand(root: String) throws(SlotSyncError) -> [String] {
        let arguments = ["agent", "--root", root]
        guard let program = remoteCommand else { return [try Self.agentOfThisMachine()] + arguments }
        if program.contains(where: \.isWhitespace), access(program, F_OK) != 0 {
            return ["/bin/sh", "-c", "exec \(program) agent --root \"$0\"", root]
        }
        return [program] + arguments
    }

    /// `slotsync-agent` beside the running program, else the running program itself.
    private static func agentOfThisMachine() throws(SlotSyncError) -> String {
        let program = try runningProgram()
        let agent = program.removingLastComponent().appending("slotsync-agent").string
        return access(agent, X_OK) == 0 ? agent : program.string
    }

    /// The program and arguments that lead to a host's shell; the remote command is to follow as one more argument.
    func remoteShellCommand(to host: Host, timeout: Duration) throws(SlotSyncError) -> [String] {
        let destination = host.user.map { "\($0)@\(host.name)" } ?? host.name
        if let remoteShell {
            try Self.checkPort(host)
            return try ShellWords.split(remoteShell, option: "--rsh") + [destination]
        }
        var command = ["ssh", "-T", "-o", "BatchMode=yes"]
        command += ["-o", "ConnectTimeout=\(max(1, timeout.components.seconds))"]
        if let port = host.port { command += ["-p", String(port)] }
        return command + ["--", destination]
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

/// Where the program stands that runs now.
func runningProgram() throws(SlotSyncError) -> FilePath {
    do {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try systemCall { readlink("/proc/self/exe", &path, Int(PATH_MAX)) }
        return FilePath(String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    } catch {
        throw SlotSyncError(.system, "cannot tell where the running program stands", errno: error)
    }
}
