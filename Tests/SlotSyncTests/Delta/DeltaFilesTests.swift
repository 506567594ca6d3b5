// Signature, delta and patch through files: the result is the content, and what is damaged, truncated or
// applied to another basis is an error of the right kind.

import SystemPackage
import Testing

@testable import SlotSync

struct DeltaFilesTests {
    private func delta(from basis: [UInt8], to content: [UInt8], blockLength: Int? = nil) throws -> [UInt8] {
        try withTemporaryFile(basis) { basisFile in
            try withTemporaryFile { signature in
                try DeltaFiles.writeSignature(
                    of: basisFile, length: UInt64(basis.count), blockLength: blockLength, to: signature)
                _ = try signature.descriptor.seek(offset: 0, from: .start)
                return try withTemporaryFile(content) { contentFile in
                    try withTemporaryFile { delta in
                        try DeltaFiles.writeDelta(
                            signature: signature, content: contentFile, parallelism: 2, to: delta)
                        return try delta.contents()
                    }
                }
            }
        }
    }

    private func patched(_ basis: [UInt8], with delta: [UInt8], makesHoles: Bool = false) throws -> [UInt8] {
        try withTemporaryFile(basis) { basis in
            try withTemporaryFile(delta) { delta in
                try withTemporaryFile { result in
                    try DeltaFiles.patch(basis: basis, delta: delta, to: result, makesHoles: makesHoles)
                    return try result.contents()
                }
            }
        }
    }

    @Test(arguments: 0..<20)
    func patchMakesTheContentWhateverTheEdits(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let basis = generator.bytes(generator.below(200_000))
        let content = edited(basis, edits: generator.below(10), using: &generator)
        let delta = try delta(from: basis, to: content, blockLength: seed % 2 == 0 ? nil : 64 + generator.below(4000))
        #expect(try patched(basis, with: delta) == content)
    }

    @Test func longContentComesInSeveralBlocks() throws {
        var generator = SeededGenerator(seed: 31)
        let piece = generator.bytes(100_000)
        let basis = (0..<30).flatMap { index in piece.map { $0 &+ UInt8(index) } }
        let content = Array(basis[1_000_000...]) + generator.bytes(3_000_000) + basis[..<1_000_000]
        #expect(try patched(basis, with: delta(from: basis, to: content)) == content)
    }

    @Test("a delta of a few bytes that makes zeros for years is refused before it makes any")
    func zerosForEver() throws {
        func delta(_ length: UInt64) -> [UInt8] {
            let empty = UnsafeRawBufferPointer(start: nil, count: 0)
            var writer = InstructionWriter()
            writer.append(DeltaInstruction(kind: .zeros, position: 0, length: length), of: empty)
            writer.endItem()
            let block = DeltaFile.Block(instructions: writer.takeBytes(), contentLength: length)
            return DeltaFile.header(basisLength: 0) + encoded(block)
                + DeltaFile.trailer(contentLength: length, digest: .empty)
        }
        func refusal(_ length: UInt64, atMost most: UInt64 = DeltaFiles.usualLongestContent) throws -> SlotSyncError? {
            try withTemporaryFile { basis in
                try withTemporaryFile(delta(length)) { file in
                    try withTemporaryFile { output in
                        do throws(SlotSyncError) {
                            try DeltaFiles.patch(
                                basis: NamedDescriptor(basis.descriptor, name: "basis"),
                                delta: NamedDescriptor(file.descriptor, name: "delta"),
                                to: NamedDescriptor(output.descriptor, name: "output"), makesHoles: true, atMost: most)
                        } catch { return error }
                        return nil
                    }
                }
            }
        }
        #expect(delta(1 << 60).count < 80)
        for length in [1 << 60, DeltaFiles.usualLongestContent + 1, UInt64(Int64.max)] {
            let error = try refusal(length)
            #expect(error?.code == .badInput && error?.message.contains("--max-size") == true, "\(error as Any)")
        }
        // Within the bound it is made, and is not what it should be.
        #expect(try refusal(100_000, atMost: 100_000)?.code == .verification)
        #expect(try refusal(100_001, atMost: 100_000)?.code == .badInput)
    }

    /// Small copies and differences, all over the basis, as they come where the basis was at hand.
    @Test(arguments: 0..<10)
    func differencesAreAddedToTheBasis(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let basis = generator.bytes(100_000)
        var content = edited(basis, edits: generator.below(10), using: &generator)
        for start in content.indices where start % 40 == 0 { content[start] &+= 7 }
        let instructions = DeltaEncoder(basis: basis).instructions(for: content)
        #expect(instructions.total(.add) >= 1000)
        var blocks = DeltaBlockWriter()
        content.withUnsafeBytes { blocks.append(instructions, of: $0) }
        blocks.endBlock()
        let file =
            DeltaFile.header(basisLength: UInt64(basis.count)) + blocks.takeBlocks().flatMap(encoded)
            + DeltaFile.trailer(contentLength: UInt64(content.count), digest: ContentDigest(of: content))
        #expect(try patched(basis, with: file) == content)
        let error = #expect(throws: SlotSyncError.self) { try patched(basis.reversed(), with: file) }
        #expect(error?.code == .verification)
    }

    @Test func zerosBecomeHolesInAFreshFile() throws {
        let content = [1] + [UInt8](repeating: 0, count: 3_000_000) + [2] + [UInt8](repeating: 0, count: 500_000)
        let delta = try delta(from: [5], to: content)
        #expect(delta.count < 200)
        #expect(try patched([5], with: delta, makesHoles: true) == content)
        #expect(try patched([5], with: delta, makesHoles: false) == content)
    }

    @Test func anotherBasisIsNamedAsSuch() throws {
        var generator = SeededGenerator(seed: 32)
        let basis = generator.bytes(5000)
        let delta = try delta(from: basis, to: [1] + basis)
        var other = basis
        other[17] ^= 1
        for wrong in [other, basis + [0], Array(basis.dropLast()), []] {
            let error = #expect(throws: SlotSyncError.self) { try patched(wrong, with: delta) }
            #expect(error?.code == .verification)
        }
    }

    @Test func everyChangedByteOfADeltaIsNoticed() throws {
        let basis = [UInt8](repeating: 3, count: 1000)
        let delta = try delta(from: basis, to: Array("something new, and then ".utf8) + basis)
        for index in delta.indices {
            for bit: UInt8 in [1, 0x80] {
                var damaged = delta
                damaged[index] ^= bit
                #expect(throws: SlotSyncError.self) { try patched(basis, with: damaged) }
            }
        }
    }

    @Test func truncatedOrPaddedDeltaIsRefused() throws {
        let basis = [UInt8](repeating: 3, count: 1000)
        let delta = try delta(from: basis, to: Array("something new, and then ".utf8) + basis)
        for length in delta.indices {
            #expect(throws: SlotSyncError.self) { try patched(basis, with: Array(delta[..<length])) }
        }
        #expect(throws: SlotSyncError.self) { try patched(basis, with: delta + [0]) }
    }

    /// The bytes that docs/delta-format.md gives as its example.
    @Test func deltaFileIsAsSpecified() throws {
        let delta = try delta(from: [], to: [65, 66, 67])
        #expect(delta == DeltaFormatExample.delta)
    }

    @Test func signatureFileIsAsSpecified() throws {
        let signature = try Signature(of: Array("hello".utf8), blockLength: 64, seed: 0x0102_0304_0506_0708)
        #expect(signature.encodedFile() == DeltaFormatExample.signature)
    }
}

/// A block as it stands in a file.
private func encoded(_ block: DeltaFile.Block) -> [UInt8] {
    let (head, deflated) = DeltaFile.encoded(block)
    return head + deflated
}
