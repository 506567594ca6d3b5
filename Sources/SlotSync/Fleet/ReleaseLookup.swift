// Finds a release by what a person typed: a full ID, a unique prefix of one, or a name, among all that the hosts' slots
// hold. ReleaseChoice calls it.

struct ReleaseLookup {
    /// The releases in any slot of any host.
    private var known: [ContentDigest: Set<String>] = [:]

    init(rings: [RingStatus]) {
        for ring in rings {
            for slot in ring.slots where slot.state.isSealed {
                guard let release = slot.release else { continue }
                known[release.id, default: []].insert(release.name)
            }
        }
    }

    /// - Throws: `unknownRelease` where nothing fits, or more than one.
    func find(_ text: String) throws(SlotSyncError) -> ContentDigest {
        if let id = ContentDigest(text), known[id] != nil { return id }
        var found = known.filter { $0.value.contains(text) && !text.isEmpty }.map(\.key)
        // A name wins over a prefix that happens to look like it.
        if found.isEmpty && !text.isEmpty { found = known.keys.filter { $0.description.hasPrefix(text) } }
        switch found.count {
        case 1: return found[0]
        case 0:
            throw SlotSyncError(
                .unknownRelease,
                "no host has a release \(quoted(text)): `slotsync status` shows what there is; stage it first")
        default:
            let all = found.sorted().prefix(5).map { id in
                let name = known[id]?.filter { !$0.isEmpty }.sorted().first
                return "\(id.description.prefix(12))\(name.map { " (\($0))" } ?? "")"
            }
            throw SlotSyncError(
                .unknownRelease,
                "release \(quoted(text)) is ambiguous: \(all.joined(separator: ", ")); give more digits of the ID")
        }
    }
}
