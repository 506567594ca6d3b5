// What a host gives up of an unfinished stage, so that it can go back where a quota is used up: the stage's own alone.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Room for the way back")
struct RoomForWayBackTests {
    @Test("what an unfinished stage wrote is given up, and what may be somebody's own stays")
    func giveUpStaged() throws {
        let bench = try FillBench(slotCount: 2)
        var model = ReleaseModel()
        let moment = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        model.nodes[""] = ReleaseModel.Node(kind: .directory, mode: 0o755, modified: moment)
        for name in ["done", "half", "users", "edited", "to-come"] {
            model.nodes[name] = ReleaseModel.Node(
                kind: .file(Array("the release's \(name)".utf8)), mode: 0o644, modified: moment)
        }
        let source = try bench.source(model)
        let fill = try bench.plan(source)
        try bench.ring.noteStaging(fill.target, over: nil, in: fill.slot.number)
        let slot = fill.slot.directory
        func write(_ name: String, _ text: String, mode: UInt32, isDated: Bool = false) throws {
            let file = try slot.openFile(name, O_WRONLY | O_CREAT, mode: mode)
            defer { try? file.close() }
            try Array(text.utf8).withUnsafeBytes { try file.writeFully($0, at: 0) }
            let entry = fill.target.entries[try #require(fill.target.entry(at: [Array(name.utf8)[...]]))]
            if isDated { try file.setModified(entry.modified) }
        }
        try write("done", "the release's done", mode: 0o644, isDated: true)
        try write("half", "the rel", mode: UInt32(SlotWriter.modeInTheMaking))
        try write("users", "by a user", mode: 0o600)
        try write("edited", "THE RELEASE'S EDITED", mode: 0o644, isDated: true)
        let told = try #require(bench.ring.giveUpStaged(sparing: 2))
        #expect(told.count == 1 && told[0].contains("slot \(fill.slot.number) has lost"))
        #expect(try Set(slot.names()) == ["users", "edited"])
        #expect(bench.ring.giveUpStaged(sparing: 2) == nil, "nothing of the stage's is left")
        let saved = "\(ContentDigest(high: 1, low: 2))"
        try bench.ring.temporary.openFile(saved, O_WRONLY | O_CREAT, mode: 0o600).close()
        #expect(bench.ring.giveUpStaged(sparing: 2) == [], "what was saved makes room, and nobody has to know")
        #expect(bench.ring.giveUpStaged(sparing: 2) == nil)
    }

    @Test("the record of a release is the last that is given up for an inode, and a person hears of it")
    func giveUpRecord() throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.temporary.openFile("\(ContentDigest(high: 1, low: 2))", O_WRONLY | O_CREAT, mode: 0o600).close()
        #expect(ring.giveUpFile(sparing: 1) == [])
        let told = try #require(ring.giveUpFile(sparing: 1))
        #expect(told.count == 1 && told[0].contains("the record of slot 2 was given up"), "\(told)")
        #expect(try ring.record(of: 2) == nil && ring.record(of: 1) != nil)
        #expect(ring.giveUpFile(sparing: 1) == nil)
    }
}
