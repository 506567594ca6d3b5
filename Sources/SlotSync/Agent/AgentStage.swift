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
        guard let slots = request.slots, slots != ring.state.slots.count else { return }
        throw SlotSyncError(
            .badInput,
            "the ring in \(quoted(root)) has \(ring.state.slots.count) slots, not \(slots): leave --slots out or say "
                + "--slots \(ring.state.slots.count)")
    }

    /// A dry run against a root that has no ring yet: everything is needed, nothing is made.
    private func planFirstRelease(of target: Manifest) throws {
        var seen: Set<ContentDigest> = []
        var needs: [Need] = []
        for (index, entry) in target.entries.enumerated() where entry.kind == .file && entry.size > 0 {
            if seen.insert(entry.digest).inserted { needs.append(Need(entry: UInt32(index), basis: nil)) }
        }
        try send(needs)
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
        guard request.manifestLength > 0 else { return try records?.record(of: request.release.id)?.manifest }
        var base: Manifest?
        if let id = request.base {
            guard let record = try records?.record(of: id) else { return nil }
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
        var places: [(slot: Int, kind: StageOutcome.Kind)] = []
        if ring.state[next].state == .ready { places.append((next, .alreadyReady)) }
        if let live = ring.state.live { places.append((live, .alreadyLive)) }
        for slot in 1...ring.state.slots.count where ring.state[slot].state == .bad {
            places.append((slot, .alreadyBad))
        }
        for place in places where ring.state[place.slot].release?.id == request.release.id {
            let record = try records.record(of: place.slot)
            var isRight = false
            if let record {
                let content = try SlotInspection.content(
                    of: place.slot, in: ring, record: record, checksum: request.checksum, parallelism: parallelism,
                    progress: progress)
                isRight =
                    content.isAsSealed
                    || (content.specials.isEmpty
                        && SlotDifferences(between: record.manifest, and: content.manifest).count == 0)
            }
            if isRight {
                if !request.release.name.isEmpty, !request.dryRun,
                    ring.state[place.slot].release?.name != request.release.name
                {
                    try ring.update { $0[place.slot].release = request.release }
                }
                if place.kind == .alreadyBad { try connection.send(.warning(warningOfBad(place.slot, ring))) }
                try connection.send(
                    .present(StageOutcome(kind: place.kind, slot: place.slot, received: 0, copied: 0, kept: 0)))
                return true
            }
            if place.kind == .alreadyLive {
                try connection.send(
                    .warning(
                        "the live slot \(place.slot) is no longer as it was staged; the release is staged anew beside it"
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
        if ring.state[outcome.slot].state == .bad { try connection.send(.warning(warningOfBad(outcome.slot, ring))) }
        try connection.send(.staged(outcome))
    }

    /// Makes the next slot the release; nil after a dry run.
    private func makeSlot(
        _ ring: Ring, with target: Manifest, _ request: StageRequest, _ records: SlotRecords
    ) throws -> (FilledSlot, StageOutcome)? {
        let slot = ring.status.next
        let leftovers = try hashLeftovers(in: ring, removing: !request.dryRun)
        let actual = try SlotInspection.content(
            of: slot, in: ring, record: records.record(of: slot), checksum: request.checksum, parallelism: parallelism,
            progress: progress)
        records.forget(slot)
        let space = try FileSystemSpace(of: ring.slotsDirectory.descriptor)
        let planner = StagePlanner(
            ring: ring, slot: slot, actual: actual, records: records, leftovers: leftovers, blockSize: space.blockSize,
            proposesBases: !request.wholeFiles)
        let plan = try planner.plan(for: target)
        try DiskSpace.check(plan, ring: ring)
        if request.dryRun {
            try send(plan.needs)
            return nil
        }
        try ring.update { $0.beginStaging(request.release, in: slot, at: Timestamp.now.seconds) }
        try makeShared(request.sharedPaths, ring: ring)
        let filler = try SlotFiller(
            ring: ring, slot: slot, target: target, actual: actual, plan: plan, records: records, leftovers: leftovers,
            setsOwner: request.ownership, progress: progress)
        try filler.saveSources()
        try send(plan.needs)
        try filler.prepare { try self.answerSignatures(filler) }
        let received = try applyFrames(filler)
        let filled = try filler.finish()
        return (
            filled,
            StageOutcome(
                kind: .staged, slot: slot, received: received, copied: filler.copiedFiles, kept: plan.keptFiles)
        )
    }

    private func send(_ needs: [Need]) throws {
        var rest = needs[...]
        repeat {
            let part = rest.prefix(WireLimits.mostNeedsPerPart)
            rest = rest.dropFirst(part.count)
            try connection.send(.needs(Array(part), isLast: rest.isEmpty))
        } while !rest.isEmpty
    }

    /// Applies frames until all content is right.
    ///
    /// - Returns: how many files came over the wire.
    private func applyFrames(_ filler: SlotFiller) throws -> Int {
        let applier = FrameApplier(filler: filler, needs: filler.plan.needs, progress: progress)
        var round = 0
        while true {
            guard let request = try receive() else {
                throw SlotSyncError(.unreachable, "the controller went away in the middle of the stage")
            }
            switch request {
            case .signatures(let bases): try sendSignatures(bases, filler)
            case .frame(let frame): try applier.apply(frame)
            case .framesEnd:
                try applier.finish()
                let damaged = (applier.damaged + (round == 0 ? filler.failedCopies : [])).sorted()
                if damaged.isEmpty { return applier.receivedFiles }
                round += 1
                guard round <= WireLimits.mostRepairRounds else {
                    let path = String(decoding: filler.target.path(of: damaged[0]), as: UTF8.self)
                    throw SlotSyncError(
                        .verification,
                        "\(quoted(path)) did not verify in \(round) rounds: the source changed, or this host's disk or memory "
                            + "damages data")
                }
                let repairs = damaged.map { Need(entry: UInt32($0), basis: nil) }
                applier.expect(repairs)
                try send(repairs)
            default: throw unexpected("something else in the middle of a stage")
            }
        }
    }
}
