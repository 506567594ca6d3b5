// Whether a release that is to be staged stands in a slot already, whole: then nothing is filled. AgentStage asks.

extension AgentSession {
    /// Answers `present` if the release is ready, or live, or bad anywhere, and still as it was sealed. So it is if a
    /// rollback would go to it: that slot is not filled anew.
    func confirmPresent(
        _ request: StageRequest, of target: Manifest, seeds: Manifest, ring: Ring, _ records: SlotRecords
    ) throws -> Bool {
        var candidates: [(slot: Int, kind: StageOutcome.Kind)] = []
        let ready = ring.status.numbers.filter { ring.status[$0].state == .ready }
        candidates += ready.sorted { ring.status[$0].stage > ring.status[$1].stage }.map { ($0, .alreadyReady) }
        if let live = ring.status.live { candidates.append((live, .alreadyLive)) }
        for slot in ring.status.numbers where ring.status[slot].state == .bad {
            candidates.append((slot, .alreadyBad))
        }
        if let previous = ring.status.previous, ring.status[previous].state == .retired {
            candidates.append((previous, .alreadyReady))
        }
        for candidate in candidates where ring.status[candidate.slot].release?.id == request.release.id {
            let record = records.record(of: candidate.slot)
            var isRight = false
            // What cannot be looked at is not as it was sealed, and holds up no stage: it goes into another slot.
            // Where signatures count, an ID alone is not believed: see SHA256Digest.
            if let record, try signers.get() == nil || record.manifest.identity == target.identity,
                let content = try? SlotInspection.content(
                    of: candidate.slot, in: ring, record: record, checksum: request.checksum,
                    reading: ReadingChoice(comparing: [record.manifest]), tolerating: .all, parallelism: parallelism,
                    progress: progress)
            {
                // The way back is not touched: it becomes ready as it is, or the release goes into another slot.
                let isWayBack = ring.status[candidate.slot].state == .retired
                isRight = content.isAsSealed || (!isWayBack && isRightButForForeign(record, content, request))
            }
            if isRight {
                try share(request, seeds: seeds, ring: ring)
                if !request.dryRun {
                    if !request.signature.isEmpty { try ring.keepSignature(request.signature, of: candidate.slot) }
                    try noteFound(request.release, in: candidate.slot, ring)
                }
                if candidate.kind == .alreadyLive, let warning = owedHookWarning(ring) {
                    try connection.send(.warning(warning))
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

    /// Whether all of the release is there as it was sealed, and nothing else but what the controller wants kept.
    private func isRightButForForeign(_ record: SlotRecord, _ content: SlotContent, _ request: StageRequest) -> Bool {
        let differences = SlotDifferences(
            between: record.manifest, and: content.manifest, unreadable: content.unreadable)
        guard request.foreign == .keep else { return content.specials.isEmpty && differences.count == 0 }
        return differences.isOfAdditionsAlone
    }

    private func noteFound(_ release: ReleaseName, in slot: Int, _ ring: Ring) throws {
        var found = ring.state
        found.noteFound(release, in: slot, at: Timestamp.now.seconds)
        if found != ring.state { try ring.update { $0 = found } }
    }
}
