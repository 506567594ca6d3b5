// What stands in `.slotsync`: the state and the records of slots. Both have a checksum, which whoever can write there can
// make as well: it is put behind the input here.

@testable import SlotSync

let slotTargets = [
    FuzzTarget(
        name: "state",
        words: SlotState.allCases.map(\.description) + OwedHook.Kind.allCases.map(\.description) + [
            "slotsync state 3\n", "slotsync state 2\n", "slotsync state 1\n", "slot ", "passed ", "owed ",
            "owed-before ",
            "provision ", "before ", "flip ", "rollback ", "undo ", "fill ", " release=", " since=", " previous=",
            " name=",
            " reason=", " stage=", " slot=", " from=", " to=", " at=", " limit=", " flipped=", " hook=",
            "00112233445566778899aabbccddeeff", "9223372036854775807", "-9223372036854775808", "4294967295",
        ]
    ) {
        (0..<6 as Range<UInt64>).map { seed in
            let text = String(decoding: randomState(seed).encoded(), as: UTF8.self)
            return Array(text.split(separator: "\n").dropLast(2).joined(separator: "\n").utf8) + [10]
        }
    } run: { bytes in
        let file = bytes + Array("checksum \(ContentDigest(of: bytes))\n".utf8)
        guard let state = accepted({ () throws(SlotSyncError) in try RingState(decoding: file, path: "state") }) else {
            return false
        }
        check(state)
        for slot in state.status.numbers where state.status[slot].state.isSealed {
            check(state.reconciled(with: slot, at: .max))
            var flipped = state
            flipped.note(FlipChange(to: slot, in: state.status), as: .flip, at: .min, owing: .afterFlip)
            check(flipped)
        }
        check(state.reconciled(with: nil, at: 0))
        if let way = state.wayBack {
            var undone = state
            undone.noteUndo(of: way.change, at: 1, because: "fuzz", hook: .owed)
            check(undone)
        }
        let release = ReleaseName(id: ContentDigest(high: 1, low: 2), name: "v1")
        for slot in state.status.numbers where slot != state.status.live {
            var staged = state
            staged.beginStaging(release, in: slot, at: 1)
            check(staged)
            staged.noteSealed(release, in: slot, at: 2)
            staged.noteFound(release, in: slot, at: 3)
            staged.markBad(release.id, because: "fuzz", at: 4)
            check(staged)
        }
        return true
    },
    FuzzTarget(name: "slot-record", words: ["SSL2", "SSM1"]) {
        (0..<4 as Range<UInt64>).map { seed in
            var random = SeededGenerator(seed: seed)
            let manifest = ModelTree.random(hardLinks: true, using: &random).manifest
            var record = SlotRecord(manifest: manifest, sealedAt: Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
            for entry in manifest.entries {
                record.append(
                    SlotRecord.Stamp(
                        inode: random.next() >> 40, changed: Timestamp(seconds: 1_600_000_000, nanoseconds: 7)),
                    modified: entry.modified)
            }
            return Array(record.encoded().dropLast(16))
        }.filter { $0.count < 4000 }
    } run: { bytes in
        var writer = ByteWriter()
        writer.append(bytes)
        writer.append(ContentDigest(of: bytes))
        func read(_ bytes: [UInt8]) -> SlotRecord? {
            accepted { () throws(SlotSyncError) in try SlotRecord(decoding: bytes, name: "record") }
        }
        _ = accepted { () throws(SlotSyncError) in
            var reader = try SlotRecord.manifestReader(of: writer.bytes, name: "record")
            try Manifest.forEachFile(in: &reader) { _, _, _ in }
        }
        guard let record = read(writer.bytes) else { return false }
        demand(record.stamps.count == record.manifest.count, "entries without a stamp")
        guard let again = read(record.encoded()) else { fatalError("a record is refused that was written") }
        demand(again.encoded() == record.encoded(), "a record reads as another one")
        _ = record.manifestAsFound().encoded()
        let status = FileStatus(.init())
        for index in record.stamps.indices { _ = record.vouches(for: index, status) }
        return true
    },
]

/// What is written of a state reads as the same, in as many bytes as it may have.
private func check(_ state: RingState) {
    // Without the room to grow that a file has, which only costs time here.
    let written = state.encoded(within: state.encodedLength) ?? []
    demand(written.count <= RingState.largestFile, "a state of \(written.count) bytes, which nobody reads")
    let again = accepted { () throws(SlotSyncError) in try RingState(decoding: written, path: "state") }
    demand(again == state, "a state reads as another one: \(state), \(again.map { "\($0)" } ?? "refused")")
    demand(state.status.isPossible, "slots that contradict each other")
    let ring = state.status
    _ = (ring.next, ring.previous, ring.readySlot, ring.passedSlot, ring.badNextRelease, ring.nextRelease)
}

private func randomState(_ seed: UInt64) -> RingState {
    var random = SeededGenerator(seed: seed)
    var state = RingState(slotCount: 2 + Int(seed))
    for slot in 1...2 {
        state.beginStaging(
            ReleaseName(id: ContentDigest(high: random.next(), low: seed), name: "v \(slot)=%"), in: slot,
            at: 1_700_000_000)
        guard let release = state.status[slot].release else { continue }
        state.noteSealed(release, in: slot, at: 1_700_000_001)
        let change = FlipChange(to: slot, in: state.status)
        if slot == 2, seed & 1 == 0 {
            state.noteProvisional(change, since: 1_700_000_002, limit: .seconds(15), undoHook: "systemctl reload 'web'")
        }
        state.note(change, as: .flip, at: 1_700_000_003, owing: seed & 2 == 0 ? nil : .afterFlip)
    }
    return state
}
