// Tells which entry has which content. The index is a sorted array, because plans hold one for every file of a
// release, and a dictionary of digests takes three times as much memory.

/// For each of some contents, the first entry that has it.
struct ContentIndex: Sendable {
    struct Item: Sendable {
        var digest: ContentDigest
        var entry: UInt32
    }

    /// Sorted by digest, none of which comes twice.
    private(set) var items: [Item]
    /// Entries whose content an earlier one has, and that one's index in `items`.
    private(set) var others: [(entry: Int, item: Int)] = []

    init(_ all: [Item]) {
        items = all
        items.sort { ($0.digest, $0.entry) < ($1.digest, $1.entry) }
        var kept = 0
        for item in items {
            if kept > 0, items[kept - 1].digest == item.digest {
                others.append((Int(item.entry), kept - 1))
            } else {
                items[kept] = item
                kept += 1
            }
        }
        items.removeLast(items.count - kept)
    }

    /// The content's index in `items`.
    func index(of digest: ContentDigest) -> Int? { items.index(of: digest, sortedBy: { $0.digest }) }

    /// The first entry that has this content.
    func entry(with digest: ContentDigest) -> Int? { index(of: digest).map { Int(items[$0].entry) } }
}
