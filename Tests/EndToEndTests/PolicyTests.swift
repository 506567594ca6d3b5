// A key that authorized_keys pins to an agent with a policy, over a real sshd: what it can do, and that it can do nothing
// else.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("A key with a policy")
    struct PolicyTests {
        /// A server whose key is pinned to an agent for the root `pinned`, with this policy.
        private func use(
            _ policy: String, agent: String = Program.agent, _ body: (Fleet, Workbench) async throws -> Void
        ) async throws {
            try await Workbench.use { bench in
                let file = try bench.write(policy, to: "policy")
                let command = "\(agent) agent --root \(try bench.folder("pinned")) --policy \(file)"
                try await SSHServer.use(bench, hosts: 1, pinned: command) { server in
                    try await body(server.fleet().with("--root", replacedBy: bench["pinned"]), bench)
                }
            }
        }

        private func config(_ bench: Workbench, _ text: String) throws -> String {
            try bench.write(text, to: "slotsync.yml")
        }

        private func live(_ bench: Workbench) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: bench["pinned/current"])
        }

        @Test("it stages, flips with root's hooks, goes back and is asked; any other hook changes nothing")
        func hooks() async throws {
            let policy = """
                # what the build machine may do here
                hook reload echo reload $SLOTSYNC_SLOT >> $SLOTSYNC_ROOT/../ran
                command five echo 5
                """
            try await use(policy) { fleet, bench in
                let good = try config(
                    bench,
                    "hooks: {after_flip: reload}\ncanary: {interval: 1s, metrics: [{name: m, source: command, run: five}]}"
                )
                let pinned = fleet.with("--config", good)
                try await pinned.release(firstTree(bench))
                let second = try await pinned.release(changedTree(bench))
                try await pinned.done("rollback")
                #expect(live(bench) == "slots/1")
                #expect(try String(contentsOfFile: bench["ran"], encoding: .utf8) == "reload 1\nreload 2\nreload 1\n")
                #expect(try await pinned.done("sample").output.contains("5"))

                let evil = try config(
                    bench,
                    "hooks: {after_flip: 'id > \(bench["evil"])'}\ncanary: {interval: 1s, metrics: [{name: m, source: command, run: 'id > \(bench["evil"])'}]}"
                )
                let other = fleet.with("--config", evil)
                let refused = [
                    try await other.call("flip", second), try await other.call("rollback", "--to", second),
                ]
                for outcome in refused {
                    #expect(outcome.exitCode == 1, "\(outcome)")
                    for word in ["127.0.0.1", bench["policy"], "hook NAME id"] {
                        #expect(outcome.errors.contains(word), "\(outcome)")
                    }
                }
                let sample = try await other.call("sample")
                #expect(sample.exitCode != 0 && sample.errors.contains("command NAME id"), "\(sample)")
                // Neither a push nor its rehearsal stages what it could not flip to.
                let third = try bench.tree("third")
                try third.file("a", "a")
                for options in [["--no-canary", "--dry-run"], ["--no-canary"]] {
                    let push = try await Program.run(
                        [Program.slotsync, "push", third.path] + other.options + options,
                        environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path)
                    #expect(push.exitCode == 1 && push.errors.contains("hook NAME id"), "\(push)")
                }
                #expect(live(bench) == "slots/1" && !exists(bench["evil"]) && !exists(bench["pinned/slots/3/a"]))
            }
        }

        @Test("setuid is refused, in a dry run as well, before anything is there; so is an install, at once")
        func privileges() async throws {
            try await use("hook reload true\n") { fleet, bench in
                let tree = try bench.tree("setuid")
                try tree.file("tool", "x", mode: 0o4755)
                for options in [["--dry-run"], []] {
                    let outcome = try await Program.run(
                        [Program.slotsync, "stage", tree.path] + fleet.options + options,
                        environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path)
                    #expect(outcome.exitCode == 1 && outcome.errors.contains("\"tool\""), "\(outcome)")
                    #expect(outcome.errors.contains("setuid yes"), "\(outcome)")
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: bench["pinned"]).isEmpty)
                let install = try await fleet.call("install", "--agent", Program.agent)
                #expect(install.exitCode == 1 && install.errors.contains("install yes"), "\(install)")
                // A policy that others may write to is none.
                #expect(chmod(bench["policy"], 0o666) == 0)
                let status = try await fleet.call("status")
                #expect(status.exitCode == 1 && status.errors.contains("is not believed"), "\(status)")
            }
        }

        @Test("where the policy says so, install replaces the agent that the key is pinned to, and nothing else")
        func install() async throws {
            try await Workbench.use { bench in
                let agent = try bench.folder("bin") + "/slotsync-agent"
                try FileManager.default.copyItem(atPath: Program.agent, toPath: agent)
                // A build that is not the one to be installed.
                let file = try #require(FileHandle(forWritingAtPath: agent))
                try file.seekToEnd()
                try file.write(contentsOf: Data("older".utf8))
                try file.close()
                let policy = try bench.write("install yes\n", to: "policy")
                let command = "\(agent) agent --root \(try bench.folder("pinned")) --policy \(policy)"
                try await SSHServer.use(bench, hosts: 1, pinned: command) { server in
                    let fleet = try server.fleet()
                    let install = try await fleet.done(
                        "install", "--agent", Program.agent, "--prefix", bench["elsewhere"])
                    #expect((install.output + install.errors).contains(agent), "\(install)")
                    #expect(try await Program.run(["cmp", agent, Program.agent]).exitCode == 0)
                    #expect(!exists(bench["elsewhere"]))
                    try await fleet.with("--root", replacedBy: bench["pinned"]).release(firstTree(bench))
                }
            }
        }

        @Test("a key that is pinned to an agent without a policy tells install so, and does not hang")
        func pinnedWithout() async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(
                    bench, hosts: 1, pinned: "\(Program.agent) agent --root \(try bench.folder("pinned"))"
                ) { server in
                    let install = try await server.fleet().call("install", "--agent", Program.agent)
                    #expect(install.exitCode == 1 && install.errors.contains("pinned to the agent"), "\(install)")
                }
            }
        }
    }
}
