// `slotsync install` by a key that is pinned to the agent: sshd starts the agent in place of the script that would replace
// it, and says in its environment what was asked for. The policy decides whether the agent then runs the script itself.

import Glibc
import SystemPackage

extension HostAgent {
    /// What the login asked sshd to run, where it was an install.
    static var askedInstall: String? {
        guard let text = getenv("SSH_ORIGINAL_COMMAND").map({ String(cString: $0) }) else { return nil }
        return InstallCommand.isMeant(by: text) ? text : nil
    }

    /// Lets the running program be replaced, if the policy allows it. The script speaks on this process's own standard
    /// input and output.
    ///
    /// - Returns: the exit status; 1 where it was refused, which was said on standard error.
    static func install(_ text: String, policy: String?) -> Int32 {
        do {
            guard let policy else {
                throw SlotSyncError(
                    .refused, "this key is pinned to the agent (command= in authorized_keys): install with another one")
            }
            try AgentPolicy(reading: policy).checkInstall()
            guard var command = InstallCommand(text) else {
                throw SlotSyncError(
                    .refused,
                    "this agent, version \(SlotSyncVersion.current), knows another way to be installed: install with a key "
                        + "that is not pinned to it")
            }
            let program = try runningProgram()
            guard program.lastComponent?.string == "slotsync-agent" else {
                throw SlotSyncError(
                    .refused,
                    "the agent is \(quoted(program.string)) here, which install does not replace: install with a key that is "
                        + "not pinned to it")
            }
            // Whatever folder was asked for: what may be replaced is this program.
            command.folder = program.removingLastComponent().string
            let process = try SpawnedProcess(
                ["/bin/sh"] + command.words.dropFirst(), input: .standardInput, output: .standardOutput,
                errors: .standardError)
            guard case .exited(let status)? = process.wait(unless: { false }) else { return 1 }
            return status
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("slotsync-agent: \(error)\n".utf8)
            return 1
        }
    }
}
