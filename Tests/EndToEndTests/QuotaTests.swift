// A disk quota that is used up, and limits of the agent's own process: the stage says so with path and remedy, and the way
// back works. btrfs counts directories and renames as well, and holds root to it.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Quotas and limits")
    struct QuotaTests {
        @Test(
            "a stage that uses the quota up says so, and the host goes back all the same",
            .enabled("no btrfs with quotas") { await Machine.canSetQuota() })
        func quota() async throws {
            try await Workbench.use { bench in
                let mount = try bench.folder("mount")
                try await Machine.mountQuota(image: bench["image"], at: mount, limit: 6 << 20)
                var fleet = try Fleet(bench, slots: 3)
                fleet = try fleet.with("--root", replacedBy: mount + "/part")
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let users = mount + "/part/shared/users"
                try FileManager.default.createDirectory(atPath: users, withIntermediateDirectories: false)
                let big = try bench.tree("big")
                try big.file("file", Content.random(8_000_000, seed: 3))
                let outcome = try await fleet.call("stage", big.path)
                #expect(outcome.exitCode == 1, "\(outcome)")
                for word in ["h1", "quota", mount + "/part/slots/3/file", "then stage again"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                // What users bring goes on until nothing more is taken: neither content nor names.
                let filling =
                    "cd '\(users)' || exit; cat /dev/zero >more; for n in $(seq 9999); do mkdir $n || exit; done"
                let full = try await Program.run(["sh", "-c", filling])
                try #require(full.errors.contains("quota"), "\(full)")
                let back = try await fleet.done("rollback")
                let current = try FileManager.default.destinationOfSymbolicLink(atPath: mount + "/part/current")
                #expect(current == "slots/1", "\(back)")
                #expect(back.errors.contains("slot 3 has lost"), "\(back)")
                try FileManager.default.removeItem(atPath: users)
                try await fleet.release(changedTree(bench))
            }
        }

        @Test("a file that is larger than the agent may make any ends the stage with its path, and harms nothing")
        func fileSize() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let big = try bench.tree("big")
                try big.file("folder-less", Content.random(3_000_000, seed: 3))
                let limited = try bench.script(
                    "#!/bin/bash\nulimit -f 2000\nexec '\(Program.agent)' \"$@\"\n", to: "limited")
                let outcome = try await fleet.with("--remote-command", limited).call("stage", big.path)
                #expect(outcome.exitCode == 1, "\(outcome)")
                for word in ["h1", fleet.slot(2) + "/folder-less", "ulimit -f"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                #expect(fleet.current() == "slots/1")
                try await fleet.release(big)
            }
        }
    }
}
