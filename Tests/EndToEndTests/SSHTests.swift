// The whole way over a real sshd, and the agent's own way onto the hosts.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Over ssh")
    struct SSHTests {
        @Test("stage, flip, rollback and status work over ssh")
        func lifeOfARelease() async throws {
            try await onServer { fleet, _ in
                let fleet = fleet.with("--remote-command", Program.agent)
                try await fleet.release(firstTree(fleet.bench))
                let second = try await fleet.release(changedTree(fleet.bench))
                for host in fleet.hosts {
                    #expect(fleet.current(host) == "slots/2")
                    #expect(try await fleet.differences(changedTree(fleet.bench), slot: 2, of: host) == "")
                }
                let status = try await fleet.done("status")
                for host in fleet.hosts {
                    #expect(status.output.contains(host) && status.output.contains(second.prefix(8)))
                }
                try await fleet.done("rollback")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
                try await fleet.done("verify")
            }
        }

        @Test("where the agent is missing, stage says what to run")
        func missingAgent() async throws {
            try await onServer { fleet, _ in
                let outcome = try await fleet.call("stage", firstTree(fleet.bench).path)
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains("slotsync install"), "\(outcome)")
                #expect(outcome.errors.contains("127.0.0.[1-5]"), "\(outcome)")
            }
        }

        @Test("a --remote-command that is not there is named")
        func wrongRemoteCommand() async throws {
            try await onServer { fleet, _ in
                let fleet = fleet.with("--remote-command", "/no/such/agent")
                let outcome = try await fleet.call("stage", firstTree(fleet.bench).path)
                #expect(outcome.exitCode == 1 && outcome.errors.contains("/no/such/agent"), "\(outcome)")
            }
        }

        @Test("install puts the agent on every host, and stage finds it there")
        func install() async throws {
            try await onServer { fleet, server in
                let command = try packagedCommand(fleet.bench)
                try await installed(command, fleet)
                for host in fleet.hosts { #expect(exists(server.home(host) + "/.local/bin/slotsync-agent")) }
                let stage = try await run(command, "stage", fleet, firstTree(fleet.bench).path)
                #expect(stage.exitCode == 0, "\(stage)")
            }
        }

        @Test("install leaves an agent of the same version alone")
        func installAgain() async throws {
            try await onServer { fleet, server in
                let command = try packagedCommand(fleet.bench)
                try await installed(command, fleet)
                let before = try await snapshot(server.home("127.0.0.2"))
                try await installed(command, fleet)
                #expect(try await snapshot(server.home("127.0.0.2")) == before)
            }
        }

        @Test("install --prefix puts it elsewhere")
        func installPrefix() async throws {
            try await onServer { fleet, _ in
                let prefix = fleet.bench["opt"]
                let command = try packagedCommand(fleet.bench)
                let outcome = try await run(command, "install", fleet.only("127.0.0.1"), "--prefix", prefix)
                #expect(outcome.exitCode == 0, "\(outcome)")
                let found = try await Program.run(["find", prefix, "-name", "slotsync-agent", "-type", "f"])
                let agent = try #require(found.lines.first, "\(found)")
                let fleet = try fleet.only("127.0.0.1").with("--remote-command", agent)
                try await fleet.stage(firstTree(fleet.bench))
            }
        }

        @Test("an agent for another kind of machine is not installed")
        func wrongArchitecture() async throws {
            try await onServer { fleet, server in
                let command = try packagedCommand(fleet.bench, forAnotherMachine: true)
                let outcome = try await run(command, "install", fleet)
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains("s390x"), "\(outcome)")
                #expect(!exists(server.home("127.0.0.1") + "/.local/bin/slotsync-agent"))
            }
        }

        @Test("an agent that ssh forces on a key serves the root it is pinned to, whatever else is asked for")
        func forcedCommand() async throws {
            try await Workbench.use { bench in
                let forced = "exec \(Program.agent) agent --root \(try bench.folder("pinned"))"
                try await SSHServer.use(bench, hosts: 1, forced: forced) { server in
                    let fleet = try server.fleet()
                    _ = try await fleet.call("stage", firstTree(bench).path)
                    #expect(try FileManager.default.contentsOfDirectory(atPath: fleet.root(server.hosts[0])).isEmpty)
                    try await fleet.with("--root", replacedBy: bench["pinned"]).release(firstTree(bench))
                    let page = try TreeMaker(at: bench["pinned/current/"]).content("index.html")
                    #expect(page == Array("<h1>first</h1>".utf8))
                }
            }
        }

        @Test("a host where nobody listens is named, and the others are staged")
        func hostThatIsNotThere() async throws {
            try await onServer { fleet, _ in
                let fleet = try fleet.only("127.0.0.[1-2],127.0.0.99").with("--remote-command", Program.agent)
                let outcome = try await fleet.call("stage", firstTree(fleet.bench).path)
                #expect(outcome.exitCode == 2 && outcome.errors.contains("127.0.0.99"), "\(outcome)")
            }
        }
    }
}

private func onServer(_ body: (Fleet, SSHServer) async throws -> Void) async throws {
    try await Workbench.use { bench in
        try await SSHServer.use(bench) { server in try await body(server.fleet(), server) }
    }
}

/// The command with its agent beside it, as `make install` lays them out.
///
/// The static agent is taken from SLOTSYNC_STATIC_AGENT; without it the one that the tests were built with stands in,
/// which runs here as well.
private func packagedCommand(_ bench: Workbench, forAnotherMachine: Bool = false) throws -> String {
    let named = ProcessInfo.processInfo.environment["SLOTSYNC_STATIC_AGENT"] ?? ""
    let agent = named.isEmpty ? Program.agent : named
    let folder = try bench.folder("package/bin")
    try FileManager.default.copyItem(atPath: Program.slotsync, toPath: "\(folder)/slotsync")
    var program = Array(try Data(contentsOf: URL(fileURLWithPath: agent)))
    // The machine field of an ELF header: 22 is s390x.
    if forAnotherMachine { program.replaceSubrange(18...19, with: [22, 0]) }
    try TreeMaker(at: folder).file("slotsync-agent", program, mode: 0o755)
    return "\(folder)/slotsync"
}

private func run(_ command: String, _ verb: String, _ fleet: Fleet, _ arguments: String...) async throws -> Outcome {
    try await Program.run([command, verb] + fleet.options + arguments, in: fleet.bench.path)
}

private func installed(_ command: String, _ fleet: Fleet) async throws {
    let outcome = try await run(command, "install", fleet)
    try #require(outcome.exitCode == 0, "\(outcome)")
}
