// Staging on a host: manifest in, needs out, frames in, sealed. The order of the steps is what keeps the
// promises: lock, look, plan, check the disk, mark `staging`, change, verify, synchronize, mark `ready`.

import Glibc
import SystemPackage

extension AgentSession {
    func stage(_ request: StageRequest) async throws {
        // It might fill the slot that an undo goes back to.
        guard flip?.isCommitted != true else { throw unexpected("a stage after a flip in one session") }
        guard !request.ownership || geteuid() == 0 else {
            throw SlotSyncError(
                .badInput,
                "the agent for root \(quoted(root)) does not run as root, so it cannot set owners: leave --owner out, or "
                    + "log in as root")
        }
        if let ring {
            if !request.dryRun { _ = try await lockRing(for: "a stage") }
            try checkSlotCount(request, ring)
        }
        let records = ring.map { SlotRecords(of: $0) }
        guard let target = try receiveManifest(request, records) else {
            try connection.send(.manifestNeeded)
            return
        }
        guard target.id == request.release.id else {
            throw SlotSyncError(
                .corrupt, "the manifest that came is not that of release \(request.release.id): stage again")
        }
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
        if try confirmPresent(request, ring: ring, known) { return }
        try fill(ring, with: target, request, known)
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

    // MARK: Manifest

    /// Receives the manifest; nil if the host lacks the record that stands in for it, or that it is a difference from.
    private func receiveManifest(_ request: StageRequest, _ records: SlotRecords?) throws -> Manifest? {
        var bytes: [UInt8] = []
        var inflater = Inflater()
        while bytes.count < request.manifestLength {
            guard case .manifest(let part)? = try receive() else { throw unexpected("no whole manifest") }
            guard part.length > 0, part.length <= request.manifestLength - bytes.count else {
                throw unexpected("a manifest of another length than announced")
            }
            if part.isDeflated {
                try part.bytes.withUnsafeBytes { try inflater.inflate($0, into: &bytes, exactly: part.length) }
            } else {
                bytes.append(contentsOf: part.bytes)
            }
        }
        // The controller saw in our greeting that we have this release.
        guard request.manifestLength > 0 else { return records?.record(of: request.release.id)?.manifest }
        var base: Manifest?
        if let id = request.base {
            guard let record = records?.record(of: id) else { return nil }
            base = record.manifest
        }
        var reader = ByteReader(bytes, name: "the manifest")
        let manifest = try Manifest(from: &reader, against: base)
        try reader.expectEnd()
        try manifest.checkContents()
        return manifest
    }

    // MARK: Present already

    /// Answers `present` if the release is ready in next, or live, or bad anywhere, and still as it was sealed.
    private func confirmPresent(_ request: StageRequest, ring: Ring, _ records: SlotRecords) throws -> Bool {
        let next = ring.status.next
        var candidates: [(slot: Int, kind: StageOutcome.Kind)] = []
        if ring.status[next].state == .ready { candidates.append((next, .alreadyReady)) }
        if let live = ring.status.live { candidates.append((live, .alreadyLive)) }
        for slot in ring.status.numbers where ring.status[slot].state == .bad {
            candidates.append((slot, .alreadyBad))
        }
        for candidate in candidates where ring.status[candidate.slot].release?.id == request.release.id {
            let record = records.record(of: candidate.slot)
            var isRight = false
            if let record {
                let content = try SlotInspection.content(
                    of: candidate.slot, in: ring, record: record, checksum: request.checksum,
                    toleratesUnreadable: true, parallelism: parallelism, progress: progress)
                isRight =
                    content.isAsSealed
                    || (content.specials.isEmpty
                        && SlotDifferences(between: record.manifest, and: content.manifest).count == 0)
            }
            if isRight {
                if !request.release.name.isEmpty, !request.dryRun,
                    ring.status[candidate.slot].release?.name != request.release.name
                {
                    try ring.update { $0.status[candidate.slot].release = request.release }
                }
                if candidate.kind == .alreadyBad { try connection.send(.warning(warningOfBad(candidate.slot, ring))) }
                try connection.send(
                    .present(StageOutcome(kind: candidate.kind, slot: candidate.slot)))
                return true
            }
            if candidate.kind == .alreadyLive {
                try connection.send(
                    .warning(
                        "the live slot \(candidate.slot) is no longer as it was staged; the release is staged anew beside it"
                    ))
            }
        }
        return false
    }

    // MARK: Filling

    private func fill(_ ring: Ring, with target: Manifest, _ request: StageRequest, _ records: SlotRecords) throws {
        guard let (slot, outcome) = try makeSlot(ring, with: target, request, records) else { return }
        // The records of the other slots have served; the new one takes their place in memory.
        records.forgetAll()
        let record = try SlotSealer.record(of: slot, parallelism: parallelism)
        try SlotSealer.seal(record, release: request.release, of: slot, in: ring)
        do { try clearTemporary(ring) } catch {
            try connection.send(.warning("what the stage left in \(quoted(root + "/.slotsync/tmp")) stays: \(error)"))
        }
        // A release that is bad stays so, though its copy was damaged and made anew.
        if ring.status[outcome.slot].state == .bad { try connection.send(.warning(warningOfBad(outcome.slot, ring))) }
        try connection.send(.staged(outcome))
    }

    /// Makes the next slot the release; nil after a dry run. What it holds of old contents is gone when it returns.
    private func makeSlot(
        _ ring: Ring, with target: Manifest, _ request: StageRequest, _ records: SlotRecords
    ) throws -> (StageSlot, StageOutcome)? {
        let number = ring.status.next
        let leftovers = try hashLeftovers(in: ring, removing: !request.dryRun)
        let actual = try SlotInspection.content(
            of: number, in: ring, record: records.record(of: number), checksum: request.checksum,
            toleratesUnreadable: true, parallelism: parallelism, progress: progress)
        records.forget(number)
        let space = try FileSystemSpace(of: ring.slotsDirectory.descriptor)
        let planner = StagePlanner(
            ring: ring, slot: number, actual: actual, records: records, leftovers: leftovers,
            blockSize: space.blockSize, proposesBases: !request.wholeFiles)
        let plan = planner.plan(for: target)
        try DiskSpace.check(plan, ring: ring)
        if request.dryRun {
            try ask(for: plan.needs)
            return nil
        }
        try ring.update { $0.beginStaging(request.release, in: number, at: Timestamp.now.seconds) }
        try makeShared(request.sharedPaths, ring: ring)
        let slot = try StageSlot(number, of: ring, target: target, plan: plan, progress: progress)
        let filler = SlotFiller(
            slot, of: ring, actual: actual, plan: plan, records: records, leftovers: leftovers,
            setsOwner: request.ownership)
        return (slot, try filler.fill(self))
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
