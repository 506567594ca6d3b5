// Whatever is killed in the middle, `current` stays whole, and the next stage finishes with what is missing.

import Testing

extension EndToEnd {
    @Suite("Interrupted")
    struct InterruptionTests {
        @Test("an agent that is killed leaves the live release whole, and the next stage sends only the rest")
        func killedAgent() async throws {
            try await expectRecovery { _, agent in
                try agent.kill()
                try agent.goOn()
            } ended: { outcome in
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h1"), "\(outcome)")
            }
        }

        @Test("a controller that is killed leaves the live release whole, and the next stage sends only the rest")
        func killedController() async throws {
            try await expectRecovery { controller, agent in
                controller.kill()
                try agent.goOn()
            } ended: { outcome in
                #expect(outcome.exitCode == nil)
            }
        }

        @Test("a stage that is interrupted from the keyboard ends by itself, and can be run again")
        func interrupted() async throws {
            try await expectRecovery { controller, agent in
                controller.interrupt()
                try agent.goOn()
            } ended: { outcome in
                #expect(outcome.exitCode != 0, "\(outcome)")
            }
        }

        @Test("a killed agent of one host does not stop the others")
        func othersGoOn() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let tree = try manyFiles(bench)
                let agent = try SteeredAgent(bench, holding: "h2", after: 2 << 20)
                let outcome = try await fleet.with("--remote-command", agent.program).call("stage", tree.path) { _ in
                    try await agent.held()
                    try agent.kill()
                    try agent.goOn()
                }
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2"), "\(outcome)")
                for host in ["h1", "h3"] { #expect(try await fleet.differences(tree, slot: 1, of: host) == "") }
            }
        }

        @Test("a slow host holds up nobody")
        func slowHost() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let tree = try manyFiles(bench)
                let agent = try SteeredAgent(bench, holding: "h2", after: 2 << 20)
                let outcome = try await fleet.with("--remote-command", agent.program).call("stage", tree.path) { _ in
                    try await agent.held()
                    for host in ["h1", "h3"] {
                        try await eventually("\(host) waits for h2") {
                            let status = try await fleet.only(host).done("status", "--json")
                            return try status.events().contains { $0["ready"] is String }
                        }
                    }
                    try agent.goOn()
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(try await fleet.differences(tree, slot: 1, of: "h2") == "")
            }
        }

        @Test("a stage that changes its mind after an interruption still ends right")
        func otherReleaseAfterwards() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let agent = try SteeredAgent(bench, holding: "h1", after: 2 << 20)
                _ = try await fleet.with("--remote-command", agent.program).call("stage", manyFiles(bench).path) { _ in
                    try await agent.held()
                    try agent.kill()
                    try agent.goOn()
                }
                try await fleet.release(changedTree(bench))
                #expect(try await fleet.differences(changedTree(bench), slot: 1) == "")
            }
        }
    }
}

private let fileSize = 256 << 10
private let fileCount = 32

/// 8 MiB of random bytes in 32 files.
private func manyFiles(_ bench: Workbench) throws -> TreeMaker {
    let tree = try bench.tree("many")
    for file in 0..<fileCount {
        try tree.file(.init("file-\(file)"), Content.random(fileSize, seed: UInt64(file)))
    }
    return tree
}

/// Holds a stage when three quarters of its bytes are at the host, does `harm`, and expects the next stage to finish the job.
private func expectRecovery(
    harm: (RunningProgram, SteeredAgent) throws -> Void,
    ended: (Outcome) -> Void
) async throws {
    try await Workbench.use { bench in
        let fleet = try Fleet(bench)
        try await fleet.release(firstTree(bench))
        let tree = try manyFiles(bench)
        let agent = try SteeredAgent(bench, holding: "h1", after: fileCount * fileSize * 3 / 4)
        let outcome = try await fleet.with("--remote-command", agent.program).call("stage", tree.path) { controller in
            try await agent.held()
            try harm(controller, agent)
        }
        ended(outcome)
        #expect(fleet.current() == "slots/1")
        #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
        try await eventually("the dead stage still holds the lock") { try await fleet.isUnlocked() }

        let flip = try await fleet.call("flip")
        #expect(flip.exitCode == 1 && fleet.current() == "slots/1", "\(flip)")
        let sent = try await fleet.sentBytes(staging: tree)
        #expect(sent < fileCount * fileSize * 2 / 3)
        #expect(try await fleet.differences(tree, slot: 2) == "")
        try await fleet.done("flip")
        #expect(fleet.current() == "slots/2")
    }
}
