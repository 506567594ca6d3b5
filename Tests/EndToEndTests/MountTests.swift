// What somebody mounts into a ring is not SlotSync's: no stage empties it, and the way back does not mind it.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Mounts in a ring", .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
    struct MountTests {
        @Test(
            "a slot in which something is mounted is not filled, and what is mounted keeps all it has",
            arguments: Mount.allCases)
        func slot(_ mount: Mount) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let (first, data) = (try releaseWithUploads(bench), try bench.tree("data"))
                try data.folder("photos").file("1.jpg", "by a user")
                try data.file("list", "precious")
                try await fleet.release(first)
                try await mount.make(from: data, in: fleet.slot(1))
                let before = try await snapshot(data.path)
                try await fleet.release(changedTree(bench))
                let state = try await snapshot(fleet.root() + "/.slotsync")
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                let path = fleet.slot(1) + "/" + mount.place
                #expect(outcome.isRefusal(naming: "h1", path, "umount", "shared"), "\(outcome)")
                #expect(try await snapshot(data.path) == before)
                #expect(try await snapshot(fleet.root() + "/.slotsync") == state, "\(outcome)")
                try #require(try await Program.run(["umount", path]).exitCode == 0)
                try await fleet.release(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
                #expect(try await snapshot(data.path) == before)
            }
        }

        @Test("a slot folder that something is mounted on is not filled")
        func slotFolder() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let data = try bench.tree("data")
                try data.file("list", "precious")
                try await fleet.release(firstTree(bench))
                try await bind(data.path, fleet.root() + "/current")
                try await fleet.release(changedTree(bench))
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", fleet.slot(1), "umount"), "\(outcome)")
                #expect(try data.content("list") == Array("precious".utf8))
            }
        }

        @Test(
            "what is mounted in the ring's own folder is not cleared away",
            arguments: ["", "/tmp", "/tmp/left", "/slots"])
        func ownFolder(_ place: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let data = try bench.tree("data")
                // So that the ring goes on where its own folder is covered by a copy.
                _ = try await Program.run(["cp", "-a", fleet.root() + "/.slotsync/.", data.path])
                try data.file("00112233445566778899aabbccddeeff", "precious")
                let point = fleet.root() + "/.slotsync" + place
                try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
                try await bind(data.path, point)
                let outcome = try await fleet.call("stage", changedTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", point, "umount"), "\(outcome)")
                #expect(exists(data.path + "/00112233445566778899aabbccddeeff"))
            }
        }

        @Test("a release in which something is mounted is still rolled back to")
        func rollback() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let data = try bench.tree("data")
                try data.file("list", "precious")
                try await fleet.release(releaseWithUploads(bench))
                try await bind(data.path, fleet.slot(1) + "/uploads")
                try await fleet.release(changedTree(bench))
                let outcome = try await fleet.call("rollback", "--force")
                #expect(fleet.current() == "slots/1", "\(outcome)")
                #expect(try data.content("list") == Array("precious".utf8))
            }
        }

        @Test(
            "verify names what is mounted in a slot, and tells what it hides from what it does not",
            arguments: Mount.allCases)
        func verified(_ mount: Mount) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let data = try bench.tree("data")
                // The same content as the release's is another file all the same.
                try data.file("list", try firstTree(bench).content("robots.txt"))
                try await fleet.release(releaseWithUploads(bench))
                try await mount.make(from: data, in: fleet.slot(1))
                let outcome = try await fleet.call("verify", "--json")
                let slot = try #require(try outcome.events().first { $0["event"] as? String == "slot" })
                let paths = try #require(slot["paths"] as? [String])
                #expect(outcome.exitCode == 1, "\(outcome)")
                switch mount {
                case .folder: #expect(paths == [#"a mount: "uploads""#] && slot["additions"] as? Int == 1, "\(outcome)")
                case .file: #expect(paths == [#"covered by a mount, unmount it: "robots.txt""#], "\(outcome)")
                case .fileSystem, .deepFolder:
                    #expect(paths.contains { $0.hasPrefix("added: \"assets/") }, "\(outcome)")
                }
            }
        }

        @Test("a folder of the release that something is mounted on is not called missing, and a flip there is refused")
        func covered() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let data = try bench.tree("data")
                let first = try await fleet.release(firstTree(bench))
                try await bind(data.path, fleet.slot(1) + "/assets")
                let verified = try await fleet.call("verify", "--json")
                let slot = try verified.events().first { $0["event"] as? String == "slot" }
                #expect(
                    slot?["paths"] as? [String] == [#"covered by a mount, unmount it: "assets""#], "\(verified)")
                try await fleet.release(changedTree(bench))
                let refused = try await fleet.call("flip", first)
                #expect(refused.isRefusal(naming: "h1", "assets", "umount \(fleet.slot(1))/assets"), "\(refused)")
                let back = try await fleet.done("rollback")
                #expect(fleet.current() == "slots/1" && back.errors.contains("umount"), "\(back)")
            }
        }

        @Test("a mount on an empty folder of a release refuses no flip")
        func beside() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(releaseWithUploads(bench))
                try await bind(bench.tree("data").path, fleet.slot(1) + "/uploads")
                try await fleet.release(changedTree(bench))
                let flip = try await fleet.done("flip", first)
                #expect(fleet.current() == "slots/1" && flip.errors.contains(#"a mount: "uploads""#), "\(flip)")
            }
        }

        @Test("a slot that something is mounted on has not lost what it had", arguments: [true, false])
        func hidden(isEmpty: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let data = try bench.tree("data")
                if !isEmpty { try data.file("list", "precious") }
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try await bind(data.path, fleet.slot(1))
                let back = try await fleet.call("rollback")
                #expect(back.exitCode == (isEmpty ? 1 : 0), "\(back)")
                #expect(back.errors.contains("umount \(fleet.slot(1))"), "\(back)")
                #expect(!back.errors.contains("lost") && !back.errors.contains("missing"), "\(back)")
                let verified = try await fleet.call("verify", "--slot", "1")
                #expect(verified.exitCode == 1 && verified.output.contains("umount"), "\(verified)")
                try #require(try await Program.run(["umount", fleet.slot(1)]).exitCode == 0)
                if isEmpty { try await fleet.done("rollback") }
                #expect(fleet.current() == "slots/1")
            }
        }

        @Test("a root, and its folder of slots, may be file systems of their own", arguments: ["", "/slots"])
        func ownFileSystem(_ place: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try FileManager.default.createDirectory(
                    atPath: fleet.root() + place, withIntermediateDirectories: true)
                try await Machine.mountMemory(size: 64 << 20, at: fleet.root() + place)
                for (slot, tree) in [(1, try firstTree(bench)), (2, try changedTree(bench)), (1, try firstTree(bench))]
                {
                    try await fleet.release(tree)
                    #expect(try await fleet.differences(tree, slot: slot) == "")
                }
            }
        }

        @Test("a mount is refused where /proc tells nothing of it", arguments: Mount.allCases)
        func withoutProc(_ mount: Mount) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let data = try bench.tree("data")
                try data.file("list", "precious")
                try await fleet.release(releaseWithUploads(bench))
                try await mount.make(from: data, in: fleet.slot(1))
                try await fleet.release(changedTree(bench))
                let blind = try bench.script(
                    "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none /proc && exec \"$0\" \"$@\"' \(Program.agent) \"$@\"\n",
                    to: "without-proc")
                let outcome = try await fleet.with("--remote-command", blind).call("stage", firstTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", fleet.slot(1) + "/" + mount.place, "umount"), "\(outcome)")
                #expect(try data.content("list") == Array("precious".utf8))
            }
        }
    }
}

/// What somebody mounts in a slot that holds `releaseWithUploads`.
enum Mount: CaseIterable, Sendable {
    case folder, fileSystem, deepFolder, file

    /// The mount point in the slot.
    var place: String {
        switch self {
        case .folder: "uploads"
        case .fileSystem: "assets/new"
        case .deepFolder: "assets/left/behind"
        case .file: "robots.txt"
        }
    }

    func make(from data: TreeMaker, in slot: String) async throws {
        let point = "\(slot)/\(place)"
        switch self {
        case .folder: try await bind(data.path, point)
        case .deepFolder, .fileSystem:
            try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
            if self == .deepFolder { return try await bind(data.path, point) }
            try await Machine.mountMemory(size: 1 << 20, at: point)
        case .file: try await bind(data.path + "/list", point)
        }
    }
}

private func releaseWithUploads(_ bench: Workbench) throws -> TreeMaker {
    let tree = try firstTree(bench)
    try tree.folder("uploads")
    return tree
}

private func bind(_ path: String, _ point: String) async throws {
    let outcome = try await Program.run(["mount", "--bind", path, point])
    guard outcome.exitCode == 0 else { throw SystemFailure("mount: \(outcome)") }
}
