// Old content that cannot be read, or is no longer what it was, while a slot is filled: it counts as absent, and what
// was to be made of it comes from the controller. UnreadableBasisTests has the same with a disk that gives errors.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Old content that cannot be read")
struct UnreadableSourceTests {
    private static func model(_ files: [String: [UInt8]]) -> ReleaseModel {
        let time = Timestamp(seconds: 9, nanoseconds: 9)
        var model = ReleaseModel()
        model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
        for (path, content) in files { model.nodes[path] = .init(kind: .file(content), mode: 0o644, modified: time) }
        return model
    }

    /// Slot 1, not live, holds `old`; it is to hold `new`, made from `old`, which goes into `tmp` for that.
    private struct Scene {
        var bench: FillBench
        var fill: FillBench.Fill
        let wanted: ReleaseModel

        init(length: Int) throws {
            var random = SeededGenerator(seed: UInt64(length))
            let old = random.bytes(length)
            wanted = UnreadableSourceTests.model(["page": edited(old, edits: 1, using: &random)])
            bench = try FillBench(slotCount: 2)
            try bench.stageObsolete(bench.source(UnreadableSourceTests.model(["page": old])))
            fill = try bench.begin(bench.source(wanted))
            #expect(fill.plan.needs.map(\.basis) == [ContentDigest(of: old)])
            try fill.filler.prepare()
        }

        func shortenBasis() throws {
            let name = try #require(fill.plan.needs[0].basis).description
            let file = try bench.ring.temporary.openFile(name, O_WRONLY)
            try file.closeAfter { try file.setLength(100) }
        }
    }

    @Test(
        "a basis in `tmp` that somebody shortens is made good by the repair round",
        arguments: [5000, 600_000], [true, false])
    func shortenedBasis(length: Int, beforeItsSignature: Bool) throws {
        var scene = try Scene(length: length)
        if beforeItsSignature { try scene.shortenBasis() }
        let frames = try scene.bench.frames(scene.fill.plan.needs, of: scene.fill)
        if !beforeItsSignature { try scene.shortenBasis() }
        for frame in frames { try scene.fill.applier.apply(frame) }
        #expect(scene.fill.applier.damaged.isEmpty == beforeItsSignature)
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(1)).differences(from: scene.wanted) == [])
    }

    @Test("of a file whose basis is shortened between two of its pieces, the other pieces are passed over")
    func shortenedBetweenPieces() throws {
        var scene = try Scene(length: 600_000)
        let file = Int(scene.fill.plan.needs[0].entry)
        let size = Int(scene.fill.target.entries[file].size)
        try scene.fill.applier.apply(Self.copy(to: file, 0..<1000))
        try scene.shortenBasis()
        for piece in [1000..<300_000, 300_000..<size - 1000] {
            try scene.fill.applier.apply(Self.copy(to: file, piece))
        }
        #expect(errorCode { try scene.fill.applier.apply(Self.copy(to: file, 400_000..<size)) } == .protocolViolation)
        try scene.fill.applier.apply(Self.copy(to: file, size - 1000..<size, from: 0))
        #expect(scene.fill.applier.damaged == [file])
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(1)).differences(from: scene.wanted) == [])
    }

    /// A frame that makes a piece of a file from its basis.
    private static func copy(to file: Int, _ range: Range<Int>, from start: Int? = nil) -> DeflatedPart {
        var (writer, piece) = (ByteWriter(), InstructionWriter())
        let length = UInt64(range.count)
        writer.append(PatchItem(entry: file, usesBasis: true, offset: UInt64(range.lowerBound), length: length))
        [UInt8]().withUnsafeBytes {
            piece.append(.copy(from: UInt64(start ?? range.lowerBound), length: length), of: $0)
        }
        piece.endItem()
        writer.append(piece.takeBytes())
        return DeflatedPart(length: writer.count, isDeflated: false, bytes: writer.bytes)
    }

    @Test(
        "an entry whose content others are made from, and that is not right any more, comes again", arguments: [1, 3])
    func damagedSourceOfDuplicates(count: Int) throws {
        var random = SeededGenerator(seed: 5)
        let content = random.bytes(30_000)
        let names = ["first"] + (1...count).map { "second-\($0)" }
        let wanted = Self.model(Dictionary(uniqueKeysWithValues: names.map { ($0, content) }))
        let bench = try FillBench(slotCount: 2)
        var fill = try bench.begin(bench.source(wanted))
        try fill.filler.prepare()
        for frame in try bench.frames(fill.plan.needs, of: fill) { try fill.applier.apply(frame) }
        #expect(truncate(bench.slotPath(1).appending("first").string, 20_000) == 0)
        try bench.finish(&fill)
        #expect(try ReleaseModel(reading: bench.slotPath(1)).differences(from: wanted) == [])
    }

    @Test("an old file that is gone before it can be moved aside comes from the controller")
    func goneBeforeItIsSaved() throws {
        let bench = try FillBench(slotCount: 2)
        let content = [UInt8](repeating: 7, count: 3000)
        try bench.stageObsolete(bench.source(Self.model(["old": content])))
        let wanted = Self.model(["new": content])
        let source = try bench.source(wanted)
        var fill = try bench.plan(source)
        #expect(fill.plan.needs.isEmpty && fill.plan.aside.count == 1)
        try bench.ring.openSlot(1).remove("old")
        try fill.filler.moveAside()
        try fill.filler.prepare()
        try bench.finish(&fill)
        #expect(try ReleaseModel(reading: bench.slotPath(1)).differences(from: wanted) == [])
    }

    @Test("a slot whose record cannot be read is filled, and is no source", arguments: [1, 2])
    func unreadableRecord(slot: Int) throws {
        let bench = try FillBench(slotCount: 2)
        var random = SeededGenerator(seed: 6)
        let contents = (0..<3).map { _ in random.bytes(2000) }
        for content in contents.prefix(2) {
            try bench.stage(bench.source(Self.model(["page": content])))
            try bench.flip()
        }
        try bench.ring.records.remove("\(slot)")
        try bench.ring.records.makeDirectory("\(slot)")
        #expect(SlotRecords(of: bench.ring).record(of: slot) == nil)
        #expect(SlotRecords(of: bench.ring).files(of: slot) { _, _ in true }.isEmpty)
    }

    @Test("a copy tells which of the two files failed", arguments: [5000, 100_000], [true, false])
    func copyFailure(size: UInt64, isSparse: Bool) throws {
        func failure(from: String, to: String) throws -> CopyFailure? {
            let source = try FileDescriptor.open(FilePath(from), .readOnly)
            defer { try? source.close() }
            let output = try FileDescriptor.open(
                FilePath(to), .writeOnly, options: .create, permissions: .ownerReadWrite)
            defer { try? output.close() }
            var copy = FileCopy()
            do { try copy.copy(from: source, to: output, size: size, isSparse: isSparse) } catch { return error }
            return nil
        }
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try folder.write([UInt8](repeating: 1, count: Int(size)), to: "whole")
        try folder.write([1, 2, 3], to: "short")
        #expect(try failure(from: folder.path("whole").string, to: folder.path("copy").string) == nil)
        // Nothing is mapped at addresses so low: EIO.
        for source in ["/proc/self/mem", folder.path("short").string] where !isSparse {
            guard case .source = try failure(from: source, to: folder.path("copy").string) else {
                Issue.record("\(source)")
                continue
            }
        }
        guard case .destination(.noSpace) = try failure(from: folder.path("whole").string, to: "/dev/full") else {
            Issue.record("a full disk")
            return
        }
    }
}
