// Appends the project's binary forms to a byte array; ByteReader reads them. Every format uses it: manifest, signature,
// delta, frames, messages.

/// Builds a byte string from fixed-width little-endian integers, LEB128 varints and counted bytes.
struct ByteWriter: Sendable {
    private(set) var bytes: [UInt8] = []

    init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    var count: Int { bytes.count }

    mutating func removeAll(keepingCapacity: Bool = true) { bytes.removeAll(keepingCapacity: keepingCapacity) }

    @inline(__always)
    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// A fixed-width integer, little-endian.
    mutating func append<T: FixedWidthInteger>(fixed value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// An unsigned LEB128 varint: 1 to 10 bytes.
    @inline(__always)
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(varint value: Int) { append(varint: UInt64(value)) }

    /// A signed varint in zigzag form.
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// A varint count, then the bytes.
    mutating func append(counted more: some Collection<UInt8>) {
        append(varint: more.count)
        bytes.append(contentsOf: more)
    }

    /// A string as counted UTF-8.
    mutating func append(counted text: String) { append(counted: text.utf8) }

    /// Replaces four bytes at `offset` by a little-endian integer: for a length that is known later.
    mutating func patch(fixed value: UInt32, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
}
