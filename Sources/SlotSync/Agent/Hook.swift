// A command of the user's that a flip runs on the host, with what it needs to know in its environment.

import Subprocess

/// A shell command that runs before or after a flip.
struct Hook {
    /// How much of its output is kept for the error message.
    private static let longestOutput = 64 * 1024

    let name: String
    let command: String

    /// Runs the command by `/bin/sh -c` and waits for it.
    ///
    /// - Throws: `hookFailed` with the exit status and the end of what it printed.
    func run(root: String, slot: Int, release: ContentDigest) async throws {
        let environment: [Environment.Key: String] = [
            "SLOTSYNC_ROOT": root, "SLOTSYNC_SLOT": "\(slot)", "SLOTSYNC_RELEASE": "\(release)",
        ]
        // A shell of its own joins the two outputs: what the hook prints must never get into the session.
        let result: ExecutionResult<Void, StringOutput<UTF8>, DiscardedOutput>
        do {
            result = try await Subprocess.run(
                .path("/bin/sh"), arguments: ["-c", "exec 2>&1\n\(command)"],
                environment: .inherit.updating(environment.mapValues { Optional($0) }), input: .none,
                output: .string(limit: Self.longestOutput), error: .discarded)
        } catch {
            throw SlotSyncError(.hookFailed, "the \(name) hook could not be run, or printed too much: \(error)")
        }
        guard result.terminationStatus.isSuccess else {
            let lines = result.standardOutput.split(separator: "\n").suffix(3).joined(separator: " / ")
            throw SlotSyncError(
                .hookFailed,
                "the \(name) hook failed (\(result.terminationStatus))\(lines.isEmpty ? "" : ": \(quoted(lines))")")
        }
    }
}
