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
