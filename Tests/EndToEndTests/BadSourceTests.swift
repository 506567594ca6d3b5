// Sources that cannot be released are refused by name, before any host is touched.

import Testing

extension EndToEnd {
    @Suite("Bad sources")
    struct BadSourceTests {
        @Test("a source that is not there is refused")
        func missing() async throws {
            try await expectRefusal(of: "no-such-source") { _ in }
        }

        @Test("a source that is a file is refused")
        func file() async throws {
            try await expectRefusal(of: "a-file") { bench in try bench.write("x", to: "a-file") }
        }

        @Test("an empty source is refused, with the option that allows it")
        func empty() async throws {
            let errors = try await expectRefusal(of: "hollow") { bench in try bench.folder("hollow") }
            #expect(errors.contains("--allow-empty"))
        }

        @Test("a source of which everything is excluded is refused")
        func allExcluded() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let outcome = try await fleet.call("stage", firstTree(bench).path, "--exclude", "*")
                #expect(outcome.exitCode == 64 && outcome.errors.contains("--allow-empty"), "\(outcome)")
            }
        }

        @Test("with --allow-empty an empty source is a release like any other")
        func allowedEmpty() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let hollow = try bench.tree("hollow")
                try await fleet.done("stage", hollow.path, "--allow-empty")
                try await fleet.done("flip")
                #expect(fleet.current() == "slots/2")
                #expect(try await fleet.differences(hollow, slot: 2) == "")
            }
        }

        @Test(
            "a single file that is not there is bad input, as a folder is",
            arguments: ["signature", "delta", "patch", "judge"])
        func missingFile(_ command: String) async throws {
            try await Workbench.use { bench in
                let arguments =
                    command == "delta" || command == "patch" ? [bench["none"], bench["none"]] : [bench["none"]]
                let outcome = try await Program.run(
                    [Program.slotsync, command] + arguments + (command == "judge" ? [] : ["-o", bench["out"]]))
                #expect(outcome.exitCode == 64 && outcome.isRefusal(naming: bench["none"]), "\(outcome)")
            }
        }

        @Test("the command's own files in the release are told of: configuration, headers, reports")
        func ownFiles() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try tree.file("headers", "X-Scope-OrgID: shop\n")
                try tree.file("report.html", "<p>the last one</p>")
                try tree.file(
                    "slotsync.yml",
                    """
                    canary:
                      metrics:
                        - {name: up, source: prometheus, url: "http://localhost:1", query: up, headers_file: headers}

                    """)
                let config = tree.path + "/slotsync.yml"
                let stage = try await fleet.done("stage", tree.path, "--config", config, "--exclude", "/report.html")
                for name in ["slotsync.yml", "headers"] {
                    #expect(
                        stage.errors.contains("the release holds \"\(name)\", a file of this command's own"), "\(stage)"
                    )
                }
                let push = try await fleet.done(
                    "push", tree.path, "--no-canary", "--report", tree.path + "/report.html", "--exclude", "/headers")
                #expect(push.errors.contains("the release holds \"report.html\""), "\(push)")
                #expect(!push.errors.contains("slotsync.yml"), "\(push)")
            }
        }

        @Test("a file of patterns that is not there is refused")
        func missingPatterns() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let outcome = try await fleet.call(
                    "stage", firstTree(bench).path, "--exclude-from", bench["no-patterns"])
                #expect(outcome.isRefusal(naming: "no-patterns"), "\(outcome)")
            }
        }
    }
}

/// Stages a source that cannot be released to hosts that have a live release, and expects that nothing happens but a
/// message that names it.
@discardableResult
private func expectRefusal(of name: String, made make: (Workbench) throws -> Void) async throws -> String {
    var errors = ""
    try await Workbench.use { bench in
        try make(bench)
        let fleet = try Fleet(bench, hosts: 2)
        try await fleet.release(firstTree(bench))
        let before = try await snapshot(fleet.root("h2"))
        let outcome = try await fleet.call("stage", bench[name])
        #expect(outcome.isRefusal(naming: bench[name]) && outcome.exitCode == 64, "\(outcome)")
        let push = try await fleet.call("push", bench[name], "--no-canary")
        #expect(push.isRefusal(naming: bench[name]) && push.exitCode == 64, "\(push)")
        #expect(try await snapshot(fleet.root("h2")) == before)
        errors = outcome.errors
    }
    return errors
}

extension Outcome {
    /// True when a command was refused: nothing on stdout, and on stderr a word on each of `names`.
    func isRefusal(naming names: any StringProtocol...) -> Bool {
        (exitCode == 1 || exitCode == 64) && output.isEmpty && names.allSatisfy { errors.contains($0) }
    }
}
