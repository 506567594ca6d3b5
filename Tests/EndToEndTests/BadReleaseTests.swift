// A release that was marked as bad, through the command: who stages, flips and rolls back is told why.

import Testing

@testable import SlotSync

extension FleetEndToEnd {
    @Suite("A bad release")
    struct BadReleaseTests {
        @Test("it is staged without a change, flipped to by force alone, and then it is as any other")
        func force() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let release = try await fleet.stage(changedTree(bench))
                try await markBad(release, fleet)
                #expect(try await fleet.done("status").output.contains("is bad: p95 rose by 40%"))

                let stage = try await fleet.call("stage", changedTree(bench).path, "--json")
                #expect(stage.exitCode == 0, "\(stage)")
                let events = try stage.events()
                #expect(events.contains { $0["result"] as? String == "already-bad" }, "\(stage)")
                #expect(
                    events.contains {
                        $0["event"] as? String == "warning"
                            && ($0["message"] as? String ?? "").contains("p95 rose by 40%")
                    }, "\(stage)")
                let spoken = try await fleet.done("stage", changedTree(bench).path)
                #expect(spoken.lastLine == release && spoken.errors.contains("--force"), "\(spoken)")

                for arguments in [[], [release]] {
                    let refused = try await Program.run(
                        [Program.slotsync, "flip"] + fleet.options + arguments,
                        environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path)
                    #expect(refused.exitCode == 1, "\(refused)")
                    #expect(
                        refused.errors.contains("p95 rose by 40%") && refused.errors.contains("flip --force"),
                        "\(refused)")
                    // Told once, with its reason.
                    #expect(!refused.errors.contains("h1: failed"), "\(refused)")
                    #expect(fleet.current() == "slots/1")
                }
                try await fleet.done("flip", "--force")
                #expect(fleet.current() == "slots/2")
                #expect(try await !fleet.done("status").output.contains("bad"))
            }
        }

        @Test("a rollback to it needs force as well")
        func rollback() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try await markBad(first, fleet)
                for refused in [try await fleet.call("rollback"), try await fleet.call("rollback", "--to", first)] {
                    #expect(refused.exitCode == 1 && refused.errors.contains("p95 rose by 40%"), "\(refused)")
                }
                try await fleet.done("rollback", "--to", first, "--force")
                #expect(fleet.current() == "slots/1")
            }
        }

        @Test("a rollback passes over it, and goes to the last release that is not bad")
        func passedOver() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let second = try await fleet.release(changedTree(bench))
                let third = try bench.tree("third")
                try third.file("page", "third")
                try await fleet.release(third)
                try await markBad(second, fleet)
                try await fleet.done("rollback")
                #expect(fleet.current() == "slots/1")
            }
        }

        @Test("one in another slot than the next is not passed over as if all were done")
        func elsewhere() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let first = try await fleet.release(firstTree(bench))
                let other = try bench.tree("other")
                try other.file("page", "other")
                try await fleet.release(other)
                let release = try await fleet.release(changedTree(bench))
                try await fleet.done("rollback", "--to", first)
                for host in fleet.hosts { try await markBad(release, fleet, on: host) }
                try await fleet.done("stage", changedTree(bench).path)
                for refused in [try await fleet.call("flip"), try await fleet.call("flip", "--force")] {
                    #expect(refused.exitCode == 1, "\(refused)")
                    let told =
                        "h[1-2]: release \(release) in slot 3 is bad (p95 rose by 40%), and nothing else is staged"
                    #expect(refused.errors.contains(told), "\(refused)")
                    #expect(refused.errors.contains("flip --force \(release)"), "\(refused)")
                    #expect(fleet.current() == "slots/1")
                }
                try await fleet.done("flip", "--force", release)
                #expect(fleet.current() == "slots/3")
            }
        }

        @Test("one whose copy was changed by hand is made anew, stays bad, and a rehearsal of its push says so")
        func madeAnew() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await markBad(try await fleet.stage(changedTree(bench)), fleet)
                try TreeMaker(at: fleet.root() + "/slots/2").file("by-hand", "more")
                let tree = try changedTree(bench).path
                let rehearsal = try await fleet.done("push", tree, "--no-canary", "--dry-run", "--json").events()
                let plan = try #require(rehearsal.first { $0["event"] as? String == "plan" }, "\(rehearsal)")
                #expect((plan["steps"] as? [Any])?.isEmpty == true, "\(plan)")
                let refused = try await fleet.call("push", tree, "--no-canary")
                #expect(refused.exitCode != 0 && refused.errors.contains("p95 rose by 40%"), "\(refused)")
                #expect(fleet.current() == "slots/1")
                #expect(try await fleet.done("status").output.contains("2 bad"))
            }
        }

        @Test("another release takes its slot, and a slot that is bad is verified")
        func overwritten() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await markBad(try await fleet.stage(changedTree(bench)), fleet)
                let verified = try await fleet.done("verify", "--json").events()
                #expect(verified.filter { $0["event"] as? String == "slot" }.map { $0["slot"] as? Int } == [1, 2])
                let other = try bench.tree("other")
                try other.file("page", "other")
                try await fleet.release(other)
                #expect(fleet.current() == "slots/2")
                #expect(try await fleet.differences(other, slot: 2) == "")
            }
        }
    }
}

private func markBad(_ release: String, _ fleet: Fleet, on host: String = "h1") async throws {
    let agent = try AgentProcess(root: fleet.root(host))
    let id = try #require(ContentDigest(release))
    try agent.send(
        .hello(Greeting(version: "test", peer: "anna@desk")), .markBad(release: id, reason: "p95 rose by 40%"), .finish)
    while let reply = try await agent.reply() {
        if case .failure(let error) = reply { throw error }
    }
    try await agent.ended()
}
