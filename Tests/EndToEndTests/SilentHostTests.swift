// Hosts that are not as they should be, reached by `--rsh`: they are named, given up in time, and hold up nobody.

import Testing

extension FleetEndToEnd {
    @Suite("Hosts in trouble")
    struct SilentHostTests {
        @Test("a host that says nothing is given up after --timeout, and the others are done")
        func silent() async throws {
            let outcome = try await expectOneFailure("exec sleep 1000", "--timeout", "1")
            #expect(outcome.errors.contains("1"), "\(outcome)")
        }

        @Test("a host whose connection breaks at once is named with what it said")
        func refused() async throws {
            let outcome = try await expectOneFailure("echo 'Connection refused by h2' >&2; exit 255")
            #expect(outcome.errors.contains("Connection refused by h2"), "\(outcome)")
        }

        @Test("a host whose shell talks before the agent does is named")
        func talkative() async throws {
            _ = try await expectOneFailure("echo Welcome to this machine; exec sh -c \"$*\"", "--timeout", "5")
        }

        @Test("a host that sends nonsense is named")
        func nonsense() async throws {
            _ = try await expectOneFailure("exec head -c 1000000 /dev/urandom", "--timeout", "5")
        }

        @Test("a host where the agent ends at once is named")
        func earlyEnd() async throws {
            _ = try await expectOneFailure("exit 0")
        }

        @Test("a host that stops reading in the middle is given up, and the others are done")
        func stuckInTheMiddle() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                let agent = try SteeredAgent(bench, holding: "h2", after: 1 << 20)
                let outcome = try await fleet.with("--remote-command", agent.program, "--timeout", "2")
                    .call("stage", tree.path)
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2"), "\(outcome)")
                for host in ["h1", "h3"] { #expect(try await fleet.differences(tree, slot: 1, of: host) == "") }
            }
        }

        @Test("equal reasons are told once, for all hosts that have them")
        func grouped() async throws {
            try await Workbench.use { bench in
                let fleet = try remote(bench, hosts: 5, trouble: "h[245]", "echo 'no such machine' >&2; exit 255")
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(outcome.errors.contains("h[2,4-5]: "), "\(outcome)")
            }
        }

        @Test("when every host fails, nothing is done and the exit code is 1")
        func everyHost() async throws {
            try await Workbench.use { bench in
                let fleet = try remote(bench, hosts: 3, trouble: "h*", "exit 255")
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(outcome.exitCode == 1, "\(outcome)")
            }
        }
    }
}

/// Stages on three hosts of which h2 does `trouble`, and expects that it is named and that the others are done.
private func expectOneFailure(_ trouble: String, _ options: String...) async throws -> Outcome {
    var result: Outcome?
    try await Workbench.use { bench in
        var fleet = try remote(bench, hosts: 3, trouble: "h2", trouble)
        fleet.options += options
        let outcome = try await fleet.call("stage", firstTree(bench).path, timeout: .seconds(20))
        #expect(outcome.exitCode == 2 && outcome.errors.contains("h2"), "\(outcome)")
        for host in ["h1", "h3"] {
            #expect(try await fleet.differences(firstTree(bench), slot: 1, of: host) == "")
        }
        result = outcome
    }
    return try #require(result)
}

/// A fleet behind a remote shell that runs its command here, unless the host's name matches `pattern`.
private func remote(_ bench: Workbench, hosts: Int, trouble pattern: String, _ trouble: String) throws -> Fleet {
    let shell = try bench.script(
        """
        #!/bin/bash
        host=$1
        shift
        case $host in \(pattern)) \(trouble) ;; *) exec sh -c "$*" ;; esac
        """,
        to: "rsh"
    )
    return try Fleet(bench, hosts: hosts)
        .with("--transport", replacedBy: "ssh")
        .with("--rsh", shell, "--remote-command", Program.agent)
}
