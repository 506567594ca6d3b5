// How a release gets into a slot: what stays, what is copied from where on this host, what has to come
// over the wire and from which basis. Looks at everything the host has, changes nothing.

import SystemPackage

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
    var bases: [ContentDigest: ContentLocation] = [:]
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
}

/// Makes a plan from what the host has.
struct StagePlanner {
    let ring: Ring
    /// The slot to be filled and its actual content.
    let slot: Int
    let actual: SlotContent
    /// The other slots' records by slot.
    let records: [Int: SlotRecord]
    /// Contents that an interrupted stage left in `tmp`, hashed.
    let leftovers: Set<ContentDigest>
    let blockSize: UInt64

    func plan(for target: Manifest) -> StagePlan {
        let change = SlotChange(from: actual.manifest, to: target, without: actual.sharedFiles)
        var plan = StagePlan(change: change)
        let kept = change.kept
        // The first entry of each content that has to be made.
        var makers: [ContentDigest: Int] = [:]
        for index in target.entries.indices {
            let entry = target.entries[index]
            if kept[index] >= 0 {
                if entry.kind == .file { plan.keptFiles += 1 }
                continue
            }
            plan.createdEntries += 1
            guard entry.kind == .file, entry.size > 0 else { continue }
            if let leader = target.linkLeader(of: index), leader != index { continue }
            if let maker = makers[entry.digest] {
                plan.duplicates.append((index, maker))
            } else {
                makers[entry.digest] = index
            }
        }
        let obsolete = obsoleteFiles(change)
        locate(makers, keptIn: target, obsolete: obsolete, in: &plan)
        proposeBases(for: target, obsolete: obsolete, in: &plan)
        plan.receivedBytes = plan.needs.reduce(0) { $0 + inBlocks(target.entries[Int($1.entry)].size) }
        for (entry, location) in plan.copies {
            if case .aside = location { continue }
            plan.copiedBytes += inBlocks(target.entries[entry].size)
        }
        for (entry, _) in plan.duplicates { plan.copiedBytes += inBlocks(target.entries[entry].size) }
        let spared = Set(plan.aside.map(\.entry))
        for index in change.obsolete where !spared.contains(index) {
            plan.freedBytes += actual.manifest.entries[index].size / blockSize * blockSize
        }
        return plan
    }

    private func inBlocks(_ size: UInt64) -> UInt64 { (size + blockSize - 1) / blockSize * blockSize }

    private func obsoleteFiles(_ change: SlotChange) -> [ContentDigest: Int] {
        var found: [ContentDigest: Int] = [:]
        for index in change.obsolete
        where actual.manifest.entries[index].kind == .file && !actual.sharedFiles.contains(index) {
            found[actual.manifest.entries[index].digest] = index
        }
        return found
    }

    /// Finds each content on this host, the cheapest place first; what is nowhere becomes a need.
    private func locate(
        _ makers: [ContentDigest: Int], keptIn target: Manifest, obsolete: [ContentDigest: Int],
        in plan: inout StagePlan
    ) {
        var missing = makers
        func found(_ digest: ContentDigest, at location: ContentLocation) {
            guard let entry = missing.removeValue(forKey: digest) else { return }
            plan.copies.append((entry, location))
        }
        guard !missing.isEmpty else { return }
        for (digest, entry) in makers {
            // An obsolete file is moved, which costs nothing, before anything is copied.
            if let old = obsolete[digest], actual.manifest.entries[old].size == target.entries[entry].size {
                plan.aside.append((old, digest))
                found(digest, at: .aside(digest))
            } else if leftovers.contains(digest) {
                found(digest, at: .aside(digest))
            }
        }
        for index in target.entries.indices where plan.change.kept[index] >= 0 && target.entries[index].kind == .file {
            if missing.isEmpty { break }
            found(target.entries[index].digest, at: .target(entry: index))
        }
        // The live slot first: its content is warm in the page cache.
        for other in records.keys.sorted(by: {
            ($0 == ring.state.live ? 0 : 1, $0) < ($1 == ring.state.live ? 0 : 1, $1)
        }) {
            guard !missing.isEmpty, let record = records[other] else { continue }
            let candidates = record.manifest.entries.indices.filter { index in
                let entry = record.manifest.entries[index]
                return entry.kind == .file && entry.size > 0 && missing[entry.digest] != nil
            }
            guard !candidates.isEmpty, let directory = try? ring.openSlot(other) else { continue }
            let source = OpenDirectories(root: directory, manifest: record.manifest)
            for index in candidates {
                let digest = record.manifest.entries[index].digest
                guard let maker = missing[digest], target.entries[maker].size == record.manifest.entries[index].size,
                    let status = try? source.status(of: index), record.vouches(for: index, status)
                else { continue }
                found(digest, at: .slot(other, entry: index))
            }
        }
        plan.copies.sort { $0.entry < $1.entry }
        plan.needs = missing.values.sorted().map { Need(entry: UInt32($0), basis: nil) }
    }

    /// Proposes a basis for each need: the live release's file at the same path, the same path in the slot
    /// being filled, or a live file that was renamed.
    private func proposeBases(for target: Manifest, obsolete: [ContentDigest: Int], in plan: inout StagePlan) {
        guard !plan.needs.isEmpty else { return }
        let live = ring.state.live.flatMap { slot in records[slot].map { (slot: slot, manifest: $0.manifest) } }
        let liveTwins = live.map { target.twins(in: $0.manifest) }
        let slotTwins = target.twins(in: actual.manifest)
        let guess = live.map { live in
            RenameGuess(live: live.manifest, twins: live.manifest.twins(in: target), target: target)
        }
        var aside = Set(plan.aside.map(\.digest))
        for number in plan.needs.indices {
            let index = Int(plan.needs[number].entry)
            // Below this a basis costs more in signature and round trip than it saves.
            guard target.entries[index].size >= 128 else { continue }
            if let live, let liveTwins {
                var candidate = Int(liveTwins[index])
                if candidate < 0 || live.manifest.entries[candidate].kind != .file
                    || live.manifest.entries[candidate].size == 0
                {
                    candidate = guess?.basis(for: index, of: target) ?? -1
                }
                if candidate >= 0 {
                    let digest = live.manifest.entries[candidate].digest
                    plan.needs[number].basis = digest
                    if plan.bases[digest] == nil { plan.bases[digest] = .slot(live.slot, entry: candidate) }
                    continue
                }
            }
            let twin = Int(slotTwins[index])
            guard twin >= 0, actual.manifest.entries[twin].kind == .file, actual.manifest.entries[twin].size > 0 else {
                continue
            }
            let digest = actual.manifest.entries[twin].digest
            guard let old = obsolete[digest] else { continue }
            plan.needs[number].basis = digest
            plan.bases[digest] = .aside(digest)
            if aside.insert(digest).inserted { plan.aside.append((old, digest)) }
        }
    }
}
