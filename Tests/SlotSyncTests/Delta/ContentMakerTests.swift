// Content from instructions: the same as if each were carried out by itself, however small they are and wherever they
// read.

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
            return BasisFile(file, length: UInt64(basis.count))
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

    /// Content that is made piece by piece, as it stands in the file that it is written to.
    private static func appended(
        _ length: Int, from basis: BasisFile?, _ reader: inout InstructionReader
    ) throws -> [UInt8] {
        try withTemporaryFile { file in
            let output = ContentOutput(file.descriptor, shortestHole: nil)
            try ContentMaker().append(UInt64(length), from: basis, &reader, to: output)
            let (digest, content) = (try output.finish(), try file.contents())
            #expect(digest == ContentDigest(of: content))
            return content
        }
    }

    /// Why content could not be made; nil if it was made.
    private static func failure(_ make: () throws -> Void) -> ContentFailure? {
        do { try make() } catch { return error as? ContentFailure }
        return nil
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
                #expect(try Array(maker.whole(UInt64(content.count), from: basis, &reader)) == content)
            } else {
                #expect(try Self.appended(content.count, from: basis, &reader) == content)
            }
        }
    }

    @Test("a basis leaves its window to another one")
    func manyBases() throws {
        var random = SeededGenerator(seed: 3)
        let maker = ContentMaker()
        for _ in 0..<40 {
            let scene = try Scene(basisLength: 3000, &random)
            var (_, reader) = scene.content(of: [.copy(from: 100, length: 2000)])
            let made = try Array(maker.whole(2000, from: scene.open(), &reader))
            #expect(made == Array(scene.basis[100..<2100]))
        }
    }

    @Test("long runs of zeros are holes where that is wanted", arguments: [nil, 60_000] as [UInt64?])
    func holes(shortestHole: UInt64?) throws {
        var random = SeededGenerator(seed: 4)
        let scene = try Scene(basisLength: 3000, &random)
        let (content, instructions) = scene.content(of: [
            .zeros(100), .literal(at: 0, length: 10), .zeros(1_000_000), .copy(from: 5, length: 7), .zeros(50_000),
            .literal(at: 0, length: 10), .zeros(300_000),
        ])
        var reader = instructions
        try withTemporaryFile { file in
            let output = ContentOutput(file.descriptor, shortestHole: shortestHole)
            try ContentMaker().append(UInt64(content.count), from: scene.open(), &reader, to: output)
            #expect(try output.finish() == ContentDigest(of: content))
            #expect(try file.contents() == content)
            #expect(try file.descriptor.status().isSparse == (shortestHole != nil))
        }
    }

    /// Bases of which no byte, or not every byte, can be read, and what the system says of them.
    private static func lackingBases(_ scene: Scene) throws -> [(BasisFile, Errno?)] {
        let shortened = try scene.open()
        #expect(truncate(scene.folder.path("basis").string, 50_000) == 0)
        // A real file that gives EIO: nothing is mapped at addresses so low.
        let memory = try FileDescriptor.open("/proc/self/mem", .readOnly)
        return [
            (shortened, nil), (BasisFile(memory, length: 100_000), .ioError), (BasisFile(nil, length: 100_000), nil),
        ]
    }

    @Test(
        "a basis that ends too early, cannot be read or is gone is told apart, and the next item can be read",
        arguments: [20, 30_000], [true, false])
    func lackingBasis(length: UInt64, isWhole: Bool) throws {
        var random = SeededGenerator(seed: 5)
        let scene = try Scene(basisLength: 100_000, &random)
        let (content, instructions) = scene.content(of: [
            .literal(at: 0, length: 5), .copy(from: 49_990, length: length), .zeros(7),
        ])
        for (basis, errno) in try Self.lackingBases(scene) {
            var reader = instructions
            let failure = Self.failure {
                if isWhole {
                    _ = try ContentMaker().whole(UInt64(content.count), from: basis, &reader)
                } else {
                    _ = try Self.appended(content.count, from: basis, &reader)
                }
            }
            guard case .basis(let cause) = failure else {
                Issue.record("\(String(describing: failure))")
                continue
            }
            #expect(cause == errno && reader.reader.isAtEnd)
        }
    }

    @Test("copies without a basis are damaged instructions, and those beyond its end are told apart, read to their end")
    func outside() throws {
        var random = SeededGenerator(seed: 6)
        let scene = try Scene(basisLength: 1000, &random)
        let instructions = scene.content(of: [.copy(from: 10, length: 500)]).1
        for basis in [nil, BasisFile(nil, length: 509)] {
            var reader = instructions
            let failure = Self.failure { _ = try ContentMaker().whole(500, from: basis, &reader) }
            switch failure {
            case .instructions(let error) where basis == nil: #expect(error.code == .corrupt)
            case .outside(let error) where basis != nil: #expect(error.code == .corrupt && reader.reader.isAtEnd)
            default: Issue.record("\(String(describing: failure))")
            }
        }
    }

    @Test("an output that cannot be written is told apart")
    func fullOutput() throws {
        var random = SeededGenerator(seed: 7)
        let scene = try Scene(basisLength: 1000, &random)
        var (_, reader) = scene.content(of: [.copy(from: 10, length: 500)])
        let full = try FileDescriptor.open("/dev/full", .writeOnly)
        let failure = try full.closeAfter {
            let basis = try scene.open()
            return Self.failure {
                try ContentMaker().append(500, from: basis, &reader, to: ContentOutput(full, shortestHole: nil))
            }
        }
        guard case .output(.noSpace) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }
}
