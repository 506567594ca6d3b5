// With the basis's bytes at hand: whatever the edits, the instructions make the content; and hardly more is
// literal than what was changed.

import SystemPackage
import Testing

@testable import SlotSync

struct BasisSearchTests {
    @Test(arguments: 0..<80)
    func instructionsMakeTheContentWhateverTheEdits(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let basis = generator.bytes(generator.below(30_000))
        let edits = generator.below(12)
        let content = edited(basis, edits: edits, using: &generator)
        let instructions = DeltaEncoder(basis: basis).instructions(for: content)
        #expect(apply(instructions, segment: content, basis: basis) == content)
        #expect(instructions.allSatisfy { $0.length > 0 })
        // Inserted zeros aside, which are literal where they are few.
        let literals = instructions.filter { $0.kind == .literal }
            .reduce(0) { $0 + content[Int($1.position)..<Int($1.position + $1.length)].count { $0 != 0 } }
        #expect(literals <= edits * (600 + 4 * BasisBytes.leastWindowLength))
    }

    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 1000, 77_777])
    func unchangedContentIsOneCopy(length: Int) throws {
        var generator = SeededGenerator(seed: 7)
        let basis = generator.bytes(length)
        let instructions = DeltaEncoder(basis: basis).instructions(for: basis)
        #expect(instructions.count <= 1)
        #expect(apply(instructions, segment: basis, basis: basis) == basis)
        if length >= BasisBytes.leastWindowLength { #expect(instructions == [.copy(from: 0, length: UInt64(length))]) }
    }

    @Test func emptySidesNeedNothingElse() {
        #expect(DeltaEncoder(basis: [1, 2, 3]).instructions(for: []) == [])
        #expect(DeltaEncoder(basis: []).instructions(for: [1, 2, 3]) == [.literal(at: 0, length: 3)])
        #expect(DeltaEncoder(basis: [1, 2]).instructions(for: [1, 2, 3]) == [.literal(at: 0, length: 3)])
    }

    @Test func matchIsFollowedToItsFirstAndLastByte() {
        var generator = SeededGenerator(seed: 8)
        let basis = generator.bytes(5000)
        let content = [1, 2, 3] + basis[1003..<1050] + [4, 5, 6] + basis[70..<2000]
        let instructions = DeltaEncoder(basis: basis).instructions(for: Array(content))
        #expect(
            instructions == [
                .literal(at: 0, length: 3), .copy(from: 1003, length: 47), .literal(at: 50, length: 3),
                .copy(from: 70, length: 1930),
            ])
    }

    @Test func longestOfTheEqualWindowsIsTaken() {
        var generator = SeededGenerator(seed: 9)
        let common = generator.bytes(64)
        let first = generator.bytes(64)
        let second = generator.bytes(64)
        let basis = common + first + common + second
        let content = [9] + common + second
        #expect(
            DeltaEncoder(basis: basis).instructions(for: content)
                == [.literal(at: 0, length: 1), .copy(from: 128, length: 128)])
    }

    @Test(arguments: [100, 250, 5000, 40_000])
    func segmentsMakeTheContentHoweverItIsCut(segmentLength: Int) throws {
        var generator = SeededGenerator(seed: UInt64(segmentLength))
        let basis = generator.bytes(60_000)
        let content = edited(basis, edits: 9, using: &generator)
        let made: [UInt8] = try withTemporaryFile(content) { file in
            var input = SequentialInput(file.descriptor, name: file.name)
            var made: [UInt8] = []
            let encoder = SegmentedEncoder(
                DeltaEncoder(basis: basis), segmentLength: segmentLength, parallelism: 3)
            _ = try encoder.encode(&input) { (instructions, segment) throws(SlotSyncError) in
                made += apply(instructions, segment: Array(segment), basis: basis)
            }
            return made
        }
        #expect(made == content)
    }

    @Test(arguments: [1, 2, 3, 7, 16, 64, 257, 1000])
    func periodicContentCostsFewInstructions(period: Int) {
        var generator = SeededGenerator(seed: UInt64(period))
        let unit = generator.bytes(period)
        func repeated(_ count: Int) -> [UInt8] { (0..<count).map { unit[$0 % period] } }
        let basis = repeated(300_000)
        let encoder = DeltaEncoder(basis: basis)
        for content in [basis, [9, 9, 9] + basis, Array(basis.dropFirst(100)), repeated(500_000), basis + [1] + basis] {
            let instructions = encoder.instructions(for: content)
            #expect(apply(instructions, segment: content, basis: basis) == content)
            #expect(instructions.count <= 24)
            #expect(instructions.total(.literal) <= 100)
        }
    }
}

// What most bytes of a match equal is followed, and the others become differences.
extension BasisSearchTests {
    @Test func addressesThatMovedAreDifferences() {
        var generator = SeededGenerator(seed: 10)
        var basis = generator.bytes(64 * 1000)
        var content = basis
        for start in stride(from: 20, to: basis.count, by: 64) {
            basis[start] = 0x10
            content[start] = 0x30
            content[start + 1] = basis[start + 1] &+ 1
        }
        let instructions = DeltaEncoder(basis: basis).instructions(for: content)
        #expect(apply(instructions, segment: content, basis: basis) == content)
        #expect(instructions.total(.literal) == 0)
        #expect(instructions.count { $0 == .add(to: 20 + 64 * 500, length: 2, differences: 0x0120) } == 1)
        #expect(instructions.total(.add) == 2000)
    }

    @Test func whatDoesNotResembleTheBasisIsNoDifference() {
        var generator = SeededGenerator(seed: 11)
        let basis = generator.bytes(10_000)
        let content = basis[..<4000] + generator.bytes(5000) + basis[4000...]
        let instructions = DeltaEncoder(basis: basis).instructions(for: Array(content))
        #expect(apply(instructions, segment: Array(content), basis: basis) == Array(content))
        #expect(instructions.total(.add) < 50)
        #expect(instructions.total(.copy) >= 9950)
    }

    #if DEBUG
        /// Bytes compared for each byte of content.
        private func effort(_ content: [UInt8], basis: [UInt8]) -> Int {
            let basis = BasisBytes(basis)
            return basis.bytes.withUnsafeBytes { old in
                content.withUnsafeBytes { content in
                    var search = BasisSearch(basis, old: old, segment: content, end: content.count)
                    search.run()
                    return search.comparedCount / content.count
                }
            }
        }

        @Test func effortStaysLinearInRepetitiveContent() {
            var generator = SeededGenerator(seed: 12)
            let zeros = [UInt8](repeating: 0, count: 1 << 17)
            var marked = [UInt8](repeating: 65, count: 1 << 17)
            for start in stride(from: 7, to: marked.count, by: 50) { marked[start] = UInt8(generator.below(256)) }
            let periodic = (0..<(1 << 17)).map { UInt8($0 % 17) }
            var alternating = periodic
            for start in stride(from: 0, to: alternating.count, by: 3) { alternating[start] &+= 1 }
            let bits = generator.bytes(1 << 17).map { $0 & 1 }
            let contents = [zeros, marked, periodic, alternating, bits, Array(zeros.dropLast(77)) + [1] + zeros]
            for basis in contents {
                for content in contents + [Array(marked.reversed())] { #expect(effort(content, basis: basis) <= 24) }
            }
        }
    #endif
}
