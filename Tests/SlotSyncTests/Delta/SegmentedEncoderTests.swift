// However content is cut into segments, nothing is lost where they meet: the instructions are as good as
// those of the whole.

import SystemPackage
import Testing

@testable import SlotSync

struct SegmentedEncoderTests {
    private func encoded(
        _ content: [UInt8], basis: [UInt8]?, blockLength: Int = 64, segmentLength: Int, parallelism: Int = 3,
        expectedLength: UInt64? = nil
    ) throws -> (instructions: [DeltaInstruction], content: [UInt8], length: UInt64, digest: ContentDigest) {
        let encoder = try basis.map { DeltaEncoder(try Signature(of: $0, blockLength: blockLength)) } ?? DeltaEncoder()
        return try withTemporaryFile(content) { file in
            var input = SequentialInput(file.descriptor, name: file.name)
            var all: [DeltaInstruction] = []
            var made: [UInt8] = []
            let (length, digest) = try SegmentedEncoder(
                encoder, segmentLength: segmentLength, parallelism: parallelism
            ).encode(&input, expectedLength: expectedLength) { (instructions, segment) throws(SlotSyncError) in
                made += apply(instructions, segment: Array(segment), basis: basis ?? [])
                for instruction in instructions {
                    if instruction.kind == .copy {
                        all.append(copyFrom: instruction.position, length: instruction.length)
                    } else {
                        all.append(instruction)
                    }
                }
            }
            return (all, made, length, digest)
        }
    }

    @Test(arguments: 0..<40)
    func instructionsMakeTheContentHoweverItIsCut(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let basis = generator.bytes(generator.below(100_000))
        let content = edited(basis, edits: generator.below(10), using: &generator)
        let segmentLength = 64 + generator.below(20_000)
        let expected = seed % 3 == 0 ? nil : UInt64(generator.below(2 * content.count + 1))
        let result = try encoded(
            content, basis: basis, blockLength: 64 + generator.below(200), segmentLength: segmentLength,
            parallelism: 1 + generator.below(5), expectedLength: expected)
        #expect(result.content == content)
        #expect(result.length == UInt64(content.count))
        #expect(result.digest == ContentDigest(of: content))
    }

    @Test(arguments: [64, 100, 256, 1000, 4096, 99_999, 100_000, 100_001])
    func unchangedContentIsOneCopyHoweverItIsCut(segmentLength: Int) throws {
        var generator = SeededGenerator(seed: 77)
        for length in [100_000, 99_968, 99_999, 64, 65, 63, 1] {
            let basis = generator.bytes(length)
            let result = try encoded(basis, basis: basis, segmentLength: segmentLength)
            #expect(result.instructions == [.copy(from: 0, length: UInt64(length))])
        }
    }

    @Test func withoutBasisOnlyZerosAreFound() throws {
        let content = [UInt8](repeating: 1, count: 5000) + [UInt8](repeating: 0, count: 20_000) + [2]
        let result = try encoded(content, basis: nil, segmentLength: 10_000)
        #expect(result.content == content)
        #expect(result.instructions.total(.zeros) == 20_000)
    }

    @Test func emptyContentGivesNothing() throws {
        let result = try encoded([], basis: [1, 2, 3], segmentLength: 1000)
        #expect(result.instructions.isEmpty)
        #expect(result.digest == .empty)
    }
}
