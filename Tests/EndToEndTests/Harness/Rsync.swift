// Compares trees with rsync, which people trust already: a slot is right if rsync, comparing contents, modes, owners,
// links and times, has nothing left to do.

import Testing

enum Rsync {
    /// What rsync would still do to make `copy` equal to `source`, a line an entry; empty when they are equal.
    ///
    /// Devices, FIFOs and sockets are left out: SlotSync does not carry them.
    static func differences(_ source: String, _ copy: String, flags: [String] = []) async throws -> String {
        let command = ["rsync", "-nrlptgoci", "--delete", "--info=nonreg0"] + flags + ["\(source)/", "\(copy)/"]
        let outcome = try await Program.run(command)
        try #require(outcome.exitCode == 0 && outcome.errors.isEmpty, "\(outcome)")
        return outcome.output
    }
}

/// The state of a tree on disk: a line an entry with its inode and its time of change, so that equal snapshots mean
/// that nothing was touched in between. The lock and the folder of temporary files are nobody's content.
func snapshot(_ path: String) async throws -> String {
    let outcome = try await Program.run([
        "find", path, "-path", "*/.slotsync/lock", "-o", "-path", "*/.slotsync/tmp", "-prune", "-o",
        "-printf", "%p %y %m %s %i %C@ %l\n",
    ])
    try #require(outcome.exitCode == 0, "\(outcome)")
    return outcome.lines.sorted().joined(separator: "\n")
}
