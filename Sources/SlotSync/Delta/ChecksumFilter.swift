// Tells whether a block may have a weak checksum. RollingSearch asks at every byte of new content, so a question
// costs four instructions and one byte pair of a near cache. BlockIndex owns the filter.

/// A set of weak checksums that may hold others as well.
struct ChecksumFilter: Sendable {
    /// A slot for each value of the checksum's high bits. Its own bits are the checksum's low ones: a block clears
    /// those that its checksum has. A checksum passes if all that it has are cleared.
    private var near: [UInt16]
    private let nearShift: UInt32
    /// A bit for each value of the high bits of the checksum times a constant. Asked about what passes.
    private var far: [UInt64]
    private let farShift: UInt32

    init(blockCount: Int) {
        // What passes by chance costs a mispredicted branch, as much as 20 bytes rolled; what misses the near caches,
        // or the pages that the processor knows, costs as well. Eight slots a block let one in 500 pass; above 256 kB
        // they get fewer, one in the end.
        let ample = min(bitsHolding(blockCount * 8), 17)
        let scarce = bitsHolding(blockCount)
        let slotBits = max(ample, scarce, 4)
        nearShift = UInt32(32 - slotBits)
        near = [UInt16](repeating: .max, count: 1 << slotBits)
        farShift = UInt32(32 - slotBits - 4)
        far = [UInt64](repeating: 0, count: 1 << (slotBits - 2))
    }

    var memoryLength: Int { near.count * 2 + far.count * 8 }

    mutating func admit(_ weak: UInt32) {
        near[Int(weak >> nearShift)] &= ~UInt16(truncatingIfNeeded: weak)
        let bit = (weak &* Self.multiplier) >> farShift
        far[Int(bit >> 6)] |= 1 << UInt64(bit & 63)
    }

    private static let multiplier: UInt32 = 0x9E37_79B1

    /// The filter for as long as `body` runs.
    @inline(__always)
    func withTables<Result>(_ body: (Tables) -> Result) -> Result {
        near.withUnsafeBufferPointer { near in
            far.withUnsafeBufferPointer { far in
                // Neither is ever empty.
                body(Tables(near.baseAddress!, nearShift, far.baseAddress!, farShift))
            }
        }
    }

    /// Where a loop finds the filter.
    struct Tables {
        private let near: UnsafePointer<UInt16>
        private let nearShift: UInt32
        private let far: UnsafePointer<UInt64>
        private let farShift: UInt32

        fileprivate init(
            _ near: UnsafePointer<UInt16>, _ nearShift: UInt32, _ far: UnsafePointer<UInt64>, _ farShift: UInt32
        ) {
            self.near = near
            self.nearShift = nearShift
            self.far = far
            self.farShift = farShift
        }

        /// Whether a block may have the weak checksum of a window with this hash.
        @inline(__always)
        func pass(_ hash: UInt64) -> Bool {
            let weak = WeakChecksum.checksum(hash)
            guard near[Int(weak &>> nearShift)] & UInt16(truncatingIfNeeded: weak) == 0 else { return false }
            let bit = (weak &* ChecksumFilter.multiplier) &>> farShift
            return (far[Int(bit &>> 6)] &>> UInt64(bit & 63)) & 1 != 0
        }
    }
}

/// How many bits a number needs that tells `count` things apart.
func bitsHolding(_ count: Int) -> Int { Int.bitWidth - max(count - 1, 0).leadingZeroBitCount }
