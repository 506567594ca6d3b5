// Blocks come back as they went in; nothing but a sound block of exactly the declared size is accepted.

import Testing

@testable import SlotSync

struct DeflateTests {
    private func deflated(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
        var deflater = Deflater(level: level)
        var block: [UInt8] = []
        bytes.withUnsafeBytes { deflater.deflate($0, into: &block) }
        return block
    }

    private func inflated(_ block: [UInt8], exactly count: Int) throws(SlotSyncError) -> [UInt8] {
        var inflater = Inflater()
        var result: [UInt8] = []
        try block.withUnsafeBufferPointer { (bytes) throws(SlotSyncError) in
            try inflater.inflate(UnsafeRawBufferPointer(bytes), into: &result, exactly: count)
        }
        return result
    }

    @Test(arguments: [0, 1, 100, 65_535, 65_536, 65_537, 1_000_003])
    func blockComesBackAsItWentIn(count: Int) throws {
        let noise = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 7) }
        for level: Int32 in [0, 1, 6, 9] {
            #expect(try inflated(deflated(noise, level: level), exactly: count) == noise)
        }
        let zeros = [UInt8](repeating: 0, count: count)
        #expect(try inflated(deflated(zeros), exactly: count) == zeros)
    }

    @Test func oneDeflaterMakesIndependentBlocks() throws {
        var deflater = Deflater(level: 6)
        var inflater = Inflater()
        for text in ["one", "", "one", "another, longer block"] {
            let bytes = Array(text.utf8)
            var block: [UInt8] = []
            bytes.withUnsafeBytes { deflater.deflate($0, into: &block) }
            var result = Array("before ".utf8)
            try block.withUnsafeBytes { try inflater.inflate($0, into: &result, exactly: bytes.count) }
            #expect(String(decoding: result, as: UTF8.self) == "before " + text)
        }
    }

    @Test func dictionaryShortensWhatItResembles() throws {
        let bytes = Array("<html><head><title>SlotSync</title></head></html>".utf8)
        var deflater = Deflater(level: 9)
        var alone: [UInt8] = []
        var helped: [UInt8] = []
        bytes.withUnsafeBytes {
            deflater.deflate($0, into: &alone)
            deflater.deflate($0, dictionary: $0, into: &helped)
        }
        #expect(helped.count < alone.count / 2)
        var result: [UInt8] = []
        var inflater = Inflater()
        try helped.withUnsafeBytes { block in
            try bytes.withUnsafeBytes {
                try inflater.inflate(block, dictionary: $0, into: &result, exactly: bytes.count)
            }
        }
        #expect(result == bytes)
    }

    @Test func anotherSizeThanDeclaredIsRefused() {
        let block = deflated([UInt8](repeating: 7, count: 1000))
        for count in [-1, 0, 1, 999, 1001, 100_000_000, Int.max] {
            #expect(throws: SlotSyncError.self) { try inflated(block, exactly: count) }
        }
    }

    @Test func manyBlocksInOneArrayAreMovedAFewTimes() throws {
        var block: [UInt8] = []
        var deflater = Deflater(level: 6)
        [UInt8](repeating: 0, count: 1 << 14).withUnsafeBytes { deflater.deflate($0, into: &block) }
        var inflater = Inflater()
        var result: [UInt8] = []
        var places: Set<UnsafeRawPointer?> = []
        for _ in 0..<1000 {
            try block.withUnsafeBytes { try inflater.inflate($0, into: &result, exactly: 1 << 14) }
            result.withUnsafeBytes { _ = places.insert($0.baseAddress) }
        }
        #expect(result.count == 1000 << 14 && places.count < 30, "\(places.count)")
    }

    @Test func truncatedOrPaddedBlockIsRefused() {
        let block = deflated((0..<5000).map { UInt8(truncatingIfNeeded: $0 / 3) })
        for length in 0..<block.count {
            #expect(throws: SlotSyncError.self) { try inflated(Array(block[..<length]), exactly: 5000) }
        }
        #expect(throws: SlotSyncError.self) { try inflated(block + [0], exactly: 5000) }
    }

    @Test func refusedBlockLeavesNothingBehind() {
        let block = deflated([UInt8](repeating: 7, count: 200_000))
        var inflater = Inflater()
        var result: [UInt8] = [1, 2, 3]
        #expect(throws: SlotSyncError.self) {
            try block.withUnsafeBytes { try inflater.inflate($0, into: &result, exactly: 150_000) }
        }
        #expect(result == [1, 2, 3])
    }
}
