// Somebody edited a slot by hand, and hid it well. It is put right when that slot is filled again, it spoils no other
// slot, and `verify` names it.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Slots edited by hand")
    struct HandEditTests {
        @Test("an edit of the same size with its time put back is put right", arguments: Edit.allCases)
        func retiredSlot(_ edit: Edit) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try edit.make(in: fleet.slot(1))
                try await fleet.release(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test("a slot that was ready and then edited is put right by staging again", arguments: Edit.allCases)
        func readySlot(_ edit: Edit) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.stage(firstTree(bench))
                try edit.make(in: fleet.slot(1))
                try await fleet.stage(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test(
            "the command that a refused flip names works as it is printed, also the one that --json tells",
            arguments: [false, true])
        func printedCommand(isJSON: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try FileManager.default.removeItem(atPath: "\(fleet.root())/current")
                try FileManager.default.createSymbolicLink(
                    atPath: "\(fleet.root())/current", withDestinationPath: bench.path)
                let refused = try await isJSON ? fleet.call("flip", "--json") : fleet.call("flip")
                #expect(refused.exitCode == 1, "\(refused)")
                let told =
                    try isJSON
                    ? refused.events().compactMap { $0["message"] as? String }.joined(separator: "\n") : refused.errors
                let commands = told.matches(of: /`slotsync (flip --force [^`]*)`/).map(\.output.1)
                #expect(Set(commands).count == 1, "\(refused)")
                let command = try #require(commands.first)
                let typed = try await Program.run(
                    ["sh", "-c", "exec '\(Program.slotsync)' \(command)"], in: bench.path)
                #expect(typed.exitCode == 0 && fleet.current() == "slots/1", "\(typed)")
            }
        }

        @Test("an edited live slot does not spoil the next one", arguments: Edit.allCases)
        func liveSlot(_ edit: Edit) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try edit.make(in: fleet.slot(1, of: "h2"))
                try await fleet.release(changedTree(bench))
                for host in fleet.hosts {
                    #expect(try await fleet.differences(changedTree(bench), slot: 2, of: host) == "")
                }
            }
        }

        @Test("a slot that shares its files with the live one by hard links is filled without touching them")
        func hardLinksToLive() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(changedTree(bench))
                try await fleet.release(firstTree(bench))
                try #require(
                    try await Program.run([
                        "sh", "-c", "rm -r \(fleet.slot(1)) && cp -al \(fleet.slot(2)) \(fleet.slot(1))",
                    ]).exitCode == 0)
                // The same contents at other times: but for one file, all that is to be done is to set times.
                let tree = try bench.tree("touched")
                try #require(
                    try await Program.run([
                        "sh", "-c",
                        "cp -r \(firstTree(bench).path)/. \(tree.path) && find \(tree.path) -exec touch -h -d 2001-02-03 {} +",
                    ]).exitCode == 0)
                try tree.file("new", "one file more")
                try await fleet.stage(tree)
                #expect(try await fleet.differences(firstTree(bench), slot: 2) == "")
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test("a link that was slipped in for a folder leads no byte out of the slot")
        func linkForFolder() async throws {
            try await Workbench.use { bench in
                try await expectNothingOutside(bench, Fleet(bench, slots: 2))
            }
        }

        @Test("a link that was slipped in for the slot itself leads no byte out of the root")
        func linkForSlot() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let outside = try bench.tree("outside")
                try outside.file("main.js", "precious")
                let before = try await snapshot(outside.path)
                let slots = try TreeMaker(at: fleet.root() + "/slots")
                try slots.rename("1", to: "moved-away")
                try slots.symlink("1", to: .init(outside.path))
                _ = try await fleet.call("stage", firstTree(bench).path)
                #expect(try await snapshot(outside.path) == before)
                #expect(fleet.current() == "slots/2")
            }
        }

        @Test("verify fails and names what was edited", arguments: Edit.allCases)
        func verify(_ edit: Edit) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try edit.make(in: fleet.slot(1))
                let outcome = try await fleet.call("verify")
                #expect(outcome.exitCode == 1)
                #expect((outcome.output + outcome.errors).contains(edit.path), "\(outcome)")
            }
        }

        @Test("verify names the host, and exits with 2 when other hosts are right")
        func verifyOneOfMany() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.release(firstTree(bench))
                try Edit.sameSize.make(in: fleet.slot(1, of: "h2"))
                let outcome = try await fleet.call("verify")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2"), "\(outcome)")
            }
        }

        @Test("verify --slot looks at that slot alone")
        func verifySlot() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try Edit.sameSize.make(in: fleet.slot(1))
                #expect(try await fleet.call("verify", "--slot", "1").exitCode == 1)
                #expect(try await fleet.call("verify", "--slot", "2").exitCode == 0)
            }
        }
    }
}

/// What a hand does to a slot that holds `firstTree`.
enum Edit: CaseIterable, Sendable {
    case sameSize, deletion, addition, mode, folderForFile, otherTarget

    /// The path that changed, within the slot.
    var path: String {
        switch self {
        case .sameSize: "assets/main.js"
        case .deletion: "robots.txt"
        case .addition: "assets/left-behind.txt"
        case .mode: "assets/logo.png"
        case .folderForFile: "index.html"
        case .otherTarget: "latest"
        }
    }

    func make(in slot: String) throws {
        let tree = try TreeMaker(at: slot)
        let assets = try tree.inside("assets")
        switch self {
        case .sameSize:
            let before = try assets.status("main.js")
            var content = try assets.content("main.js")
            content[content.count / 2] ^= 1
            try assets.file("main.js", content, modified: before.st_mtim)
        case .deletion: try tree.remove("robots.txt")
        case .addition: try assets.file("left-behind.txt", "x")
        case .mode: try assets.chmod("logo.png", 0o666)
        case .folderForFile:
            try tree.remove("index.html")
            try tree.folder("index.html").file("page", "x")
        case .otherTarget:
            try tree.remove("latest")
            try tree.symlink("latest", to: "/etc/passwd")
        }
    }
}

/// Puts a link in the place of a folder of the slot that is filled next, and stages over it: no byte goes to where it
/// leads.
func expectNothingOutside(_ bench: Workbench, _ fleet: Fleet) async throws {
    try await fleet.release(firstTree(bench))
    try await fleet.release(changedTree(bench))
    let outside = try bench.tree("outside")
    try outside.file("main.js", "precious")
    let before = try await snapshot(outside.path)
    let slot = try TreeMaker(at: fleet.slot(1))
    try slot.rename("assets", to: "moved-away")
    try slot.symlink("assets", to: .init(outside.path))
    try await fleet.release(firstTree(bench))
    #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
    #expect(try await snapshot(outside.path) == before)
}
