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
            slots.append(
                SlotStatus(state: state, release: release, since: since, reason: reason, previous: previous))
        }
        self.init(slots: slots, live: live)
    }
}
