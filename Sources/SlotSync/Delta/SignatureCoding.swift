// Writes and reads a signature's byte form, alone as messages carry it, and wrapped as `slotsync signature` writes it
// to a file. docs/delta-format.md specifies both. Decoding checks everything before it is used.

extension Signature {
    func encode(into writer: inout ByteWriter) {
        writer.append(varint: basisLength)
        writer.append(varint: blockLength)
        writer.append(UInt8(strongLength))
        writer.append(fixed: seed)
        for checksum in weak { writer.append(fixed: checksum) }
        for checksum in strong {
            withUnsafeBytes(of: checksum.littleEndian) {
                writer.append(UnsafeRawBufferPointer(rebasing: $0[..<strongLength]))
            }
        }
    }

    init(from reader: inout ByteReader) throws(SlotSyncError) {
        let basisLength = try reader.varint()
        guard basisLength <= Int64.max else { throw reader.corrupt("a basis of \(basisLength) bytes") }
        let blockLength = try reader.count(atMost: Self.blockLengths.upperBound, of: "block length")
        guard Self.blockLengths.contains(blockLength) else { throw reader.corrupt("blocks of \(blockLength) bytes") }
        let strongLength = Int(try reader.byte())
        guard StrongChecksum.lengths.contains(strongLength) else {
            throw reader.corrupt("strong checksums of \(strongLength) bytes")
        }
        let seed: UInt64 = try reader.fixed()
        let count = Self.blockCount(basisLength: basisLength, blockLength: blockLength)
        // What is there bounds what is allocated.
        guard count <= Self.maximumBlockCount, count <= reader.remaining / (4 + strongLength) else {
            throw reader.corrupt("checksums of \(count) blocks do not fit")
        }
        var weak: [UInt32] = []
        weak.reserveCapacity(Int(count))
        for _ in 0..<count { weak.append(try reader.fixed()) }
        var strong: [UInt64] = []
        strong.reserveCapacity(Int(count))
        for _ in 0..<count {
            var checksum: UInt64 = 0
            for (index, byte) in try reader.take(strongLength).enumerated() {
                checksum |= UInt64(byte) << UInt64(8 * index)
            }
            strong.append(checksum)
        }
        self.init(
            basisLength: basisLength, blockLength: blockLength, strongLength: strongLength, seed: seed,
            weak: weak, strong: strong)
    }

    /// The first bytes of a signature file; the last of them is the format's version.
    static let fileMagic: [UInt8] = Array("SSYNSIG".utf8) + [1]

    /// The file form: magic, signature, checksum.
    func encodedFile() -> [UInt8] {
        var writer = ByteWriter(reserving: 40 + blockCount * (4 + strongLength))
        writer.append(Self.fileMagic)
        encode(into: &writer)
        writer.append(fixed: writer.bytes.withUnsafeBytes { fileChecksum($0) })
        return writer.bytes
    }

    /// Reads the file form; `name` is the file's, for errors.
    init(file bytes: [UInt8], name: String) throws(SlotSyncError) {
        try checkMagic(of: bytes, against: Self.fileMagic, name: name, kind: "signature")
        let end = bytes.count - 8
        var trailer = ByteReader(bytes, in: max(end, 0)..<bytes.count, name: name)
        guard end >= Self.fileMagic.count,
            try trailer.fixed() == bytes.withUnsafeBytes({ fileChecksum(UnsafeRawBufferPointer(rebasing: $0[..<end])) })
        else { throw trailer.corrupt("its checksum is wrong; make the signature again") }
        var reader = ByteReader(bytes, in: Self.fileMagic.count..<end, name: name)
        try self.init(from: &reader)
        try reader.expectEnd()
    }
}

/// Tells a file of another kind and one of another version from one that can be read.
func checkMagic(
    of bytes: some Collection<UInt8>, against magic: [UInt8], name: String, kind: String
) throws(SlotSyncError) {
    guard bytes.starts(with: magic.dropLast()) else { throw SlotSyncError(.badInput, "\(name) is no \(kind) file") }
    guard bytes.starts(with: magic) else {
        throw SlotSyncError(
            .versionMismatch, "\(name) was made by another version of slotsync; make the \(kind) again with this one")
    }
}
