// What somebody else does in a slot while it is filled, between one step and the next: it is put right or refused, and
// nothing outside of the slot changes.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A slot that is disturbed while it is filled")
struct DisturbedStageTests {
    /// Slot 1 holds `dir/kept`, `dir/sub/kept` and `made`; the release to come has other times and another `made`.
    private struct Scene {
        var bench: FillBench
        var fill: FillBench.Fill
        let wanted: ReleaseModel
        let outside: FilePath

        init(newTimes: Bool = true) throws {
            bench = try FillBench(slotCount: 2)
            try bench.stageObsolete(bench.source(Self.model("old", seconds: 1000)))
            wanted = Self.model("new", seconds: newTimes ? 2000 : 1000)
            outside = bench.folder.path("outside")
            try Directory(path: bench.folder.path("")).makeDirectory("outside", mode: 0o755)
            try bench.folder.write(Array("same".utf8), to: "outside/kept")
            fill = try bench.begin(bench.source(wanted))
        }

        static func model(_ made: String, seconds: Int64) -> ReleaseModel {
            let time = Timestamp(seconds: seconds, nanoseconds: 5)
            var model = ReleaseModel()
            for folder in ["", "dir", "dir/sub", "quiet"] {
                model.nodes[folder] = .init(kind: .directory, mode: 0o755, modified: time)
            }
            for (path, content) in [("dir/kept", "same"), ("dir/sub/kept", "same"), ("made", made), ("quiet/f", "f")] {
                model.nodes[path] = .init(kind: .file(Array(content.utf8)), mode: 0o644, modified: time)
            }
            return model
        }

        var slot: Directory { get throws { try bench.ring.openSlot(1) } }

        mutating func applyFrames() throws {
            for frame in try bench.frames(fill.plan.needs, of: fill) { try fill.applier.apply(frame) }
        }
    }

    @Test("undisturbed, it becomes the release", arguments: [true, false])
    func undisturbed(newTimes: Bool) throws {
        var scene = try Scene(newTimes: newTimes)
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(1)).differences(from: scene.wanted) == [])
    }

    @Test("what is right is not touched")
    func leftAlone() throws {
        var scene = try Scene(newTimes: false)
        func statuses() throws -> [FileStatus] {
            let dir = try scene.slot.openDirectory("dir")
            return try [dir.status(), dir.status(of: "kept"), dir.status(of: "sub")]
        }
        let before = try statuses()
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        try scene.bench.finish(&scene.fill)
        #expect(try statuses() == before)
    }

    @Test(
        "what comes into a folder, or goes from it, is noticed at the seal", arguments: ["dir", "dir/sub", "quiet", ""])
    func foreignEntry(folder: String) throws {
        var scene = try Scene(newTimes: false)
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        if folder.isEmpty { try scene.fill.filler.finish() }
        // As after any pause: the file clock has moved on since the stage began.
        waitUntilSettled(.fileClock)
        try scene.bench.folder.write(Array("x".utf8), to: "root/slots/1/\(folder)/foreign")
        if !folder.isEmpty { try scene.fill.filler.finish() }
        #expect(errorCode { _ = try SlotSealer.record(of: scene.fill.slot) } == .verification)
        // The next stage puts it right.
        try scene.bench.reopen()
        try scene.bench.stage(scene.fill.source)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(1)).differences(from: scene.wanted) == [])
    }

    @Test("a folder that does not keep its time is sealed if it has its names and no other")
    func folderWithoutItsTime() throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        try scene.fill.filler.finish()
        try scene.slot.setModified(of: "dir", to: .now)
        let record = try SlotSealer.record(of: scene.fill.slot)
        #expect(SlotInspection.isAsSealed(record, try scene.slot))
    }

    @Test("a mode that is changed behind our back is noticed at the seal", arguments: ["dir", "dir/kept", "made"])
    func mode(path: String) throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        try scene.fill.filler.finish()
        #expect(chmod(scene.bench.slotPath(1).string + "/\(path)", 0o700) == 0)
        #expect(errorCode { _ = try SlotSealer.record(of: scene.fill.slot) } == .verification)
    }

    @Test("a link in place of a folder leads to nothing outside, whenever it is put there", arguments: 0...2)
    func linkForFolder(moment: Int) throws {
        var scene = try Scene()
        let outside = try Directory(path: scene.outside)
        let before = try [outside.status(), outside.status(of: "kept")]
        func slipIn() throws {
            try scene.slot.rename("dir", to: "moved-away")
            try scene.slot.makeSymbolicLink("dir", to: "../../../outside")
        }
        var code: SlotSyncError.Code?
        if moment == 0 { try slipIn() }
        code = errorCode { try scene.fill.filler.prepare() }
        if code == nil {
            try scene.applyFrames()
            if moment == 1 { try slipIn() }
            code = errorCode { try scene.fill.filler.finish() }
        }
        if code == nil {
            if moment == 2 { try slipIn() }
            code = errorCode { _ = try SlotSealer.record(of: scene.fill.slot) }
        }
        #expect(code == (moment == 0 ? .system : .verification))
        #expect(try [outside.status(), outside.status(of: "kept")] == before)
    }

    @Test("a folder that is replaced by an empty one is not sealed")
    func replacedFolder() throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        try scene.applyFrames()
        try scene.fill.filler.finish()
        let (slot, time) = try (scene.slot, Timestamp(seconds: 2000, nanoseconds: 5))
        try slot.rename("quiet", to: "moved-away")
        try slot.makeDirectory("quiet", mode: 0o755)
        try slot.setModified(of: "quiet", to: time)
        try slot.descriptor.setModified(time)
        #expect(errorCode { _ = try SlotSealer.record(of: scene.fill.slot) } == .system)
    }
}

/// A process writes to a file of the slot after that was looked at, and puts its time back.
@Suite("A file that is written to while its slot is filled")
struct WrittenMeanwhileTests {
    /// The release to come has `from` as `to`, other times if they are `newTimes`, and the rest as it is.
    private static func models(newTimes: Bool) -> (old: ReleaseModel, new: ReleaseModel) {
        func model(_ moved: String, seconds: Int64) -> ReleaseModel {
            let time = Timestamp(seconds: seconds, nanoseconds: 5)
            var model = ReleaseModel()
            for folder in ["", "dir"] { model.nodes[folder] = .init(kind: .directory, mode: 0o755, modified: time) }
            for (path, content) in [("dir/kept", "kept"), (moved, "moved"), ("twin", "twin")] {
                model.nodes[path] = .init(kind: .file(Array(content.utf8)), mode: 0o644, modified: time)
            }
            model.nodes["dir/link"] = .init(kind: .link("kept"), mode: 0o777, modified: time)
            return model
        }
        var new = model("to", seconds: newTimes ? 2000 : 1000)
        new.nodes["dir/second"] = new.nodes["twin"]
        return (model("from", seconds: 1000), new)
    }

    private static func write(_ text: String, to path: String, below bench: FillBench) throws {
        let file = try FileDescriptor.open(bench.folder.path("root/\(path)"), .writeOnly)
        defer { try? file.close() }
        let time = try file.status().modified
        _ = try file.writeAll(Array(text.utf8))
        try file.setModified(time)
    }

    @Test(
        "its new content is neither kept, nor moved, nor copied, and the slot becomes the release",
        arguments: ["from", "dir/kept", "dir/link", "tmp", "twin"])
    func written(_ place: String) throws {
        let bench = try FillBench(slotCount: 2)
        let (old, new) = Self.models(newTimes: true)
        try bench.stageObsolete(bench.source(old))
        var fill = try bench.plan(bench.source(new))
        switch place {
        case "tmp": break
        case "dir/link":
            let dir = try bench.ring.openSlot(1).openDirectory("dir")
            try dir.remove("link")
            try dir.makeSymbolicLink("link", to: "else")
        default:
            try Self.write(
                place == "from" ? "MOVED" : place == "twin" ? "TWIN" : "KEPT", to: "slots/1/\(place)", below: bench)
        }
        try fill.filler.moveAside()
        if place == "tmp" {
            let digest = ContentDigest(of: Array("moved".utf8))
            try Self.write("MOVED", to: ".slotsync/tmp/\(digest)", below: bench)
        }
        try fill.filler.prepare()
        for frame in try bench.frames(fill.plan.needs, of: fill) { try fill.applier.apply(frame) }
        try bench.finish(&fill)
        #expect(try ReleaseModel(reading: bench.slotPath(1)).differences(from: new) == [])
    }

    @Test(
        "a file that the release does not have is told of before it goes, or stays where nothing is to go",
        arguments: [true, false])
    func obsolete(mayGo: Bool) throws {
        let bench = try FillBench(slotCount: 2)
        var (old, new) = Self.models(newTimes: true)
        old.nodes["dir/gone"] = .init(
            kind: .file(Array("gone".utf8)), mode: 0o644, modified: Timestamp(seconds: 1000, nanoseconds: 5))
        try bench.stageObsolete(bench.source(old))
        var told: [String] = []
        var fill = try bench.plan(bench.source(new), late: LateEntries(mayGo: mayGo) { told.append($0) })
        try fill.filler.moveAside()
        try Self.write("GONE", to: "slots/1/dir/gone", below: bench)
        let path = "root/slots/1/dir/gone"
        if mayGo {
            try fill.filler.prepare()
            #expect(
                told.count == 1 && told.first?.contains("dir/gone\" is removed, though somebody") == true, "\(told)")
            for frame in try bench.frames(fill.plan.needs, of: fill) { try fill.applier.apply(frame) }
            try bench.finish(&fill)
            #expect(try ReleaseModel(reading: bench.slotPath(1)).differences(from: new) == [])
        } else {
            #expect(errorCode { try fill.filler.prepare() } == .notReady)
            #expect(try bench.folder.read(path) == Array("GONE".utf8) && told == [])
        }
    }

    @Test("what nobody has to touch is not sealed with it", arguments: ["dir/kept", "dir/link"])
    func untouched(_ place: String) throws {
        let bench = try FillBench(slotCount: 2)
        let (old, new) = Self.models(newTimes: false)
        try bench.stageObsolete(bench.source(old))
        var fill = try bench.plan(bench.source(new))
        try fill.filler.moveAside()
        try fill.filler.prepare()
        let dir = try bench.ring.openSlot(1).openDirectory("dir")
        if place == "dir/kept" {
            try Self.write("KEPT", to: "slots/1/dir/kept", below: bench)
        } else {
            try dir.remove("link")
            try dir.makeSymbolicLink("link", to: "else")
            try dir.setModified(of: "link", to: Timestamp(seconds: 1000, nanoseconds: 5))
        }
        for frame in try bench.frames(fill.plan.needs, of: fill) { try fill.applier.apply(frame) }
        #expect(errorCode { try bench.finish(&fill) } == .verification)
    }
}

@Suite("The check of a sealed slot")
struct SealCheckTests {
    private static func sealed() throws -> (FillBench, SlotRecord) {
        let bench = try FillBench(slotCount: 2)
        var random = SeededGenerator(seed: 8)
        var model = ReleaseModel.random(contents: [random.bytes(100)], using: &random)
        let time = Timestamp(seconds: 7, nanoseconds: 7)
        model.nodes["dir"] = .init(kind: .directory, mode: 0o755, modified: time)
        model.nodes["dir/file"] = .init(kind: .file(Array("content".utf8)), mode: 0o644, modified: time)
        model.nodes["dir/link"] = .init(kind: .link("file"), mode: 0o777, modified: time)
        try bench.stageObsolete(bench.source(model))
        return (bench, try #require(try bench.ring.record(of: 1)))
    }

    @Test("an untouched slot is as it was sealed")
    func untouched() throws {
        let (bench, record) = try Self.sealed()
        #expect(SlotInspection.isAsSealed(record, try bench.ring.openSlot(1)))
    }

    /// Each hides itself as well as it can: times are put back.
    enum Disturbance: CaseIterable {
        case content, mode, addition, removal, replacedFile, movedFolderBehindLink, otherLink, rootMode

        func perform(in slot: Directory) throws {
            let dir = try slot.openDirectory("dir")
            let (dirStatus, fileStatus) = try (dir.status(), dir.status(of: "file"))
            switch self {
            case .content:
                let file = try dir.openFile("file", O_WRONLY)
                try file.closeAfter { _ = try file.writeAll(Array("CONTENT".utf8)) }
            case .mode: try dir.setMode(of: "file", to: 0o600)
            case .addition: try dir.openFile("new", O_WRONLY | O_CREAT, mode: 0o644).close()
            case .removal: try dir.remove("link")
            case .replacedFile:
                let file = try dir.openFile("other", O_WRONLY | O_CREAT, mode: 0o644)
                try file.closeAfter { _ = try file.writeAll(Array("content".utf8)) }
                try dir.rename("other", to: "file")
            case .movedFolderBehindLink:
                // All of its entries are what they were, by the same path.
                try slot.rename("dir", to: "../../moved", in: slot)
                try slot.makeSymbolicLink("dir", to: "../../moved")
            case .otherLink:
                try dir.remove("link")
                try dir.makeSymbolicLink("link", to: "else")
                try dir.setModified(of: "link", to: Timestamp(seconds: 7, nanoseconds: 7))
            case .rootMode: try slot.descriptor.setMode(0o700)
            }
            try? dir.setModified(of: "file", to: fileStatus.modified)
            try dir.descriptor.setModified(dirStatus.modified)
        }
    }

    @Test("every change shows, however well it is hidden", arguments: Disturbance.allCases)
    func disturbed(_ disturbance: Disturbance) throws {
        let (bench, record) = try Self.sealed()
        let slot = try bench.ring.openSlot(1)
        let time = try slot.status().modified
        try disturbance.perform(in: slot)
        try slot.descriptor.setModified(time)
        #expect(!SlotInspection.isAsSealed(record, slot))
    }
}
