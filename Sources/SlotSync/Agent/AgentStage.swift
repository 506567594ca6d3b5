// Staging on a host: manifest in, needs out, frames in, sealed. The order of the steps is what keeps the
// promises: lock, look, plan, refuse what would stop it, mark `staging`, change, verify, synchronize, mark `ready`.

import Glibc
import SystemPackage

extension AgentSession {
    func stage(_ request: StageRequest) async throws {
        // It might fill the slot that a flip goes to, or that an undo goes back to.
        guard flip == nil || flip?.standing == .takenBack else { throw unexpected("a stage in the middle of a flip") }
        if let policy {
            try policy.checkStage(makingSlots: ring == nil ? request.slots ?? Ring.usualSlotCount : nil)
            if let hooks = request.hooksToCome {
                try policy.checkFlips()
                for hook in hooks { _ = try policy.hook(hook) }
            }
        }
        guard !request.ownership || geteuid() == 0 else {
            throw SlotSyncError(
                .badInput,
                "the agent for root \(quoted(root)) does not run as root, so it cannot set owners: leave --owner out, or "
                    + "log in as root")
        }
        if let ring {
            if !request.dryRun { _ = try await lockRing(for: "a stage") }
            try checkSlotCount(request, ring)
            if let handMade = ring.handMade {
                // What is served may be in any slot.
                guard handMade.isGone || !handMade.isMisleading else {
                    throw SlotSyncError(.notARing, handMade.text)
                }
                try connection.send(.warning(handMade.text))
            }
        }
        // Only now: a flip that was left is at its end, its hook with it.
        lockWatch.note(mayEndAtOnce: true)
        let records = ring.map { SlotRecords(of: $0) }
        guard let (target, received) = try receiveManifests(request, records) else {
            try connection.send(.manifestNeeded)
            return
        }
        var seeds = received
        guard target.id == request.release.id else {
            throw SlotSyncError(
                .corrupt, "the manifest that came is not that of release \(request.release.id): stage again")
        }
        // Modes are meant for the owners that they were signed with, or are shown with.
        guard target.hasOwnership == request.ownership else {
            throw unexpected("owners that the release does not have")
        }
        for manifest in [target, seeds] {
            try ExtendedAttributeProbe.checkRights(manifest, root: root)
            try policy?.checkPrivileges(of: manifest)
        }
        try checkSignature(request, target, seeds: &seeds)
        if ring == nil && request.dryRun {
            try planFirstRelease(of: target)
            return
        }
        // Only now, so that a request that cannot be followed leaves nothing behind.
        let ring = try self.ring ?? Ring.make(root, slotCount: request.slots ?? Ring.usualSlotCount)
        if self.ring == nil { ring.noteHolder("a stage by \(peer)") }
        self.ring = ring
        try checkSlotCount(request, ring)
        let known = records ?? SlotRecords(of: ring)
        if try confirmPresent(request, of: target, seeds: seeds, ring: ring, known) { return }
        try fill(ring, with: target, seeds, request, known)
    }

    private func checkSlotCount(_ request: StageRequest, _ ring: Ring) throws(SlotSyncError) {
        guard let slots = request.slots, slots != ring.status.slots.count else { return }
        throw SlotSyncError(
            .badInput,
            "the ring in \(quoted(root)) has \(ring.status.slots.count) slots, not \(slots): leave --slots out or say "
                + "--slots \(ring.status.slots.count)")
    }

    /// A dry run against a root that has no ring yet: everything is needed, nothing is made.
    private func planFirstRelease(of target: Manifest) throws {
        var seen: Set<ContentDigest> = []
        var needs: [Need] = []
        for (index, entry) in target.entries.enumerated() where entry.kind == .file && entry.size > 0 {
            if seen.insert(entry.digest).inserted { needs.append(Need(entry: UInt32(index), basis: nil)) }
        }
        try ask(for: needs)
    }

    // MARK: Filling

    private func fill(
        _ ring: Ring, with target: Manifest, _ seeds: Manifest, _ request: StageRequest, _ records: SlotRecords
    ) throws {
        guard let filled = try makeSlot(ring, with: target, seeds, request, records) else { return }
        let (slot, outcome) = (filled.slot, filled.outcome)
        // The records of the other slots have served; the new one takes their place in memory.
        records.forgetAll()
        if !request.ownership { try ring.owner.adoptEntries(of: slot, in: filled.group) }
        let record = try SlotSealer.record(
            of: slot, kept: filled.kept, seen: filled.seen, parallelism: parallelism)
        let lost = record.entriesWithoutSetgid
        if !lost.isEmpty {
            try connection.send(
                .warning(
                    "the system takes setgid away from \(NumberText.count(lost.count, "entry", plural: "entries")) of slot "
                        + "\(slot.number) (\(namedPaths(lost))): the agent, which runs as \(userName(of: geteuid())), is not "
                        + "in their group"))
        }
        // Before the slot is sealed: whoever flips to it asks for this.
        try ring.keepSignature(request.signature, of: slot.number)
        try SlotSealer.seal(record, release: request.release, of: slot, in: ring)
        try clearTemporary(ring)
        // A release that is bad stays so, though its copy was damaged and made anew.
        if ring.status[outcome.slot].state == .bad { try connection.send(.warning(warningOfBad(outcome.slot, ring))) }
        try connection.send(.staged(outcome))
    }

    /// A slot that holds the release.
    private struct Filled {
        var slot: StageSlot
        var outcome: StageOutcome
        /// What stays in folders of the release beside it.
        var kept: KeptNames
        /// What all entries have for their group, where the root says it.
        var group: RingGroup?
        /// What its entries were like that were left alone.
        var seen: [SlotRecord.Stamp?]
    }

    /// Makes the next slot the release; nil after a dry run. What it holds of old contents is gone when it returns. What
    /// would stop it in the middle is refused before anything is touched.
    private func makeSlot(
        _ ring: Ring, with target: Manifest, _ seeds: Manifest, _ request: StageRequest, _ records: SlotRecords
    ) throws -> Filled? {
        let number = ring.status.slotToFill(with: request.release.id)
        if !request.dryRun { _ = try ring.openSlot(number) }
        let obstacles = StageObstacles(ring: ring, slot: number)
        try obstacles.checkMounts()
        var fates = fateOfReady(number, request, ring).map { [$0] } ?? []
        let leftovers = try hashLeftovers(in: ring, removing: !request.dryRun)
        let group = request.ownership ? nil : try RingGroup(of: ring)
        let record = records.record(of: number)
        let past = ring.past(of: number, record: record)
        let actual = try SlotInspection.content(
            of: number, in: ring, record: record, checksum: request.checksum,
            reading: ReadingChoice(comparing: past.manifests, for: target), tolerating: .files,
            ownership: SlotOwnership(
                user: geteuid() == 0 ? nil : geteuid(), group: group?.id, canSetGroup: group?.canBeSet ?? true),
            extendedAttributes: target.hasExtendedAttributes || past.hasExtendedAttributes, parallelism: parallelism,
            progress: progress)
        try obstacles.checkMounts(in: actual)
        let foreign = ForeignEntries(in: actual, past: past)
        records.forget(number)
        let space = try naming("look at the file system of", ring.path) {
            try FileSystemSpace(of: ring.slotsDirectory.descriptor)
        }
        let planner = StagePlanner(
            ring: ring, slot: number, actual: actual, records: records, leftovers: leftovers,
            blockSize: space.blockSize, proposesBases: !request.wholeFiles, parallelism: parallelism)
        var change = planner.change(for: target)
        let settled = try settle(foreign, &change, for: target, request, slot: number)
        let kept = settled.kept
        if let fate = settled.fate { fates.append(fate) }
        try obstacles.check(change, from: actual, to: target)
        if !request.dryRun { try ExtendedAttributeProbe(ring: ring).check(target, slot: number) }
        let plan = planner.plan(for: target, change)
        try DiskSpace.check(plan, ring: ring)
        try warnOfGroup(group, actual, of: number)
        try warnOfModes(target, ring, records)
        try warnOfUsers(of: number, in: ring)
        try share(request, seeds: seeds, ring: ring)
        if request.dryRun {
            for fate in fates { try connection.send(.warning(fate)) }
            try ask(for: plan.needs)
            return nil
        }
        for text in try ring.makeWayForRecord(of: number) { try connection.send(.warning(text)) }
        if case .interrupted(let known, _) = foreign.past {
            if known.id != request.release.id {
                try ring.noteStaging(target, over: foreign.ours, in: number)
            }
        } else {
            try ring.noteStaging(target, over: nil, in: number)
        }
        try ring.update { $0.beginStaging(request.release, in: number, at: Timestamp.now.seconds) }
        // Not before: a stage that is refused takes nothing away.
        for fate in fates { try connection.send(.warning(fate)) }
        let slot = try StageSlot(number, of: ring, target: target, plan: plan, progress: progress)
        let late = LateEntries(mayGo: request.foreign == .remove, keepsSpecials: kept.specials) { [connection] text in
            try connection.send(.warning(text))
        }
        try connection.send(.plan(before: progress.bytes, planned: plan.contentBytes(of: target)))
        let filler = SlotFiller(
            slot, of: ring, actual: actual, plan: plan, records: records, leftovers: leftovers,
            setsOwner: request.ownership, group: group, late: late, parallelism: parallelism)
        let outcome = try filler.fill(self)
        return Filled(slot: slot, outcome: outcome, kept: kept.names, group: group, seen: filler.seenStamps)
    }
}

extension AgentSession {
    /// What is told before anything is copied: that a release which was ready gives its slot to this one.
    private func fateOfReady(_ slot: Int, _ request: StageRequest, _ ring: Ring) -> String? {
        let status = ring.status[slot]
        guard status.state == .ready, let release = status.release, release.id != request.release.id else { return nil }
        let name = release.name.isEmpty ? "\(release.id)" : "\(release.id) (\(release.name))"
        return
            "release \(name), ready in slot \(slot) and never flipped to, \(request.dryRun ? "would be" : "is") no longer "
            + "ready: no other slot is left for this one"
    }
}

extension AgentSession: StageController {
    func ask(for needs: [Need]) throws {
        var rest = needs[...]
        repeat {
            let part = rest.prefix(WireLimits.mostNeedsPerPart)
            rest = rest.dropFirst(part.count)
            try connection.send(.needs(Array(part), isLast: rest.isEmpty))
        } while !rest.isEmpty
    }

    func nextFrame(answeringFrom sources: SlotSources) throws -> DeflatedPart? {
        while true {
            guard let request = try receive() else {
                throw SlotSyncError(.unreachable, "the controller went away in the middle of the stage")
            }
            switch request {
            case .signatures(let bases): try sendSignatures(bases, sources)
            case .frame(let frame): return frame
            case .framesEnd: return nil
            default: throw unexpected("something else in the middle of a stage")
            }
        }
    }
}
