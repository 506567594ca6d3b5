// Frames from a peer that means harm, or has an error: refused, and nothing lands outside of the slot.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Applying frames")
struct HostileFrameTests {
    /// `big/file` has to come over the wire, `small` too; `live` is a basis in the live slot.
    private struct Scene {
        var bench: FillBench
        var fill: FillBench.Fill
        var file: Int
        let basis: [UInt8]
        let content: [UInt8]

        init() throws {
            var random = SeededGenerator(seed: 1)
            basis = random.bytes(5000)
            content = edited(basis, edits: 1, using: &random)
            bench = try FillBench(slotCount: 2)
            try bench.stage(bench.source(Self.model(basis)))
            try bench.flip()
            fill = try bench.begin(bench.source(Self.model(content)))
            file = try #require(fill.target.entry(at: [Array("dir".utf8)[...], Array("file".utf8)[...]]))
            #expect(fill.plan.needs == [Need(entry: UInt32(file), basis: ContentDigest(of: basis))])
        }

        static func model(_ content: [UInt8]) -> ReleaseModel {
            let time = Timestamp(seconds: 9, nanoseconds: 9)
            var model = ReleaseModel()
            model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
            model.nodes["dir"] = .init(kind: .directory, mode: 0o755, modified: time)
            model.nodes["dir/file"] = .init(kind: .file(content), mode: 0o644, modified: time)
            return model
        }

        /// A frame of items with these instructions.
        func frame(_ items: (PatchItem, [DeltaInstruction])...) -> DeflatedPart {
            var writer = ByteWriter()
            for (item, instructions) in items {
                writer.append(item)
                var piece = InstructionWriter()
                content.withUnsafeBytes { bytes in for step in instructions { piece.append(step, of: bytes) } }
                piece.endItem()
                writer.append(piece.takeBytes())
            }
            return DeflatedPart(length: writer.count, isDeflated: false, bytes: writer.bytes)
        }

        func item(_ offset: Int, _ length: Int, usesBasis: Bool = false) -> PatchItem {
            PatchItem(entry: file, usesBasis: usesBasis, offset: UInt64(offset), length: UInt64(length))
        }
    }

    @Test("pieces in their order make the file")
    func pieces() throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        let count = scene.content.count
        try scene.fill.applier.apply(scene.frame((scene.item(0, 100), [.literal(at: 0, length: 100)])))
        try scene.fill.applier.apply(
            scene.frame((scene.item(100, count - 100), [.literal(at: 100, length: count - 100)])))
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)) == Scene.model(scene.content))
    }

    @Test("differences are added to the basis, byte by byte")
    func differences() throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        let count = scene.content.count
        let shared = min(count, scene.basis.count)
        var steps: [DeltaInstruction] = []
        scene.content.withUnsafeBytes { content in
            scene.basis.withUnsafeBytes { steps.append(add: 0..<shared, of: content, to: $0, diagonal: 0) }
            steps.append(literal: shared..<count, of: content)
        }
        try scene.fill.applier.apply(scene.frame((scene.item(0, count, usesBasis: true), steps)))
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)) == Scene.model(scene.content))
    }

    @Test("what was not asked for, comes in the wrong order, or is too long is refused")
    func refused() throws {
        let scene = try Scene()
        try scene.fill.filler.prepare()
        let count = scene.content.count
        let all = [DeltaInstruction.literal(at: 0, length: count)]
        var wrong = scene.item(0, count)
        wrong.entry = 1
        let bad: [DeflatedPart] = [
            scene.frame((wrong, all)),
            scene.frame((PatchItem(entry: 1 << 20, usesBasis: false, offset: 0, length: 1), [])),
            scene.frame((scene.item(1, count - 1), [.literal(at: 0, length: count - 1)])),
            scene.frame((scene.item(0, count + 1), all)),
            scene.frame((scene.item(count, 1), [.literal(at: 0, length: 1)])),
            DeflatedPart(length: PatchFrameLimits.longestFrame + 1, isDeflated: true, bytes: [1, 2, 3]),
        ]
        for frame in bad {
            #expect(errorCode { try scene.fill.applier.apply(frame) } == .protocolViolation)
            #expect(try ReleaseModel(reading: scene.bench.slotPath(2)).nodes["dir/file"] == nil)
        }
    }

    @Test("a piece again, or twice the same file, is refused")
    func again() throws {
        let scene = try Scene()
        try scene.fill.filler.prepare()
        let piece = scene.frame((scene.item(0, 100), [.literal(at: 0, length: 100)]))
        try scene.fill.applier.apply(piece)
        #expect(errorCode { try scene.fill.applier.apply(piece) } == .protocolViolation)
        #expect(errorCode { try scene.fill.applier.finish() } == .protocolViolation, "the file is not whole")
    }

    @Test("instructions that do not make what their item says are refused")
    func instructions() throws {
        let steps: [[DeltaInstruction]] = [
            [], [.literal(at: 0, length: 101)], [.literal(at: 0, length: 99)],
            [.add(to: 4996, length: 8, differences: 1)], [.copy(from: 0, length: 200)], [.zeros(1 << 40)],
        ]
        for step in steps {
            let scene = try Scene()
            try scene.fill.filler.prepare()
            let frame = scene.frame((scene.item(0, 100, usesBasis: true), step))
            #expect(errorCode { try scene.fill.applier.apply(frame) } == .corrupt)
        }
    }

    @Test("what is copied from beyond the basis comes again in the repair round, whatever comes behind it in the frame")
    func beyondBasis() throws {
        let count = try Scene().content.count
        let whole = [DeltaInstruction.literal(at: 0, length: count)]
        let far: [[DeltaInstruction]] = [
            [.copy(from: 4990, length: 100), .literal(at: 100, length: count - 100)],
            [.add(to: 4996, length: 8, differences: 1), .literal(at: 8, length: count - 8)],
            [.copy(from: 1 << 40, length: UInt64(count))], [.copy(from: 1 << 63, length: UInt64(count))],
        ]
        for steps in far {
            for isCut in [false, true] {
                var scene = try Scene()
                try scene.fill.filler.prepare()
                if isCut {
                    // In pieces: the first one is from beyond the basis.
                    let first = Int(steps[0].length)
                    try scene.fill.applier.apply(scene.frame((scene.item(0, first, usesBasis: true), [steps[0]])))
                    let rest = [DeltaInstruction.literal(at: first, length: count - first)]
                    if first < count {
                        try scene.fill.applier.apply(
                            scene.frame((scene.item(first, count - first, usesBasis: true), rest)))
                    }
                } else {
                    try scene.fill.applier.apply(scene.frame((scene.item(0, count, usesBasis: true), steps)))
                }
                #expect(scene.fill.applier.damaged == [scene.file])
                scene.fill.applier.expect([Need(entry: UInt32(scene.file), basis: nil)])
                try scene.fill.applier.apply(scene.frame((scene.item(0, count), whole)))
                try scene.fill.applier.finish()
                #expect(scene.fill.applier.damaged.isEmpty)
            }
        }
    }

    @Test("without a basis, copies are refused")
    func copyWithoutBasis() throws {
        let scene = try Scene()
        try scene.fill.filler.prepare()
        let frame = scene.frame((scene.item(0, 100), [.copy(from: 0, length: 100)]))
        #expect(errorCode { try scene.fill.applier.apply(frame) } == .corrupt)
    }

    @Test("content that is not what was announced is removed, and comes again in the repair round")
    func damaged() throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        try scene.fill.applier.apply(scene.frame((scene.item(0, scene.content.count), [.zeros(scene.content.count)])))
        #expect(scene.fill.applier.damaged == [scene.file])
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)).nodes["dir/file"] == nil)
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)) == Scene.model(scene.content))
    }

    @Test("a basis that was changed, or is gone, is made good by the repair round", arguments: [true, false])
    func damagedBasis(isGone: Bool) throws {
        var scene = try Scene()
        try scene.fill.filler.prepare()
        let frames = try scene.bench.frames(scene.fill.plan.needs, of: scene.fill)
        let folder = try scene.bench.ring.openSlot(1).openDirectory("dir")
        if isGone {
            try folder.remove("file")
        } else {
            let file = try folder.openFile("file", O_WRONLY)
            try file.closeAfter { _ = try file.writeAll([UInt8](repeating: 1, count: 4000)) }
        }
        for frame in frames { try scene.fill.applier.apply(frame) }
        #expect(scene.fill.applier.damaged == [scene.file])
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)) == Scene.model(scene.content))
    }

    @Test("a link that is raced into the slot leads no byte outside", arguments: ["dir", "dir/file"])
    func raced(path: String) throws {
        let scene = try Scene()
        try scene.fill.filler.prepare()
        let outside = try Directory(path: scene.bench.folder.path(""))
        try outside.makeDirectory("outside", mode: 0o755)
        try scene.bench.folder.write(Array("precious".utf8), to: "outside/file")
        let slot = try scene.bench.ring.openSlot(2)
        if path == "dir" {
            // As an agent that has not opened the folder yet.
            try slot.removeTree("dir")
            try slot.makeSymbolicLink("dir", to: "../../../outside")
        } else {
            try slot.openDirectory("dir").makeSymbolicLink("file", to: "../../../../outside/new")
        }
        let fresh = SlotFiller(
            scene.fill.slot, of: scene.bench.ring, actual: scene.fill.actual, plan: scene.fill.plan,
            records: SlotRecords(of: scene.bench.ring), leftovers: [], setsOwner: false)
        let applier = FrameApplier(writer: fresh.writer, sources: fresh.sources, needs: scene.fill.plan.needs)
        let count = scene.content.count
        let frame = scene.frame((scene.item(0, count), [.literal(at: 0, length: count)]))
        #expect(errorCode { try applier.apply(frame) } == .system)
        #expect(try ReleaseModel(reading: scene.bench.folder.path("outside")).nodes.keys.sorted() == ["", "file"])
        #expect(try scene.bench.folder.read("outside/file") == Array("precious".utf8))
        #expect(errorCode { try fresh.finish() } == (path == "dir" ? .system : nil))
        #expect(errorCode { _ = try SlotSealer.record(of: scene.fill.slot) } != nil)
    }

    @Test("a file that is written to between filling and sealing is not sealed")
    func editedBeforeSeal() throws {
        let scene = try Scene()
        try scene.fill.filler.prepare()
        for frame in try scene.bench.frames(scene.fill.plan.needs, of: scene.fill) {
            try scene.fill.applier.apply(frame)
        }
        try scene.fill.filler.finish()
        let file = try scene.bench.ring.openSlot(2).openDirectory("dir").openFile("file", O_WRONLY)
        try file.closeAfter { _ = try file.writeAll([scene.content[0] ^ 1]) }
        #expect(
            errorCode { _ = try SlotSealer.record(of: scene.fill.slot) } == .verification)
    }
}
