// What somebody left in a slot may be of any size and depth: it holds up no stage, is told of as anything foreign, and goes.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Monsters in a slot")
    struct MonsterSlotTests {
        @Test("holes of exabytes and a tree of 5,000 levels neither hold up a stage nor stop it")
        func monsters() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                func plant(_ script: String) async throws {
                    let start = "import os\nos.chdir(os.sys.argv[1])\n"
                    let made = try await Program.run(["python3", "-c", start + script, fleet.slot(1)])
                    try #require(made.exitCode == 0, "\(made)")
                }
                try await plant(
                    """
                    for name in ["cache/a", "cache/b", "cache/c", "robots.txt"]:
                        with open(name, "a") as file: os.truncate(file.fileno(), 7 << 60)
                    """)
                let verified = try await fleet.call("verify", "--slot", "1")
                #expect(verified.exitCode == 1 && verified.output.contains("cache/a"), "\(verified.errors)")
                let refused = try await fleet.call("stage", firstTree(bench).path, "--refuse-foreign")
                #expect(refused.exitCode == 1 && refused.errors.contains("cache/a"), "\(refused.errors)")
                try await plant(
                    """
                    os.chdir("cache")
                    for level in range(5000):
                        os.mkdir("d")
                        os.chdir("d")
                    """)
                let outcome = try await fleet.call("stage", firstTree(bench).path, timeout: .seconds(50))
                #expect(outcome.exitCode == 0, "\(outcome.errors)")
                #expect(outcome.errors.contains("4 entries that no stage put there"), "\(outcome.errors)")
                #expect(outcome.errors.contains("1 entry changed"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("somebody changed it"), "\(outcome.errors)")
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }
    }
}
