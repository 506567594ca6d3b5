// Holds the records of a ring's slots during one stage. Each is read when it is first asked for. A record takes as
// much memory as a manifest, so those of slots that may only have a content are searched where they are, as bytes.

/// What was in each slot when it was sealed.
final class SlotRecords {
    private let ring: Ring
    private var records: [Int: SlotRecord?] = [:]

    init(of ring: Ring) { self.ring = ring }

    /// A slot's record; nil where it has none that can be read, and is whole.
    func record(of slot: Int) -> SlotRecord? {
        if let known = records[slot] { return known }
        let record = try? ring.record(of: slot)
        records[slot] = .some(record)
        return record
    }

    /// The record of a release's slot.
    func record(of release: ContentDigest) -> SlotRecord? {
        for (index, slot) in ring.status.slots.enumerated() where slot.holds(release) {
            if let record = record(of: index + 1) { return record }
        }
        return nil
    }

    /// Lets go of a record that is not needed again.
    func forget(_ slot: Int) { records[slot] = nil }

    func forgetAll() { records = [:] }

    /// Entries of a slot's record whose content `isWanted`, with its digest and size.
    func files(
        of slot: Int, where isWanted: (ContentDigest, UInt64) -> Bool
    ) -> [(entry: Int, digest: ContentDigest)] {
        var found: [(Int, ContentDigest)] = []
        if let known = records[slot] {
            for (index, entry) in (known?.manifest.entries ?? []).enumerated()
            where entry.kind == .file && entry.size > 0 && isWanted(entry.digest, entry.size) {
                found.append((index, entry.digest))
            }
        } else if let bytes = try? ring.recordBytes(of: slot),
            // What does not read to its end counts as no record.
            let all = try? SlotRecord.files(in: bytes, where: isWanted)
        {
            found = all
        }
        return found
    }
}

extension SlotRecord {
    fileprivate static func files(
        in bytes: [UInt8], where isWanted: (ContentDigest, UInt64) -> Bool
    ) throws(SlotSyncError) -> [(Int, ContentDigest)] {
        var found: [(Int, ContentDigest)] = []
        var reader = try manifestReader(of: bytes, name: "a slot's record")
        try Manifest.forEachFile(in: &reader) { (index, digest, size) throws(SlotSyncError) in
            if isWanted(digest, size) { found.append((index, digest)) }
        }
        return found
    }
}
