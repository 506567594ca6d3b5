// Describes a basis block by block: enough to find its blocks in new content without having the basis. Hosts make
// signatures of what they hold; BlockIndex and DeltaEncoder use them.

/// The checksums of a basis, cut into blocks of equal length; the last one may be shorter.
struct Signature: Sendable, Equatable {
    let basisLength: UInt64
    let blockLength: Int
    /// How many bytes of each strong checksum are kept.
    let strongLength: Int
    /// Seeds the strong checksums, so that no content can be made that deceives every signature.
    let seed: UInt64
    /// A block each, the short one last.
    let weak: [UInt32]
    let strong: [UInt64]

    var blockCount: Int { weak.count }
    /// The short last block's length; 0 if there is none.
    var tailLength: Int { Int(basisLength % UInt64(blockLength)) }
    /// How many blocks have the full length.
    var fullBlockCount: Int { tailLength == 0 ? blockCount : blockCount - 1 }

    /// What a caller may ask for. The upper bound keeps a block well below a segment of content.
    static let blockLengths = 64...(1 << 20)
    /// Bounds the memory that a signature can take: 12 bytes a block, and about 20 more when indexed.
    static let maximumBlockCount = 1 << 26

    /// The square root of the basis's length, which makes signature and expected literals equally long; within
    /// bounds, below which the signature costs more than it saves (checksums do not deflate, most literals do; measured
    /// on 1,800 small files), and above which an edit costs too much.
    static func blockLength(forBasisLength length: UInt64) -> Int {
        let root = Int(Double(length).squareRoot())
        return min(max((root + 7) / 8 * 8, 384), 256 * 1024)
    }

    static func blockCount(basisLength: UInt64, blockLength: Int) -> UInt64 {
        basisLength / UInt64(blockLength) + (basisLength % UInt64(blockLength) == 0 ? 0 : 1)
    }

    /// Where block `index` lies in the basis.
    func range(ofBlock index: Int) -> (position: UInt64, length: UInt64) {
        let position = UInt64(index) * UInt64(blockLength)
        return (position, min(UInt64(blockLength), basisLength - position))
    }

    /// Whether `bytes` have the strong checksum of block `index`.
    @inline(__always)
    func strongMatches(_ bytes: UnsafeRawBufferPointer, block index: Int) -> Bool {
        StrongChecksum.of(bytes, seed: seed) & StrongChecksum.mask(length: strongLength) == strong[index]
    }
}

extension Signature {
    /// Makes a signature of bytes that come in pieces of any size, in the memory of one block.
    struct Builder: ~Copyable {
        private let basisLength: UInt64
        private let blockLength: Int
        private let strongLength: Int
        private let seed: UInt64
        private let strongMask: UInt64
        private var weak: [UInt32] = []
        private var strong: [UInt64] = []
        /// The start of a block whose end has not come yet.
        private var partial: [UInt8] = []
        private var seen: UInt64 = 0

        /// `blockLength` is raised or lowered to what is allowed; nil chooses by the basis's length.
        init(basisLength: UInt64, blockLength: Int? = nil, seed: UInt64) {
            let wanted = blockLength ?? Signature.blockLength(forBasisLength: basisLength)
            let least = basisLength / UInt64(Signature.maximumBlockCount) + 1
            let bounds = Signature.blockLengths
            self.basisLength = basisLength
            self.blockLength = min(max(wanted, Int(clamping: least), bounds.lowerBound), bounds.upperBound)
            self.seed = seed
            let count = Int(clamping: Signature.blockCount(basisLength: basisLength, blockLength: self.blockLength))
            strongLength = StrongChecksum.length(basisLength: basisLength, blockCount: count)
            strongMask = StrongChecksum.mask(length: strongLength)
            weak.reserveCapacity(min(count, Signature.maximumBlockCount))
            strong.reserveCapacity(min(count, Signature.maximumBlockCount))
        }

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            // Beyond the declared length finish() refuses anyway: no memory for it.
            let room = basisLength - min(seen, basisLength)
            seen += UInt64(bytes.count)
            var rest = UnsafeRawBufferPointer(rebasing: bytes[..<Int(min(room, UInt64(bytes.count)))])
            if !partial.isEmpty {
                let count = min(blockLength - partial.count, rest.count)
                partial.append(contentsOf: rest[..<count])
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                guard partial.count == blockLength else { return }
                closePartialBlock()
            }
            while rest.count >= blockLength {
                append(UnsafeRawBufferPointer(rebasing: rest[..<blockLength]))
                rest = UnsafeRawBufferPointer(rebasing: rest[blockLength...])
            }
            partial.append(contentsOf: rest)
        }

        /// Throws if the basis was longer or shorter than declared: it changed while it was read.
        consuming func finish() throws(SlotSyncError) -> Signature {
            guard seen == basisLength else {
                throw SlotSyncError(
                    .sourceChanged, "the basis changed while it was read: \(basisLength) bytes became \(seen)")
            }
            guard Signature.blockCount(basisLength: basisLength, blockLength: blockLength) <= maximumBlockCount else {
                throw SlotSyncError(.badInput, "the basis is too long for a signature: \(basisLength) bytes")
            }
            if !partial.isEmpty { closePartialBlock() }
            return Signature(
                basisLength: basisLength, blockLength: blockLength, strongLength: strongLength, seed: seed,
                weak: weak, strong: strong)
        }

        private mutating func closePartialBlock() {
            var block: [UInt8] = []
            swap(&block, &partial)
            block.withUnsafeBytes { append($0) }
            block.removeAll(keepingCapacity: true)
            swap(&block, &partial)
        }

        private mutating func append(_ block: UnsafeRawBufferPointer) {
            weak.append(WeakChecksum.of(block))
            strong.append(StrongChecksum.of(block, seed: seed) & strongMask)
        }
    }
}

extension Signature {
    /// How much of a basis is read at a time.
    private static let pieceLength = 256 << 10

    /// The signature of a basis that is read in order, each byte once.
    ///
    /// - Parameters:
    ///   - blockLength: raised or lowered to what is allowed; nil chooses by the basis's length.
    ///   - read: fills the beginning of a buffer with what comes next; returns how many bytes, 0 at the end.
    /// - Throws: `sourceChanged` if there is more or less than `basisLength`; what `read` throws.
    init(
        basisLength: UInt64, blockLength: Int? = nil, seed: UInt64,
        reading read: (UnsafeMutableRawBufferPointer) throws(SlotSyncError) -> Int
    ) throws(SlotSyncError) {
        var builder = Builder(basisLength: basisLength, blockLength: blockLength, seed: seed)
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(Self.pieceLength, Int(clamping: basisLength &+ 1)), alignment: 64)
        defer { piece.deallocate() }
        while case let count = try read(piece), count > 0 {
            builder.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
        self = try builder.finish()
    }
}
