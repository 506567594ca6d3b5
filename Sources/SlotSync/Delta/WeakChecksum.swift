// The weak checksum is a polynomial over a block's bytes (Rabin and Karp), which moves on by one byte in a few
// instructions. Signature computes it block by block; RollingSearch rolls it over new content.

/// The polynomial's arithmetic, modulo 2^64:
/// `hash(b[0] … b[n-1]) = b[0]·M^n + b[1]·M^(n-1) + … + b[n-1]·M`.
/// The checksum is the high half, upon which every byte has its effect: even the last one is multiplied once.
enum WeakChecksum {
    /// 2^64 divided by the golden ratio: odd, and its bits are well spread.
    static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    static func checksum(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    /// The checksum of a whole block.
    static func of(_ block: UnsafeRawBufferPointer) -> UInt32 { checksum(hash(block)) }

    static func hash(_ block: UnsafeRawBufferPointer) -> UInt64 {
        guard let bytes = block.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
        let m1 = multiplier
        let m2 = m1 &* m1
        let m3 = m2 &* m1
        let m4 = m2 &* m2
        var hash: UInt64 = 0
        var index = 0
        // Four bytes a step: one multiplication in the chain of dependences instead of four.
        while index &+ 4 <= block.count {
            let step =
                UInt64(bytes[index]) &* m4 &+ UInt64(bytes[index &+ 1]) &* m3
                &+ UInt64(bytes[index &+ 2]) &* m2 &+ UInt64(bytes[index &+ 3]) &* m1
            hash = hash &* m4 &+ step
            index &+= 4
        }
        while index < block.count {
            hash = (hash &+ UInt64(bytes[index])) &* m1
            index &+= 1
        }
        return hash
    }

    /// What each of the 256 byte values weighs when it leaves a window of `length` bytes.
    static func leavingWeights(windowLength length: Int) -> [UInt64] {
        var power: UInt64 = 1
        var base = multiplier
        var exponent = length &+ 1
        while exponent > 0 {
            if exponent & 1 == 1 { power = power &* base }
            base = base &* base
            exponent >>= 1
        }
        return (0..<256).map { UInt64($0) &* power }
    }
}
