// Requests that make no sense: hosts that cannot be read, releases that are not there, settings with a typo.

import Testing

extension EndToEnd {
    @Suite("Bad requests")
    struct BadRequestTests {
        @Test(
            "a host list with a typo is a usage error that quotes it",
            arguments: ["web[01-", "web[01-x]", "web[9-1]", "web]1[", "web[]", "web[1-999999999999]", "a b"]
        )
        func typo(_ list: String) async throws {
            try await expectUsageError(quoting: list, "status", "--hosts", list, "--root", "/srv/www")
        }

        @Test(
            "a host that is named twice is a usage error that names it",
            arguments: [("h1,h2,h1", "h1"), ("h[1-3],h2", "h2"), ("web[01-03],web03", "web03")]
        )
        func duplicate(_ list: String, _ host: String) async throws {
            try await expectUsageError(quoting: host, "status", "--hosts", list, "--root", "/srv/www")
        }

        @Test("a host that ssh would take for an option is a usage error")
        func optionAsHost() async throws {
            let host = "-oProxyCommand=touch"
            try await expectUsageError(quoting: host, "status", "--hosts=\(host)", "--root", "/srv/www")
        }

        @Test("a command for nobody is a usage error that says how to name hosts", arguments: [[], ["--hosts", ""]])
        func nobody(_ options: [String]) async throws {
            try await expectUsageError(quoting: "--hosts", ["status", "--root", "/srv/www"] + options)
        }

        @Test("a file of hosts that is not there is a usage error that names it")
        func missingHostsFile() async throws {
            try await expectUsageError(
                quoting: "/no/such/hosts", "status", "--hosts-file", "/no/such/hosts", "--root", "/srv/www")
        }

        @Test("a file of hosts may have comments and empty lines")
        func hostsFile() async throws {
            try await Workbench.use { bench in
                let file = try bench.write("# front ends\nh[1-2]\n\nh3  # the old one\n", to: "hosts")
                var fleet = try Fleet(bench, hosts: 3)
                fleet = try fleet.with("--hosts", replacedBy: "")
                fleet.options.removeFirst(2)
                try await fleet.with("--hosts-file", file).release(firstTree(bench))
                for host in ["h1", "h2", "h3"] { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("a missing root is a usage error")
        func noRoot() async throws {
            try await expectUsageError(quoting: "--root", "status", "--hosts", "h1")
        }

        @Test(
            "an option with a value that cannot be is a usage error",
            arguments: [
                ["--slots", "1"], ["--slots", "10"], ["--timeout", "soon"], ["--timeout", "0"], ["--parallel", "0"],
                ["--transport", "pigeon"], ["--parallel", "-1"], ["--rsh", ""], ["--rsh", "'ssh"],
                ["--remote-command", ""], ["--config", ""], ["--hosts-file", ""],
            ]
        )
        func badValue(_ option: [String]) async throws {
            try await expectUsageError(quoting: option[0], ["status", "--hosts", "h1", "--root", "/srv/www"] + option)
        }

        @Test(
            "an option of stage with a value that cannot be is a usage error",
            arguments: [
                ["--cache-size", "much"], ["--cache-size", ""], ["--cache-size", "G"], ["--cache-size", "-1"],
                ["--cache-size", "5\u{df}"], ["--cache-size", "99999999T"], ["--compress-level", "10"],
                ["--compress-level", "fast"], ["--compress-level", "-1"], ["--cache-dir", ""], ["--name", ""],
                ["--name", "a\u{7}b"], ["--name", String(repeating: "x", count: 256)], ["--shared", "/uploads"],
                ["--shared", ""], ["--shared", "../uploads"], ["--shared", "a", "--shared", "a/b"],
            ]
        )
        func badStageValue(_ option: [String]) async throws {
            try await expectUsageError(
                quoting: option[0], ["stage", ".", "--hosts", "h1", "--root", "/srv/www"] + option)
        }

        @Test("a value that cannot be is named, with what was expected in its place")
        func expectation() async throws {
            let options = ["stage", ".", "--hosts", "h1", "--root", "/srv/www"]
            try await expectUsageError(quoting: "'-1' is invalid for '--cache-size", options + ["--cache-size", "-1"])
            try await expectUsageError(quoting: "expected a name of 1 to 255 bytes", options + ["--name", ""])
            try await expectUsageError(
                quoting: "write a path relative to the release", options + ["--shared", "/uploads"])
        }

        @Test(
            "an argument that is empty, as an unset variable of a script, is a usage error",
            arguments: [
                ["flip", ""], ["rollback", "--to", ""], ["stage", ""], ["push", "", "--no-canary"],
                ["push", ".", "--no-canary", "--report", ""], ["install", "--prefix", ""], ["install", "--agent", ""],
            ])
        func empty(_ arguments: [String]) async throws {
            try await expectUsageError(
                quoting: "The value '' is invalid", arguments + ["--hosts", "h1", "--root", "/srv/www"])
        }

        @Test(
            "what cannot be installed is a usage error",
            arguments: [
                (["--transport", "local"], "goes over ssh"), (["--agent", "/no/such/agent"], "/no/such/agent"),
                (["--agent", "/etc/passwd"], "no program"), (["--rsh", "ssh \""], "not closed"),
            ])
        func install(_ options: [String], _ word: String) async throws {
            try await expectUsageError(quoting: word, ["install", "--hosts", "h1"] + options)
        }

        @Test("a port that --rsh cannot be told is a usage error that names the host, and the others are not asked")
        func portForShell() async throws {
            try await expectUsageError(
                quoting: "h2:22", "status", "--hosts", "h1,h2:22", "--root", "/srv/www", "--rsh", "false")
        }

        @Test(
            "a value of the configuration that cannot be is a usage error with its line",
            arguments: [
                "rsh: \"'ssh\"", "hooks: {after_flip: \(String(repeating: "x", count: 70_000))}",
            ])
        func badSetting(_ line: String) async throws {
            try await Workbench.use { bench in
                let config = try bench.write("slots: 5\n\(line)\n", to: "slotsync.yml")
                let outcome = try await Fleet(bench).with("--config", config).call("status")
                #expect(outcome.exitCode == 64 && outcome.errors.contains("slotsync.yml:2: "), "\(outcome)")
            }
        }

        @Test(
            "a setting of stages that cannot be used stops a stage, and nothing else",
            arguments: ["shared: [uploads, /var]", "shared: [a, a/b]", "exclude: [./.git]", "chmod: x", "owner: maybe"])
        func badStageSetting(_ line: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let config = try bench.write("slots: 5\n\(line)\n", to: "slotsync.yml")
                let staged = try await fleet.with("--config", config).call("stage", changedTree(bench).path)
                #expect(staged.exitCode == 64 && staged.errors.contains("slotsync.yml:2: "), "\(staged)")
                try await fleet.with("--config", config).done("rollback")
                #expect(fleet.current(fleet.hosts[0]) == "slots/1")
            }
        }

        @Test("a release that no host has is refused by name", arguments: ["flip", "rollback"])
        func unknownRelease(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let outcome =
                    command == "flip"
                    ? try await fleet.call("flip", "no-such-release")
                    : try await fleet.call("rollback", "--to", "no-such-release")
                #expect(outcome.isRefusal(naming: "no-such-release"), "\(outcome)")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/2") }
            }
        }

        @Test("a prefix of two releases is refused, and both are named")
        func ambiguousRelease() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                // Among seventeen IDs two begin with the same of sixteen digits.
                var numbers: [Character: (number: Int, release: String)] = [:]
                for number in 1...17 {
                    try tree.file("number", "\(number)")
                    let release = try await fleet.stage(tree)
                    let digit = try #require(release.first)
                    guard let twin = numbers[digit] else {
                        numbers[digit] = (number, release)
                        continue
                    }
                    try await fleet.done("flip")
                    try tree.file("number", "\(twin.number)")
                    try await fleet.stage(tree)
                    let live = fleet.current()
                    let outcome = try await fleet.call("flip", String(digit))
                    #expect(outcome.isRefusal(naming: release.prefix(8), twin.release.prefix(8)), "\(outcome)")
                    #expect(fleet.current() == live)
                    return
                }
                Issue.record("seventeen releases and no two that begin alike: \(numbers)")
            }
        }

        @Test("rollback is refused where nothing was live before", arguments: 0...1)
        func nothingBefore(_ releases: Int) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                if releases == 1 {
                    try await fleet.release(firstTree(bench))
                } else {
                    try await fleet.stage(firstTree(bench))
                }
                let before = fleet.current()
                let outcome = try await fleet.call("rollback")
                #expect(outcome.isRefusal(naming: "h1"), "\(outcome)")
                #expect(fleet.current() == before)
            }
        }

        @Test("flip is refused where nothing is ready")
        func nothingReady() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let nothing = try await fleet.call("flip")
                #expect(nothing.isRefusal(naming: "h[1-2]"), "\(nothing)")
                // Nor is it guessed what is meant where the hosts live on different releases.
                try await fleet.release(firstTree(bench))
                try await fleet.only("h1").release(changedTree(bench))
                let mixed = try await fleet.call("flip")
                #expect(mixed.isRefusal(naming: "h[1-2]"), "\(mixed)")
                #expect(fleet.current("h1") == "slots/2" && fleet.current("h2") == "slots/1")
            }
        }

        @Test("stage and flip run again for the release that is live have nothing to do, and succeed")
        func runAgain() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                let before = try await snapshot(fleet.root())
                try await fleet.release(firstTree(bench))
                #expect(try await snapshot(fleet.root()) == before)
            }
        }

        @Test("a configuration with a word that there is not is refused, with file and word")
        func unknownSetting() async throws {
            try await Workbench.use { bench in
                let config = try bench.write("hoks:\n  after_flip: 'true'\n", to: "slotsync.yml")
                let outcome = try await Fleet(bench).with("--config", config).call("status")
                #expect(outcome.isRefusal(naming: config, "hoks"), "\(outcome)")
            }
        }

        @Test("a configuration that is no YAML is refused, with its file")
        func brokenConfiguration() async throws {
            try await Workbench.use { bench in
                let config = try bench.write("hooks: [\n", to: "other.yml")
                let outcome = try await Fleet(bench).with("--config", config).call("status")
                #expect(outcome.isRefusal(naming: config), "\(outcome)")
            }
        }

        @Test("a configuration that is not there is refused when it was asked for")
        func missingConfiguration() async throws {
            try await Workbench.use { bench in
                let outcome = try await Fleet(bench).with("--config", bench["none.yml"]).call("status")
                #expect(outcome.isRefusal(naming: bench["none.yml"]), "\(outcome)")
            }
        }
    }
}

private func expectUsageError(quoting word: String, _ arguments: String...) async throws {
    try await expectUsageError(quoting: word, arguments)
}

private func expectUsageError(quoting word: String, _ arguments: [String]) async throws {
    try await Workbench.use { bench in
        let outcome = try await Program.run([Program.slotsync] + arguments, in: bench.path)
        #expect(outcome.exitCode == 64 && outcome.errors.contains(word), "\(outcome)")
    }
}
