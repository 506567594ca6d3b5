// The standard streams as shells and services leave them: closed, full, a pipe nobody reads, a terminal.

import Testing

extension EndToEnd {
    @Suite("Streams")
    struct StreamTests {
        @Test(
            "a closed stream is no place for anything else to be written to",
            arguments: ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
        func closed(_ redirection: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let outcome = try await shell(fleet, "\"$@\" \(redirection)", "stage", firstTree(bench).path)
                #expect(outcome.exitCode == 0, "\(outcome)")
                try await fleet.done("flip")
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test("a result that cannot be written is no success")
        func full() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let outcome = try await shell(fleet, "\"$@\" > /dev/full", "status")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("standard output"), "\(outcome)")
            }
        }

        @Test("a flip and a rollback that are done everywhere are a success, though nobody could be told")
        func fullAtFlip() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                for (command, slot) in [("flip", 2), ("rollback", 1)] {
                    let outcome = try await shell(fleet, "\"$@\" > /dev/full", command)
                    #expect(outcome.exitCode == 0 && outcome.errors.contains("standard output"), "\(outcome)")
                    #expect(fleet.current() == "slots/\(slot)")
                }
            }
        }

        @Test("a reader that goes away ends nothing half-way")
        func goneReader() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.stage(firstTree(bench))
                let outcome = try await shell(fleet, "set -o pipefail; \"$@\" | true", "flip")
                #expect(outcome.exitCode == 0 && outcome.errors.contains("3 hosts"), "\(outcome)")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("on a terminal there is one live line, which is gone at the end; elsewhere there is none")
        func terminal() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let command = #"TERM=xterm script -qec "$(printf '%q ' "$@")" /dev/null"#
                let outcome = try await shell(fleet, command, "stage", firstTree(bench).path)
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(outcome.output.contains("\rreading the source\u{1b}[K"))
                let last = try #require(outcome.output.ranges(of: "\u{1b}[K").last)
                let afterwards = outcome.output[last.upperBound...]
                #expect(
                    afterwards.contains("release") && !afterwards.contains("staging")
                        && !afterwards.contains("reading"),
                    "\(outcome)")
                let plain = try await fleet.done("stage", firstTree(bench).path)
                #expect(!(plain.output + plain.errors).contains("\u{1b}"))
            }
        }

        @Test("with --json a command that fails, or was wrongly called, ends with its summary too")
        func failedSummary() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let failed = try await fleet.call("stage", bench["none"], "--json")
                #expect(try failed.summary()["exit_code"] as? Int == 64)
                let events = try failed.events().compactMap { $0["event"] as? String }
                #expect(events == ["error", "summary"])
                let wrong = try await fleet.call("stage", bench["none"], "--json", "--exclude", "[")
                #expect(wrong.exitCode == 64)
                #expect(try wrong.summary()["exit_code"] as? Int == 64)
            }
        }

        @Test("names that command a terminal are told in a form that does not")
        func controlCharacters() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("page", "x")
                try tree.special("\u{1b}]0;owned\u{7}", 0o010000)
                let stage = try await fleet.done("stage", tree.path)
                let refused = try await fleet.call("stage", tree.path, "--name", "\u{1b}[2J")
                #expect(refused.isRefusal(naming: "--name"), "\(refused)")
                let wrong = try await fleet.call("stage", tree.path, "--timeout", "\u{1b}[2J")
                #expect(wrong.isRefusal(naming: "--timeout"), "\(wrong)")
                for text in [stage.errors, refused.errors, wrong.errors] {
                    #expect(!text.contains("\u{1b}") && text.contains("\\u{1B}"), "\(stage) \(refused)")
                }
            }
        }
    }
}

/// Runs a command for the fleet by way of a shell: `"$@"` in `script` is the command.
private func shell(_ fleet: Fleet, _ script: String, _ command: String, _ arguments: String...) async throws -> Outcome
{
    try await Program.run(
        ["bash", "-c", script, "bash", Program.slotsync, command] + fleet.options + arguments,
        environment: ["HOME": fleet.bench["home"], "XDG_CACHE_HOME": fleet.bench["cache"]], in: fleet.bench.path)
}
