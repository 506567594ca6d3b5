// Compares two manifests: it finds which entry of one stands at the same path in the other. Everything that compares
// releases (what a slot keeps, which basis a file has, what somebody edited) starts here.

extension Manifest {
    /// For each entry, the entry of `other` at the same path, of whatever kind; -1 where there is none.
    func twins(in other: Manifest) -> [Int32] {
        var twins = [Int32](repeating: -1, count: entries.count)
        twins[0] = 0
        for directory in entries.indices where entries[directory].kind == .directory && twins[directory] >= 0 {
            let twin = Int(twins[directory])
            guard other.entries[twin].kind == .directory else { continue }
            var others = other.children(of: twin)
            for child in children(of: directory) {
                while let candidate = others.first {
                    let order = compareName(child, with: other, candidate)
                    if order < 0 { break }
                    others.removeFirst()
                    if order == 0 {
                        twins[child] = Int32(candidate)
                        break
                    }
                }
            }
        }
        return twins
    }

    /// How many members each group of hard links has, by its first entry.
    func linkGroups() -> [Int: Int] {
        var sizes: [Int: Int] = [:]
        guard hasHardLinks else { return sizes }
        for index in entries.indices {
            if let leader = linkLeader(of: index) { sizes[leader, default: 0] += 1 }
        }
        return sizes
    }
}

extension Manifest {
    /// The entries that `isKept`, without what is below a directory that is not. The root stays; hard links do not.
    func keeping(_ isKept: (Int) -> Bool) -> Manifest {
        var result = Manifest(rootMode: entries[0].mode)
        result.entries[0].modified = entries[0].modified
        var origins = [0]
        var directory = 0
        while directory < result.count {
            if result.entries[directory].kind == .directory {
                result.beginChildren(of: directory)
                for child in children(of: origins[directory]) where isKept(child) {
                    var entry = entries[child]
                    entry.parent = UInt32(directory)
                    if entry.kind != .symbolicLink { entry.start = 0 }
                    if entry.kind == .directory { entry.count = 0 }
                    result.append(
                        entry, name: name(of: child), linkText: entry.kind == .symbolicLink ? linkText(of: child) : [])
                    origins.append(child)
                }
            }
            directory += 1
        }
        result.takeExtendedAttributes(of: self, origins: origins)
        result.takeSHA256(of: self, origins: origins)
        return result
    }
}

/// What has to change in a slot for it to become a release.
struct SlotChange: Sendable {
    /// For each entry of the release, the entry of the slot that stays for it; -1: it has to be made.
    var kept: [Int32]
    /// Entries of the slot that have to go, parents before children.
    var obsolete: [Int]

    /// - Parameter unusable: files of the slot that must not stay, whatever they hold.
    init(from actual: Manifest, to target: Manifest, without unusable: Set<Int> = []) {
        let targetGroups = target.linkGroups()
        let actualGroups = actual.linkGroups()
        kept = target.twins(in: actual)
        var isKept = [Bool](repeating: false, count: actual.count)
        // Which group of the slot stands for which group of the release.
        var groupTwins: [Int: Int] = [:]
        for index in kept.indices where kept[index] >= 0 {
            let twin = Int(kept[index])
            let (wanted, found) = (target.entries[index], actual.entries[twin])
            var stays = wanted.kind == found.kind && !unusable.contains(twin)
            if stays && wanted.kind == .symbolicLink {
                stays = target.linkText(of: index).elementsEqual(actual.linkText(of: twin))
            } else if stays && wanted.kind == .file {
                stays = wanted.size == found.size && wanted.digest == found.digest
                switch (target.linkLeader(of: index), actual.linkLeader(of: twin)) {
                case (nil, nil): break
                case let (leader?, other?):
                    stays =
                        stays && targetGroups[leader] == actualGroups[other]
                        && groupTwins[leader, default: other] == other
                    if stays { groupTwins[leader] = other }
                default: stays = false
                }
            }
            if stays { isKept[twin] = true } else { kept[index] = -1 }
        }
        // A group of which one member has to be made is made anew as a whole.
        var broken: Set<Int> = []
        for index in kept.indices where kept[index] < 0 {
            if let leader = target.linkLeader(of: index) { broken.insert(leader) }
        }
        if !broken.isEmpty {
            for index in kept.indices where kept[index] >= 0 {
                if let leader = target.linkLeader(of: index), broken.contains(leader) {
                    isKept[Int(kept[index])] = false
                    kept[index] = -1
                }
            }
        }
        obsolete = actual.entries.indices.filter { !isKept[$0] }
    }

    /// For each of the slot's `count` entries, the entry of the release that it stays for; -1 for what has to go.
    func counterparts(count: Int) -> [Int32] {
        var counterparts = [Int32](repeating: -1, count: count)
        for (index, old) in kept.enumerated() where old >= 0 { counterparts[Int(old)] = Int32(index) }
        return counterparts
    }
}
