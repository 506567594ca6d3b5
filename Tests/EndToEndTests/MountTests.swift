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
