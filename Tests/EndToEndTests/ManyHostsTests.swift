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

        // A flip holds all its sessions open at once: it is the same moment for all hosts.
        @Test("--parallel bounds how many hosts are staged at a time, and all are done")
        func parallel() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 12)
                let counter = try bench.script(
                    """
                    #!/bin/bash
                    running='\(bench["running"])'
                    mkdir -p "$running"
                    : > "$running/$$"
                    ls "$running" | wc -l >> '\(bench["counts"])'
                    '\(Program.agent)' "$@"
                    code=$?
                    rm "$running/$$"
                    exit $code
                    """,
                    to: "agent"
                )
                let tree = try firstTree(bench)
                try await fleet.with("--remote-command", counter, "--parallel", "3").stage(tree)
                for host in fleet.hosts { #expect(try await fleet.differences(tree, slot: 1, of: host) == "") }
                let counts = try String(contentsOfFile: bench["counts"], encoding: .utf8)
                let most = counts.split(separator: "\n").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
                    .max()
                #expect(try #require(most) <= 3)
            }
        }
    }
}
