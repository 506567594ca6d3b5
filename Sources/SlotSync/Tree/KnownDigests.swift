// Tells a file's digest by what its status was. The digests stand in a sorted array: what comes from a cache's file
// needs no further building, however many entries it has.

/// What a file's content is.
struct KnownContent: Sendable, Hashable {
    var digest: ContentDigest
    /// Nil where nobody has asked for it.
    var sha256: SHA256Digest?

    static let empty = KnownContent(digest: .empty, sha256: SHA256Digest(of: []))
}

/// Digests by stat tuple, one for each inode.
struct KnownDigests: Sendable, Equatable {
    struct Record: Sendable, Hashable {
        var tuple: StatTuple
        var digest: ContentDigest
        /// The number of its SHA-256 among those that are known, from 1; 0: nobody has asked for it.
        var sum: UInt32 = 0

        fileprivate var key: (UInt64, UInt64) { (tuple.device, tuple.inode) }
    }

    /// Sorted by device and inode, none of which comes twice.
    private(set) var records: [Record] = []
    /// SHA-256, which most records have none of.
    private(set) var sums: [SHA256Digest] = []

    init() {}

    /// Nil if the records are not sorted, or name sums that are not there.
    init?(sorted records: [Record], sums: [SHA256Digest] = []) {
        for index in records.indices.dropFirst() where records[index - 1].key >= records[index].key { return nil }
        guard records.allSatisfy({ $0.sum <= sums.count }) else { return nil }
        self.records = records
        self.sums = sums
    }

    /// The digests of a hashed tree's files whose status can be trusted: a file that changed in the tick
    /// in which the scan began might change again unseen.
    ///
    /// - Parameter earlier: what was known before. Its SHA-256 are kept where the tree has none.
    init(of tree: WalkedTree, walkedAt moment: Timestamp, after earlier: KnownDigests = KnownDigests()) {
        records.reserveCapacity(tree.manifest.count)
        let isSumKnown = !tree.manifest.hasSHA256 && !earlier.sums.isEmpty
        for (index, entry) in tree.manifest.entries.enumerated() where entry.kind == .file && entry.size > 0 {
            let tuple = StatTuple(tree.statuses[index])
            if tuple.isRacilyClean(takenAt: moment) { continue }
            let sum =
                tree.manifest.hasSHA256
                ? tree.manifest.sha256[index]
                : isSumKnown ? earlier.content(for: tree.statuses[index])?.sha256 : nil
            if let sum { sums.append(sum) }
            records.append(
                Record(tuple: tuple, digest: entry.digest, sum: sum == nil ? 0 : UInt32(sums.count)))
        }
        records.sort { $0.key < $1.key }
        // Hard links, which have one digest.
        var kept = 0
        for index in records.indices where kept == 0 || records[kept - 1].key != records[index].key {
            records[kept] = records[index]
            kept += 1
        }
        records.removeLast(records.count - kept)
    }

    /// The SHA-256 of a record's file, if anybody has asked for it.
    func sha256(of record: Record) -> SHA256Digest? { record.sum == 0 ? nil : sums[Int(record.sum) - 1] }

    /// What the file with this status holds; nil if nobody knows, or the file changed.
    func content(for status: FileStatus) -> KnownContent? {
        let key = (status.device, status.inode)
        let index = records.partitioningIndex { $0.key >= key }
        guard index < records.count, records[index].tuple == StatTuple(status) else { return nil }
        return KnownContent(digest: records[index].digest, sha256: sha256(of: records[index]))
    }
}
