// Thousands of files that a host has already, copied into an empty slot on one thread and on several: the same comes out,
// the same sources are of no use, and the first error is told.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Copying many files within a host")
struct ManyCopiesTests {
    private static let time = Timestamp(seconds: 9, nanoseconds: 9)

    private static func model(_ files: [(path: String, content: [UInt8])]) -> ReleaseModel {
        var model = ReleaseModel()
        model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
        for (number, (path, content)) in files.enumerated() {
            let time = Timestamp(seconds: Int64(number), nanoseconds: 9)
            model.nodes[path] = .init(kind: .file(content), mode: number % 3 == 0 ? 0o640 : 0o755, modified: time)
            for (index, byte) in path.utf8.enumerated() where byte == UInt8(ascii: "/") {
                let folder = String(decoding: path.utf8.prefix(index), as: UTF8.self)
                model.nodes[folder] = .init(kind: .directory, mode: 0o755, modified: Self.time)
            }
        }
        return model
    }

    /// The live slot holds `count` files of other names and times than the release that comes into the empty slot, which
    /// has every fifth content twice.
    private struct Scene {
        var bench: FillBench
        var fill: FillBench.Fill
        let wanted: ReleaseModel
        let contents: [[UInt8]]

        init(count: Int, parallelism: Int) throws {
            // Some take a clone or a loop, and make a run by themselves.
            contents = (0..<count).map { number in
                let length = number % 400 == 399 ? 2_000_000 : number % 50 == 49 ? 30_000 : 8 + number * 7 % 900
                return Array("\(number)/".utf8) + [UInt8](repeating: UInt8(number % 255 + 1), count: length)
            }
            let old = contents.enumerated().map { (path: Scene.old($0.offset), content: $0.element) }
            var new = contents.enumerated().map { (path: "new-\($0.offset % 9)/f\($0.offset)", content: $0.element) }
            for number in stride(from: 0, to: count, by: 5) { new.append(("twice/f\(number)", contents[number])) }
            wanted = ManyCopiesTests.model(new)
            bench = try FillBench(slotCount: 2)
            bench.parallelism = parallelism
            try bench.stage(bench.source(ManyCopiesTests.model(old)))
            try bench.flip()
            fill = try bench.begin(bench.source(wanted))
        }

        static func old(_ number: Int) -> String { "old-\(number % 70)/f\(number)" }

        func entries(of numbers: some Sequence<Int>) -> Set<Int> {
            let digests = Set(numbers.map { ContentDigest(of: contents[$0]) })
            return Set(fill.plan.copies.map(\.entry).filter { digests.contains(fill.target.entries[$0].digest) })
        }
    }

    @Test("each entry has its own content, and sources that were damaged come from elsewhere", arguments: [1, 4])
    func damagedSources(parallelism: Int) throws {
        var scene = try Scene(count: 1500, parallelism: parallelism)
        #expect(scene.fill.plan.needs.isEmpty && scene.fill.plan.copies.count == 1500)
        #expect(scene.fill.plan.duplicates.count == 300)
        // Damaged after the plan was made, in each way that there is, with times that hide it as far as they can.
        let live = try scene.bench.ring.openSlot(1)
        let damaged = Array(stride(from: 3, to: 1500, by: 49)) + [399, 799]
        for (way, number) in damaged.enumerated() {
            let path = Scene.old(number).split(separator: "/").map(String.init)
            let folder = try live.openDirectory(path[0])
            switch way % 4 {
            case 0: try folder.remove(path[1])
            case 1:
                let file = try folder.openFile(path[1], O_WRONLY)
                try file.closeAfter {
                    let status = try file.status()
                    _ = try file.writeAll([scene.contents[number][0] ^ 1])
                    try file.setModified(status.modified)
                }
            case 2:
                let file = try folder.openFile(path[1], O_WRONLY)
                try file.closeAfter { try file.setLength(Int64(scene.contents[number].count) - 1) }
            default:
                try folder.remove(path[1])
                #expect(mkfifo(scene.bench.slotPath(1).appending(Scene.old(number)).string, 0o644) == 0)
            }
        }
        try scene.fill.filler.prepare()
        let expected = scene.entries(of: damaged)
        #expect(expected.count == damaged.count)
        #expect(Set(scene.fill.filler.failedCopies) == expected)
        #expect(scene.fill.filler.copiedFiles == 1500 - damaged.count)
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)).differences(from: scene.wanted) == [])
    }

    @Test("what one of many duplicates is made from is asked for again if it is damaged", arguments: [1, 4])
    func damagedMakers(parallelism: Int) throws {
        var scene = try Scene(count: 400, parallelism: parallelism)
        try scene.fill.filler.prepare()
        let target = scene.fill.target
        let makers = scene.fill.plan.duplicates.map(\.of).enumerated().filter { $0.offset % 7 == 0 }.map(\.element)
        for maker in makers {
            let path = String(decoding: target.path(of: maker), as: UTF8.self)
            #expect(truncate(scene.bench.slotPath(2).appending(path).string, 0) == 0)
        }
        #expect(try scene.fill.filler.endRound(scene.fill.applier) == makers.sorted())
        scene.fill.applier.expect(makers.sorted().map { Need(entry: UInt32($0), basis: nil) })
        for frame in try scene.bench.frames(makers.sorted().map { Need(entry: UInt32($0), basis: nil) }, of: scene.fill)
        {
            try scene.fill.applier.apply(frame)
        }
        try scene.bench.finish(&scene.fill)
        #expect(try ReleaseModel(reading: scene.bench.slotPath(2)).differences(from: scene.wanted) == [])
    }

    @Test("of several errors the first in order is told, though another thread has its own sooner", arguments: [1, 4])
    func firstError(parallelism: Int) throws {
        let scene = try Scene(count: 700, parallelism: parallelism)
        let (target, filler) = (scene.fill.target, scene.fill.filler)
        try filler.removeObsolete()
        try filler.makeFoldersAndLinks()
        // After a long copy in its run, so that the others are further by then.
        let long = try #require(filler.plan.copies.firstIndex { target.entries[$0.entry].size > 100_000 })
        let paths = filler.plan.copies[(long + 1)...].map { String(decoding: target.path(of: $0.entry), as: UTF8.self) }
        for path in paths {
            let file = try FileDescriptor.open(
                scene.bench.slotPath(2).appending(path), .writeOnly, options: .create, permissions: .ownerReadWrite)
            try file.close()
        }
        let message = errorMessage { try filler.makeCopies {} }
        #expect(message.contains("/\(paths[0])\"") || message.contains("/\(paths[0])'"), "\(message)")
        #expect(filler.copiedFiles == 0, "nothing is counted of a batch that failed")
    }

    @Test("however many copies there are, the controller is answered in between")
    func answers() throws {
        let scene = try Scene(count: 2100, parallelism: 4)
        try scene.fill.filler.removeObsolete()
        try scene.fill.filler.makeFoldersAndLinks()
        var answers = 0
        try scene.fill.filler.makeCopies { answers += 1 }
        #expect(answers >= 3)
    }
}
