// A basis whose bytes the controller has, not only its checksums. Short windows of it are indexed, so that matches of
// a few bytes are found, compared, and followed to their last byte. DeltaEncoder owns one in place of a signature.

/// The bytes of a basis and their index.
struct BasisBytes: Sendable {
    let bytes: [UInt8]
    let index: BlockIndex
    /// Windows as long as this are indexed, one behind the other. A match of twice the length is found for certain.
    let windowLength: Int

    /// The windows of a short basis. Shorter ones would be found more often by chance than they are worth.
    static let leastWindowLength = 16
    /// Longer bases than this many windows are indexed at longer ones: the index then stays within 12 MB, and makes
    /// about half of the work.
    static let maximumWindowCount = 1 << 19

    init(_ bytes: [UInt8]) {
        let windowLength = max(Self.leastWindowLength, bytes.count / Self.maximumWindowCount + 1)
        let count = bytes.count / windowLength
        let weak = bytes.withUnsafeBytes { bytes in
            (0..<count).map {
                WeakChecksum.of(UnsafeRawBufferPointer(rebasing: bytes[$0 * windowLength..<($0 + 1) * windowLength]))
            }
        }
        self.bytes = bytes
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
