// The strong checksum is seeded XXH3-64, cut to as many bytes as the basis needs. It decides whether a block matches,
// at memory speed; the digest of the whole result has the last word.

import CXXHash

enum StrongChecksum {
    @inline(__always)
    static func of(_ block: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        XXH3_64bits_withSeed(block.baseAddress, block.count, seed)
    }

    /// Keeps the low `length` bytes.
    static func mask(length: Int) -> UInt64 { length >= 8 ? .max : (1 << UInt64(length * 8)) - 1 }

    /// So many bytes that a false match anywhere in a content as long as its basis has a probability of less
    /// than 2^-20. Every position is held against every block by weak (counted as 28 of its 32 bits, for it is
    /// no ideal hash) and strong checksum; a block that would continue a match, by the strong one alone.
    static func length(basisLength: UInt64, blockCount: Int) -> Int {
        let positions = UInt64.bitWidth - basisLength.leadingZeroBitCount
        let blocks = Int.bitWidth - blockCount.leadingZeroBitCount
        let bits = max(20 + positions + blocks - 28, 20 + blocks)
        return min(max((bits + 7) / 8, lengths.lowerBound), lengths.upperBound)
    }

    static let lengths = 3...8
}

/// XXH3-64 without a seed: the checksum that guards signature and delta files against damage.
func fileChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 { XXH3_64bits(bytes.baseAddress, bytes.count) }
