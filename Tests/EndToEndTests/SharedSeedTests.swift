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

        @Test("a release that is live already is seeded for and warned of like any other", arguments: [false, true])
        func again(isLive: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try tree.folder("uploads").file("a", "a")
                let sharing = fleet.with("--shared", "uploads", "--shared-file", ".env")
                try FileManager.default.createDirectory(
                    atPath: fleet.root() + "/shared", withIntermediateDirectories: true)
                try TreeMaker(at: fleet.root() + "/shared").file(".env", "KEY=1")
                let first = try await sharing.done("stage", tree.path)
                #expect(first.errors.contains("seeded shared/uploads") && !first.errors.contains("missing"), "\(first)")
                if isLive { try await fleet.done("flip") }
                try tree.file("uploads/b", "b")
                unlink(fleet.root() + "/shared/.env")
                let plan = try await sharing.done("stage", tree.path, "--dry-run")
                #expect(plan.errors.contains("would seed shared/uploads (1 entry)"), "\(plan)")
                let second = try await sharing.done("stage", tree.path)
                #expect(second.lastLine == first.lastLine, "the content of a shared path is no part of the release")
                #expect(second.errors.contains("seeded shared/uploads (1 entry)"), "\(second)")
                #expect(
                    second.errors.contains("shared files are missing") && second.errors.contains("shared/.env"),
                    "\(second)")
                #expect(try text(fleet.root() + "/shared/uploads/b") == "b")
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
                for name in ["x", "y", "z"] { try tree.folder("uploads").file(.init(name), "x") }
                try tree.folder("uploads").folder("deep").file("x", "x")
                let outcome = try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(outcome.errors.contains("is a mount") && outcome.errors.contains("not seeded"), "\(outcome)")
                #expect(outcome.errors.components(separatedBy: "is a mount").count == 2, "once for all: \(outcome)")
                #expect(!exists(uploads + "/x"))
                try #require(try await Program.run(["umount", uploads]).exitCode == 0)
                try tree.file("more", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads")
                #expect(exists(uploads + "/x"))
            }
        }

        @Test(
            "no seed goes through a link that somebody put into shared, and a warning says so",
            arguments: ["uploads", "var/uploads", "uploads/deep"])
        func link(_ place: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let outside = try bench.tree("outside")
                let path = fleet.root() + "/shared/" + place
                try FileManager.default.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outside.path)
                let tree = try changedTree(bench)
                let shared =
                    place == "var/uploads" ? try tree.folder("var").folder("uploads") : try tree.folder("uploads")
                try shared.file("x", "x")
                try shared.folder("deep").file("y", "y")
                let name = place == "var/uploads" ? place : "uploads"
                let outcome = try await fleet.done("stage", tree.path, "--shared", name)
                #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == [])
                let told = outcome.errors.split(separator: "\n").filter { $0.contains(path) }
                #expect(told.count == 1 && told[0].contains("link") && told[0].contains("not seeded"), "\(outcome)")
            }
        }

        @Test("a file behind a link in shared is as good as one there")
        func linkedFile() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let outside = try bench.tree("outside")
                try outside.file("env", "KEY=1")
                try TreeMaker(at: fleet.root() + "/shared").symlink(".env", to: .init(outside.path + "/env"))
                let tree = try changedTree(bench)
                try tree.file(".env", "KEY=first")
                let outcome = try await fleet.done("stage", tree.path, "--shared", ".env")
                #expect(!outcome.errors.contains("seeded"), "\(outcome)")
                try await fleet.done("flip")
                #expect(try text(fleet.root() + "/current/.env") == "KEY=1")
            }
        }

        @Test(
            "a shared path is a file where the source has one that it excludes, or a link to one",
            arguments: [true, false])
        func excluded(_ isLink: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                try bench.tree("outside").file("env", "KEY=secret")
                if isLink {
                    try tree.symlink(".env", to: .init(bench.tree("outside").path + "/env"))
                } else {
                    try tree.file(".env", "KEY=secret")
                }
                let outcome = try await fleet.done("stage", tree.path, "--shared", ".env", "--exclude", ".env")
                #expect(outcome.errors.contains("not seeded") && outcome.errors.contains("missing"), "\(outcome)")
                #expect(!exists(fleet.root() + "/shared/.env"), "neither as a folder nor with what is excluded")
                try FileManager.default.createDirectory(
                    atPath: fleet.root() + "/shared", withIntermediateDirectories: true)
                try TreeMaker(at: fleet.root() + "/shared").file(".env", "KEY=1")
                try await fleet.done("flip")
                #expect(try text(fleet.root() + "/current/.env") == "KEY=1")
                try tree.file("more", "x")
                let quiet = try await fleet.done("stage", tree.path, "--shared-file", ".env", "--exclude", ".env")
                #expect(!quiet.errors.contains("not seeded") && !quiet.errors.contains("missing"), "\(quiet)")
            }
        }
    }
}

private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
