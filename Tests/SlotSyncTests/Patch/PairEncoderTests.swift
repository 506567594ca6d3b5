// From a source's files to the spool: the right bytes, or an error that says that the source changed.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("Encoding pairs")
struct PairEncoderTests {
    private struct Scene {
        let folder: TemporaryFolder
        let source: ReleaseSource
        let encoder: PairEncoder

        init(_ files: [String: [UInt8]]) throws {
            folder = try TemporaryFolder()
            for (name, content) in files { try folder.write(content, to: name) }
            let root = try Directory(path: folder.path(""))
            var tree = try TreeWalk.walk(root, name: "source", options: WalkOptions(parallelism: 1))
            try TreeHashing.hash(&tree, root: root, name: "source", known: { _, _ in nil }, parallelism: 1)
            source = ReleaseSource(root: root, name: "source", manifest: tree.manifest)
            encoder = PairEncoder(
                source: source, spool: try Spool(), levels: .always(6), parallelism: 2,
                message: Request.frameMessage)
        }

        func job(_ name: String) throws -> EncodingJob {
            EncodingJob(entry: try #require(source.manifest.entry(at: [Array(name.utf8)[...]])))
        }
    }

    @Test("a source that changed since it was scanned is noticed, and named")
    func changed() throws {
        let scene = try Scene(["a": [1, 2, 3], "b": [4, 5, 6], "c": [7]])
        defer { scene.folder.remove() }
        #expect(try scene.encoder.encode([scene.job("a"), scene.job("b"), scene.job("c")], level: 6).ranges.count == 1)
        try scene.folder.write([1, 2, 4], to: "a")
        try scene.folder.write([4, 5, 6, 7], to: "b")
        try Directory(path: scene.folder.path("")).remove("c")
        for name in ["a", "b", "c"] {
            let error = #expect(throws: SlotSyncError.self) { try scene.encoder.encode([scene.job(name)], level: 6) }
            #expect(error?.code == .sourceChanged)
            #expect(error?.message.contains("source/\(name)") == true)
        }
    }

    @Test("a long content goes through the spool piece by piece, in order", arguments: [false, true])
    func long(hasBasis: Bool) throws {
        var random = SeededGenerator(seed: 6)
        let basis = random.bytes(1 << 20)
        let content = basis + random.bytes(3 << 20) + basis + [UInt8](repeating: 0, count: 1 << 20)
        let scene = try Scene(["long": content])
        defer { scene.folder.remove() }
        var job = try scene.job("long")
        if hasBasis { job.basis = .signature(try Signature(of: basis)) }
        var ranges: [SpoolRange] = []
        #expect(try scene.encoder.encodeLong(job, level: 6) { ranges.append($0) })
        #expect(ranges.count > 10)
        var made: [UInt8] = []
        for part in try ranges.flatMap({ try scene.encoder.spool.frames($0) }) {
            var bytes = part.bytes
            if part.isDeflated {
                bytes = []
                var inflater = Inflater()
                try part.bytes.withUnsafeBytes { try inflater.inflate($0, into: &bytes, exactly: part.length) }
            }
            var reader = InstructionReader(ByteReader(bytes, name: "frame"))
            while !reader.reader.isAtEnd {
                let item = try reader.reader.patchItem()
                #expect(item.entry == job.entry && item.usesBasis == hasBasis && Int(item.offset) == made.count)
                reader.beginItem(contentLength: item.length, basisLength: UInt64(hasBasis ? basis.count : 0))
                while let step = try reader.next() {
                    switch step {
                    case .copy(let offset, let length): made += basis[Int(offset)..<Int(offset + length)]
                    case .literal(let bytes): made += bytes
                    case .add(let offset, let differences):
                        made += zip(basis[Int(offset)...], differences).map { $0 &+ $1 }
                    case .zeros(let length): made += [UInt8](repeating: 0, count: Int(length))
                    case .outside(let error): throw error
                    }
                }
            }
        }
        #expect(made == content)
    }

    @Test("a long content that changed is never completed", arguments: [-1, 0, 1])
    func longChanged(growth: Int) throws {
        var content = [UInt8](repeating: 9, count: 5 << 20)
        let scene = try Scene(["long": content])
        defer { scene.folder.remove() }
        let job = try scene.job("long")
        if growth < 0 { content.removeLast() } else if growth > 0 { content.append(9) } else { content[77] = 1 }
        try scene.folder.write(content, to: "long")
        var made: UInt64 = 0
        #expect(
            errorCode {
                _ = try scene.encoder.encodeLong(job, level: 6) { range in made += UInt64(range.length) }
            } == .sourceChanged)
        #expect(made < content.count, "the last piece is kept back")
    }
}
