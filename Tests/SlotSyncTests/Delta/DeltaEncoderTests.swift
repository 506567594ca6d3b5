// Whatever the edits, the instructions make the content; and where content resembles the basis, few literals
// are left.

import Testing

@testable import SlotSync

struct DeltaEncoderTests {
    @Test(arguments: 0..<60)
    func instructionsMakeTheContentWhateverTheEdits(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let basis = generator.bytes(generator.below(20_000))
        let content = edited(basis, edits: generator.below(8), using: &generator)
        for blockLength in [64, 64 + generator.below(1000), 5000] {
            let encoder = DeltaEncoder(try Signature(of: basis, blockLength: blockLength, seed: generator.next()))
            let instructions = encoder.instructions(for: content)
            #expect(apply(instructions, segment: content, basis: basis) == content)
            #expect(instructions.allSatisfy { $0.length > 0 })
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 128, 1000, 1024, 77_777])
    func unchangedContentIsOneCopy(length: Int) throws {
        var generator = SeededGenerator(seed: 7)
        let basis = generator.bytes(length)
        let encoder = DeltaEncoder(try Signature(of: basis, blockLength: 64))
        #expect(encoder.instructions(for: basis) == (length == 0 ? [] : [.copy(from: 0, length: UInt64(length))]))
    }

    @Test func emptyContentNeedsNoInstructions() throws {
        #expect(try DeltaEncoder(Signature(of: [1, 2, 3])).instructions(for: []) == [])
    }

    @Test func oneInsertedByteCostsAboutOneBlock() throws {
        var generator = SeededGenerator(seed: 8)
        let basis = generator.bytes(50_000)
        var content = basis
        content.insert(9, at: 20_000)
        let instructions = DeltaEncoder(try Signature(of: basis, blockLength: 256)).instructions(for: content)
        #expect(instructions.total(.literal) <= 257)
        #expect(instructions.count <= 3)
    }

    @Test func shortLastBlockMatchesOnlyAtTheContentsEnd() throws {
        var generator = SeededGenerator(seed: 9)
        let basis = generator.bytes(300)
        let encoder = DeltaEncoder(try Signature(of: basis, blockLength: 256))
        let tail = Array(basis[256...])
        let atEnd = encoder.instructions(for: [1, 2, 3] + tail)
        #expect(atEnd == [.literal(at: 0, length: 3), .copy(from: 256, length: 44)])
        let inside = encoder.instructions(for: tail + [1, 2, 3])
        #expect(inside == [.literal(at: 0, length: 47)])
        var notLast: [DeltaInstruction] = []
        tail.withUnsafeBytes { encoder.encode($0, isLast: false, into: &notLast) }
        #expect(notLast == [.literal(at: 0, length: 44)])
    }

    @Test func blockThatContinuesAcrossAChangeIsPreferred() throws {
        var generator = SeededGenerator(seed: 10)
        let repeated = generator.bytes(256)
        let basis = repeated + generator.bytes(256) + generator.bytes(256) + repeated + generator.bytes(256)
        var content = basis
        content[600] ^= 1
        let instructions = DeltaEncoder(try Signature(of: basis, blockLength: 256)).instructions(for: content)
        #expect(
            instructions == [
                .copy(from: 0, length: 512), .literal(at: 512, length: 256), .copy(from: 768, length: 512),
            ])
    }

    @Test func longZeroRunsBecomeInstructions() throws {
        var generator = SeededGenerator(seed: 11)
        let basis = generator.bytes(1000)
        let encoder = DeltaEncoder(try Signature(of: basis))
        for (before, zeros, after) in [(0, 4096, 0), (10, 4096, 10), (5000, 100_000, 1), (1, 4095, 1), (3, 0, 4)] {
            let content =
                [UInt8](repeating: 1, count: before) + [UInt8](repeating: 0, count: zeros)
                + [UInt8](repeating: 2, count: after)
            let instructions = encoder.instructions(for: content)
            #expect(instructions.total(.zeros) == (zeros >= 4096 ? zeros : 0))
            let plain = DeltaEncoder().instructions(for: content)
            #expect(plain == instructions)
            #expect(apply(plain, segment: content, basis: []) == content)
        }
    }

    @Test func matchesAroundZerosAreFound() throws {
        var generator = SeededGenerator(seed: 12)
        let basis = generator.bytes(2000) + [UInt8](repeating: 0, count: 300) + generator.bytes(2000)
        let content = [7] + basis[..<2048] + [UInt8](repeating: 0, count: 10_000) + basis[2048...]
        let encoder = DeltaEncoder(try Signature(of: Array(basis), blockLength: 128))
        let instructions = encoder.instructions(for: Array(content))
        #expect(apply(instructions, segment: Array(content), basis: basis) == Array(content))
        #expect(instructions.total(.literal) < 400)
    }

    @Test func blocksWithTheSameWeakChecksumAreToldApart() throws {
        // All blocks claim one weak checksum, as a hostile signature may; the index stays bounded.
        var generator = SeededGenerator(seed: 13)
        let basis = generator.bytes(64 * 5000)
        let honest = try Signature(of: basis, blockLength: 64)
        let weak = honest.weak[4000]
        let hostile = Signature(
            basisLength: honest.basisLength, blockLength: 64, strongLength: honest.strongLength, seed: honest.seed,
            weak: honest.weak.map { _ in weak }, strong: honest.strong)
        var looked = 0
        BlockIndex(hostile).forEachBlock(withWeak: weak) { _ in
            looked += 1
            return false
        }
        #expect(looked <= BlockIndex.maximumProbeCount)
        let instructions = DeltaEncoder(hostile).instructions(for: basis)
        #expect(apply(instructions, segment: basis, basis: basis) == basis)
    }

    @Test func indexOfAFewBlocksIsSmall() throws {
        let signature = try Signature(of: [UInt8](repeating: 5, count: 2560))
        #expect(BlockIndex(signature).memoryLength <= 8192)
    }
}
