// A fleet of two hundred, all at once.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Two hundred hosts")
    struct ManyHostsTests {
        @Test("200 hosts are staged, flipped and asked at once, and all end equal")
        func twoHundred() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 200, slots: 2)
                try await fleet.release(firstTree(bench))
                let tree = try changedTree(bench)
                let release = try await fleet.release(tree)
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/2") }
                for host in [fleet.hosts[0], fleet.hosts[99], fleet.hosts[199]] {
                    #expect(try await fleet.differences(tree, slot: 2, of: host) == "")
                }
                try await fleet.done("verify")
                let rows = try await fleet.done("status", "--json").events().filter { $0["event"] as? String == "host" }
                #expect(rows.count == 200)
                #expect(rows.allSatisfy { $0["live"] as? String == release })
            }
        }

        @Test(
            "few descriptors mean fewer hosts at a time; too few for a flip's sessions are told with a number that does",
            arguments: ["stage", "flip", "rollback", "status"])
        func descriptors(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 60)
                let tree = try firstTree(bench)
                if command != "stage" { try await fleet.stage(tree) }
                if command == "rollback" {
                    try await fleet.done("flip")
                    try await fleet.release(changedTree(bench))
                }
                func run(_ descriptors: Int) async throws -> Outcome {
                    let arguments =
                        [Program.slotsync, command] + (command == "stage" ? [tree.path] : []) + fleet.options
                    return try await Program.run(
                        ["sh", "-c", "ulimit -n \(descriptors); exec \"$@\"", "sh"] + arguments, in: bench.path)
                }
                let few = try await run(100)
                guard command == "flip" else {
                    #expect(few.exitCode == 0, "\(few)")
                    return
                }
                #expect(few.exitCode == 1 && few.output.isEmpty, "\(few)")
                let words = few.errors.split(separator: " ").map(String.init)
                let place = try #require(words.firstIndex(of: "-n"), "\(few)")
                let needed = try #require(Int(words[place + 1].filter(\.isNumber)), "\(few)")
                #expect(fleet.current("h01") == nil)
                // Its sessions fit, with fewer logins at a time.
                let fitting = try await run(needed - 150)
                #expect(fitting.exitCode == 0, "\(fitting)")
            }
        }

        @Test("too few addresses are told at once, and a limit that can be raised is")
        func addresses() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let tree = try firstTree(bench)
                func stage(_ limit: String) async throws -> Outcome {
                    try await Program.run(
                        ["sh", "-c", "ulimit \(limit); exec \"$@\"", "sh", Program.slotsync, "stage", tree.path]
                            + fleet.options, in: bench.path)
                }
                let refused = try await stage("-v 300000")
                #expect(refused.exitCode == 1 && refused.errors.contains("(ulimit -v)"), "\(refused)")
                let raised = try await stage("-S -v 300000")
                #expect(raised.exitCode == 0, "\(raised)")
            }
        }

        @Test("--parallel bounds how many hosts are staged at a time, and all are done")
        func parallel() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 12)
                let sessions = try Marks(bench, "sessions")
                let counter = try bench.script(
                    """
                    #!/bin/bash
                    \(sessions.come)
                    '\(Program.agent)' "$@"
                    code=$?
                    \(sessions.go)
                    exit $code
                    """,
                    to: "agent"
                )
                let tree = try firstTree(bench)
                try await fleet.with("--remote-command", counter, "--parallel", "3").stage(tree)
                for host in fleet.hosts { #expect(try await fleet.differences(tree, slot: 1, of: host) == "") }
                let counts = try sessions.counts()
                #expect(counts.count == 12 && counts.allSatisfy { $0 <= 3 }, "\(counts)")
            }
        }

        @Test("--parallel bounds how many hosts prepare a flip at a time, and all switch at one moment")
        func parallelFlip() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 8)
                try await fleet.stage(firstTree(bench))
                try await fleet.done("flip")
                try await fleet.stage(changedTree(bench))
                let (before, after) = (try Marks(bench, "before"), try Marks(bench, "after"))
                let config = try bench.write(
                    """
                    hooks:
                      before_flip: |
                        \(before.come); sleep 0.1; \(before.go)
                      after_flip: |
                        \(after.come); \(after.wait(for: 8))
                    """,
                    to: "hooks.yml")
                try await fleet.with("--config", config, "--parallel", "2").done("flip")
                #expect(fleet.hosts.map { fleet.current($0) } == Array(repeating: "slots/2", count: 8))
                let counts = try before.counts()
                #expect(counts.count == 8 && counts.allSatisfy { $0 <= 2 }, "\(counts)")
            }
        }
    }
}
