// A frame holds items, each a piece of one file's content as delta instructions. Small files stand in a frame whole,
// many together; the pieces of a long file go through several frames, in order. FrameBuilder writes items,
// FrameApplier reads them; docs/formats.md has the bytes.

/// The head of one item.
struct PatchItem: Equatable, Sendable {
    /// The manifest's entry whose content this is.
    var entry: Int
    /// Whether copies are from the basis that the host proposed; otherwise there are none.
    var usesBasis: Bool
    /// Where in the content this piece begins.
    var offset: UInt64
    /// How many bytes of content its instructions make.
    var length: UInt64
}

extension ByteWriter {
    mutating func append(_ item: PatchItem) {
        append(varint: UInt64(item.entry) << 1 | (item.usesBasis ? 1 : 0))
        append(varint: item.offset)
        append(varint: item.length)
    }
}

extension ByteReader {
    mutating func patchItem() throws(SlotSyncError) -> PatchItem {
        let head = try varint()
        guard head >> 1 < UInt64(Manifest.mostEntries) else { throw corrupt("an item for entry \(head >> 1)") }
        return PatchItem(
            entry: Int(head >> 1), usesBasis: head & 1 != 0, offset: try varint(), length: try varint())
    }
}

/// Bounds of a frame.
enum PatchFrameLimits {
    /// A frame is closed once it holds this much; small enough to stay in memory many times over, large
    /// enough that deflate sees many small files at once.
    static let usualLength = 256 * 1024
    /// A frame's bytes before deflation never exceed this.
    static let longestFrame = 1 << 20
    /// How many long files may be under way at once.
    static let mostOpenItems = 16
}
