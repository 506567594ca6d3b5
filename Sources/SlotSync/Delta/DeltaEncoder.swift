// Applies rsync's algorithm to one segment of content: it rolls a weak checksum until a block of the basis may be
// there, asks the strong one, then follows the basis block by block, without rolling, as long as it matches.
// PairEncoder encodes whole small files with it, SegmentedEncoder long ones piece by piece.

/// Finds a basis in content. Made once a basis; as a value without mutable state, shared by cores.
struct DeltaEncoder: Sendable {
    private enum Basis: Sendable {
        case none
        case signature(Signature, BlockIndex)
        case bytes(BasisBytes)
    }

    private let basis: Basis

    /// Finds runs of zeros, which need no basis, and nothing else.
    init() { basis = .none }

    /// Finds whole blocks of the basis that has this signature.
    init(_ signature: Signature) { basis = .signature(signature, BlockIndex(signature)) }

    /// Finds all stretches of some 16 to 32 bytes or more of a basis that is at hand.
    init(basis bytes: [UInt8]) { basis = .bytes(BasisBytes(bytes)) }

    var hasBasis: Bool {
        if case .none = basis { false } else { true }
    }

    /// The bytes after a segment that `encode` should see, so that no match is lost at the border.
    var lookahead: Int {
        switch basis {
        case .none: 0
        case .signature(let signature, _): signature.blockLength
        case .bytes(let basis): basis.windowLength
        }
    }

    /// Appends the instructions that make `segment`. A pure function.
    /// - Parameters:
    ///   - segment: content, followed by `lookahead` bytes of what comes next. A match may begin in the content and
    ///     end in the lookahead: the instructions then make these bytes as well. Otherwise they end with the content.
    ///   - isLast: the content ends where `segment` does; only there the basis's short last block can match.
    func encode(
        _ segment: UnsafeRawBufferPointer, lookahead: Int = 0, isLast: Bool,
        into instructions: inout [DeltaInstruction]
    ) {
        precondition(lookahead >= 0 && lookahead <= segment.count)
        let end = segment.count - lookahead
        switch basis {
        case .none:
            instructions.append(literal: 0..<end, of: segment)
        case .signature(let signature, let index):
            var search = BlockSearch(signature: signature, index: index, segment: segment, end: end)
            // Moved, not copied: there and back.
            swap(&search.instructions, &instructions)
            search.run()
            search.finish(isLast: isLast)
            swap(&search.instructions, &instructions)
        case .bytes(let basis):
            basis.bytes.withUnsafeBytes { old in
                var search = BasisSearch(basis, old: old, segment: segment, end: end)
                swap(&search.instructions, &instructions)
                search.run()
                swap(&search.instructions, &instructions)
            }
        }
    }
}

/// The search for blocks of a signature.
private struct BlockSearch: SegmentSearch {
    let signature: Signature
    let index: BlockIndex
    let segment: UnsafeRawBufferPointer
    /// Matches begin before this.
    let end: Int
    var instructions: [DeltaInstruction] = []

    private let blockLength: Int
    /// Where the search stands.
    private var position = 0
    /// What lies from here to `position` matched nothing.
    private var literalStart = 0
    /// The block that would continue the last match, at `literalStart`.
    private var next: Int?
    var zerosEnd = 0
    /// How many bytes may be hashed in vain. Only content made to deceive the weak checksum uses it up.
    private var futileBytes: Int
    var isExhausted: Bool { futileBytes <= 0 }

    init(signature: Signature, index: BlockIndex, segment: UnsafeRawBufferPointer, end: Int) {
        self.signature = signature
        self.index = index
        self.segment = segment
        self.end = end
        blockLength = signature.blockLength
        futileBytes = 8 * segment.count + 64 * signature.blockLength
    }

    mutating func run() {
        guard signature.fullBlockCount > 0 else { return }
        while true {
            followBasis()
            let last = min(end - 1, segment.count - blockLength)
            guard position <= last else { return }
            var window = BlockIndex.Window(at: position, of: segment, length: blockLength)
            guard let block = nextMatch(&window, last: last) else { return }
            take(block, at: window.position)
        }
    }

    /// Takes block after block as long as they come in the basis's order.
    private mutating func followBasis() {
        guard var block = next else { return }
        let first = block
        while block < signature.fullBlockCount, position < end, position + blockLength <= segment.count,
            signature.strongMatches(bytes(at: position), block: block)
        {
            block += 1
            position += blockLength
        }
        guard block > first else { return }
        let start = signature.range(ofBlock: first).position
        instructions.append(copyFrom: start, length: UInt64(block - first) * UInt64(blockLength))
        literalStart = position
        next = block
    }

    /// A block whose checksums are those of the window: rather the one that lies as far behind the last match in
    /// the basis as here, else the first.
    mutating func match(at window: BlockIndex.Window) -> Int? {
        let weak = WeakChecksum.checksum(window.hash)
        let content = bytes(at: window.position)
        let strong =
            StrongChecksum.of(content, seed: signature.seed) & StrongChecksum.mask(length: signature.strongLength)
        if let next, (window.position - literalStart) % blockLength == 0 {
            let expected = next + (window.position - literalStart) / blockLength
            if expected < signature.fullBlockCount, signature.weak[expected] == weak,
                signature.strong[expected] == strong
            {
                return expected
            }
        }
        var found: Int?
        index.forEachBlock(withWeak: weak) { block in
            guard signature.strong[block] == strong else { return false }
            found = block
            return true
        }
        if found == nil { futileBytes -= blockLength }
        return found
    }

    private mutating func take(_ block: Int, at start: Int) {
        instructions.append(literal: literalStart..<start, of: segment)
        instructions.append(copyFrom: signature.range(ofBlock: block).position, length: UInt64(blockLength))
        position = start + blockLength
        literalStart = position
        next = block + 1
    }

    /// What matched nothing becomes literal, but for the basis's short last block at the content's end.
    mutating func finish(isLast: Bool) {
        let tail = signature.tailLength
        let tailStart = segment.count - tail
        if isLast, tail > 0, tailStart >= literalStart, tailStart < end {
            let content = UnsafeRawBufferPointer(rebasing: segment[tailStart...])
            let block = signature.blockCount - 1
            if signature.strongMatches(content, block: block), WeakChecksum.of(content) == signature.weak[block] {
                instructions.append(literal: literalStart..<tailStart, of: segment)
                instructions.append(copyFrom: signature.range(ofBlock: block).position, length: UInt64(tail))
                return
            }
        }
        if literalStart < end { instructions.append(literal: literalStart..<end, of: segment) }
    }

    private func bytes(at position: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: segment[position..<position + blockLength])
    }
}
