// Finds in microseconds which block of a signature has a given weak checksum, or that none has: a bitmap
// that stays in the processor's near caches answers most questions with no, a hash table the rest.
// DeltaEncoder owns one. Its size follows the block count, so that small files cost little.

/// The blocks of a signature by weak checksum.
struct BlockIndex: Sendable {
    private let filter: [UInt64]
    /// Open addressing; weak checksum in the high half, block index + 1 in the low one; 0 is free.
    private let table: [UInt64]
    private let filterShift: UInt64
    private let tableShift: UInt32
    private let leavingWeights: [UInt64]
    private let windowLength: Int

    /// No search looks at more slots. A block that finds no place within is left out: its content is then sent
    /// as literal. Sound checksums never come to that; hostile ones would else make a search quadratic.
    static let maximumProbeCount = 32

    /// Indexes the blocks of full length. Of equal blocks only the first is kept.
    init(_ signature: Signature) {
        let count = signature.fullBlockCount
        let filterBits = min(max(Self.bits(holding: count * 16), 7), 27)
        let tableBits = max(Self.bits(holding: count * 2), 4)
        let filterShift = UInt64(64 - filterBits + 6)
        let tableShift = UInt32(32 - tableBits)
        var filter = [UInt64](repeating: 0, count: 1 << (filterBits - 6))
        var table = [UInt64](repeating: 0, count: 1 << tableBits)
        let mask = table.count - 1
        func admit(_ weak: UInt32) {
            filter[Int(truncatingIfNeeded: (UInt64(weak) << 32) >> filterShift)] |= 1 << UInt64(weak & 63)
        }
        // Zero bytes are noticed in any case: see DeltaEncoder's zero runs.
        admit(0)
        blocks: for block in 0..<count {
            let weak = signature.weak[block]
            var slot = Int(weak >> tableShift)
            for _ in 0..<Self.maximumProbeCount {
                let entry = table[slot]
                if entry == 0 {
                    table[slot] = UInt64(weak) << 32 | UInt64(block + 1)
                    admit(weak)
                    continue blocks
                }
                if Self.weak(entry) == weak, signature.strong[Self.block(entry)] == signature.strong[block] {
                    continue blocks
                }
                slot = (slot + 1) & mask
            }
        }
        self.filter = filter
        self.table = table
        self.filterShift = filterShift
        self.tableShift = tableShift
        windowLength = signature.blockLength
        leavingWeights = count == 0 ? [] : WeakChecksum.leavingWeights(windowLength: signature.blockLength)
    }

    /// How many bytes the index takes.
    var memoryLength: Int { (filter.count + table.count + leavingWeights.count) * 8 }

    private static func bits(holding count: Int) -> Int { Int.bitWidth - max(count - 1, 0).leadingZeroBitCount }
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

    /// A window on content and its hash.
    struct Window {
        var position: Int
        var hash: UInt64

        init(at position: Int, of content: UnsafeRawBufferPointer, length: Int) {
            self.position = position
            hash = WeakChecksum.hash(UnsafeRawBufferPointer(rebasing: content[position..<position + length]))
        }
    }

    /// Moves the window on by one byte.
    func step(_ window: inout Window, over content: UnsafeRawBufferPointer) {
        let entering = content[window.position + windowLength]
        window.hash =
            (window.hash &+ UInt64(entering)) &* WeakChecksum.multiplier
            &- leavingWeights[Int(content[window.position])]
        window.position += 1
    }

    /// Rolls the window from its position on, which is looked at as well, to the first one at most `last` whose
    /// weak checksum a block has, or is that of zeros. False: there is none, and the window has no meaning any more.
    func roll(_ window: inout Window, over content: UnsafeRawBufferPointer, last: Int) -> Bool {
        precondition(window.position >= 0 && last + windowLength <= content.count && !leavingWeights.isEmpty)
        guard window.position <= last, let base = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return false
        }
        return filter.withUnsafeBufferPointer { filter in
            table.withUnsafeBufferPointer { table in
                leavingWeights.withUnsafeBufferPointer { weights in
                    Self.roll(
                        &window, base, windowLength, last, filter.baseAddress.unsafelyUnwrapped, filterShift,
                        table, tableShift, weights.baseAddress.unsafelyUnwrapped)
                }
            }
        }
    }

    // The loop that runs once a byte wherever nothing matches. Two positions a step: the second's hash is made
    // from the first's predecessor, so that the multiplications do not wait for each other.
    private static func roll(
        _ window: inout Window, _ base: UnsafePointer<UInt8>, _ length: Int, _ last: Int,
        _ filter: UnsafePointer<UInt64>, _ filterShift: UInt64, _ table: UnsafeBufferPointer<UInt64>,
        _ tableShift: UInt32, _ weights: UnsafePointer<UInt64>
    ) -> Bool {
        let m1 = WeakChecksum.multiplier
        let m2 = m1 &* m1
        let ahead = base + length
        var position = window.position
        var hash = window.hash
        // The bytes at most two beyond the window at `position` are read: within the window at `last`.
        while position &+ 2 <= last {
            let first = UInt64(ahead[position]) &* m1 &- weights[Int(base[position])]
            let second = (first &+ UInt64(ahead[position &+ 1])) &* m1 &- weights[Int(base[position &+ 1])]
            let next = hash &* m1 &+ first
            if passes(hash, filter, filterShift), isKnown(hash, table, tableShift) {
                window.position = position
                window.hash = hash
                return true
            }
            if passes(next, filter, filterShift), isKnown(next, table, tableShift) {
                window.position = position &+ 1
                window.hash = next
                return true
            }
            hash = hash &* m2 &+ second
            position &+= 2
        }
        while true {
            if passes(hash, filter, filterShift), isKnown(hash, table, tableShift) {
                window.position = position
                window.hash = hash
                return true
            }
            guard position < last else { return false }
            hash = (hash &+ UInt64(ahead[position])) &* m1 &- weights[Int(base[position])]
            position &+= 1
        }
    }

    @inline(__always)
    private static func passes(_ hash: UInt64, _ filter: UnsafePointer<UInt64>, _ shift: UInt64) -> Bool {
        (filter[Int(truncatingIfNeeded: hash &>> shift)] &>> ((hash &>> 32) & 63)) & 1 != 0
    }

    @inline(never)
    private static func isKnown(_ hash: UInt64, _ table: UnsafeBufferPointer<UInt64>, _ shift: UInt32) -> Bool {
        let weak = WeakChecksum.checksum(hash)
        if weak == 0 { return true }
        var slot = Int(weak &>> shift)
        for _ in 0..<maximumProbeCount {
            let entry = table[slot]
            if entry == 0 { return false }
            if Self.weak(entry) == weak { return true }
            slot = (slot &+ 1) & (table.count &- 1)
        }
        return false
    }
}
