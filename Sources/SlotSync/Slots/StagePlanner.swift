// Plans a stage: it looks at everything the host has, and changes nothing. AgentStage asks it.

import SystemPackage

/// Makes a plan from what the host has.
struct StagePlanner {
    let ring: Ring
    /// The slot to be filled and its actual content.
    let slot: Int
    let actual: SlotContent
    let records: SlotRecords
    /// Contents that an interrupted stage left in `tmp`, hashed.
    let leftovers: Set<ContentDigest>
    let blockSize: UInt64
    /// Whether needs name content that theirs may be made from.
    var proposesBases = true
    /// How many threads look at the other slots' files.
    var parallelism = 1

    /// What the release keeps of the slot's content, and what has to go.
    func change(for target: Manifest) -> SlotChange {
        SlotChange(from: actual.manifest, to: target, without: actual.unusable)
    }

    /// - Parameter change: what goes, where that is not all that the release does not have.
    func plan(for target: Manifest, _ change: SlotChange? = nil) -> StagePlan {
        let change = change ?? self.change(for: target)
        var plan = StagePlan(change: change)
        var made: [ContentIndex.Item] = []
        for index in target.entries.indices {
            let entry = target.entries[index]
            if change.kept[index] >= 0 {
                if entry.kind == .file { plan.keptFiles += 1 }
                continue
            }
            plan.createdEntries += 1
            guard entry.kind == .file, entry.size > 0 else { continue }
            if let leader = target.linkLeader(of: index), leader != index { continue }
            made.append(.init(digest: entry.digest, entry: UInt32(index)))
        }
        let makers = ContentIndex(made)
        plan.duplicates = makers.others.map { ($0.entry, Int(makers.items[$0.item].entry)) }
        plan.duplicates.sort { $0.entry < $1.entry }
        let obsolete = obsoleteFiles(change)
        locate(makers, keptIn: target, obsolete: obsolete, in: &plan)
        if proposesBases { proposeBases(for: target, obsolete: obsolete, in: &plan) }
        estimateSpace(for: target, in: &plan)
        return plan
    }

    private func estimateSpace(for target: Manifest, in plan: inout StagePlan) {
        func add(_ entry: Int, to sum: inout UInt64) {
            sum = sum.addingSaturated(target.entries[entry].size.roundedUp(toBlocksOf: blockSize))
        }
        for need in plan.needs { add(Int(need.entry), to: &plan.receivedBytes) }
        for (entry, location) in plan.copies {
            if case .aside = location { continue }
            add(entry, to: &plan.copiedBytes)
        }
        for (entry, _) in plan.duplicates { add(entry, to: &plan.copiedBytes) }
        let spared = Set(plan.aside.map(\.entry))
        for index in plan.change.obsolete where !spared.contains(index) {
            // A hole frees nothing, and may be of any size.
            let old = actual.manifest.entries[index]
            if !old.isSparse {
                plan.freedBytes = plan.freedBytes.addingSaturated(old.size / blockSize * blockSize)
            }
        }
    }

    private func obsoleteFiles(_ change: SlotChange) -> ContentIndex {
        ContentIndex(
            change.obsolete.compactMap { index in
                let entry = actual.manifest.entries[index]
                guard entry.kind == .file, entry.digest != TreeHashing.unknown, !actual.unusable.contains(index) else {
                    return nil
                }
                return .init(digest: entry.digest, entry: UInt32(index))
            })
    }

    /// Finds each content on this host, the cheapest location first; what is nowhere becomes a need.
    private func locate(
        _ makers: ContentIndex, keptIn target: Manifest, obsolete: ContentIndex, in plan: inout StagePlan
    ) {
        var missing = Missing(makers)
        func found(_ item: Int, at location: ContentLocation) {
            guard missing.remove(item) else { return }
            plan.copies.append((Int(makers.items[item].entry), location))
        }
        for (item, maker) in makers.items.enumerated() {
            // An obsolete file is moved, which costs nothing, before anything is copied.
            if let old = obsolete.entry(with: maker.digest),
                actual.manifest.entries[old].size == target.entries[Int(maker.entry)].size
            {
                plan.aside.append((old, maker.digest))
                found(item, at: .aside(maker.digest))
            } else if leftovers.contains(maker.digest) {
                found(item, at: .aside(maker.digest))
            }
        }
        if missing.count > 0 {
            for index in target.entries.indices
            where plan.change.kept[index] >= 0 && target.entries[index].kind == .file {
                if let item = missing.item(with: target.entries[index].digest) {
                    found(item, at: .target(entry: index))
                }
            }
        }
        // The live slot first: its content is warm in the page cache.
        let live = ring.status.live
        let others = ring.status.numbers.filter { $0 != slot && $0 != live }
        for other in (live.map { [$0] } ?? []) + others where missing.count > 0 && other != slot {
            for (item, entry) in vouchedFiles(of: other, with: missing, for: target) {
                found(item, at: .slot(other, entry: entry))
            }
        }
        plan.copies.sort { $0.entry < $1.entry }
        plan.needs = missing.entries.sorted().map { Need(entry: $0, basis: nil) }
    }

    /// The files of a sealed slot that have content which is missing, as far as their stat tuples hold.
    private func vouchedFiles(
        of other: Int, with missing: Missing, for target: Manifest
    ) -> [(item: Int, entry: Int)] {
        let candidates = records.files(of: other) { digest, size in
            missing.item(with: digest).map { target.entries[missing.entry(at: $0)].size == size } ?? false
        }
        guard !candidates.isEmpty, let record = records.record(of: other),
            let directory = try? ring.slotThere(other)
        else { return [] }
        let runs = (candidates.count + Self.filesPerRun - 1) / Self.filesPerRun
        let vouched: [(item: Int, entry: Int)]? = try? ParallelRuns.perform(count: runs, parallelism: parallelism) {
            (next, report) in
            var statuses = TreeStatuses(root: directory, manifest: record.manifest)
            while let run = next() {
                var found: [(item: Int, entry: Int)] = []
                for (entry, digest) in candidates.dropFirst(run * Self.filesPerRun).prefix(Self.filesPerRun) {
                    guard let item = missing.item(with: digest), let status = try? statuses.status(of: entry),
                        record.vouches(for: entry, status)
                    else { continue }
                    found.append((item, entry))
                }
                report(found)
            }
        }
        return (vouched ?? []).sorted { $0.entry < $1.entry }
    }

    /// Files that one thread looks at at a time.
    private static let filesPerRun = 1024

    /// Proposes a basis for each need: the live release's file at the same path, the same path in the slot
    /// being filled, or a live file that was renamed.
    private func proposeBases(for target: Manifest, obsolete: ContentIndex, in plan: inout StagePlan) {
        // Below this a basis costs more in signature and round trip than it saves.
        let numbers = plan.needs.indices.filter { target.entries[Int(plan.needs[$0].entry)].size >= 128 }
        guard !numbers.isEmpty else { return }
        var live: LiveBases?
        if let slot = ring.status.live, slot != self.slot, let record = records.record(of: slot) {
            live = LiveBases(slot: slot, manifest: record.manifest, target: target)
        }
        var slotTwins: [Int32]?
        var aside = Set(plan.aside.map(\.digest))
        var bases: [BasisLocations.Item] = []
        for number in numbers {
            let index = Int(plan.needs[number].entry)
            if let basis = live?.basis(for: index) {
                plan.needs[number].basis = basis.digest
                bases.append(basis)
                continue
            }
            if slotTwins == nil { slotTwins = target.twins(in: actual.manifest) }
            let twin = Int(slotTwins?[index] ?? -1)
            guard twin >= 0, actual.manifest.entries[twin].kind == .file, actual.manifest.entries[twin].size > 0,
                actual.manifest.entries[twin].digest != TreeHashing.unknown
            else {
                continue
            }
            let digest = actual.manifest.entries[twin].digest
            guard let old = obsolete.entry(with: digest) else { continue }
            plan.needs[number].basis = digest
            bases.append((digest, .aside(digest), actual.manifest.entries[old].size))
            if aside.insert(digest).inserted { plan.aside.append((old, digest)) }
        }
        plan.bases = BasisLocations(bases)
    }
}

/// Contents that were not found yet.
private struct Missing {
    private let makers: ContentIndex
    private var isMissing: [Bool]
    private(set) var count: Int

    init(_ makers: ContentIndex) {
        self.makers = makers
        isMissing = [Bool](repeating: true, count: makers.items.count)
        count = makers.items.count
    }

    func item(with digest: ContentDigest) -> Int? {
        guard count > 0, let item = makers.index(of: digest), isMissing[item] else { return nil }
        return item
    }

    func entry(at item: Int) -> Int { Int(makers.items[item].entry) }

    /// - Returns: false if it was found before.
    mutating func remove(_ item: Int) -> Bool {
        guard isMissing[item] else { return false }
        isMissing[item] = false
        count -= 1
        return true
    }

    var entries: [UInt32] { makers.items.indices.filter { isMissing[$0] }.map { makers.items[$0].entry } }
}

/// What the live release has that is like files of the target.
private struct LiveBases {
    let slot: Int
    let manifest: Manifest
    let target: Manifest
    private let twins: [Int32]
    private let guess: RenameGuess

    init(slot: Int, manifest: Manifest, target: Manifest) {
        self.slot = slot
        self.manifest = manifest
        self.target = target
        twins = target.twins(in: manifest)
        var back = [Int32](repeating: -1, count: manifest.count)
        for (index, twin) in twins.enumerated() where twin >= 0 { back[Int(twin)] = Int32(index) }
        guess = RenameGuess(live: manifest, twins: back, target: target)
    }

    func basis(for index: Int) -> BasisLocations.Item? {
        var candidate = Int(twins[index])
        if candidate < 0 || manifest.entries[candidate].kind != .file || manifest.entries[candidate].size == 0 {
            candidate = guess.basis(for: index, of: target) ?? -1
        }
        guard candidate >= 0 else { return nil }
        let entry = manifest.entries[candidate]
        return (entry.digest, .slot(slot, entry: candidate), entry.size)
    }
}
