// Instructions come back from bytes as they were; bytes that reach beyond the basis or the content, or are
// nothing at all, are refused.

import Testing

@testable import SlotSync

struct InstructionCodingTests {
    private func decoded(_ bytes: [UInt8], contentLength: UInt64, basisLength: UInt64) throws
        -> [InstructionReader.Step]
    {
        var reader = InstructionReader(ByteReader(bytes, name: "item"))
        reader.beginItem(contentLength: contentLength, basisLength: basisLength)
        var steps: [InstructionReader.Step] = []
        while true {
            let step = try reader.next()
            if step == .end { return steps }
            steps.append(step)
        }
    }

    @Test func itemsComeBackAsTheyWere() throws {
        let segment: [UInt8] = [1, 2, 3, 4, 5]
        var writer = InstructionWriter()
        segment.withUnsafeBytes { segment in
            writer.append([.copy(from: 100, length: 50), .copy(from: 150, length: 6)], of: segment)
            writer.append([.literal(at: 1, length: 3), .zeros(5000), .copy(from: 0, length: 10)], of: segment)
            #expect(writer.contentLength == 5069)
            writer.endItem()
            writer.append([.copy(from: 7, length: 1)], of: segment)
            writer.endItem()
            writer.endItem()
        }
        var reader = InstructionReader(ByteReader(writer.takeBytes(), name: "items"))
        reader.beginItem(contentLength: 5069, basisLength: 1000)
        #expect(try reader.next() == .copy(offset: 100, length: 56))
        #expect(try reader.next() == .literal([2, 3, 4]))
        #expect(try reader.next() == .zeros(length: 5000))
        #expect(try reader.next() == .copy(offset: 0, length: 10))
        #expect(try reader.next() == .end)
        reader.beginItem(contentLength: 1, basisLength: 8)
        #expect(try reader.next() == .copy(offset: 7, length: 1))
        #expect(try reader.next() == .end)
        reader.beginItem(contentLength: 0, basisLength: 0)
        #expect(try reader.next() == .end)
        #expect(reader.reader.isAtEnd)
    }

    @Test func byteFormIsAsSpecified() {
        var writer = InstructionWriter()
        [UInt8](arrayLiteral: 65, 66).withUnsafeBytes {
            writer.append([.copy(from: 3, length: 4), .literal(at: 0, length: 2), .copy(from: 0, length: 5)], of: $0)
            writer.append([.zeros(4096)], of: $0)
        }
        writer.endItem()
        // copy 4 at +3, literal 2 "AB", copy 5 at -7, zeros 4096, end
        #expect(writer.takeBytes() == [16, 6, 9, 65, 66, 20, 13, 0x82, 0x80, 1, 3])
    }

    @Test(
        arguments: [
            [],  // nothing
            [3],  // too little content
            [16],  // a copy without its offset
            [16, 6],  // no end
            [44, 0, 3],  // longer than the content
            [36, 0, 3],  // a byte too little
            [16, 16, 3],  // beyond the basis
            [16, 1, 3],  // before the basis
            [0, 0, 3],  // of no length
            [41, 1, 2, 3],  // a literal that is not there
            [7],  // an unknown kind
            [0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0],  // a copy of 2^62 bytes
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],  // no number
            [4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],  // an offset of -2^63
        ] as [[UInt8]])
    func hostileBytesAreRefused(bytes: [UInt8]) {
        #expect(throws: SlotSyncError.self) { try decoded(bytes, contentLength: 10, basisLength: 10) }
    }

    @Test func randomBytesNeverReachOutside() {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<20_000 {
            let bytes = generator.bytes(generator.below(30))
            let contentLength = UInt64(generator.below(200))
            guard let steps = try? decoded(bytes, contentLength: contentLength, basisLength: 100) else { continue }
            var made: UInt64 = 0
            for step in steps {
                switch step {
                case .copy(let offset, let length):
                    #expect(offset + length <= 100)
                    made += length
                case .literal(let literal): made += UInt64(literal.count)
                case .zeros(let length): made += length
                case .end: break
                }
            }
            #expect(made == contentLength)
        }
    }
}
