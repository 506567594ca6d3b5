// A push over a real sshd, while connections are cut or freeze: all hosts that can be reached are on one release afterwards.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Push over ssh")
    struct PushOverSSHTests {
        @Test("a good release goes live over ssh")
        func good() async throws {
            try await onServer { scene in
                let good = try await scene.push(scene.site("second", .fast))
                #expect(good.exitCode == 0, "\(good)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        enum Harm { case cut, frozen }

        @Test(
            "a canary whose connection is cut or freezes in the window goes back, and so does the other",
            arguments: [Harm.cut])
        func window(_ harm: Harm) async throws {
            try await onServer { scene in
                var victim = ""
                var server: pid_t?
                defer { if let server { kill(server, SIGKILL) } }
                let outcome = try await scene.push(scene.site("second", .fast)) { _ in
                    try await scene.waitUntil(2, areOn: 2)
                    victim = try #require(scene.fleet.hosts.first { scene.fleet.current($0) == "slots/2" })
                    server = try await scene.harm(victim, harm)
                }
                #expect(outcome.exitCode == 1 && outcome.errors.contains(victim), "\(outcome)")
                try await scene.expectEverywhere(1)
            }
        }

        @Test(
            "a connection that is cut or freezes while everybody is flipped takes everybody back",
            arguments: [Harm.frozen])
        func everybody(_ harm: Harm) async throws {
            try await onServer(hooks: ["after_flip: 'sleep 1'"]) { scene in
                var victim = ""
                var server: pid_t?
                defer { if let server { kill(server, SIGKILL) } }
                let outcome = try await scene.push(scene.site("second", .fast)) { _ in
                    try await scene.waitUntil(2, areOn: 2)
                    victim = try #require(scene.fleet.hosts.first { scene.fleet.current($0) != "slots/2" })
                    try await scene.waitUntil(6, areOn: 2)
                    server = try await scene.harm(victim, harm)
                }
                #expect(outcome.exitCode == 1 && outcome.errors.contains(victim), "\(outcome)")
                try await scene.expectEverywhere(1)
            }
        }
    }
}

private func onServer(hooks: [String] = [], _ body: (CanaryScene) async throws -> Void) async throws {
    try await Workbench.use { bench in
        try await SSHServer.use(bench, hosts: 6) { server in
            let fleet = try server.fleet().with("--remote-command", Program.agent)
            try await CanaryScene.use(fleet, settings: ["hosts: 2", "baseline: 1800ms"], hooks: hooks, body)
        }
    }
}

extension CanaryScene {
    /// Ends the host's end of the connection, or makes it stand still.
    ///
    /// - Returns: its process, which is to be killed afterwards.
    fileprivate func harm(_ host: String, _ harm: FleetEndToEnd.PushOverSSHTests.Harm) async throws -> pid_t {
        let found = try await Program.run(["pgrep", "-f", "^\(Program.agent) agent --root \(fleet.root(host))$"])
        var process = try #require(found.lines.first)
        while try String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8) != "sshd\n" {
            let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("PPid:") })
            process = line.dropFirst(5).trimmingCharacters(in: .whitespaces)
        }
        let server = try #require(pid_t(process))
        kill(server, harm == .cut ? SIGKILL : SIGSTOP)
        return server
    }

    fileprivate func expectEverywhere(_ slot: Int) async throws {
        #expect(live == everywhere(slot))
        let status = try await fleet.done("status", "--json").events()
        #expect(status.allSatisfy { $0["event"] as? String != "host" || $0["provision"] is NSNull }, "\(status)")
    }
}
