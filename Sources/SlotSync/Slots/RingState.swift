// What a ring remembers beyond the `current` link: the states of its slots and the history of flips.
// A text file that a person can read, with a checksum over it; `current` itself stays the truth of what
// is live, and `reconciled(with:)` brings the two together after a crash between their changes.

import SystemPackage

/// One change of `current`, for the history.
struct FlipRecord: Hashable, Sendable {
    enum Kind: String, Sendable { case flip, rollback, undo }
    var kind: Kind
    /// Seconds since 1970.
    var at: Int64
    /// 0: nothing was live before, or nothing is after.
    var fromSlot: Int
    var toSlot: Int
    var release: ContentDigest
}

/// The content of `.slotsync/state`.
struct RingState: Hashable, Sendable {
    /// How many flips are remembered.
    static let longestHistory = 200
    /// No state file is larger; bounds what is read.
    static let largestFile = 256 * 1024

    var slots: [SlotStatus]
    var history: [FlipRecord] = []

    init(slotCount: Int) { slots = Array(repeating: SlotStatus(state: .empty), count: slotCount) }

    subscript(slot: Int) -> SlotStatus {
        get { slots[slot - 1] }
        set { slots[slot - 1] = newValue }
    }

    /// The slot that this state holds for live.
    var live: Int? { slots.firstIndex { $0.state == .live }.map { $0 + 1 } }

    mutating func note(_ flip: FlipRecord) {
        history.append(flip)
        if history.count > Self.longestHistory { history.removeFirst(history.count - Self.longestHistory) }
    }

    /// Marks a slot as being filled: what it held is gone, so no slot goes back to it any more.
    mutating func beginStaging(_ release: ReleaseName, in slot: Int, at moment: Int64) {
        let isSame = self[slot].release?.id == release.id
        self[slot] = SlotStatus(state: .staging, release: release, since: moment)
        guard !isSame else { return }
        for index in slots.indices where slots[index].previous == slot { slots[index].previous = nil }
    }

    /// This state as it has to be, given the slot that `current` points at.
    ///
    /// - Throws: `notReady` if that slot never held a whole release.
    func reconciled(with current: Int?, root: String) throws(SlotSyncError) -> RingState {
        guard live != current else { return self }
        var state = self
        let before = live
        if let before { state[before].state = .retired }
        if let current {
            guard state[current].state.isSealed else {
                throw SlotSyncError(
                    .notReady,
                    "\(quoted(root)): current points at slot \(current), which is \(state[current].state) and no whole "
                        + "release: point it back at a slot that `slotsync status` calls retired or ready")
            }
            // A rollback was cut short where what was live came after what is: that one's own past stands.
            let isRollback = before.map { state[$0].previous == current } ?? false
            state[current].state = .live
            if let before, !isRollback { state[current].previous = before }
        }
        return state
    }

    // MARK: The file

    private static let heading = "slotsync state 1"

    func encoded() -> [UInt8] {
        var lines = [Self.heading]
        for (index, slot) in slots.enumerated() {
            lines.append(
                "slot \(index + 1) \(slot.state) release=\(slot.release?.id.description ?? "-") since=\(slot.since) "
                    + "previous=\(slot.previous ?? 0) name=\(escaped(slot.release?.name ?? "")) reason=\(escaped(slot.reason))"
            )
        }
        for flip in history {
            lines.append(
                "\(flip.kind.rawValue) at=\(flip.at) from=\(flip.fromSlot) to=\(flip.toSlot) release=\(flip.release)")
        }
        let body = Array((lines.joined(separator: "\n") + "\n").utf8)
        return body + Array("checksum \(ContentDigest(of: body))\n".utf8)
    }

    /// - Parameter path: for errors.
    init(decoding bytes: [UInt8], path: String) throws(SlotSyncError) {
        func damaged(_ how: String) -> SlotSyncError {
            SlotSyncError(
                .corrupt,
                "\(quoted(path)) is damaged: \(how). Nothing was changed. Restore it from a backup, or move .slotsync "
                    + "and current aside and stage again: the release trees in slots/ are not touched by that")
        }
        let checksumLength = "checksum \n".utf8.count + 32
        guard bytes.count > checksumLength, bytes.count <= Self.largestFile else {
            throw damaged("its length is wrong")
        }
        let body = Array(bytes.dropLast(checksumLength))
        guard Array(bytes.suffix(checksumLength)) == Array("checksum \(ContentDigest(of: body))\n".utf8) else {
            throw damaged("its checksum is wrong")
        }
        var lines = String(decoding: body, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        guard !lines.isEmpty, lines.removeFirst().joined(separator: " ") == Self.heading else {
            throw damaged("it is not a state of version 1")
        }
        slots = []
        for words in lines {
            guard let keyword = words.first else { continue }
            var fields: [Substring: Substring] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { fields[parts[0]] = parts[1] }
            }
            if keyword == "slot" {
                guard words.count > 3, let state = SlotState.allCases.first(where: { $0.description == words[2] }),
                    Int(words[1]) == slots.count + 1, let since = fields["since"].flatMap({ Int64($0) }),
                    let previous = fields["previous"].flatMap({ Int($0) })
                else { throw damaged("a slot's line cannot be read") }
                let id = fields["release"].flatMap { ContentDigest($0) }
                slots.append(
                    SlotStatus(
                        state: state, release: id.map { ReleaseName(id: $0, name: unescaped(fields["name"] ?? "")) },
                        since: since, reason: unescaped(fields["reason"] ?? ""),
                        previous: previous == 0 ? nil : previous))
            } else if let kind = FlipRecord.Kind(rawValue: String(keyword)) {
                guard let at = fields["at"].flatMap({ Int64($0) }), let from = fields["from"].flatMap({ Int($0) }),
                    let to = fields["to"].flatMap({ Int($0) }),
                    let id = fields["release"].flatMap({ ContentDigest($0) })
                else { throw damaged("a flip's line cannot be read") }
                history.append(FlipRecord(kind: kind, at: at, fromSlot: from, toSlot: to, release: id))
            } else {
                throw damaged("it has a line \(quoted(String(keyword)))")
            }
        }
        guard RingStatus.slotCounts.contains(slots.count) else { throw damaged("it has \(slots.count) slots") }
        guard slots.allSatisfy({ $0.previous.map { (1...slots.count).contains($0) } ?? true }),
            slots.count(where: { $0.state == .live }) <= 1,
            slots.allSatisfy({ ($0.release != nil) || $0.state == .empty })
        else { throw damaged("its slots contradict each other") }
    }
}

/// Text without white space, "=", "%" or control characters, so that it is one word of a line.
private func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        if byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "=") {
            result.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
    return result
}

private func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
