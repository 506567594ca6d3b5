// Entries of a release that others cannot read although they read such in the live one: what a source made under a narrow
// umask, or an archive unpacked by a careful program, brings along. A web server answers these with 403. A stage warns.

extension Manifest {
    /// The files and folders that are closed to users beside the owner where this manifest's are open: an entry that it has as
    /// well is compared with that, a new one with most of its neighbours there.
    ///
    /// - Returns: indices of `release`, in order.
    func entriesClosed(in release: Manifest) -> [Int] {
        guard release.entries.contains(where: { $0.closedBits != 0 }) else { return [] }
        let twins = release.twins(in: self)
        var neighbours = Neighbours(of: self)
        return release.entries.indices.filter { index in
            let entry = release.entries[index]
            guard entry.closedBits != 0 else { return false }
            let twin = Int(twins[index])
            if twin >= 0, entries[twin].kind == entry.kind {
                return entry.closedBits & ~entries[twin].closedBits != 0
            }
            // What stands in a new folder is compared with what is around that.
            var folder = Int(entry.parent)
            while twins[folder] < 0 || entries[Int(twins[folder])].kind != .directory {
                folder = Int(release.entries[folder].parent)
            }
            return neighbours.areMostlyOpen(to: entry.closedBits, kind: entry.kind, in: Int(twins[folder]))
        }
    }
}

/// How many entries of a folder, and of the whole tree, can be read by whom.
private struct Neighbours {
    private let manifest: Manifest
    private var counts: [Int: Counts] = [:]

    /// By kind and by the bits that they lack.
    private typealias Counts = [Entry.Kind: [UInt16: Int]]

    init(of manifest: Manifest) { self.manifest = manifest }

    /// Whether more than half of those of this kind lack none of these bits: of those in a folder, or where that has none, of
    /// all that there are.
    mutating func areMostlyOpen(to bits: UInt16, kind: Entry.Kind, in folder: Int) -> Bool {
        let counted = counts(of: folder)[kind] ?? counts(of: nil)[kind] ?? [:]
        let open = counted.filter { $0.key & bits == 0 }.reduce(0) { $0 + $1.value }
        return open * 2 > counted.values.reduce(0, +)
    }

    /// - Parameter folder: nil: the whole tree's.
    private mutating func counts(of folder: Int?) -> Counts {
        if let known = counts[folder ?? -1] { return known }
        var found: Counts = [:]
        for index in folder.map({ manifest.children(of: $0) }) ?? 0..<manifest.count {
            let entry = manifest.entries[index]
            found[entry.kind, default: [:]][entry.closedBits, default: 0] += 1
        }
        counts[folder ?? -1] = found
        return found
    }
}
