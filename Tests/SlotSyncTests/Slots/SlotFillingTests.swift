// Filling a slot, whole: whatever was in it and in the others, the release comes out. The controller is played by
// PairEncoder.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Filling a slot")
struct SlotFillingTests {
    /// Contents that repeat, resemble each other, are empty, have long runs of zeros, or take a frame by themselves.
    private static func contents(_ random: inout SeededGenerator) -> [[UInt8]] {
        var contents: [[UInt8]] = [[], Array("one".utf8)]
        for _ in 0..<6 {
            let basis = random.bytes(200 + random.below(6000))
            contents += [basis, edited(basis, edits: 2, using: &random)]
        }
        contents.append(random.bytes(3000) + [UInt8](repeating: 0, count: 150_000) + random.bytes(10))
        contents.append(random.bytes(400_000))
        return contents
    }

    @Test("release after release comes out as it is at its source", arguments: 1...6 as ClosedRange<UInt64>)
    func releases(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let contents = Self.contents(&random)
        let bench = try FillBench(slotCount: 2 + random.below(3))
        for round in 0..<7 {
            let hardLinks = random.below(2) == 0
            let model = ReleaseModel.random(contents: contents, hardLinks: hardLinks, using: &random)
            let source = try bench.source(model, hardLinks: hardLinks)
            let slot = bench.ring.status.next
            try bench.stage(source, level: random.below(2) * 6)
            #expect(
                try ReleaseModel(reading: bench.slotPath(slot)).differences(from: model) == [],
                "seed \(seed), round \(round)")
            let record = try #require(try bench.ring.record(of: slot))
            #expect(record.manifest.id == source.manifest.id)
            #expect(SlotInspection.isAsSealed(record, try bench.ring.openSlot(slot), parallelism: 2))
            if random.below(4) > 0 { try bench.flip() }
            try bench.reopen()
        }
    }

    @Test(
        "a slot that was edited by hand, or filled in part, becomes the release",
        arguments: 10...15 as ClosedRange<UInt64>)
    func disturbed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let contents = Self.contents(&random)
        let bench = try FillBench(slotCount: 3)
        func model() -> ReleaseModel { .random(contents: contents, using: &random) }
        try bench.stage(bench.source(model()))
        try bench.flip()
        try bench.stage(bench.source(model()))
        for round in 0..<5 {
            let slot = bench.ring.status.next
            if random.below(2) == 0 { try edit(slot, of: bench, &random) }
            if random.below(2) == 0 {
                // Interrupted at some point, by a crash: nothing is cleared.
                let fill = try bench.begin(bench.source(model()))
                if random.below(3) > 0 {
                    try fill.filler.prepare()
                    let frames = try bench.frames(fill.plan.needs, of: fill)
                    for frame in frames.prefix(random.below(frames.count + 1)) { try fill.applier.apply(frame) }
                }
                try bench.reopen()
                #expect(bench.ring.status[slot].state == .staging)
            }
            let wanted = model()
            try bench.stage(bench.source(wanted))
            #expect(
                try ReleaseModel(reading: bench.slotPath(slot)).differences(from: wanted) == [],
                "seed \(seed), round \(round)")
        }
    }

    /// What a person or a program might do in a slot.
    private func edit(_ slot: Int, of bench: FillBench, _ random: inout SeededGenerator) throws {
        let root = try bench.ring.openSlot(slot)
        var names: [String] = []
        try root.forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
        for name in names.sorted() {
            switch random.below(5) {
            case 0: try root.removeTree(name)
            case 1: try root.rename(name, to: "moved-\(name)")
            case 2 where try root.status(of: name).kind == .file:
                let file = try root.openFile(name, O_WRONLY | O_APPEND)
                try file.closeAfter { _ = try file.writeAll(Array("edited".utf8)) }
            default: continue
            }
        }
        let other = try root.openDirectory(".")
        if (try? other.status(of: "fifo")) == nil {
            _ = mkfifo(bench.slotPath(slot).appending("fifo").string, 0o644)
        }
        try other.makeDirectoryIfMissing("new", mode: 0o755)
    }

    @Test("where content comes whole, no basis is proposed, and no old file is moved aside for one")
    func wholeFiles() throws {
        var random = SeededGenerator(seed: 20)
        let old = random.bytes(5000)
        func model(_ content: [UInt8]) -> ReleaseModel {
            let time = Timestamp(seconds: 5, nanoseconds: 0)
            var model = ReleaseModel()
            model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
            model.nodes["page"] = .init(kind: .file(content), mode: 0o644, modified: time)
            return model
        }
        let bench = try FillBench(slotCount: 2)
        try bench.stageObsolete(bench.source(model(old)))
        let new = try bench.source(model(edited(old, edits: 2, using: &random)))
        let basis = ContentDigest(of: old)
        #expect(try bench.begin(new).plan.needs.map(\.basis) == [basis])
        try bench.reopen()
        let whole = try bench.begin(new, proposesBases: false).plan
        #expect(whole.needs.map(\.basis) == [nil] && whole.aside.isEmpty)
    }

    @Test("an obsolete file whose content is also left over in tmp goes")
    func leftover() throws {
        let bench = try FillBench(slotCount: 2)
        let content = [UInt8](repeating: 7, count: 3000)
        func model(_ paths: [String]) -> ReleaseModel {
            var model = ReleaseModel()
            let node = ReleaseModel.Node(
                kind: .file(content), mode: 0o644, modified: Timestamp(seconds: 5, nanoseconds: 0))
            model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: Timestamp(seconds: 6, nanoseconds: 0))
            for path in paths { model.nodes[path] = node }
            return model
        }
        try bench.stageObsolete(bench.source(model(["old"])))
        let file = try bench.ring.temporary.openFile(
            ContentDigest(of: content).description, O_WRONLY | O_CREAT, mode: 0o600)
        try file.closeAfter { _ = try file.writeAll(content) }
        let wanted = model(["new"])
        try bench.stage(bench.source(wanted))
        #expect(try ReleaseModel(reading: bench.slotPath(1)).differences(from: wanted) == [])
    }
}
