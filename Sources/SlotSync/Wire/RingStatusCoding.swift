// The bytes of a ring's status, in greetings and in answers to `status`.

extension RingStatus {
    func encode(into writer: inout ByteWriter) {
        writer.append(UInt8(slots.count))
        writer.append(slot: live)
        for slot in slots {
            writer.append(slot.state.rawValue)
            writer.append(optional: slot.release) { $0.append($1) }
            writer.append(zigzag: slot.since)
            writer.append(text: slot.reason)
            writer.append(slot: slot.previous)
            writer.append(varint: slot.stage)
        }
        writer.append(varint: passedStage)
        writer.append(optional: owedHook) { writer, hook in
            writer.append(hook.kind.rawValue)
            writer.append(hook.release)
            writer.append(zigzag: hook.since)
        }
        writer.append(optional: provisional) { writer, flip in
            writer.append(slot: flip.slot)
            writer.append(slot: flip.from)
            writer.append(zigzag: flip.since)
            writer.append(varint: flip.limit.wholeMilliseconds)
        }
    }

    init(from reader: inout ByteReader) throws(SlotSyncError) {
        let count = Int(try reader.byte())
        guard Self.slotCounts.contains(count) else { throw reader.corrupt("a ring of \(count) slots") }
        let live = try reader.slotOrNone(of: count)
        var slots: [SlotStatus] = []
        for _ in 0..<count {
            let raw = try reader.byte()
            guard let state = SlotState(rawValue: raw) else { throw reader.corrupt("a slot in the state \(raw)") }
            let release = try reader.optional { (reader) throws(SlotSyncError) in try reader.releaseName() }
            let since = try reader.zigzag()
            let reason = try reader.shownText(of: "a reason's length")
            let previous = try reader.slotOrNone(of: count)
            let stage = try reader.count(atMost: SlotStatus.mostStages, of: "a stage's number")
            slots.append(
                SlotStatus(
                    state: state, release: release, since: since, reason: reason, previous: previous, stage: stage))
        }
        let passedStage = try reader.count(atMost: SlotStatus.mostStages, of: "a stage's number")
        let owedHook = try reader.optional { (reader) throws(SlotSyncError) in
            let raw = try reader.byte()
            guard let kind = OwedHook.Kind(rawValue: raw) else { throw reader.corrupt("a hook of the kind \(raw)") }
            let release = try reader.digest()
            return OwedHook(kind, release: release, since: try reader.zigzag())
        }
        let provisional = try reader.optional { (reader) throws(SlotSyncError) in
            let slot = try reader.slot(of: count)
            let from = try reader.slotOrNone(of: count)
            let since = try reader.zigzag()
            return ProvisionalFlip(slot: slot, from: from, since: since, limit: try reader.provisionalLimit())
        }
        self.init(slots: slots, provisional: provisional, passedStage: passedStage, owedHook: owedHook)
        // The states say which slot is live as well.
        guard isPossible, live == self.live else { throw reader.corrupt("slots that contradict each other") }
    }
}
