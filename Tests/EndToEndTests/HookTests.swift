// Where hooks run and what they are told: in the slot that they are about, on every way to it.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Hooks")
    struct HookTests {
        private static let variables = [
            "SLOTSYNC_ROOT", "SLOTSYNC_SLOT", "SLOTSYNC_NAME", "SLOTSYNC_PREVIOUS_NAME", "SLOTSYNC_HOST",
        ]

        /// A fleet of two hosts whose hooks are the releases' own `./bin/hook`, which notes what it is told.
        private func fleet(_ bench: Workbench) throws -> Fleet {
            let hooks = ["before_flip", "after_flip", "after_rollback"].map { "  \($0): ./bin/hook \($0)\n" }.joined()
            return try Fleet(bench, hosts: 2).with("--config", bench.write("hooks:\n\(hooks)", to: "slotsync.yml"))
        }

        private func release(_ bench: Workbench, _ name: String) throws -> TreeMaker {
            let tree = try bench.tree(name)
            try tree.file("name", name)
            let values = Self.variables.map { "$\($0)" }.joined(separator: "|")
            let ids = #"${SLOTSYNC_RELEASE:+id}|${SLOTSYNC_PREVIOUS:+id}"#
            try tree.folder("bin").file(
                "hook",
                "#!/bin/sh\necho \"$1|$(pwd)|$(cat name)|\(values)|\(ids)\" >> \"\(bench.path)/$SLOTSYNC_HOST.told\"\n",
                mode: 0o755)
            return tree
        }

        private func told(_ bench: Workbench, _ host: String) throws -> [String] {
            let file = bench["\(host).told"]
            defer { try? FileManager.default.removeItem(atPath: file) }
            return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        }

        /// The line of a hook that ran on h2, for the slot that it is to have run in.
        private func line(
            _ bench: Workbench, _ hook: String, slot: Int, _ name: String, before: String = ""
        ) -> String {
            let root = bench["h2/www"]
            return
                "\(hook)|\(root)/slots/\(slot)|\(name)|\(root)|\(slot)|\(name)|\(before)|h2|id|\(before.isEmpty ? "" : "id")"
        }

        @Test("while a hook runs, status says that it runs, and not that it is owed")
        func running() async throws {
            try await Workbench.use { bench in
                let hook = "touch '\(bench["begun"])'; while ! test -e '\(bench["end"])'; do sleep 0.05; done"
                let config = try bench.write("hooks:\n  after_flip: \"\(hook)\"\n", to: "slotsync.yml")
                let fleet = try Fleet(bench).with("--config", config)
                try await fleet.done("stage", release(bench, "one").path)
                let flip = try await fleet.call("flip") { _ in
                    try await eventually("no hook began") { exists(bench["begun"]) }
                    let status = try await fleet.call("status")
                    #expect(status.errors.contains("the hook after_flip of release"), "\(status)")
                    #expect(
                        status.errors.contains("runs, since") && !status.errors.contains("not run to its end"),
                        "\(status)")
                    let told = try await fleet.call("status", "--json").events().first {
                        $0["event"] as? String == "host"
                    }
                    let running = told?["running_hook"] as? [String: Any]
                    #expect(
                        running?["hook"] as? String == "after_flip" && told?["owed_hook"] is NSNull, "\(told ?? [:])")
                    try bench.write("", to: "end")
                }
                #expect(flip.exitCode == 0, "\(flip)")
                #expect(try await !fleet.call("status").errors.contains("hook"))
                let after = try await fleet.call("status", "--json").events().first { $0["event"] as? String == "host" }
                #expect(after?["running_hook"] is NSNull && after?["owed_hook"] is NSNull, "\(after ?? [:])")
            }
        }

        @Test("each runs in its slot, with the root, the release, the one before and the host's name")
        func told() async throws {
            try await Workbench.use { bench in
                // An agent whose root is relative: hooks get it absolute.
                let agent = try bench.script(
                    "#!/bin/sh\ncd '\(bench.path)' && exec '\(Program.agent)' agent --root \"${3#\"$PWD\"/}\"\n",
                    to: "agent")
                let fleet = try fleet(bench).with("--remote-command", agent)
                try await fleet.done("stage", release(bench, "one").path, "--name", "one")
                try await fleet.done("flip")
                #expect(
                    try told(bench, "h2") == [
                        line(bench, "before_flip", slot: 1, "one"), line(bench, "after_flip", slot: 1, "one"),
                    ])
                try await fleet.done("stage", release(bench, "two").path, "--name", "two")
                try await fleet.done("flip")
                #expect(
                    try told(bench, "h2") == [
                        line(bench, "before_flip", slot: 2, "two", before: "one"),
                        line(bench, "after_flip", slot: 2, "two", before: "one"),
                    ])
                try await fleet.done("rollback")
                let back = try told(bench, "h2")
                #expect(back.last == line(bench, "after_rollback", slot: 1, "one", before: "two"), "\(back)")
                #expect(try told(bench, "h1").count == 4 + back.count)
            }
        }

        @Test("a root whose path has .. behind a link is the folder that the system finds there")
        func dotsBehindLink() async throws {
            try await Workbench.use { bench in
                try bench.folder("far/away")
                try bench.folder("far/h1/www")
                try bench.folder("far/h2/www")
                #expect(symlink(bench["far/away"], bench["link"]) == 0)
                let fleet = try fleet(bench).with("--root", replacedBy: bench["link/../{host}/www"])
                try await fleet.done("stage", release(bench, "one").path, "--name", "one")
                try await fleet.done("flip")
                let lines = try told(bench, "h2")
                #expect(
                    lines.count == 2 && lines.allSatisfy { $0.contains("|\(bench["far/h2/www"])/slots/1|one|") },
                    "\(lines)")
            }
        }

        @Test("a host that is flipped back runs after_rollback in the slot that is live again")
        func flippedBack() async throws {
            try await Workbench.use { bench in
                let fleet = try fleet(bench)
                try await fleet.done("stage", release(bench, "one").path, "--name", "one")
                try await fleet.done("flip")
                let bad = try release(bench, "two")
                try bad.folder("bin").file(
                    "hook",
                    String(contentsOfFile: bad.path + "/bin/hook", encoding: .utf8)
                        + "test \"$1$SLOTSYNC_HOST\" != after_fliph1\n", mode: 0o755)
                try await fleet.done("stage", bad.path, "--name", "two")
                _ = try told(bench, "h2")
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 1, "\(outcome)")
                let lines = try told(bench, "h2")
                #expect(lines.last == line(bench, "after_rollback", slot: 1, "one", before: "two"), "\(lines)")
            }
        }
    }

    @Suite("What processes see of a flip")
    struct ServedTests {
        @Test(
            "a bind mount of current keeps the slot of that moment; one of the root follows",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
        func bindMount() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                for (source, point) in [("h1/www/current", "slot"), ("h1/www", "root")] {
                    try bench.folder(point)
                    _ = try await Program.run(["mount", "--bind", bench[source], bench[point]])
                }
                let tree = try bench.tree("second")
                try tree.file("second-alone", "")
                try await fleet.release(tree)
                #expect(!exists(bench["slot/second-alone"]))
                #expect(exists(bench["root/current/second-alone"]))
            }
        }

        @Test(
            "PHP behind $realpath_root serves code of an earlier lap, until it is reloaded",
            .enabled(if: RunningPHP.isAvailable, RunningPHP.reason),
            .enabled(if: RunningNginx.isAvailable, RunningNginx.reason))
        func opcache() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let root = fleet.root()
                func release(_ name: String) throws -> TreeMaker {
                    let tree = try bench.tree(name)
                    // What was written within two seconds opcache does not keep.
                    try tree.file(
                        "index.php", "<?php echo '\(name)';", modified: timespec(tv_sec: 1_750_000_000, tv_nsec: 0))
                    return tree
                }
                try await RunningPHP.use(bench) { php in
                    let server = """
                        root \(root)/current;
                        location / {
                          fastcgi_pass unix:\(php.socket);
                          fastcgi_param REQUEST_METHOD GET;
                          fastcgi_param SCRIPT_FILENAME $realpath_root/index.php;
                        }
                        """
                    try await RunningNginx.use(bench, server: server) { nginx in
                        func page() async throws -> String {
                            try await Program.run(["curl", "-s", nginx.url]).output
                        }
                        var pages: [String] = []
                        for name in ["one", "two", "three"] {
                            try await fleet.release(release(name))
                            pages.append(try await page())
                        }
                        // The third release stands where the first one stood.
                        #expect(fleet.current() == "slots/1")
                        #expect(pages == ["one", "two", "one"])
                        let hooks = "hooks: {after_flip: 'kill -USR2 $(cat \(php.pidFile))'}\n"
                        let reloading = try fleet.with("--config", bench.write(hooks, to: "slotsync.yml"))
                        for name in ["four", "five"] {
                            try await reloading.release(release(name))
                            try await eventually("PHP serves another release than \(name)") { try await page() == name }
                        }
                    }
                }
            }
        }
    }
}
