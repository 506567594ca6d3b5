// Says why a session ended before it should have, from how the child process ended and what it printed last. A pure
// function, so that every case can be tested without a process.

/// What is known when a host's replies end before the one that is waited for.
struct SessionEnd: Sendable {
    /// Nil: it has closed its output and runs on.
    var process: ChildProcess.End?
    /// The last lines of its standard error, safe to show.
    var said: String
    /// Whether the agent had greeted.
    var wasGreeted: Bool
    /// The program that was to be the agent, where the user named one.
    var agentProgram: String?
    /// The host's port, where the user named one.
    var port: Int?

    /// What shells exit with when a program cannot be run, and when it is not there.
    private static let cannotRun = 126
    private static let notFound = 127

    var error: SlotSyncError {
        let told = said.isEmpty ? "" : ": \(said)"
        switch process {
        case .failed(let reason): return SlotSyncError(.unreachable, reason)
        case .exited(let code) where !wasGreeted:
            return agentMissing(code: code)
                ?? SlotSyncError(
                    .unreachable,
                    "no agent answered (exit code \(code))\(told)\(LoginWords.advice(on: said, port: port))")
        case .exited(let code):
            return SlotSyncError(.unreachable, "the session ended early (exit code \(code))\(told)")
        case .signalled(let signal):
            return SlotSyncError(.unreachable, "the session was ended by signal \(signal)\(told)")
        case nil:
            return SlotSyncError(.unreachable, "the host closed its end of the session\(told)")
        }
    }

    /// Whether the host's sshd, or a jump host's, let go of the login before it knew whose it was.
    var isDroppedLogin: Bool {
        guard !wasGreeted, case .exited(let code) = process, code != Self.notFound else { return false }
        return LoginWords.tellOfDrop(said)
    }

    /// What to do where the agent is not there; nil if that is not why the session ended.
    private func agentMissing(code: Int) -> SlotSyncError? {
        // csh says it in words alone.
        let isMissing = code == Self.notFound || code == 1 && said.firstPlace(of: "Command not found") != nil
        guard isMissing || code == Self.cannotRun else { return nil }
        // One reason for many hosts is told once, but shells say it in many ways: their words stand in where they help.
        if let agentProgram {
            let reason = isMissing ? "is not there" : "cannot be run (\(said))"
            return SlotSyncError(
                .agentMissing, "the agent \(quoted(agentProgram)) \(reason): correct --remote-command")
        }
        let reason = isMissing ? "is missing" : "cannot be run (\(said))"
        return SlotSyncError(
            .agentMissing,
            "slotsync-agent \(reason): put it there with `slotsync install`, or name it with --remote-command")
    }
}
