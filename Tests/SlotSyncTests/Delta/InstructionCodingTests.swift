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
        while let step = try reader.next() {
            if case .outside(let error) = step { throw error }
            steps.append(step)
        }
        return steps
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
        #expect(try reader.next() == nil)
        reader.beginItem(contentLength: 1, basisLength: 8)
        #expect(try reader.next() == .copy(offset: 7, length: 1))
        #expect(try reader.next() == nil)
        reader.beginItem(contentLength: 0, basisLength: 0)
        #expect(try reader.next() == nil)
        #expect(reader.reader.isAtEnd)
    }

    @Test func byteFormIsAsSpecified() {
        var writer = InstructionWriter()
        [UInt8](arrayLiteral: 65, 66).withUnsafeBytes {
            writer.append([.copy(from: 3, length: 4), .literal(at: 0, length: 2), .copy(from: 0, length: 5)], of: $0)
            writer.append([.add(to: 5, length: 2, differences: 0xff02), .zeros(4096)], of: $0)
        }
        writer.endItem()
        // copy 4 at +3, literal 2 "AB", copy 5 at -7, add 2 and -1 at +0, zeros 4096, end
        #expect(writer.takeBytes() == [16, 6, 9, 65, 66, 20, 13, 11, 0, 2, 0xff, 0x82, 0x80, 1, 3])
    }

    @Test func addsThatFollowEachOtherAreWrittenAsOneUpToABound() throws {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var writer = InstructionWriter()
        let count = InstructionWriter.longestAdd / 8 + 2
        for index in 0..<count {
            writer.append(
                .add(to: UInt64(index * 8), length: 8, differences: 0x0807_0605_0403_0201), of: nothing)
        }
        writer.endItem()
        var reader = InstructionReader(ByteReader(writer.takeBytes(), name: "item"))
        reader.beginItem(contentLength: UInt64(count * 8), basisLength: UInt64(count * 8))
        let pattern = (0..<InstructionWriter.longestAdd).map { UInt8($0 % 8 + 1) }
        #expect(try reader.next() == .add(offset: 0, differences: pattern[...]))
        #expect(try reader.next() == .add(offset: UInt64(pattern.count), differences: pattern[..<16]))
        #expect(try reader.next() == nil)
    }

    @Test func shortenedAddKeepsItsLastDifferences() {
        let add = DeltaInstruction.add(to: 40, length: 5, differences: 0x05_0403_0201)
        #expect(add.dropping(first: 2) == .add(to: 42, length: 3, differences: 0x05_0403))
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
            [7],  // an add without its offset
            [43, 0, 1, 2],  // an add without all of its differences
            [43, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3],  // an add that ends beyond the basis
            [43, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3],  // one that begins before it
            [47, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3],  // one that is longer than the content
            [39, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3],  // one that is a byte too short
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
                case .add(let offset, let differences):
                    #expect(offset + UInt64(differences.count) <= 100)
                    made += UInt64(differences.count)
                case .literal(let literal): made += UInt64(literal.count)
                case .zeros(let length): made += length
                case .outside(let error): Issue.record(error)
                }
            }
            #expect(made == contentLength)
        }
    }
}
