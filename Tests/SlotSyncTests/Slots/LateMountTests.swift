// Something is mounted in a slot after it was looked at, while it is filled: no step enters the mount, or removes anything in
// it, with openat2 or by names.

import Glibc
import Subprocess
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A mount that comes while a slot is filled", .enabled("mounting is not allowed here") { await canMount() })
struct LateMountTests {
    /// Slot 1 holds `old/f` and `stays/f`; the release to come has `stays` alone, with other times and modes.
    private static func withScene(
        mountedOn place: String, _ body: (FillBench, FillBench.Fill, FilePath) throws -> Void
    ) async throws {
        let bench = try FillBench(slotCount: 2)
        func model(_ names: [String], seconds: Int64) -> ReleaseModel {
            let time = Timestamp(seconds: seconds, nanoseconds: 5)
            var model = ReleaseModel()
            model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
            for name in names {
                model.nodes[name] = .init(kind: .directory, mode: seconds == 1000 ? 0o755 : 0o711, modified: time)
                model.nodes["\(name)/f"] = .init(kind: .file([1, 2]), mode: 0o644, modified: time)
            }
            return model
        }
        // Slot 1 is filled again when both have been live.
        for names in [["old", "stays"], ["stays"]] {
            try bench.stage(bench.source(model(names, seconds: 1000)))
            try bench.flip()
        }
        let data = bench.folder.path("data")
        let top = try Directory(path: bench.folder.path(""))
        try top.makeDirectory("data", mode: 0o700)
        try top.openDirectory("data").makeDirectory("f", mode: 0o700)
        try bench.folder.write([7], to: "data/f/precious")
        try bench.folder.write([8], to: "data/list")
        let fill = try bench.begin(bench.source(model(["stays"], seconds: 2000)))
        let point = "\(bench.slotPath(1))/\(place)"
        try await mount(["--bind", data.string, point])
        defer { umount2(point, Int32(MNT_DETACH)) }
        try body(bench, fill, data)
    }

    @Test("it is neither emptied nor changed, and the stage says where it is", arguments: ["old", "stays"])
    func untouched(_ place: String) async throws {
        try await Self.withScene(mountedOn: place) { bench, fill, data in
            let before = try TreeWalk.walk(Directory(path: data), name: "data", options: WalkOptions(parallelism: 1))
            let message = errorMessage {
                try fill.filler.prepare()
                try fill.filler.finish()
            }
            #expect(message.contains("slots/1/\(place)") && message.contains("mounted"), "\(message)")
            let after = try TreeWalk.walk(Directory(path: data), name: "data", options: WalkOptions(parallelism: 1))
            #expect(before.statuses == after.statuses)
        }
    }

    @Test("a removal of a tree stops before it, and names it")
    func removal() async throws {
        try await Self.withScene(mountedOn: "old") { bench, _, data in
            var failure: TreeRemovalFailure?
            do { try bench.ring.slotsDirectory.removeTree("1") } catch let error as TreeRemovalFailure {
                failure = error
            }
            let (path, errno) = (String(decoding: failure?.path ?? [], as: UTF8.self), failure?.errno)
            #expect(path == "1/old")
            #expect(errno == .resourceBusy || errno == .improperLink)
            #expect(try Directory(path: data).openDirectory("f").names() == ["precious"])
        }
    }

    @Test("the table of mounts tells of it, whatever its name")
    func table() async throws {
        let bench = try FillBench()
        let slot = try bench.ring.openSlot(1)
        try slot.makeDirectory("a b\\c", mode: 0o755)
        let point = "\(bench.slotPath(1))/a b\\c"
        try await mount(["-t", "tmpfs", "none", point])
        defer { umount2(point, Int32(MNT_DETACH)) }
        #expect(MountTable.points(below: slot) == [Array("a b\\c".utf8)])
        #expect(throws: Errno.improperLink) { try slot.openDirectory("a b\\c") }
        #expect(throws: Errno.improperLink) { try slot.openDirectory(beneath: [Array("a b\\c".utf8)[...]]) }
        _ = try slot.openMountedDirectory("a b\\c")
    }
}

private func mount(_ arguments: [String]) async throws {
    let status = try await Subprocess.run(
        .name("mount"), arguments: Arguments(arguments), output: .discarded, error: .discarded
    ).terminationStatus
    guard status.isSuccess else { throw Errno.notPermitted }
}

private func canMount() async -> Bool {
    guard geteuid() == 0, let folder = try? TemporaryFolder() else { return false }
    defer { folder.remove() }
    guard (try? await mount(["-t", "tmpfs", "none", folder.path("").string])) != nil else { return false }
    umount2(folder.path("").string, Int32(MNT_DETACH))
    return true
}
