// `verify` on a host: hashes slots again and compares them with what was sealed. It only reads.

extension AgentSession {
    func verify(slot: Int?) throws {
        let ring = try existingRing()
        if let slot, !ring.status.numbers.contains(slot) {
            throw SlotSyncError(
                .badInput, "the ring in \(quoted(root)) has no slot \(slot): it has \(ring.status.slots.count)")
        }
        if let slot, !ring.status[slot].state.isSealed {
            throw SlotSyncError(
                .notReady, "slot \(slot) in \(quoted(root)) is \(ring.status[slot].state): nothing to verify")
        }
        for number in slot.map({ [$0] }) ?? Array(ring.status.numbers) where ring.status[number].state.isSealed {
            try connection.send(.verified(verification(of: number, in: ring)))
        }
        try connection.send(.status(ring.status))
    }

    private func verification(of slot: Int, in ring: Ring) throws -> SlotVerification {
        let release = ring.status[slot].release ?? ReleaseName(id: .empty)
        guard let record = try ring.record(of: slot) else {
            return SlotVerification(
                slot: slot, release: release, differences: 1,
                lines: ["the record is missing or damaged: \(quoted("\(root)/.slotsync/slots/\(slot)"))"])
        }
        let content: SlotContent
        let mounts: [[UInt8]]
        do {
            if let cover = ring.cover(of: slot) {
                return SlotVerification(
                    slot: slot, release: release, differences: 1, lines: ["the slot \(cover.what): \(cover.remedy)"])
            }
            mounts = try ring.mounts(in: slot, record.manifest)
            content = try SlotInspection.content(
                of: slot, in: ring, record: record, checksum: true,
                reading: ReadingChoice(comparing: [record.manifest]),
                tolerating: .all, parallelism: parallelism, progress: progress)
        } catch let error as SlotSyncError {
            // What one slot has come to does not hide what the others are.
            return SlotVerification(
                slot: slot, release: release, differences: 1, lines: ["\(error)"])
        }
        var differences = SlotDifferences(
            between: record.manifest, and: content.manifest, unreadable: content.unreadable, kept: record.kept,
            mounts: mounts + content.mounts)
        for path in content.specials { differences.note(record.keeps(path) ? .kept : .added, path) }
        for path in content.unreadable where record.manifest.entry(at: path.split(separator: UInt8(ascii: "/"))) == nil
        {
            differences.note(.unreadable, path)
        }
        let read = content.manifest.entries.filter { $0.kind == .file && $0.digest != TreeHashing.unknown }
        return SlotVerification(
            slot: slot, release: release, files: read.count, bytes: read.reduce(0) { $0 &+ $1.size },
            differences: differences.count, additions: differences.additions,
            kept: differences.kept, lines: differences.lines)
    }
}

extension SlotRecord {
    /// Whether what stands at a path was kept by the stage, or is in a folder that was.
    fileprivate func keeps(_ path: [UInt8]) -> Bool {
        let components = path.split(separator: UInt8(ascii: "/"))
        for level in components.indices {
            guard let folder = manifest.entry(at: components[..<level]) else { return false }
            if kept[folder]?.contains(Array(components[level])) == true { return true }
        }
        return false
    }
}
