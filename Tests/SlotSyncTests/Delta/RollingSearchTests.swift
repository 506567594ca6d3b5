// The search over long content, in lanes, stops at the same positions as one that asks at every byte.

import Testing

@testable import SlotSync

struct RollingSearchTests {
    @Test(arguments: 0..<12)
    func rollingStopsWhereverABlockMayBe(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let blockLength = 64
        let basis = generator.bytes(blockLength * 200)
        var content = generator.bytes(150_000)
        for _ in 0..<generator.below(12) {
            let block = generator.below(200) * blockLength
            let start = generator.below(content.count - blockLength)
            content.replaceSubrange(start..<start + blockLength, with: basis[block..<block + blockLength])
        }
        let signature = try Signature(of: basis, blockLength: blockLength)
        let index = BlockIndex(signature)
        let last = content.count - blockLength
        content.withUnsafeBytes { content in
            var slow = BlockIndex.Window(at: 0, of: content, length: blockLength)
            var expected: [Int] = []
            while true {
                if signature.weak.contains(slow.weak) { expected.append(slow.position) }
                guard slow.position < last else { break }
                index.step(&slow, over: content)
            }
            var found: [Int] = []
            var window = BlockIndex.Window(at: 0, of: content, length: blockLength)
            while index.roll(&window, over: content, last: last) {
                found.append(window.position)
                guard window.position < last else { break }
                index.step(&window, over: content)
            }
            #expect(found == expected)
        }
    }

    @Test func rolledHashIsThatOfTheBlock() throws {
        var generator = SeededGenerator(seed: 40)
        let content = generator.bytes(2000)
        let index = BlockIndex(try Signature(of: generator.bytes(1000), blockLength: 100))
        content.withUnsafeBytes { content in
            var window = BlockIndex.Window(at: 0, of: content, length: 100)
            for position in 1..<1900 {
                index.step(&window, over: content)
                #expect(window.hash == BlockIndex.Window(at: position, of: content, length: 100).hash)
            }
        }
    }
}
