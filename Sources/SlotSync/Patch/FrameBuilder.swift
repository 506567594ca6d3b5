// Puts contents together into frames: whole small files as long as they fit, pieces of long ones. It hands on each
// frame that is full. PairEncoder owns one.

/// Builds frames of items; not for several threads at once.
struct FrameBuilder: ~Copyable {
    /// Literals are cut to this, so that a frame never gets much longer than usual.
    private static let longestLiteral = 64 * 1024

    private var frame = ByteWriter(reserving: PatchFrameLimits.usualLength + 2 * longestLiteral)
    private var piece = InstructionWriter()
    private var item = PatchItem(entry: 0, usesBasis: false, offset: 0, length: 0)
    private var deflater: Deflater?

    /// - Parameter level: zlib's; 0 leaves frames as they are.
    init(level: Int) {
        if level > 0 { deflater = Deflater(level: Int32(level)) }
    }

    mutating func begin(entry: Int, usesBasis: Bool) {
        item = PatchItem(entry: entry, usesBasis: usesBasis, offset: 0, length: 0)
    }

    /// Adds instructions of the content that was begun.
    ///
    /// - Parameter emit: takes each frame that got full.
    mutating func append(
        _ instructions: [DeltaInstruction], of segment: UnsafeRawBufferPointer,
        emit: (DeflatedPart) throws(SlotSyncError) -> Void
    ) throws(SlotSyncError) {
        for instruction in instructions {
            for part in instruction.parts(literalsUpTo: Self.longestLiteral) {
                piece.append(part, of: segment)
                item.length += part.length
                if frame.count + piece.bytes.count >= PatchFrameLimits.usualLength {
                    closePiece()
                    try flush(emit: emit)
                }
            }
        }
    }

    /// Ends the content that was begun.
    mutating func end() {
        if item.length > 0 { closePiece() }
    }

    private mutating func closePiece() {
        piece.endItem()
        frame.append(item)
        frame.append(piece.takeBytes())
        item.offset += item.length
        item.length = 0
    }

    /// Hands on what is left.
    mutating func flush(emit: (DeflatedPart) throws(SlotSyncError) -> Void) throws(SlotSyncError) {
        guard frame.count > 0 else { return }
        let full = DeflatedPart(deflating: frame.bytes, by: &deflater)
        frame.removeAll()
        try emit(full)
    }
}
