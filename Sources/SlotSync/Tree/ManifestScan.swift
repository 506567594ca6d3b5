// Finds the contents that a stored manifest names, without building the manifest: a host that looks for a content in
// all of its slots reads every slot's record, and needs the entries of hardly any.

extension Manifest {
    /// Calls `body` with each file that has content, of a manifest that is written against no base, and leaves the
    /// reader behind the lists of its identity part. What is read is the project's own, under a checksum; only bounds are checked.
    ///
    /// - Parameter body: takes the entry's number, its digest and its size.
    static func forEachFile(
        in reader: inout ByteReader, _ body: (Int, ContentDigest, UInt64) throws(SlotSyncError) -> Void
    ) throws(SlotSyncError) {
        _ = try reader.take(ManifestFormat.magic.count)
        let flags = try reader.byte()
        let hasOwnership = flags & ManifestFormat.Flag.ownership != 0
        let sumLength = flags & ManifestFormat.Flag.sha256 != 0 ? SHA256Digest.length : 0
        _ = try reader.varint()
        func skipOwnership(_ reader: inout ByteReader) throws(SlotSyncError) {
            guard hasOwnership else { return }
            _ = try reader.varint()
            _ = try reader.varint()
        }
        try skipOwnership(&reader)
        var (index, openLists) = (0, 1)
        while openLists > 0 {
            let step = try reader.varint()
            if step == ManifestFormat.Step.end.rawValue {
                openLists -= 1
                continue
            }
            guard step == ManifestFormat.Step.add.rawValue else { throw reader.corrupt("an unknown step") }
            index += 1
            _ = try reader.counted(atMost: longestName, of: "name")
            let kind = try reader.byte()
            _ = try reader.varint()
            try skipOwnership(&reader)
            switch Entry.Kind(rawValue: kind & 3) {
            case .directory: openLists += 1
            case .symbolicLink: _ = try reader.counted(atMost: longestLink, of: "link text")
            case .file:
                if kind & 4 != 0 { _ = try reader.varint() }
                let size = try reader.varint()
                let digest = try reader.digest()
                _ = try reader.take(sumLength)
                if size > 0 { try body(index, digest, size) }
            case nil: throw reader.corrupt("an entry of unknown kind")
            }
        }
    }
}
