// Tells a file's digest by what its status was. The digests stand in a sorted array: what comes from a cache's file
// needs no further building, however many entries it has.

/// Digests by stat tuple, one for each inode.
struct KnownDigests: Sendable {
    struct Record: Sendable, Hashable {
        var tuple: StatTuple
        var digest: ContentDigest

        fileprivate var key: (UInt64, UInt64) { (tuple.device, tuple.inode) }
    }

    /// Sorted by device and inode, none of which comes twice.
    private(set) var records: [Record] = []

    init() {}

    /// Nil if the records are not sorted.
    init?(sorted records: [Record]) {
        for index in records.indices.dropFirst() where records[index - 1].key >= records[index].key { return nil }
        self.records = records
    }

    /// The digests of a hashed tree's files whose status can be trusted: a file that changed in the tick
    /// in which the scan began might change again unseen.
    init(of tree: WalkedTree, walkedAt moment: Timestamp) {
        records.reserveCapacity(tree.manifest.count)
        for (index, entry) in tree.manifest.entries.enumerated() where entry.kind == .file && entry.size > 0 {
            let tuple = StatTuple(tree.statuses[index])
            if tuple.isRacilyClean(takenAt: moment) { continue }
            records.append(Record(tuple: tuple, digest: entry.digest))
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

    /// The digest of the file with this status; nil if there is none, or the file changed.
    func digest(for status: FileStatus) -> ContentDigest? {
        let key = (status.device, status.inode)
        let index = records.partitioningIndex { $0.key >= key }
        return index < records.count && records[index].tuple == StatTuple(status) ? records[index].digest : nil
    }
}
