// The way back of many hosts that are not all alike: one hangs, some were on other releases before. And the commands that
// are printed for those that are left: they are typed here as they stand there.

import Foundation
import Testing

@testable import SlotSync

extension FleetEndToEnd {
    @Suite("The way back of a fleet")
    struct FleetWayBackTests {
        /// The pages that are live, host by host.
        private func pages(_ fleet: Fleet) throws -> [String] { try fleet.hosts.map { try live(fleet, $0) } }

        /// The commands that an outcome says to type.
        private func printedCommands(_ outcome: Outcome) -> [String] {
            outcome.errors.split(separator: "\n").compactMap { line in
                line.firstRange(of: ": slotsync ").map { String(line[line.index($0.lowerBound, offsetBy: 2)...]) }
            }
        }

        private func type(_ command: String, _ fleet: Fleet) async throws -> Outcome {
            try await Program.run(
                ["sh", "-c", "PATH='\(Program.folder)':$PATH; \(command)"],
                environment: ["HOME": fleet.bench["home"], "XDG_CACHE_HOME": fleet.bench["cache"]],
                in: fleet.bench.path)
        }

        @Test("a host whose check does not end keeps no other one on the bad release, and is given up after --timeout")
        func hangingHost() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let prepare = Request.prepare(FlipRequest(.rollback, to: nil, hooks: Hooks(), force: false))
                let agent = try LossyAgent(bench, losing: "h2", .before, prepare, .deaf)
                let hanging = fleet.with("--remote-command", agent.program, "--timeout", "4")
                let outcome = try await hanging.call("rollback", timeout: .seconds(60)) { _ in
                    try await eventually("the other hosts are back, and do not wait") {
                        try pages(fleet) == ["v1", "v2", "v1"]
                    }
                }
                #expect(outcome.exitCode == 2 && outcome.errors.contains("got no further for 4 s"), "\(outcome)")
                let command = try #require(printedCommands(outcome).first, "\(outcome)")
                let typed = try await type(command, hanging)
                #expect(typed.exitCode == 0, "\(command): \(typed)")
                #expect(try pages(fleet) == ["v1", "v1", "v1"])
            }
        }

        @Test("an interrupted rollback leaves those back that are, and says which are not")
        func interrupted() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let prepare = Request.prepare(FlipRequest(.rollback, to: nil, hooks: Hooks(), force: false))
                let agent = try LossyAgent(bench, losing: "h2", .before, prepare, .deaf)
                let outcome = try await fleet.with("--remote-command", agent.program).call("rollback") { running in
                    try await eventually("the first host is back") { try pages(fleet) == ["v1", "v2"] }
                    kill(running.pid, SIGINT)
                }
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2: interrupted"), "\(outcome)")
                #expect(try pages(fleet) == ["v1", "v2"])
            }
        }

        @Test(
            "where ways back differ, most hosts decide: who has their release goes there, too, and the others are named"
        )
        func differentWays() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 4)
                try await fleet.only("h[1-3]").release(page(bench, "v1"))
                try await fleet.only("h[3-4]").release(page(bench, "v0"))
                try await fleet.release(page(bench, "v2"))
                let outcome = try await fleet.call("rollback")
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(try pages(fleet) == ["v1", "v1", "v1", "v2"])
                let commands = printedCommands(outcome)
                #expect(commands.count == 1 && outcome.errors.contains("h4: release "), "\(outcome)")
                let typed = try await type(commands[0], fleet)
                #expect(typed.exitCode == 0, "\(commands): \(typed)")
                #expect(try pages(fleet) == ["v1", "v1", "v1", "v0"])
            }
        }

        @Test("what is to be typed reaches hosts as they were reached: user, root, transport, configuration")
        func typedAsPrinted() async throws {
            try await Workbench.use { bench in
                let plain = try Fleet(bench, hosts: 2)
                try await plain.only("h1").release(page(bench, "v1"))
                try await plain.release(page(bench, "v2"))
                let shell = try bench.script(
                    """
                    #!/bin/bash
                    case $1 in deploy@*) shift; exec sh -c "$*" ;; *) echo "who is $1?" >&2; exit 255 ;; esac
                    """, to: "a shell")
                try bench.write("remote_command: '\(Program.agent)'\n", to: "other.yml")
                var fleet = try plain.with("--transport", replacedBy: "ssh").with(
                    "--hosts", replacedBy: "deploy@h[1-2]")
                fleet = fleet.with("--rsh", "'\(shell)'", "--config", "other.yml")
                let outcome = try await fleet.call("rollback")
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(try pages(plain) == ["v1", "v2"])
                let command = try #require(printedCommands(outcome).first, "\(outcome)")
                #expect(command.contains("push SOURCE") && command.contains("deploy@h2"), "\(command)")
                let typed = try await type(command.replacing("SOURCE", with: bench["v1"]), fleet)
                #expect(typed.exitCode == 0, "\(command): \(typed)")
                #expect(try pages(plain) == ["v1", "v1"])
                // Two ways of being ready: neither is guessed, and each has its command.
                try await plain.only("h1").stage(page(bench, "v3"))
                try await plain.only("h2").stage(page(bench, "v4"))
                let refused = try await fleet.call("flip")
                let words = refused.errors.components(separatedBy: "Name one for each: ").last ?? ""
                for command in words.trimmingCharacters(in: .newlines).components(separatedBy: "; ") {
                    let typed = try await type(command, fleet)
                    #expect(typed.exitCode == 0, "\(command): \(typed)")
                }
                #expect(try pages(plain) == ["v3", "v4"], "\(refused)")
            }
        }

        @Test("a push says once what all hosts warn of when they go back")
        func foldedWarnings() async throws {
            try await Workbench.use { bench in
                let config = try bench.write(
                    """
                    hooks:
                      after_flip: 'test $(cat $SLOTSYNC_ROOT/current/page) = v1'
                      after_rollback: 'exit 3'
                    """, to: "hooks.yml")
                let fleet = try Fleet(bench, hosts: 4).with("--config", config)
                try await fleet.release(page(bench, "v1"))
                let outcome = try await fleet.call("push", page(bench, "v2").path, "--no-canary")
                #expect(try pages(fleet) == ["v1", "v1", "v1", "v1"])
                let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("warning: ") }
                #expect(warnings.filter { $0.hasPrefix("h[1-4]: warning: ") }.count == 1, "\(outcome)")
                #expect(!warnings.contains { $0.hasPrefix("h1: ") }, "\(outcome)")
            }
        }

        @Test("a name that releases share does not mean one that the hosts went back from; its ID is told")
        func passedName() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                for text in ["v1", "v2"] {
                    try await fleet.done("stage", page(bench, text).path, "--name", "main")
                    try await fleet.done("flip", "main")
                }
                try await fleet.done("stage", page(bench, "v3").path, "--name", "main")
                try await fleet.done("rollback")
                let refused = try await fleet.call("flip", "main")
                #expect(refused.exitCode == 1, "\(refused)")
                #expect(try pages(fleet) == ["v1"])
                let text = try #require(refused.errors.components(separatedBy: "named: ").last)
                #expect(try await type(text, fleet).exitCode == 0, "\(text)")
                #expect(try pages(fleet) == ["v3"])
            }
        }
    }
}
