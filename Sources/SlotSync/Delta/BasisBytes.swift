// A basis whose bytes are at hand, not only its checksums: indexed at small steps, so that matches of a few bytes
// are found, checked by comparing, and followed to their last byte. DeltaEncoder owns one instead of a signature
// where the controller holds the earlier content itself.

/// The bytes of a basis and their index.
struct BasisBytes: Sendable {
    let bytes: [UInt8]
    let index: BlockIndex
    /// Windows of `windowLength` bytes are indexed at each multiple of this.
    let step: Int
    let windowLength: Int

    /// Bounds the index's memory, at about 20 bytes a window: bases longer than this many least steps are indexed at
    /// longer ones.
    static let maximumWindowCount = 1 << 20
    static let leastStep = 16
    static let leastWindowLength = 16

    /// - Parameter step: nil chooses by the basis's length.
    init(_ bytes: [UInt8], step: Int? = nil, windowLength: Int? = nil) {
        let step = max(step ?? Self.leastStep, bytes.count / Self.maximumWindowCount + 1)
        let windowLength = windowLength ?? max(Self.leastWindowLength, step)
        let count = bytes.count < windowLength ? 0 : (bytes.count - windowLength) / step + 1
        let weak = bytes.withUnsafeBytes { bytes in
            (0..<count).map {
                WeakChecksum.of(UnsafeRawBufferPointer(rebasing: bytes[$0 * step..<$0 * step + windowLength]))
            }
        }
        self.bytes = bytes
        self.step = step
        self.windowLength = windowLength
        index = BlockIndex(windows: weak, windowLength: windowLength)
    }
}

/// How far two stretches of bytes are equal.
enum EqualBytes {
    /// How many bytes from `position` and from `other` on are equal, at most `limit`.
    @inline(__always)
    static func forwards(
        _ bytes: UnsafeRawBufferPointer, _ position: Int, _ others: UnsafeRawBufferPointer, _ other: Int, limit: Int
    ) -> Int {
        precondition(position >= 0 && other >= 0 && limit <= bytes.count - position && limit <= others.count - other)
        guard let a = bytes.baseAddress, let b = others.baseAddress else { return 0 }
        var count = 0
        while count &+ 8 <= limit {
            let difference =
                a.loadUnaligned(fromByteOffset: position &+ count, as: UInt64.self)
                ^ b.loadUnaligned(fromByteOffset: other &+ count, as: UInt64.self)
            guard difference == 0 else { return count &+ difference.littleEndian.trailingZeroBitCount / 8 }
            count &+= 8
        }
        while count < limit, bytes[position &+ count] == others[other &+ count] { count &+= 1 }
        return count
    }

    /// How many bytes before `position` and before `other` are equal, at most `limit`.
    @inline(__always)
    static func backwards(
        _ bytes: UnsafeRawBufferPointer, _ position: Int, _ others: UnsafeRawBufferPointer, _ other: Int, limit: Int
    ) -> Int {
        var count = 0
        while count < limit, bytes[position - 1 - count] == others[other - 1 - count] { count += 1 }
        return count
    }
}
