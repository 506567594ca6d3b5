// Power cuts, a sample of what `make power-cuts` runs: Tests/PowerCuts has a disk that logs every write and flush, cuts
// it at any place, and looks at what is left.

import Foundation
import Testing

extension EndToEnd {
    @Suite("A power cut", .enabled("FUSE, loop devices and strace are needed") { await canCut() })
    struct PowerCutTests {
        @Test(
            "what a command has told is so after a power cut, also where its agent was killed before",
            arguments: ["ext4", "xfs", "btrfs"])
        func told(_ fileSystem: String) async throws {
            let outcome = try await cut(fileSystem, "--courses", "told-again", "--cuts", "40", "--kills", "4")
            #expect(outcome.exitCode == 0, "\(outcome)")
        }

        @Test("an agent that makes nothing durable is caught", arguments: ["ext4", "xfs", "btrfs"])
        func control(_ fileSystem: String) async throws {
            let outcome = try await cut(fileSystem, "--courses", "control", "--cuts", "200")
            #expect(outcome.exitCode == 0, "\(outcome)")
            #expect(outcome.output.contains("BROKEN"), "\(outcome)")
        }

        private func cut(_ fileSystem: String, _ arguments: String...) async throws -> Outcome {
            var outcome: Outcome?
            try await Workbench.use { bench in
                outcome = try await Program.run(
                    [python, Self.script, "--command", Program.slotsync, "--memory", bench.path]
                        + ["--file-systems", fileSystem] + arguments, timeout: .seconds(600))
            }
            return try #require(outcome)
        }

        private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "PowerCuts").path
    }
}

/// Debian's: its packages for Python are not found by another one.
private let python = "/usr/bin/python3"

private func canCut() async -> Bool {
    guard await Machine.canMountExt4(), await Machine.canTrace(), access("/dev/fuse", R_OK | W_OK) == 0 else {
        return false
    }
    return (try? await Program.run([python, "-c", "import fusepy"]).exitCode) == 0
}
