// Options that change what a release is made of.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Options of stage")
    struct StageOptionTests {
        @Test("--exclude leaves out what matches, as gitignore would")
        func exclude() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("page.html", "x")
                try tree.file("page.map", "x")
                let logs = try tree.folder("logs")
                try logs.file("today", "x")
                try logs.file("keep.map", "x")
                try await fleet.done(
                    "stage", tree.path, "--exclude", "*.map", "--exclude", "!keep.map", "--exclude", "/logs/today")
                let names = try await Program.run(["find", fleet.slot(1), "-mindepth", "1", "-printf", "%P\n"])
                #expect(names.lines.sorted() == ["logs", "logs/keep.map", "page.html"])
            }
        }

        @Test("--exclude-from reads patterns from a file")
        func excludeFrom() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let patterns = try bench.write("# not for the hosts\n\n*.js\n", to: "patterns")
                try await fleet.done("stage", firstTree(bench).path, "--exclude-from", patterns)
                #expect(!exists(fleet.slot(1) + "/assets/main.js"))
                #expect(exists(fleet.slot(1) + "/assets/logo.png"))
            }
        }

        @Test("--shared puts a link to the root's shared folder into the slot, and what is there outlives releases")
        func shared() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                for tree in [try firstTree(bench), try changedTree(bench), try firstTree(bench)] {
                    try await fleet.done("stage", tree.path, "--shared", "uploads")
                    try await fleet.done("flip")
                    let shared = try TreeMaker(at: fleet.root() + "/shared/uploads")
                    if !exists(shared.path + "/photo") { try shared.file("photo", "by a user") }
                    let photo = try String(contentsOfFile: fleet.root() + "/current/uploads/photo", encoding: .utf8)
                    #expect(photo == "by a user")
                }
                let link = try FileManager.default.destinationOfSymbolicLink(atPath: fleet.slot(1) + "/uploads")
                #expect(!link.hasPrefix("/"))
            }
        }

        @Test("--owner keeps owner and group", .enabled(if: Machine.isRoot, "needs root"))
        func owner() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try bench.tree("source")
                try tree.file("page", "x")
                try tree.folder("folder")
                try tree.symlink("link", to: "page")
                try tree.file("program", "x")
                for name in ["page", "folder", "link", "program"] {
                    try tree.chown(.init(name), user: 12_345, group: 23_456)
                }
                try tree.chmod("program", 0o4755)
                try await fleet.done("stage", tree.path, "--owner")
                #expect(try await fleet.differences(tree, slot: 1, flags: ["--numeric-ids"]) == "")
                try await fleet.done("flip")
                try tree.chown("page", user: 1, group: 2)
                try await fleet.done("stage", tree.path, "--owner")
                #expect(try await fleet.differences(tree, slot: 2, flags: ["--numeric-ids"]) == "")
            }
        }

        @Test("without --owner files belong to whoever the agent runs as", .enabled(if: Machine.isRoot, "needs root"))
        func noOwner() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("page", "x")
                try tree.chown("page", user: 12_345, group: 23_456)
                try await fleet.stage(tree)
                #expect(try TreeMaker(at: fleet.slot(1)).status("page").st_uid == 0)
            }
        }

        @Test("--hard-links makes one file of several names on the host")
        func hardLinks() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try bench.tree("source")
                try tree.file("one", "the same")
                try tree.hardLink("two", to: "one")
                try tree.hardLink("three", to: "one")
                try tree.file("alone", "the same")
                for slot in [1, 2] {
                    try tree.file("release", "\(slot)")
                    try await fleet.done("stage", tree.path, "--hard-links")
                    try await fleet.done("flip")
                    #expect(try await fleet.differences(tree, slot: slot, flags: ["-H"]) == "")
                    #expect(try TreeMaker(at: fleet.slot(slot)).status("two").st_nlink == 3)
                }
            }
        }

        @Test("without --hard-links each name is a file of its own")
        func noHardLinks() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("one", "the same")
                try tree.hardLink("two", to: "one")
                try await fleet.stage(tree)
                #expect(try TreeMaker(at: fleet.slot(1)).status("two").st_nlink == 1)
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test("--checksum sees a change that kept size and time")
        func checksum() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                let time = timespec(tv_sec: 1_600_000_000, tv_nsec: 0)
                try tree.file("index.html", "<h1>first</h1>", modified: time)
                try await fleet.release(tree)
                try tree.file("index.html", "<h1>FIRST</h1>", modified: time)
                try await fleet.done("stage", tree.path, "--checksum")
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }
    }
}
