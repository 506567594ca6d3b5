// A command of the user's that a flip runs on the host, with what it needs to know in its environment.

import Glibc
import Subprocess
import SystemPackage

/// A shell command that runs before or after a flip.
struct Hook {
    /// How much of the end of its output goes into the error message, in bytes.
    private static let longestQuote = 2048

    let name: String
    let command: String

    /// Runs the command by `/bin/sh -c` and waits for it, not for what it leaves running in the background.
    ///
    /// - Parameter temporary: a folder for its output, which must never get into the session. A file, not a pipe: a
    ///   daemon that the hook starts may keep it open for ever.
    /// - Throws: `hookFailed` with the exit status and the end of what it printed.
    func run(root: String, slot: Int, release: ContentDigest, temporary: Directory) async throws {
        let file = "\(name).output"
        try? temporary.remove(file)
        let output = try temporary.openFile(file, O_RDWR | O_CREAT | O_EXCL | O_APPEND, mode: 0o600)
        try? temporary.remove(file)
        defer { try? output.close() }
        let environment: [Environment.Key: String?] = [
            "SLOTSYNC_ROOT": root, "SLOTSYNC_SLOT": "\(slot)", "SLOTSYNC_RELEASE": "\(release)",
        ]
        let status: TerminationStatus
        do {
            status = try await Subprocess.run(
                .path("/bin/sh"), arguments: ["-c", command], environment: .inherit.updating(environment),
                input: .none, output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                error: .fileDescriptor(output, closeAfterSpawningProcess: false)
            ).terminationStatus
        } catch {
            throw SlotSyncError(.hookFailed, "the \(name) hook could not be run: \(error)")
        }
        guard !status.isSuccess else { return }
        let end =
            switch status {
            case .exited(let code): "exit code \(code)"
            case .signaled(let signal): "signal \(signal)"
            }
        let lines = try lastLines(of: output).joined(separator: " / ")
        throw SlotSyncError(
            .hookFailed, "the \(name) hook failed (\(end))\(lines.isEmpty ? "" : ": \(quoted(lines))")")
    }

    private func lastLines(of output: FileDescriptor) throws -> [Substring] {
        let size = try output.status().size
        let start = size - min(size, UInt64(Self.longestQuote))
        let bytes = try [UInt8](unsafeUninitializedCapacity: Self.longestQuote) { buffer, count in
            count = try output.readFully(at: Int64(start), into: UnsafeMutableRawBufferPointer(buffer))
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(3)
    }
}
