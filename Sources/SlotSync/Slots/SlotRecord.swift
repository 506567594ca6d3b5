// What was in a slot when it was sealed: the manifest, and the stat tuple of each entry. As long as the
// tuples hold, the slot's content is known without reading it. Stored in `.slotsync/slots/N`.

/// A sealed slot's manifest with the stat tuples that vouch for it.
struct SlotRecord: Sendable {
    /// No record is larger; bounds what is read.
    static let largestFile = 4 << 30
    private static let magic = Array("SSL1".utf8)

    var manifest: Manifest
    /// Aligned with the manifest's entries.
    var tuples: [StatTuple]
    /// The file clock when the tuples were taken: later changes have a later change time.
    var sealedAt: Timestamp

    init(manifest: Manifest, tuples: [StatTuple], sealedAt: Timestamp) {
        precondition(manifest.count == tuples.count)
        self.manifest = manifest
        self.tuples = tuples
        self.sealedAt = sealedAt
    }

    /// Whether an entry's content is what the manifest says, as far as its status tells.
    @inline(__always)
    func vouches(for index: Int, _ status: FileStatus) -> Bool {
        let tuple = tuples[index]
        let entry = manifest.entries[index]
        // Not the device: its number may be another one after a reboot, and a slot is on one file system.
        guard tuple.inode == status.inode, tuple.changed == status.changed, tuple.modified == status.modified,
            entry.mode == status.mode || entry.kind == .symbolicLink
        else { return false }
        switch entry.kind {
        case .file: guard status.kind == .file, tuple.size == status.size else { return false }
        case .directory: guard status.kind == .directory else { return false }
        case .symbolicLink: guard status.kind == .symbolicLink else { return false }
        }
        return !tuple.isRacilyClean(takenAt: sealedAt)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: manifest.count * 72)
        writer.append(Self.magic)
        writer.append(zigzag: sealedAt.seconds)
        writer.append(varint: UInt64(sealedAt.nanoseconds))
        let encoded = manifest.encoded()
        writer.append(varint: encoded.count)
        writer.append(encoded)
        for (entry, tuple) in zip(manifest.entries, tuples) {
            if entry.kind != .file { writer.append(varint: tuple.size) }
            writer.append(varint: tuple.inode)
            writer.append(varint: tuple.device)
            writer.append(zigzag: tuple.changed.seconds &- sealedAt.seconds)
            writer.append(varint: UInt64(tuple.changed.nanoseconds))
            writer.append(zigzag: tuple.modified.seconds &- entry.modified.seconds)
            writer.append(varint: UInt64(tuple.modified.nanoseconds ^ entry.modified.nanoseconds))
        }
        writer.append(ContentDigest(of: writer.bytes))
        return writer.bytes
    }

    /// - Parameter name: what the bytes are, for errors.
    init(decoding bytes: [UInt8], name: String) throws(SlotSyncError) {
        let end = bytes.count - 16
        guard end >= Self.magic.count else { throw SlotSyncError(.corrupt, "\(name) is damaged: it is too short") }
        var trailer = ByteReader(bytes, in: end..<bytes.count, name: name)
        let sum = bytes.withUnsafeBytes { ContentDigest(of: UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        guard try trailer.digest() == sum else { throw trailer.corrupt("its checksum is wrong") }
        var reader = ByteReader(bytes, in: 0..<end, name: name)
        guard try Array(reader.take(Self.magic.count)) == Self.magic else {
            throw reader.corrupt("it is not a slot record of version 1")
        }
        sealedAt = try reader.timestamp(from: reader.zigzag())
        let length = try reader.count(atMost: reader.remaining, of: "manifest length")
        var part = ByteReader(bytes, in: reader.position..<reader.position + length, name: name)
        manifest = try Manifest(from: &part)
        try part.expectEnd()
        _ = try reader.take(length)
        tuples = []
        tuples.reserveCapacity(manifest.count)
        for entry in manifest.entries {
            let size = entry.kind == .file ? entry.size : try reader.varint()
            let inode = try reader.varint()
            let device = try reader.varint()
            let changed = try reader.timestamp(from: sealedAt.seconds &+ reader.zigzag())
            let modifiedSeconds = entry.modified.seconds &+ (try reader.zigzag())
            let nanoseconds = try reader.count(atMost: Int(UInt32.max), of: "nanoseconds")
            tuples.append(
                StatTuple(
                    size: size,
                    modified: Timestamp(
                        seconds: modifiedSeconds, nanoseconds: UInt32(nanoseconds) ^ entry.modified.nanoseconds),
                    changed: changed, inode: inode, device: device))
        }
        try reader.expectEnd()
    }
}

extension ByteReader {
    fileprivate mutating func timestamp(from seconds: Int64) throws(SlotSyncError) -> Timestamp {
        Timestamp(seconds: seconds, nanoseconds: UInt32(try count(atMost: 999_999_999, of: "nanoseconds")))
    }
}
