// Writes instructions as bytes, the form that delta files and patch frames share. InstructionReader is its
// counterpart, docs/delta-format.md its specification.

/// Writes items, each of them the instructions that make one content, one after the other.
///
/// An instruction is a varint `length << 2 | kind`; a copy is followed by its offset, as a zigzag varint of the
/// difference to the end of the item's previous copy or add; a literal by its bytes; an add by both, the offset first.
/// Kind 3 with length 0 ends an item.
struct InstructionWriter: Sendable {
    /// Complete instructions. A copy or add stays out of it until something follows, for it may become longer.
    private(set) var bytes: ByteWriter
    /// The copy or add that the basis's next bytes would make longer.
    private var pending: DeltaInstruction?
    private var pendingDifferences: [UInt8] = []
    private var previousCopyEnd: UInt64 = 0

    /// How much content the item's instructions make so far.
    private(set) var contentLength: UInt64 = 0

    init(reserving capacity: Int = 0) { bytes = ByteWriter(reserving: capacity) }

    static let endMark: UInt8 = 3
    /// Longer adds are cut, so that not much more than `bytes` is ever waiting.
    static let longestAdd = 4096

    /// Appends one instruction; `segment` is what its literals point into.
    mutating func append(_ instruction: DeltaInstruction, of segment: UnsafeRawBufferPointer) {
        guard instruction.length > 0 else { return }
        contentLength += instruction.length
        switch instruction.kind {
        case .copy, .add:
            if let pending, pending.kind == instruction.kind, pending.position + pending.length == instruction.position,
                pending.kind == .copy || pendingDifferences.count < Self.longestAdd
            {
                self.pending?.length += instruction.length
            } else {
                flushPending()
                pending = instruction
            }
            guard instruction.kind == .add else { return }
            withUnsafeBytes(of: instruction.differences.littleEndian) {
                pendingDifferences.append(contentsOf: $0.prefix(Int(instruction.length)))
            }
        case .literal:
            flushPending()
            appendHead(instruction)
            let start = Int(instruction.position)
            bytes.append(UnsafeRawBufferPointer(rebasing: segment[start..<start + Int(instruction.length)]))
        case .zeros:
            flushPending()
            appendHead(instruction)
        }
    }

    /// Appends all instructions of a segment.
    mutating func append(_ instructions: some Sequence<DeltaInstruction>, of segment: UnsafeRawBufferPointer) {
        for instruction in instructions { append(instruction, of: segment) }
    }

    /// Ends the item. The next one starts from nothing.
    mutating func endItem() {
        flushPending()
        bytes.append(Self.endMark)
        previousCopyEnd = 0
        contentLength = 0
    }

    /// Hands over the items written, all of them ended.
    mutating func takeBytes() -> [UInt8] {
        precondition(pending == nil && contentLength == 0, "an item has not been ended")
        var taken = ByteWriter()
        swap(&taken, &bytes)
        return taken.bytes
    }

    private mutating func appendHead(_ instruction: DeltaInstruction) {
        bytes.append(varint: instruction.length << 2 | UInt64(instruction.kind.rawValue))
    }

    private mutating func flushPending() {
        guard let copy = pending else { return }
        pending = nil
        appendHead(copy)
        bytes.append(zigzag: Int64(bitPattern: copy.position &- previousCopyEnd))
        previousCopyEnd = copy.position + copy.length
        bytes.append(pendingDifferences)
        pendingDifferences.removeAll(keepingCapacity: true)
    }
}
