// What the agent cannot put into `shared` holds up no release: it is told, with the owner and what to do. An agent that is
// killed leaves nothing there.

import Foundation
import Testing

extension EndToEnd {
    @Suite("What cannot be seeded", .enabled(if: Machine.isRoot, "needs root"))
    struct SharedObstacleTests {
        @Test(
            "a folder of another user in shared is told once, and the release goes on",
            arguments: [0o755, 0o700] as [mode_t])
        func folder(_ mode: mode_t) async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench)
                let tree = try firstTree(bench)
                try tree.folder("uploads").folder("old").file("x", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads")
                let uploads = fleet.root() + "/shared/uploads"
                try #require(chown(uploads, 33, 33) == 0 && chmod(uploads, mode) == 0)
                for name in ["a", "b"] { try tree.folder("uploads").file(.init(name), name) }
                try tree.folder("uploads").folder("new").file("c", "c")
                try tree.file("more", "x")
                for options in [["--dry-run"], []] {
                    let outcome = try await fleet.done(
                        "stage", tree.path, "--shared", "uploads", options.first ?? "--verbose")
                    let told = outcome.errors.split(separator: "\n").filter { $0.contains("shared/uploads") }
                    #expect(told.count == 1 && told[0].contains("www-data"), "\(outcome)")
                    #expect(outcome.errors.contains("not seeded") && outcome.errors.contains("setfacl"), "\(outcome)")
                    #expect(!outcome.errors.contains("seeded shared"), "\(outcome)")
                }
                try #require(chown(uploads, 65_534, 65_534) == 0)
                try tree.file("more", "and more")
                let outcome = try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(outcome.errors.contains("seeded shared/uploads (4 entries)"), "\(outcome)")
                #expect(exists(uploads + "/a") && exists(uploads + "/new/c"))
            }
        }

        @Test("where shared itself is another user's, folders and files are told, and the release goes on")
        func top() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench)
                try await fleet.release(firstTree(bench))
                let shared = fleet.root() + "/shared"
                try #require(chown(shared, 0, 0) == 0)
                let tree = try changedTree(bench)
                try tree.folder("var").folder("uploads").file("x", "x")
                try tree.file(".env", "KEY=1")
                let outcome = try await fleet.done("stage", tree.path, "--shared", "var/uploads", "--shared", ".env")
                for word in ["belongs to root", "setfacl", shared + "/var/uploads"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: shared) == [])
            }
        }

        @Test("what fails while it is seeded is told, and the release goes on")
        func late() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try tree.folder("uploads").file("x", Content.random(3_000_000, seed: 1))
                try tree.folder("uploads").file("y", "y")
                let unwilling = try bench.script(
                    "#!/bin/sh\nexec strace -f -qq -o /dev/null -e inject=linkat:error=EACCES:when=1 "
                        + "'\(Program.agent)' \"$@\"\n", to: "unwilling")
                let outcome = try await fleet.with("--remote-command", unwilling).done(
                    "stage", tree.path, "--shared", "uploads")
                #expect(
                    outcome.errors.contains("shared/uploads/x") && outcome.errors.contains("not seeded"), "\(outcome)")
                #expect(outcome.errors.contains("seeded shared/uploads (1 entry)"), "\(outcome)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: fleet.root() + "/shared/uploads") == ["y"])
                try tree.file("more", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(exists(fleet.root() + "/shared/uploads/x"))
            }
        }

        @Test(
            "an agent that is killed while it seeds leaves nothing in shared that the next stage does not remove",
            .enabled("tracing is not allowed here") { await Machine.canTrace() }, arguments: [true, false])
        func killed(_ hasProc: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try tree.folder("up").file("big", Content.random(3_000_000, seed: 1))
                let agent =
                    hasProc
                    ? "'\(Program.agent)' \"$@\""
                    : "unshare -m sh -c 'mount -t tmpfs none /proc && exec \"$0\" \"$@\"' '\(Program.agent)' \"$@\""
                let killer = try bench.script(
                    "#!/bin/sh\nexec strace -f -qq -o /dev/null -e trace=utimensat -e inject=utimensat:signal=KILL:when=1 "
                        + "\(agent)\n", to: "killer")
                _ = try await fleet.with("--remote-command", killer).call("stage", tree.path, "--shared", "up")
                let names = { try FileManager.default.contentsOfDirectory(atPath: fleet.root() + "/shared/up") }
                #expect(try names() == (hasProc ? [] : [".slotsync-seed"]))
                try await fleet.done("stage", tree.path, "--shared", "up")
                #expect(try names() == ["big"])
            }
        }
    }
}
