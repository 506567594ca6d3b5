// Signatures are the same however the basis was cut into pieces, come back from bytes as they were, and
// hostile bytes neither crash their reader nor make it allocate.

import Testing

@testable import SlotSync

struct SignatureTests {
    @Test func piecesOfAnySizeGiveTheSameSignature() throws {
        var generator = SeededGenerator(seed: 1)
        for length in [0, 1, 63, 64, 65, 1000, 4096, 10_000] {
            let basis = generator.bytes(length)
            let whole = try Signature(of: basis, blockLength: 64)
            #expect(whole.blockCount == (length + 63) / 64)
            for _ in 0..<10 {
                let pieces = (0..<generator.below(40)).map { _ in generator.below(200) }
                #expect(try Signature(of: basis, blockLength: 64, pieces: pieces) == whole)
            }
        }
    }

    @Test func basisOfAnotherLengthThanDeclaredIsRefused() {
        for declared: UInt64 in [0, 99, 101, .max] {
            #expect(throws: SlotSyncError.self) {
                var builder = Signature.Builder(basisLength: declared, seed: 0)
                [UInt8](repeating: 1, count: 100).withUnsafeBytes { builder.update($0) }
                _ = try builder.finish()
            }
        }
    }

    @Test func blockLengthGrowsWithTheSquareRootWithinBounds() {
        #expect(Signature.blockLength(forBasisLength: 0) == 384)
        #expect(Signature.blockLength(forBasisLength: 10_000) == 384)
        #expect(Signature.blockLength(forBasisLength: 1 << 30) == 32_768)
        #expect(Signature.blockLength(forBasisLength: .max) == 256 * 1024)
    }

    @Test func strongChecksumsGrowWithTheBasis() {
        #expect(StrongChecksum.length(basisLength: 0, blockCount: 0) == 3)
        #expect(StrongChecksum.length(basisLength: 10_000, blockCount: 40) == 4)
        #expect(StrongChecksum.length(basisLength: 20 << 30, blockCount: 140_000) >= 6)
        #expect(StrongChecksum.length(basisLength: .max, blockCount: .max) == 8)
    }

    @Test func bytesGiveTheSignatureBack() throws {
        var generator = SeededGenerator(seed: 2)
        for length in [0, 5, 256, 100_000] {
            let signature = try Signature(of: generator.bytes(length), seed: generator.next())
            var writer = ByteWriter()
            signature.encode(into: &writer)
            var reader = ByteReader(writer.bytes, name: "signature")
            #expect(try Signature(from: &reader) == signature)
            #expect(reader.isAtEnd)
            #expect(try Signature(file: signature.encodedFile(), name: "x.sig") == signature)
        }
    }

    @Test func truncatedBytesAreRefused() throws {
        let bytes = try Signature(of: [UInt8](repeating: 3, count: 3000)).encodedFile()
        for length in 0..<bytes.count {
            #expect(throws: SlotSyncError.self) { try Signature(file: Array(bytes[..<length]), name: "x.sig") }
        }
    }

    @Test func everyChangedByteOfAFileIsNoticed() throws {
        let bytes = try Signature(of: [UInt8](repeating: 3, count: 3000)).encodedFile()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: SlotSyncError.self) { try Signature(file: damaged, name: "x.sig") }
        }
    }

    @Test(arguments: [
        (UInt64.max, 256, 4), (1 << 62, 256, 4), (1000, 0, 4), (1000, 63, 4), (1000, 1 << 21, 4), (1000, 256, 2),
        (1000, 256, 9), (1 << 40, 1 << 20, 4),
    ])
    func hostileHeadIsRefusedBeforeAnythingIsAllocated(basisLength: UInt64, blockLength: Int, strongLength: Int) {
        var writer = ByteWriter()
        writer.append(varint: basisLength)
        writer.append(varint: blockLength)
        writer.append(UInt8(strongLength))
        writer.append(fixed: UInt64(0))
        writer.append([UInt8](repeating: 0, count: 100))
        var reader = ByteReader(writer.bytes, name: "signature")
        #expect(throws: SlotSyncError.self) { try Signature(from: &reader) }
    }

    @Test func anotherVersionIsNamedAsSuch() throws {
        var bytes = try Signature(of: []).encodedFile()
        bytes[7] = 2
        let error = #expect(throws: SlotSyncError.self) { try Signature(file: bytes, name: "x.sig") }
        #expect(error?.code == .versionMismatch)
        let other = #expect(throws: SlotSyncError.self) { try Signature(file: Array("hello".utf8), name: "x.sig") }
        #expect(other?.code == .badInput)
    }
}
