// Faults, a sample of what `make torture` runs: Tests/Torture makes system calls of an agent and of a command fail, kills
// them at one, makes reads and writes short, sets limits, and looks at what is left.

import Foundation
import Testing

extension EndToEnd {
    @Suite("A fault", .enabled("tracing is not allowed here") { await Machine.canTrace() })
    struct TortureTests {
        @Test(
            "whatever fails, a whole release is live, the command says where and why, and the next one heals",
            arguments: [
                ["--scenes", "stage", "--ends", "agent", "--kinds", "EIO ENOSPC", "--no-limits"],
                ["--scenes", "flip rollback", "--shorts", "1"],
            ])
        func sample(_ arguments: [String]) async throws {
            try await Workbench.use { bench in
                let outcome = try await Program.run(
                    ["python3", Self.script, "--command", Program.slotsync, "--memory", bench.path, "--faults", "24"]
                        + arguments, timeout: .seconds(900))
                #expect(outcome.exitCode == 0 && outcome.output.contains("the control is caught"), "\(outcome)")
                #expect(!outcome.output.contains(" 0 met,"), "\(outcome)")
            }
        }

        private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Torture").path
    }
}
