// What is worth to be deflated, and that everything comes back as it was.

import Testing

@testable import SlotSync

@Suite("What deflate would shorten")
struct CompressionEstimateTests {
    /// - Parameter values: how many different bytes.
    private func noise(_ count: Int, values: UInt64 = 256) -> [UInt8] {
        var random = SeededGenerator(seed: 1)
        return (0..<count).map { _ in UInt8((random.next() >> 32) % values) }
    }

    private func text(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: 2)
        let words = (0..<500).map { _ in String(random.next() >> 40, radix: 36) }
        var text: [UInt8] = []
        while text.count < count { text += Array("\(words[Int(random.next() % 500)]) ".utf8) }
        return Array(text.prefix(count))
    }

    private func runs(_ bytes: [UInt8]) -> [CompressionEstimate.Run] {
        var estimate = CompressionEstimate()
        return bytes.withUnsafeBytes { estimate.runs(of: $0) }
    }

    @Test("text is, noise is not, and what is short is", arguments: [20_000, 65_536, 1 << 20])
    func kinds(count: Int) {
        #expect(runs(text(count)) == [.init(range: 0..<count, isWorth: true)])
        #expect(runs(noise(count)) == [.init(range: 0..<count, isWorth: false)])
        #expect(runs(noise(3000)) == [.init(range: 0..<3000, isWorth: true)])
        #expect(runs([]).isEmpty)
    }

    @Test("each stretch is looked at: text after noise is deflated again, and the other way round")
    func mixed() {
        let bytes = text(100_000) + noise(200_000) + text(50_000) + noise(100_000)
        let found = runs(bytes)
        #expect(found.map(\.isWorth) == [true, false, true, false])
        #expect(found.map(\.range.count).reduce(0, +) == bytes.count)
        for (run, border) in zip(found, [100_000, 300_000, 350_000]) {
            #expect(abs(run.range.upperBound - border) < 2 * CompressionEstimate.step)
        }
    }

    @Test("what only looks like noise is tried: the same noise again and again is deflated")
    func repetitive() {
        // Few enough different bytes that the look is in doubt, and matches in deflate's window.
        let pattern = noise(1000, values: 210)
        let repeated = (0..<200_000).map { pattern[$0 % 1000] }
        #expect(runs(repeated).allSatisfy { $0.isWorth })
        #expect(runs(noise(200_000, values: 210)).allSatisfy { !$0.isWorth })
    }

    @Test("a block of stretches comes back as it was, about as short as its text alone", arguments: [1, 4, 6, 9])
    func roundTrip(level: Int32) throws {
        var deflater = Deflater(level: level)
        var inflater = Inflater()
        let (words, image) = (text(150_000), noise(150_000))
        var alone: [UInt8] = []
        words.withUnsafeBytes { deflater.deflate($0, into: &alone) }
        let cases = [
            (words + image, 1), (image + words, 1), (image + words + image, 2), (words + image + words, 1), (image, 1),
            (words, 0), ([], 0),
        ]
        for (bytes, images) in cases {
            var block: [UInt8] = []
            bytes.withUnsafeBytes { deflater.deflate($0, into: &block) }
            var result: [UInt8] = []
            try block.withUnsafeBytes { try inflater.inflate($0, into: &result, exactly: bytes.count) }
            #expect(result == bytes)
            // What lies across a border may be stored.
            #expect(block.count < images * image.count + 2 * alone.count + 40_000)
        }
        var part: Deflater? = Deflater(level: level)
        let frame = DeflatedPart(deflating: image, by: &part)
        #expect(!frame.isDeflated && frame.bytes == image)
        #expect(DeflatedPart(deflating: words + image, by: &part).isDeflated)
    }
}
