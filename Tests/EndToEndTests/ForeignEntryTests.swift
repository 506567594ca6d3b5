// What others put into a slot, or change there, goes only when somebody was told, stays where that is asked for, or stops
// the stage.

import Foundation
import SystemPackage
import Testing

extension EndToEnd {
    @Suite("Entries of others in a slot")
    struct ForeignEntryTests {
        @Test("a stage says what others put there, and which files they changed, before it removes them")
        func removed() async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench)
                let outcome = try await fleet.done("stage", firstTree(bench).path)
                #expect(outcome.errors.contains("uploads/a.jpg") && outcome.errors.contains("cache/x"), "\(outcome)")
                #expect(outcome.errors.contains("3 entries that no stage put there"), "\(outcome)")
                #expect(
                    outcome.errors.contains("1 entry changed") && outcome.errors.contains("robots.txt"), "\(outcome)")
                #expect(outcome.errors.contains("h1") && outcome.errors.contains("removed"), "\(outcome)")
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test("a dry run says what would be removed, and --json has it as a warning of the host")
        func dryRun() async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench)
                let before = try await snapshot(fleet.root())
                let outcome = try await fleet.done("stage", firstTree(bench).path, "--dry-run", "--json")
                let warnings = try outcome.events().filter { $0["event"] as? String == "warning" }
                let messages = warnings.filter { $0["host"] as? String == "h1" }.compactMap { $0["message"] as? String }
                #expect(
                    messages.contains { $0.contains("uploads/a.jpg") && $0.contains("would be removed") }, "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
            }
        }

        @Test("nothing is said of a slot that is as it was sealed, nor of a release that was staged in part")
        func nothingForeign() async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetOfTwo(bench)
                let whole = try await fleet.done("stage", bigTree(bench).path)
                #expect(!whole.errors.contains("no stage put"), "\(whole)")
                try await fleet.done("stage", firstTree(bench).path)
                try await interruptStage(of: bigTree(bench), fleet)
                #expect(exists(fleet.slot(1) + "/big"))
                try TreeMaker(at: fleet.slot(1)).file("by-hand", "x")
                let third = try bench.tree("third")
                try third.file("index.html", "<h1>third</h1>")
                let other = try await fleet.done("stage", third.path)
                #expect(other.errors.contains("1 entry that no stage put there"), "\(other)")
                #expect(other.errors.contains("by-hand") && !other.errors.contains("big"), "\(other)")
            }
        }

        @Test(
            "what somebody changed after a stage was interrupted does not go in silence",
            arguments: ["robots.txt", "index.html", "new.txt", "assets/main.js"])
        func editedAfterInterruption(_ path: String) async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetOfTwo(bench)
                // This stage keeps two files, brings one and changes another, and is killed in the middle of it.
                let next = try bigTree(bench)
                try next.file("new.txt", "of the release")
                try next.folder("assets").file("main.js", "of the release, too")
                try next.file("robots.txt", TreeMaker(at: fleet.slot(1)).content("robots.txt"))
                try next.file("index.html", TreeMaker(at: fleet.slot(1)).content("index.html"))
                try await interruptStage(of: next, fleet)
                try TreeMaker(at: fleet.slot(1)).file(.init(path), "by a user", mode: 0o600)
                let refused = try await fleet.call("stage", next.path, "--refuse-foreign")
                #expect(refused.isRefusal(naming: "h1", path), "\(refused)")
                let outcome = try await fleet.done("stage", next.path)
                #expect(outcome.errors.contains("1 entry changed") && outcome.errors.contains(path), "\(outcome)")
                #expect(!outcome.errors.contains("big"), "\(outcome)")
                #expect(try await fleet.differences(next, slot: 1) == "")
            }
        }

        @Test(
            "what a power cut takes away of the files of an unfinished stage is nobody's edit",
            arguments: ["--keep-foreign", "--refuse-foreign"])
        func emptiedAfterInterruption(_ option: String) async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetOfTwo(bench)
                let next = try bigTree(bench)
                try next.file("new.txt", "of the release")
                try await interruptStage(of: next, fleet)
                // As ext4 leaves it: the time was on the disk, the content not yet.
                let path = fleet.slot(1) + "/new.txt"
                let source = next.path + "/new.txt"
                try "".write(toFile: path, atomically: false, encoding: .utf8)
                let late = try await fleet.call("stage", next.path, option)
                #expect(late.isRefusal(naming: "h1", "new.txt"), "an edit has a time of its own: \(late)")
                let touched = try await Program.run(["touch", "-r", source, path])
                #expect(touched.exitCode == 0, "\(touched)")
                let outcome = try await fleet.done("stage", next.path, option)
                #expect(!outcome.errors.contains("new.txt"), "\(outcome)")
                #expect(try await fleet.differences(next, slot: 1) == "")
            }
        }

        @Test("--keep-foreign leaves additions beside the release, in each stage, until they are no longer to be kept")
        func kept() async throws {
            try await Workbench.use { bench in
                let plain = try await fleetWithForeign(bench, edits: false)
                let fleet = plain.with("--keep-foreign")
                let paths = ["uploads/a.jpg", "uploads/deep/b.jpg", "cache/x"]
                for tree in [try firstTree(bench), try bigTree(bench), try firstTree(bench)] {
                    let outcome = try await fleet.done("stage", tree.path)
                    #expect(outcome.errors.contains("kept in slot 1"), "\(outcome)")
                    for path in paths { #expect(exists(fleet.slot(1) + "/" + path), "\(path)") }
                    let verified = try await plain.call("verify", "--slot", "1")
                    #expect(verified.output.contains(#"kept: "uploads/a.jpg""#), "\(verified)")
                    #expect(
                        verified.exitCode == 0 && verified.errors.contains("entries beside what was sealed"),
                        "\(verified)")
                    for kind in ["missing", "other"] { #expect(!verified.output.contains(kind), "\(verified)") }
                }
                let again = try await fleet.done("stage", firstTree(bench).path)
                #expect(again.errors.contains("ready already"), "\(again)")
                // What comes later may be an intruder's, beside what was kept too, until somebody says that it is to stay.
                try TreeMaker(at: fleet.slot(1)).inside("cache").file("shell.php", "by an intruder")
                let strange = try await plain.call("verify", "--slot", "1", "--json")
                let slot = try strange.events().first { $0["event"] as? String == "slot" }
                #expect(
                    strange.exitCode == 1 && slot?["additions"] as? Int == 6 && slot?["kept"] as? Int == 5, "\(strange)"
                )
                #expect(try await fleet.call("verify", "--slot", "1").exitCode == 0)
                #expect(try await plain.call("verify", "--slot", "1", "--refuse-foreign").exitCode == 1)
                unlink(fleet.slot(1) + "/cache/shell.php")
                // Once they are not to be kept, they do not go in silence.
                let outcome = try await plain.done("stage", firstTree(bench).path)
                #expect(outcome.errors.contains("uploads/a.jpg"), "\(outcome)")
                #expect(try await plain.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test(
            "a slot with kept additions is flipped to and rolled back from like any other, and keeps them in the next lap"
        )
        func keptLap() async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench, edits: false)
                let release = try await fleet.done("stage", firstTree(bench).path, "--keep-foreign").lastLine
                for _ in 1...2 {
                    let flip = try await fleet.done("flip", release)
                    #expect(fleet.current() == "slots/1" && flip.errors.contains("added: \"uploads\""), "\(flip)")
                    #expect(exists(fleet.root() + "/current/uploads/deep/b.jpg"))
                    try await fleet.done("rollback")
                    #expect(fleet.current() == "slots/2")
                }
                try await fleet.done("stage", bigTree(bench).path, "--keep-foreign")
                try await fleet.done("flip")
                #expect(fleet.current() == "slots/1" && exists(fleet.root() + "/current/big/0"))
                let kept = try String(contentsOfFile: fleet.root() + "/current/uploads/a.jpg", encoding: .utf8)
                #expect(kept == "by a user")
                try await fleet.done("rollback")
                #expect(fleet.current() == "slots/2")
            }
        }

        @Test("what is removed is said with --quiet, too, on standard error")
        func quiet() async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench)
                let outcome = try await fleet.done("stage", firstTree(bench).path, "--quiet")
                #expect(outcome.output == outcome.lastLine + "\n", "\(outcome)")
                let lines = outcome.errors.split(separator: "\n")
                #expect(lines.allSatisfy { $0.contains("warning: ") }, "\(outcome)")
                #expect(outcome.errors.contains("uploads/a.jpg") && outcome.errors.contains("removed"), "\(outcome)")
            }
        }

        @Test(
            "--keep-foreign refuses where the release has something at that path, or a file was edited",
            arguments: [true, false])
        func keptConflict(_ edits: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench, edits: edits)
                let tree = try firstTree(bench)
                if !edits { try tree.file("uploads", "a file where users have a folder") }
                let before = try await snapshot(fleet.slot(1))
                let outcome = try await fleet.call("stage", tree.path, "--keep-foreign")
                #expect(outcome.isRefusal(naming: "h1", edits ? "robots.txt" : "uploads"), "\(outcome)")
                #expect(try await snapshot(fleet.slot(1)) == before)
            }
        }

        @Test("--refuse-foreign, or `foreign: refuse`, changes nothing", arguments: [true, false])
        func refused(_ isOption: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try await fleetWithForeign(bench)
                if !isOption { try bench.write("foreign: refuse\n", to: "slotsync.yml") }
                let before = try await snapshot(fleet.root())
                let outcome = try await fleet.call(
                    "stage", firstTree(bench).path, isOption ? "--refuse-foreign" : "--verbose")
                #expect(outcome.isRefusal(naming: "h1", "uploads/a.jpg"), "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
                let removing = try await fleet.call("stage", firstTree(bench).path, "--remove-foreign")
                #expect(removing.exitCode == 0, "\(removing)")
            }
        }

        @Test("what stands in the ring's tmp and is not SlotSync's stays, and is named")
        func temporary() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let temporary = try TreeMaker(at: fleet.root() + "/.slotsync/tmp")
                try temporary.folder("backup").file("dump.sql", "precious")
                try temporary.folder("made").file("by-hand", "precious")
                let names: [FilePath] = [
                    "current.conf", "current.7", "site.output", "hook-notes", "reflink-probe-results",
                ]
                for name in names { try temporary.file(name, "precious") }
                // What is SlotSync's own goes.
                try temporary.symlink("current.4711", to: "slots/1")
                try temporary.file("after_flip.output", "x")
                let outcome = try await fleet.done("stage", changedTree(bench).path)
                #expect(outcome.errors.contains("backup"), "\(outcome)")
                let left = try FileManager.default.contentsOfDirectory(atPath: temporary.path)
                #expect(Set(left) == Set(names.map(\.string) + ["backup", "made"]))
                #expect(exists(temporary.path + "/backup/dump.sql") && exists(temporary.path + "/made/by-hand"))
            }
        }
    }
}

/// A fleet of two slots, both of which have a release.
private func fleetOfTwo(_ bench: Workbench, after change: (TreeMaker) throws -> Void = { _ in }) async throws -> Fleet {
    let fleet = try Fleet(bench, slots: 2)
    try await fleet.release(firstTree(bench))
    try change(TreeMaker(at: fleet.slot(1)))
    try await fleet.release(changedTree(bench))
    return fleet
}

/// A fleet of two slots, in whose next one users of the site left something.
private func fleetWithForeign(_ bench: Workbench, edits: Bool = true) async throws -> Fleet {
    try await fleetOfTwo(bench) { slot in
        let uploads = try slot.folder("uploads")
        try uploads.file("a.jpg", "by a user")
        try uploads.folder("deep").file("b.jpg", "by a user")
        try slot.inside("cache").file("x", "cached")
        if edits { try slot.file("robots.txt", "User-agent: nobody\n") }
    }
}

/// Stages a big tree, and kills both ends in the middle of it.
private func interruptStage(of tree: TreeMaker, _ fleet: Fleet) async throws {
    let steered = try SteeredAgent(fleet.bench, holding: "h1", after: 3_000_000)
    _ = try await fleet.with("--remote-command", steered.program).call("stage", tree.path) {
        try await steered.held()
        try steered.kill()
        $0.killGroup()
    }
    try await eventually("the agent never let go of the lock") { try await fleet.isUnlocked() }
}

/// Enough that a stage is held in the middle of it.
private func bigTree(_ bench: Workbench) throws -> TreeMaker {
    let tree = try bench.tree("big-release")
    let big = try tree.folder("big")
    for file in 0..<8 { try big.file(.init("\(file)"), Content.random(1_000_000, seed: UInt64(file) + 50)) }
    return tree
}
