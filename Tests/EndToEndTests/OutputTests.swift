// What scripts depend on: the last line of stdout, exit codes, and a JSON object a line.

import Testing

extension EndToEnd {
    @Suite("Output and exit codes")
    struct OutputTests {
        @Test("the last line that stage prints is the release ID")
        func lastLine() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let outcome = try await fleet.done("stage", firstTree(bench).path)
                #expect(outcome.lastLine.wholeMatch(of: /[0-9a-f]{16,}/) != nil, "\(outcome)")
            }
        }

        @Test("hosts that are through at about the same time, with the same to say, are told of on one line")
        func folded() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 4)
                let outcome = try await fleet.done("stage", firstTree(bench).path)
                let lines = outcome.errors.split(separator: "\n").filter { $0.contains("staged in slot") }
                #expect(lines.count == 1 && lines[0].hasPrefix("h[1-4]: staged in slot 1: "), "\(outcome)")
                let verbose = try await fleet.done("stage", changedTree(bench).path, "--verbose").errors
                for host in fleet.hosts { #expect(verbose.contains(" \(host): staged in slot 2: "), "\(verbose)") }
            }
        }

        @Test(
            "all of it arrives in a pipe that does not wait, as node and asyncio make them, and so does all of the input"
        )
        func nonBlocking() async throws {
            try await Workbench.use { bench in
                let line =
                    #"{"case":"a","metrics":[{"name":"x","kind":"gauge"}],"#
                    + #""hosts":{"h":{"role":"canary","baseline":{"x":[]},"after":{"x":[]}}}}"#
                try bench.write(String(repeating: line + "\n", count: 1500), to: "pushes")
                let script = """
                    import os, subprocess, sys, threading, time
                    (ir, iw), (r, w) = os.pipe(), os.pipe()
                    for end in (ir, w): os.set_blocking(end, False)
                    child = subprocess.Popen(sys.argv[2:], stdin=ir, stdout=w)
                    os.close(ir); os.close(w)
                    def feed():
                        with open(sys.argv[1], "rb") as source, open(iw, "wb", 0) as sink:
                            for piece in iter(lambda: source.read(50000), b""): time.sleep(0.02); sink.write(piece)
                    threading.Thread(target=feed).start()
                    time.sleep(0.5)
                    with open(r, "rb") as output: lines = output.read().splitlines()
                    print(len(lines), child.wait())
                    """
                let outcome = try await Program.run(
                    ["python3", "-c", script, bench["pushes"], Program.slotsync, "judge", "-"])
                #expect(outcome.output == "1500 0\n", "\(outcome)")
            }
        }

        @Test("with --quiet stage prints the release ID alone")
        func quiet() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let outcome = try await fleet.done("stage", firstTree(bench).path, "--quiet")
                #expect(outcome.output == outcome.lastLine + "\n")
                #expect(outcome.lastLine == (try await fleet.stage(firstTree(bench))))
                #expect(outcome.errors == "")
            }
        }

        @Test("with --quiet status prints its table, and nothing else")
        func quietStatus() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                let outcome = try await fleet.done("status", "--quiet")
                #expect(outcome.lines.map { $0.split(separator: " ").first } == ["HOST", "h1", "h2"], "\(outcome)")
                #expect(outcome.output == (try await fleet.done("status")).output && outcome.errors.isEmpty)
            }
        }

        @Test("with --json every line is an object and the last one is the summary")
        func json() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let release = try await fleet.release(firstTree(bench))
                let outcome = try await fleet.done("stage", changedTree(bench).path, "--json")
                let staged = try outcome.summary()["release"] as? String
                #expect(staged != nil && staged != release)
                let flipped = try await fleet.done("flip", "--json").summary()["release"] as? String
                #expect(flipped == staged)
                _ = try await fleet.done("rollback", "--json").summary()
                _ = try await fleet.done("verify", "--json").summary()
                _ = try await fleet.done("status", "--json").summary()
            }
        }

        @Test("status has a row a host, with the live release and the one that is ready")
        func status() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let live = try await fleet.release(firstTree(bench))
                let ready = try await fleet.stage(changedTree(bench))
                let outcome = try await fleet.done("status")
                for host in fleet.hosts {
                    let row = try #require(outcome.lines.first { $0.contains(host) }, "\(outcome)")
                    #expect(row.contains(live.prefix(8)) && row.contains(ready.prefix(8)))
                }
            }
        }

        @Test("status --json names each host's live and ready release")
        func statusJSON() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let live = try await fleet.release(firstTree(bench))
                let ready = try await fleet.stage(changedTree(bench))
                let rows = try await fleet.done("status", "--json").events().filter { $0["event"] as? String == "host" }
                #expect(rows.compactMap { $0["host"] as? String }.sorted() == fleet.hosts)
                for row in rows {
                    #expect(row["live"] as? String == live)
                    #expect(row["ready"] as? String == ready)
                }
            }
        }

        @Test("--version and --help succeed and print to stdout", arguments: ["--version", "--help"])
        func helpAndVersion(_ option: String) async throws {
            let outcome = try await Program.run([Program.slotsync, option])
            #expect(outcome.exitCode == 0 && !outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
        }

        @Test(
            "a command has help that names its options",
            arguments: ["stage", "flip", "rollback", "status", "verify", "install"]
        )
        func commandHelp(_ command: String) async throws {
            let outcome = try await Program.run([Program.slotsync, command, "--help"])
            #expect(outcome.exitCode == 0, "\(outcome)")
            for option in ["--hosts", "--timeout", "--json"] { #expect(outcome.output.contains(option)) }
        }

        @Test("an option that there is not is a usage error")
        func usage() async throws {
            try await Workbench.use { bench in
                let outcome = try await Fleet(bench).call("status", "--no-such-option")
                #expect(outcome.exitCode == 64 && outcome.errors.contains("--no-such-option"), "\(outcome)")
            }
        }
    }
}
