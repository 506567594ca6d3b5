// Content that repeats itself (zeros, one byte, short periods) has made delta programs quadratic. Here the
// number of instructions is what is bounded, and that each test ends at all.

import Testing

@testable import SlotSync

struct RepetitiveContentTests {
    @Test(arguments: [0, 255], [1, 2, 3, 7, 64, 256, 257, 1000])
    func periodicContentCostsAtMostAnInstructionABlock(byte: Int, period: Int) throws {
        var generator = SeededGenerator(seed: UInt64(period))
        let unit = period == 1 ? [UInt8(byte)] : generator.bytes(period)
        func repeated(_ count: Int) -> [UInt8] { (0..<count).map { unit[$0 % period] } }
        let basis = repeated(600_000)
        let encoder = DeltaEncoder(try Signature(of: basis, blockLength: 256))
        for content in [
            basis, [9, 9, 9] + basis, Array(basis.dropFirst(100)), repeated(1_000_000), basis + [1] + basis,
        ] {
            let instructions = encoder.instructions(for: content)
            #expect(apply(instructions, segment: content, basis: basis) == content)
            #expect(instructions.count <= content.count / 256 + 8)
            #expect(instructions.total(.literal) <= 2048)
        }
    }

    @Test func contentThatNearlyMatchesEverywhereIsBounded() throws {
        // Basis of one repeated byte with a mark in each block; content of that byte alone.
        var basis = [UInt8](repeating: 65, count: 500_000)
        for index in stride(from: 7, to: basis.count, by: 64) { basis[index] = UInt8(truncatingIfNeeded: index) }
        let content = [UInt8](repeating: 65, count: 500_000)
        let instructions = DeltaEncoder(try Signature(of: basis, blockLength: 64)).instructions(for: content)
        #expect(apply(instructions, segment: content, basis: basis) == content)
    }

    @Test func manyShortZeroRunsDoNotUseUpTheSearch() throws {
        var generator = SeededGenerator(seed: 3)
        let basis = generator.bytes(4096)
        var content: [UInt8] = []
        for _ in 0..<500 { content += [UInt8](repeating: 0, count: 3000) + generator.bytes(20) }
        content += basis
        let instructions = DeltaEncoder(try Signature(of: basis, blockLength: 256)).instructions(for: content)
        #expect(apply(instructions, segment: content, basis: basis) == content)
        #expect(instructions.last == .copy(from: 0, length: 4096))
    }

    @Test func strongChecksumsInVainAreBounded() throws {
        // Every position of the content has a block's weak checksum, and none its strong one.
        let content = [UInt8](repeating: 65, count: 200_000)
        let honest = try Signature(of: content, blockLength: 1024)
        let deceiving = Signature(
            basisLength: honest.basisLength, blockLength: 1024, strongLength: honest.strongLength, seed: honest.seed,
            weak: honest.weak, strong: honest.strong.map { $0 ^ 1 })
        #expect(DeltaEncoder(deceiving).instructions(for: content) == [.literal(at: 0, length: content.count)])
    }
}
