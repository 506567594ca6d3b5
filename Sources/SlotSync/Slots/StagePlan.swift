// Says how a release gets into a slot: what stays, what is copied on this host and from where, what the controller
// has to send and from which basis. StagePlanner makes the plan, SlotFiller carries it out.

/// Where on a host some content is.
enum ContentLocation: Hashable, Sendable {
    /// A file of a sealed slot other than the one being filled: entry of its record's manifest.
    case slot(Int, entry: Int)
    /// A file of the slot being filled that is about to go, or one that an interrupted stage left in `tmp`.
    case aside(ContentDigest)
    /// An entry of the release that stays in the slot being filled, or is made before it is used.
    case target(entry: Int)
}

/// The plan for one slot and one release.
struct StagePlan: Sendable {
    var change: SlotChange
    /// Content to copy on this host: the first entry of each content, and where it is.
    var copies: [(entry: Int, from: ContentLocation)] = []
    /// Content that has to come over the wire, sorted by entry.
    var needs: [Need] = []
    /// Where the proposed bases are.
    var bases = BasisLocations()
    /// Further entries with content that is there or made by then, and the entry that has it.
    var duplicates: [(entry: Int, of: Int)] = []
    /// Obsolete files that are still needed as a source or basis: slot entry and digest.
    var aside: [(entry: Int, digest: ContentDigest)] = []
    var keptFiles = 0
    /// Bytes that come over the wire, that are copied (and cost nothing where there are reflinks), and that
    /// removals free before, in whole blocks.
    var receivedBytes: UInt64 = 0
    var copiedBytes: UInt64 = 0
    var freedBytes: UInt64 = 0
    var createdEntries = 0

    /// Bytes of content that filling the slot puts into place, received or copied.
    func contentBytes(of release: Manifest) -> UInt64 {
        let entries = copies.map(\.entry) + needs.map { Int($0.entry) } + duplicates.map(\.entry)
        return entries.saturatedSum { release.entries[$0].size }
    }
}

/// Where bases are, by digest.
struct BasisLocations: Sendable {
    /// A basis, where it is, and how long.
    typealias Item = (digest: ContentDigest, location: ContentLocation, length: UInt64)
    private var sorted: [Item] = []

    init() {}

    /// Of several locations of one content any is as good.
    init(_ all: [Item]) {
        sorted = all
        sorted.sort { $0.digest < $1.digest }
        var kept = 0
        for item in sorted where kept == 0 || sorted[kept - 1].digest != item.digest {
            sorted[kept] = item
            kept += 1
        }
        sorted.removeLast(sorted.count - kept)
    }

    subscript(digest: ContentDigest) -> Item? {
        sorted.index(of: digest, sortedBy: { $0.digest }).map { sorted[$0] }
    }
}
