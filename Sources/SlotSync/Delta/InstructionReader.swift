// Reads instructions from bytes that a file or a peer handed over. None of them can reach outside the basis, or make
// more or less than the content's length. ContentMaker carries them out. A copy from beyond the basis is told apart from
// damage: another host may have said of the same basis that it is longer.

/// Reads what InstructionWriter wrote, item after item.
struct InstructionReader: Sendable {
    enum Step: Equatable, Sendable {
        case copy(offset: UInt64, length: UInt64)
        case literal(ArraySlice<UInt8>)
        case zeros(length: UInt64)
        /// Bytes of the basis from the offset on, to each of which its difference is added, modulo 256.
        case add(offset: UInt64, differences: ArraySlice<UInt8>)
        /// Bytes that the basis does not have.
        case outside(SlotSyncError)
    }

    /// What follows the instructions read so far: between items, the caller may read from it what stands there.
    var reader: ByteReader
    private var remaining: UInt64 = 0
    private var basisLength: UInt64?
    private var previousCopyEnd: UInt64 = 0

    init(_ reader: ByteReader) { self.reader = reader }

    /// Starts an item that must make `contentLength` bytes, from a basis of `basisLength` (nil: none, and no copies).
    mutating func beginItem(contentLength: UInt64, basisLength: UInt64?) {
        remaining = contentLength
        self.basisLength = basisLength
        previousCopyEnd = 0
    }

    /// The item's next step; nil at its end, when exactly its content's length has been made. Then another may begin.
    mutating func next() throws(SlotSyncError) -> Step? {
        let head = try reader.varint()
        let length = head >> 2
        if head == InstructionWriter.endMark {
            guard remaining == 0 else { throw reader.corrupt("\(remaining) bytes of content are missing") }
            return nil
        }
        guard length > 0, length <= remaining else {
            throw reader.corrupt("an instruction makes \(length) bytes where \(remaining) are left")
        }
        remaining -= length
        switch DeltaInstruction.Kind(rawValue: UInt8(head & 3)) {
        case .copy:
            let offset = try copyOffset(length)
            return outside(offset, length) ?? .copy(offset: offset, length: length)
        case .add:
            let offset = try copyOffset(length)
            let differences = try bytes(length)
            return outside(offset, length) ?? .add(offset: offset, differences: differences)
        case .literal:
            return .literal(try bytes(length))
        default:
            return .zeros(length: length)
        }
    }

    /// Reads past an item of which nothing is to be made.
    mutating func skipItem(contentLength: UInt64, basisLength: UInt64?) throws(SlotSyncError) {
        beginItem(contentLength: contentLength, basisLength: basisLength)
        while try next() != nil {}
    }

    /// Where `length` bytes are taken from the basis.
    private mutating func copyOffset(_ length: UInt64) throws(SlotSyncError) -> UInt64 {
        let offset = previousCopyEnd &+ UInt64(bitPattern: try reader.zigzag())
        guard basisLength != nil else { throw reader.corrupt("it copies from a basis where there is none") }
        previousCopyEnd = offset &+ length
        return offset
    }

    /// The step for what is not wholly within the basis.
    private func outside(_ offset: UInt64, _ length: UInt64) -> Step? {
        let basisLength = basisLength ?? 0
        guard offset > basisLength || length > basisLength - offset else { return nil }
        return .outside(reader.corrupt("it copies \(length) bytes at \(offset) from a basis of \(basisLength)"))
    }

    private mutating func bytes(_ length: UInt64) throws(SlotSyncError) -> ArraySlice<UInt8> {
        guard length <= reader.remaining else { throw reader.corrupt("it ends too early") }
        return try reader.take(Int(length))
    }
}
