// Finds the blocks of a signature that have a given weak checksum, in microseconds. A filter that stays in the
// processor's near caches answers most questions with no, a hash table answers the rest. DeltaEncoder owns one. Its
// size follows the number of blocks, so that small files cost little.

/// The blocks of a signature by weak checksum.
struct BlockIndex: Sendable {
    let filter: ChecksumFilter
    /// Open addressing; weak checksum in the high half, block index + 1 in the low one; 0 is free.
    private let table: [UInt64]
    private let tableShift: UInt32
    let leavingWeights: [UInt64]
    let windowLength: Int

    /// No search looks at more slots. A block that finds no place within is left out: its content is then sent
    /// as literal. Sound checksums never come to that; hostile ones would else make a search quadratic.
    static let maximumProbeCount = 32
    /// How many windows with the same weak checksum are kept where bytes decide which of them goes on longest.
    static let maximumLikeCount = 8

    /// Indexes the blocks of full length. Of equal blocks only the first is kept.
    init(_ signature: Signature) {
        self.init(
            weak: signature.weak[..<signature.fullBlockCount], windowLength: signature.blockLength, likes: 1
        ) { signature.strong[$0] == signature.strong[$1] }
    }

    /// Indexes windows of a basis by their weak checksums. Of windows with the same one, the first few are kept.
    init(windows weak: [UInt32], windowLength: Int) {
        self.init(weak: weak[...], windowLength: windowLength, likes: Self.maximumLikeCount) { _, _ in true }
    }

    /// - Parameters:
    ///   - likes: how many blocks with the same weak checksum are kept among those that are `alike`.
    private init(weak: ArraySlice<UInt32>, windowLength: Int, likes: Int, alike: (Int, Int) -> Bool) {
        let count = weak.count
        let tableBits = max(bitsHolding(count * 3 / 2), 4)
        let tableShift = UInt32(32 - tableBits)
        var filter = ChecksumFilter(blockCount: count)
        var table = [UInt64](repeating: 0, count: 1 << tableBits)
        let mask = table.count - 1
        // Zero bytes are noticed in any case: see DeltaEncoder's zero runs.
        filter.admit(0)
        blocks: for (block, weak) in weak.enumerated() {
            var slot = Int(weak >> tableShift)
            var like = 0
            for _ in 0..<Self.maximumProbeCount {
                let entry = table[slot]
                if entry == 0 {
                    table[slot] = UInt64(weak) << 32 | UInt64(block + 1)
                    filter.admit(weak)
                    continue blocks
                }
                if Self.weak(entry) == weak, alike(Self.block(entry), block) {
                    like += 1
                    if like == likes { continue blocks }
                }
                slot = (slot + 1) & mask
            }
        }
        self.filter = filter
        self.table = table
        self.tableShift = tableShift
        self.windowLength = windowLength
        leavingWeights = count == 0 ? [] : WeakChecksum.leavingWeights(windowLength: windowLength)
    }

    /// How many bytes the index takes.
    var memoryLength: Int { filter.memoryLength + (table.count + leavingWeights.count) * 8 }

    @inline(__always) private static func weak(_ entry: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: entry >> 32) }
    @inline(__always) private static func block(_ entry: UInt64) -> Int { Int(entry & 0xffff_ffff) - 1 }

    /// Calls `body` with each block that has this weak checksum, until it returns true.
    func forEachBlock(withWeak weak: UInt32, until body: (Int) -> Bool) {
        var slot = Int(weak >> tableShift)
        for _ in 0..<Self.maximumProbeCount {
            let entry = table[slot]
            if entry == 0 { return }
            if Self.weak(entry) == weak, body(Self.block(entry)) { return }
            slot = (slot + 1) & (table.count - 1)
        }
    }

    /// Whether a block, or zeros, have this weak checksum.
    func isKnown(_ weak: UInt32) -> Bool {
        if weak == 0 { return true }
        var found = false
        forEachBlock(withWeak: weak) { _ in
            found = true
            return true
        }
        return found
    }
}
