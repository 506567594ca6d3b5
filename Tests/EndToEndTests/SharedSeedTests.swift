// Files and folders that outlive releases: what the source has there goes into `shared` once, never over anything.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Shared files and folders")
    struct SharedSeedTests {
        @Test("a shared file is seeded from the first release that has it, and never again")
        func file() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2, slots: 2)
                let tree = try firstTree(bench)
                try tree.file(".env", "KEY=first", mode: 0o640)
                let first = try await fleet.done("stage", tree.path, "--shared", ".env", "--shared", "uploads")
                #expect(first.errors.contains("seeded shared/.env"), "\(first)")
                try await fleet.done("flip")
                #expect(try text(fleet.root() + "/current/.env") == "KEY=first")
                #expect(try TreeMaker(at: fleet.root() + "/shared").status(".env").st_mode & 0o7777 == 0o640)
                #expect(exists(fleet.root("h2") + "/shared/uploads"))
                try tree.file(".env", "KEY=second")
                let second = try await fleet.done("stage", tree.path, "--shared", ".env", "--shared", "uploads")
                // The content of a shared path is no part of the release.
                #expect(second.lastLine == first.lastLine && !second.errors.contains("seeded"), "\(second)")
                #expect(try text(fleet.root() + "/shared/.env") == "KEY=first")
                try tree.file("more", "x")
                unlink(fleet.root() + "/shared/.env")
                let third = try await fleet.done("stage", tree.path, "--shared", ".env", "--shared", "uploads")
                #expect(!exists(fleet.root() + "/shared/.env"), "what was deleted does not come back")
                #expect(third.errors.contains("missing") && third.errors.contains("shared/.env"), "\(third)")
                #expect(try text(fleet.root("h2") + "/shared/.env") == "KEY=first")
            }
        }

        @Test("a shared folder gets what is missing in it, over nothing")
        func folder() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try firstTree(bench)
                let uploads = try tree.folder("var").folder("uploads")
                try uploads.file("default.png", Content.random(700_000, seed: 3))
                try uploads.file("empty", "")
                try uploads.folder("a", mode: 0o775).folder("b").file("c", "deep")
                try uploads.symlink("latest", to: "default.png")
                try await fleet.done("stage", tree.path, "--shared", "var/uploads")
                let shared = fleet.root() + "/shared/var/uploads"
                #expect(try await Rsync.differences(uploads.path, shared, flags: ["--omit-dir-times"]) == "")
                try TreeMaker(at: shared).file("a/b/c", "by a user")
                try TreeMaker(at: shared).remove("empty")
                try uploads.file("new", "new")
                try uploads.file("a/b/c", "another")
                try tree.file("index.html", "<h1>other</h1>")
                let outcome = try await fleet.done("stage", tree.path, "--shared", "var/uploads")
                #expect(try text(shared + "/new") == "new" && text(shared + "/a/b/c") == "by a user")
                #expect(!exists(shared + "/empty"), "what was deleted does not come back")
                #expect(outcome.errors.contains("shared/var/uploads (1 entry)"), "\(outcome)")
                let names = try FileManager.default.contentsOfDirectory(atPath: shared)
                #expect(!names.contains { $0.hasPrefix(".slotsync") }, "\(names)")
            }
        }

        @Test("a dry run says what would be seeded, and makes nothing")
        func dryRun() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try await fleet.release(tree)
                try tree.file(".env", "KEY=first")
                let outcome = try await fleet.done("stage", tree.path, "--shared", ".env", "--dry-run")
                #expect(outcome.errors.contains("would seed shared/.env"), "\(outcome)")
                #expect(!exists(fleet.root() + "/shared/.env"))
            }
        }

        @Test(
            "--shared is a file where the host has one; --shared-file is one though nobody has it yet",
            arguments: [true, false])
        func kinds(_ isConfigured: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try TreeMaker(at: fleet.root() + "/shared").file("local.php", "by hand")
                var options = ["--shared", "local.php", "--shared-file", "config/.env"]
                if isConfigured {
                    try bench.write("shared: local.php\nshared_files: [config/.env]\n", to: "slotsync.yml")
                    options = ["--verbose", "--no-owner", "--no-owner", "--no-owner"]
                }
                let outcome = try await fleet.done(
                    "stage", changedTree(bench).path, options[0], options[1], options[2], options[3])
                try await fleet.done("flip")
                #expect(try text(fleet.root() + "/current/local.php") == "by hand")
                #expect(!exists(fleet.root() + "/shared/config/.env") && exists(fleet.root() + "/shared/config"))
                #expect(outcome.errors.contains("missing") && outcome.errors.contains("config/.env"), "\(outcome)")
                try TreeMaker(at: fleet.root() + "/shared/config").file(".env", "KEY=1")
                #expect(try text(fleet.root() + "/current/config/.env") == "KEY=1")
            }
        }

        @Test(
            "a file here and a folder there is refused by name, before anything is touched", arguments: [true, false])
        func conflict(_ isFolderHere: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let tree = try changedTree(bench)
                let shared = try TreeMaker(at: fleet.root() + "/shared")
                if isFolderHere {
                    try shared.folder("data").file("x", "precious")
                    try tree.file("data", "x")
                } else {
                    try shared.file("data", "precious")
                    try tree.folder("data").file("x", "x")
                }
                let before = try await snapshot(fleet.root())
                let outcome = try await fleet.call("stage", tree.path, "--shared", "data")
                #expect(outcome.isRefusal(naming: "h1", fleet.root() + "/shared/data"), "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
            }
        }

        @Test(
            "no seed goes into what is mounted in shared; without the mount it does",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
        func mount() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let uploads = fleet.root() + "/shared/uploads"
                try FileManager.default.createDirectory(atPath: uploads, withIntermediateDirectories: true)
                try await Machine.mountMemory(size: 1 << 20, at: uploads)
                let tree = try changedTree(bench)
                try tree.folder("uploads").file("x", "x")
                let outcome = try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(outcome.errors.contains("is a mount") && outcome.errors.contains("not seeded"), "\(outcome)")
                #expect(!exists(uploads + "/x"))
                try #require(try await Program.run(["umount", uploads]).exitCode == 0)
                try tree.file("more", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(exists(uploads + "/x"))
            }
        }

        @Test("no seed goes through a link that somebody put into shared")
        func link() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let outside = try bench.tree("outside")
                try TreeMaker(at: fleet.root() + "/shared").symlink("uploads", to: .init(outside.path))
                let tree = try changedTree(bench)
                try tree.folder("uploads").file("x", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(!exists(outside.path + "/x"))
            }
        }
    }
}

private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
