// Finds in microseconds which block of a signature has a given weak checksum, or that none has: a bitmap
// that stays in the processor's near caches answers most questions with no, a hash table the rest.
// DeltaEncoder owns one. Its size follows the block count, so that small files cost little.

/// The blocks of a signature by weak checksum.
struct BlockIndex: Sendable {
    private let filter: [UInt64]
    /// Open addressing; weak checksum in the high half, block index + 1 in the low one; 0 is free.
    private let table: [UInt64]
    private let filterMask: UInt64
    private let tableShift: UInt32
    private let leavingWeights: [UInt64]
    private let windowLength: Int

    /// No search looks at more slots. A block that finds no place within is left out: its content is then sent
    /// as literal. Sound checksums never come to that; hostile ones would else make a search quadratic.
    static let maximumProbeCount = 32

    /// Indexes the blocks of full length. Of equal blocks only the first is kept.
    init(_ signature: Signature) {
        let count = signature.fullBlockCount
        let filterBits = Self.filterBits(blockCount: count)
        let tableBits = max(Self.bits(holding: count * 2), 4)
        let tableShift = UInt32(32 - tableBits)
        var filter = [UInt64](repeating: 0, count: 1 << (filterBits - 6))
        let filterMask = UInt64(filter.count - 1)
        var table = [UInt64](repeating: 0, count: 1 << tableBits)
        let mask = table.count - 1
        func admit(_ weak: UInt32) {
            filter[Int(UInt64(weak >> 6) & filterMask)] |= 1 << UInt64(weak & 63) | 1 << UInt64(weak >> 26)
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
        self.filterMask = filterMask
        self.tableShift = tableShift
        windowLength = signature.blockLength
        leavingWeights = count == 0 ? [] : WeakChecksum.leavingWeights(windowLength: signature.blockLength)
    }

    /// A first bit that is set by chance costs a mispredicted branch, as much as ten bytes rolled. 64 bits a block
    /// (one position in 32), as long as that fits the second-level cache; then fewer, but no fewer than 16.
    private static func filterBits(blockCount: Int) -> Int {
        let secondLevel = 22
        let ample = bits(holding: blockCount * 64)
        let scarce = bits(holding: blockCount * 16)
        return min(max(min(ample, secondLevel), scarce, 6), 28)
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

        fileprivate init(position: Int, hash: UInt64) {
            self.position = position
            self.hash = hash
        }

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
        while true {
            filter.withUnsafeBufferPointer { filter in
                leavingWeights.withUnsafeBufferPointer { weights in
                    Self.roll(
                        &window, base, windowLength, last, filter.baseAddress.unsafelyUnwrapped, filterMask,
                        weights.baseAddress.unsafelyUnwrapped)
                }
            }
            guard window.position <= last else { return false }
            if isKnown(WeakChecksum.checksum(window.hash)) { return true }
            guard window.position < last else { return false }
            step(&window, over: content)
        }
    }

    // The loop that runs once a byte wherever nothing matches: to the first position that passes the filter, or
    // beyond `last`. Two positions a step: the second's hash is made from the first's predecessor, so that the
    // multiplications do not wait for each other. Nothing else is in it, so that all it needs stays in registers.
    @inline(never)
    private static func roll(
        _ window: inout Window, _ base: UnsafePointer<UInt8>, _ length: Int, _ last: Int,
        _ filter: UnsafePointer<UInt64>, _ filterMask: UInt64, _ weights: UnsafePointer<UInt64>
    ) {
        let m1 = WeakChecksum.multiplier
        let m2 = m1 &* m1
        let ahead = base + length
        var position = window.position
        var hash = window.hash
        // Reads at most one byte beyond the window at `last` - 1, which is that window's last one.
        while position &+ 2 <= last {
            let first = UInt64(ahead[position]) &* m1 &- weights[Int(base[position])]
            let second = (first &+ UInt64(ahead[position &+ 1])) &* m1 &- weights[Int(base[position &+ 1])]
            if passes(hash, filter, filterMask) {
                window = Window(position: position, hash: hash)
                return
            }
            let next = hash &* m1 &+ first
            if passes(next, filter, filterMask) {
                window = Window(position: position &+ 1, hash: next)
                return
            }
            hash = hash &* m2 &+ second
            position &+= 2
        }
        while !passes(hash, filter, filterMask) {
            guard position < last else {
                position = last &+ 1
                break
            }
            hash = (hash &+ UInt64(ahead[position])) &* m1 &- weights[Int(base[position])]
            position &+= 1
        }
        window = Window(position: position, hash: hash)
    }

    // One bit is looked at first, since that is all that most positions need; the other, from the same word,
    // where it is set.
    @inline(__always)
    private static func passes(_ hash: UInt64, _ filter: UnsafePointer<UInt64>, _ mask: UInt64) -> Bool {
        let word = filter[Int(truncatingIfNeeded: (hash &>> 38) & mask)]
        guard (word &>> ((hash &>> 32) & 63)) & 1 != 0 else { return false }
        return (word &>> (hash &>> 58)) & 1 != 0
    }

    private func isKnown(_ weak: UInt32) -> Bool {
        if weak == 0 { return true }
        var found = false
        forEachBlock(withWeak: weak) { _ in
            found = true
            return true
        }
        return found
    }
}
