// Reads what ByteWriter wrote, and trusts none of it. Every read checks what is left, and every count is held against
// a bound that the caller names before anything is allocated.

/// A cursor over bytes from a file or from the other end of a wire.
struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int
    /// What the bytes are, for the error: "manifest of slot 3", "message".
    let name: String

    init(_ bytes: [UInt8], name: String) { self.init(bytes, in: 0..<bytes.count, name: name) }

    init(_ bytes: [UInt8], in range: Range<Int>, name: String) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
        self.name = name
    }

    var remaining: Int { end - position }
    var isAtEnd: Bool { position == end }

    func corrupt(_ what: String) -> SlotSyncError { SlotSyncError(.corrupt, "\(name) is damaged: \(what)") }

    func expectEnd() throws(SlotSyncError) {
        guard isAtEnd else { throw corrupt("\(remaining) bytes too many") }
    }

    @inline(__always)
    mutating func byte() throws(SlotSyncError) -> UInt8 {
        guard position < end else { throw corrupt("it ends too early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func fixed<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(SlotSyncError) -> T {
        let width = MemoryLayout<T>.size
        guard remaining >= width else { throw corrupt("it ends too early") }
        defer { position += width }
        return T(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) })
    }

    @inline(__always)
    mutating func varint() throws(SlotSyncError) -> UInt64 {
        let first = try byte()
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7f)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw corrupt("a number is too large") }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func zigzag() throws(SlotSyncError) -> Int64 {
        let raw = try varint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A varint that must not be larger than `bound`.
    @inline(__always)
    mutating func count(atMost bound: Int, of what: @autoclosure () -> String) throws(SlotSyncError) -> Int {
        let value = try varint()
        guard value <= UInt64(bound) else { throw corrupt("\(what()): \(value), at most \(bound) allowed") }
        return Int(value)
    }

    /// A range of `count` bytes in the underlying array; moves past them.
    mutating func take(_ count: Int) throws(SlotSyncError) -> ArraySlice<UInt8> {
        guard count >= 0, remaining >= count else { throw corrupt("it ends too early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func counted(atMost bound: Int, of what: @autoclosure () -> String) throws(SlotSyncError)
        -> ArraySlice<UInt8>
    {
        try take(count(atMost: bound, of: what()))
    }

    /// Counted UTF-8; what is not UTF-8 in it is replaced, since such text is only ever shown.
    mutating func text(atMost bound: Int, of what: @autoclosure () -> String) throws(SlotSyncError) -> String {
        String(decoding: try counted(atMost: bound, of: what()), as: UTF8.self)
    }
}
