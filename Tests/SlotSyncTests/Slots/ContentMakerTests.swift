// Content from instructions: the same as if each were carried out by itself, however small they are and wherever they read.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Making content")
struct ContentMakerTests {
    private struct Scene {
        let folder: TemporaryFolder
        let basis: [UInt8]
        let literals: [UInt8]

        init(basisLength: Int, _ random: inout SeededGenerator) throws {
            folder = try TemporaryFolder()
            basis = random.bytes(basisLength)
            literals = random.bytes(1 << 20)
            try folder.write(basis, to: "basis")
        }

        func open() throws -> BasisFile {
            let file = try Directory(path: folder.path("")).openFile("basis", O_RDONLY)
            return BasisFile(SourceFile(descriptor: file, status: try file.status()))
        }

        /// The content by the plainest way, and the instructions as a reader.
        func content(of steps: [DeltaInstruction]) -> ([UInt8], InstructionReader) {
            var (content, writer) = ([UInt8](), InstructionWriter())
            for step in steps {
                let range = Int(step.position)..<Int(step.position + step.length)
                switch step.kind {
                case .copy: content += basis[range]
                case .literal: content += literals[range]
                case .zeros: content += [UInt8](repeating: 0, count: Int(step.length))
                case .add:
                    for (place, byte) in basis[range].enumerated() {
                        content.append(byte &+ UInt8(truncatingIfNeeded: step.differences >> UInt64(8 * place)))
                    }
                }
                literals.withUnsafeBytes { writer.append(step, of: $0) }
            }
            writer.endItem()
            return (content, InstructionReader(ByteReader(writer.takeBytes(), name: "instructions")))
        }

        func steps(longest: Int, total: Int, _ random: inout SeededGenerator) -> [DeltaInstruction] {
            var (steps, made) = ([DeltaInstruction](), 0)
            while made < total {
                let length = 1 + random.below(min(longest, total - made))
                switch random.below(7) {
                case 0: steps.append(.literal(at: random.below(literals.count - length), length: length))
                case 1: steps.append(.zeros(length))
                case 2: steps += adds(at: random.below(basis.count - length), length, &random)
                default: steps.append(.copy(from: UInt64(random.below(basis.count - length)), length: UInt64(length)))
                }
                made += length
            }
            return steps
        }

        /// The steps that one stretch of differences takes; the writer joins them.
        private func adds(at start: Int, _ length: Int, _ random: inout SeededGenerator) -> [DeltaInstruction] {
            stride(from: start, to: start + length, by: DeltaInstruction.longestAdd).map { position in
                let count = min(DeltaInstruction.longestAdd, start + length - position)
                let differences = random.bytes(count).reduce(0) { $0 << 8 | UInt64($1) }
                return .add(to: UInt64(position), length: count, differences: differences)
            }
        }
    }

    private static func item(_ length: Int) -> PatchItem {
        PatchItem(entry: 1, usesBasis: true, offset: 0, length: UInt64(length))
    }

    @Test("many small instructions, and few long ones", arguments: [16, 300, 40_000, 200_000])
    func random(longest: Int) throws {
        var random = SeededGenerator(seed: UInt64(longest))
        let scene = try Scene(basisLength: 700_000, &random)
        let maker = ContentMaker()
        for round in 0..<6 {
            let basis = try scene.open()
            let expected = scene.content(of: scene.steps(longest: longest, total: 200_000, &random))
            let content = expected.0
            var reader = expected.1
            if round % 2 == 0 {
                #expect(try maker.whole(Self.item(content.count), from: basis, &reader) { Array($0) == content })
            } else {
                var made: [UInt8] = []
                try maker.pieces(of: Self.item(content.count), from: basis, &reader, writeHole: nil) { made += $0 }
                #expect(made == content)
            }
        }
    }

    @Test("a basis gives its place among the windows to another one")
    func manyBases() throws {
        var random = SeededGenerator(seed: 3)
        let maker = ContentMaker()
        for _ in 0..<40 {
            let scene = try Scene(basisLength: 3000, &random)
            var (_, reader) = scene.content(of: [.copy(from: 100, length: 2000)])
            let made = try maker.whole(Self.item(2000), from: scene.open(), &reader) { Array($0) }
            #expect(made == Array(scene.basis[100..<2100]))
        }
    }

    @Test("long runs of zeros are told apart where they may be holes")
    func holes() throws {
        var random = SeededGenerator(seed: 4)
        let scene = try Scene(basisLength: 3000, &random)
        let (content, instructions) = scene.content(of: [
            .zeros(100), .literal(at: 0, length: 10), .zeros(1_000_000), .copy(from: 5, length: 7), .zeros(50_000),
        ])
        var (made, holes, reader): ([UInt8], [UInt64], InstructionReader) = ([], [], instructions)
        try ContentMaker().pieces(of: Self.item(content.count), from: scene.open(), &reader) { length in
            holes.append(length)
            made += [UInt8](repeating: 0, count: Int(length))
        } write: {
            made += $0
        }
        #expect(holes == [1_000_000, 50_000])
        #expect(made == content)
    }

    @Test("what a basis has lost since is zeros")
    func truncated() throws {
        var random = SeededGenerator(seed: 5)
        let scene = try Scene(basisLength: 100_000, &random)
        let basis = try scene.open()
        #expect(truncate(scene.folder.path("basis").string, 50_000) == 0)
        var (content, reader) = scene.content(of: [
            .copy(from: 10, length: 1000), .copy(from: 49_990, length: 20), .copy(from: 60_000, length: 30_000),
        ])
        let made = try ContentMaker().whole(Self.item(content.count), from: basis, &reader) { Array($0) }
        content[1010...] = [UInt8](repeating: 0, count: 30_010)[...]
        content[1000..<1010] = scene.basis[49_990..<50_000]
        #expect(made == content)
    }

    @Test("without a basis, copies are refused; one that is gone gives zeros")
    func gone() throws {
        var random = SeededGenerator(seed: 6)
        let scene = try Scene(basisLength: 1000, &random)
        var (_, reader) = scene.content(of: [.copy(from: 10, length: 500)])
        var again = reader
        #expect(errorCode { _ = try ContentMaker().whole(Self.item(500), from: nil, &reader) { _ in } } == .corrupt)
        let made = try ContentMaker().whole(Self.item(500), from: BasisFile(nil), &again) { Array($0) }
        #expect(made == [UInt8](repeating: 0, count: 500))
    }
}
