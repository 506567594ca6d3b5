// The file `.slotsync/state`: text that a person can read, with a checksum over it; docs/formats.md describes it.
// Ring reads it when a session starts, and replaces it as a whole.

extension RingState {
    private static let heading = "slotsync state "
    /// What is written; versions 1 and 2, of older agents, are read as well.
    private static let version = 3
    /// Files have a multiple of this length, so that one can be written over another without any more room.
    private static let step = 16 << 10
    /// A state grows by so much before its file has to.
    private static let slack = 4 << 10

    /// - Parameter length: the least length in bytes.
    func encoded(atLeast length: Int = 0) -> [UInt8] {
        let text = text
        return Self.filled(text, to: max(length, Self.fileLength(holding: Self.leastLength(of: text))))
    }

    /// The same with exactly this length; nil if it does not fit.
    func encoded(within length: Int) -> [UInt8]? {
        let text = text
        return Self.leastLength(of: text) <= length ? Self.filled(text, to: length) : nil
    }

    /// The least length that this state can have.
    var encodedLength: Int { Self.leastLength(of: text) }

    private static func leastLength(of text: [UInt8]) -> Int { text.count + "fill \n".utf8.count + checksumLength }

    private static func filled(_ text: [UInt8], to length: Int) -> [UInt8] {
        let fill = [UInt8](repeating: UInt8(ascii: "."), count: length - leastLength(of: text))
        let body = text + Array("fill ".utf8) + fill + [UInt8(ascii: "\n")]
        return body + Array("checksum \(ContentDigest(of: body))\n".utf8)
    }

    /// All lines but the last two.
    private var text: [UInt8] {
        var lines = ["\(Self.heading)\(Self.version)"]
        for number in status.numbers {
            lines.append("slot \(number) \(words(status[number])) stage=\(status[number].stage)")
        }
        lines.append("passed \(status.passedStage)")
        if let hook = status.owedHook {
            lines.append("owed \(hook.kind) release=\(hook.release) since=\(hook.since)")
        }
        if let hook = owedBefore {
            lines.append("owed-before \(hook.kind) release=\(hook.release) since=\(hook.since)")
        }
        if let flip = status.provisional, let wayBack {
            lines.append(
                "provision slot=\(flip.slot) from=\(flip.from ?? 0) since=\(flip.since) limit=\(flip.limit.wholeMilliseconds) "
                    + "flipped=\(wayBack.isFlipped ? 1 : 0) hook=\(escaped(wayBack.undoHook))")
            let before = wayBack.change.slotBefore
            lines.append("before \(flip.slot) \(words(before)) stage=\(before.stage)")
            if let from = flip.from, let before = wayBack.change.fromBefore {
                lines.append("before \(from) \(words(before)) stage=\(before.stage)")
            }
        }
        for flip in history {
            lines.append(
                "\(flip.kind.rawValue) at=\(flip.at) from=\(flip.fromSlot ?? 0) to=\(flip.toSlot ?? 0) release=\(flip.release)"
                    + (flip.name.isEmpty ? "" : " name=\(escaped(flip.name))")
                    + (flip.reason.isEmpty ? "" : " reason=\(escaped(flip.reason))")
                    + (flip.isSettled ? " settled=1" : ""))
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static let checksumLength = "checksum \n".utf8.count + 32

    /// The length of a file for so many bytes of state, in which the next states fit as well.
    static func fileLength(holding bytes: Int) -> Int {
        min((bytes + slack + step - 1) / step * step, max(largestFile, bytes))
    }

    /// - Parameter path: for errors.
    init(decoding bytes: [UInt8], path: String) throws(SlotSyncError) {
        func damaged(_ how: String) -> SlotSyncError {
            SlotSyncError(.corrupt, "\(quoted(path)) is damaged: \(how)")
        }
        let checksumLength = Self.checksumLength
        guard bytes.count > checksumLength, bytes.count <= Self.largestFile else {
            throw damaged("its length is wrong")
        }
        let body = Array(bytes.dropLast(checksumLength))
        guard Array(bytes.suffix(checksumLength)) == Array("checksum \(ContentDigest(of: body))\n".utf8) else {
            throw damaged("its checksum is wrong")
        }
        var lines = String(decoding: body, as: UTF8.self).split(separator: "\n")
        guard let first = lines.first, first.hasPrefix(Self.heading),
            let version = Int(first.dropFirst(Self.heading.count))
        else { throw damaged("it is no state") }
        guard (1...Self.version).contains(version) else {
            throw SlotSyncError(
                .versionMismatch,
                "\(quoted(path)) was written by another version of slotsync (state version \(version), this agent is "
                    + "\(SlotSyncVersion.current) and reads 1 to \(Self.version)): bring the agent to that version by `slotsync install`"
            )
        }
        lines.removeFirst()
        self.init(slotCount: 0)
        var provisional: (fields: [Substring: Substring], before: [Int: SlotStatus])?
        for line in lines {
            let line = StateLine(line)
            if line.keyword == "slot" {
                guard let slot = line.slot, slot.number == status.slots.count + 1 else {
                    throw damaged("a slot's line cannot be read")
                }
                status.slots.append(slot.status)
            } else if let kind = FlipRecord.Kind(rawValue: String(line.keyword)) {
                guard let flip = line.flip(kind) else { throw damaged("a flip's line cannot be read") }
                history.append(flip)
            } else if version > 2, line.keyword == "passed", let stage = line.number {
                status.passedStage = stage
            } else if version > 2, line.keyword == "owed", status.owedHook == nil {
                guard let hook = line.owedHook else { throw damaged("the line of its owed hook cannot be read") }
                status.owedHook = hook
            } else if version > 2, line.keyword == "owed-before", owedBefore == nil {
                guard let hook = line.owedHook else { throw damaged("the line of its owed hook cannot be read") }
                owedBefore = hook
            } else if version > 2, line.keyword == "fill" {
                continue
            } else if version > 1, line.keyword == "provision", provisional == nil {
                provisional = (line.fields, [:])
            } else if version > 1, line.keyword == "before", provisional != nil, let slot = line.slot {
                provisional?.before[slot.number] = slot.status
            } else {
                throw damaged("it has a line \(quoted(String(line.keyword)))")
            }
        }
        guard RingStatus.slotCounts.contains(status.slots.count) else {
            throw damaged("it has \(status.slots.count) slots")
        }
        guard status.isPossible else { throw damaged("its slots contradict each other") }
        if version < 3 {
            // A flip that is not confirmed is going to be taken back: what its slots were is numbered, too.
            let now = status
            for (slot, before) in provisional?.before ?? [:] where status.numbers.contains(slot) {
                status[slot] = before
            }
            numberStages()
            let numbers = status.slots.map(\.stage)
            status = now
            for slot in status.numbers { status[slot].stage = numbers[slot - 1] }
            for slot in provisional?.before.keys.sorted() ?? [] where status.numbers.contains(slot) {
                provisional?.before[slot]?.stage = numbers[slot - 1]
            }
        }
        if let (fields, before) = provisional, !readProvisional(fields, before: before) {
            throw damaged("its provisional flip cannot be read")
        }
    }

    /// Numbers the stages of a state from before they had numbers. Then the slot after the live one was the one that
    /// was flipped to.
    private mutating func numberStages() {
        let live = status.live ?? 0
        for slot in status.numbers where status[slot].state != .empty { status[slot].stage = 1 }
        let next = live % status.slots.count + 1
        if status[next].state == .ready || status[next].state == .staging { status[next].stage = 2 }
    }

    /// Reads a provisional flip from the fields of its line and the states that stand in those below it.
    ///
    /// - Returns: false if it makes no sense.
    private mutating func readProvisional(
        _ fields: [Substring: Substring], before: [Int: SlotStatus]
    ) -> Bool {
        func number(_ name: Substring) -> Int? { fields[name].flatMap { Int($0) } }
        guard let slot = number("slot"), let fromOrZero = number("from"), let since = number("since"),
            let limit = number("limit"), ProvisionalFlip.limits.contains(limit), let flipped = number("flipped"),
            let hook = fields["hook"]
        else { return false }
        let from = fromOrZero == 0 ? nil : fromOrZero
        guard slot != from, before.allSatisfy({ status.numbers.contains($0.key) && status.allows($0.value) }),
            let slotBefore = before[slot], slotBefore.state.isSealed, slotBefore.state != .live,
            before.count == (from == nil ? 1 : 2), from.map({ before[$0]?.state == .live }) ?? true
        else { return false }
        var undone = status
        for (slot, before) in before { undone[slot] = before }
        guard undone.isPossible else { return false }
        let change = FlipChange(
            slot: slot, from: from, slotBefore: slotBefore, fromBefore: from.flatMap { before[$0] })
        let owed = owedBefore
        noteProvisional(change, since: Int64(since), limit: .milliseconds(limit), undoHook: unescaped(hook))
        owedBefore = owed
        wayBack?.isFlipped = flipped == 1
        return true
    }
}

/// A line's keyword and what it says: `KEYWORD WORD WORD name=value name=value`.
private struct StateLine {
    let keyword: Substring
    private let words: [Substring]
    let fields: [Substring: Substring]

    init(_ line: Substring) {
        words = line.split(separator: " ")
        keyword = words.first ?? ""
        var fields: [Substring: Substring] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        self.fields = fields
    }

    /// A slot by its number; nil if the line does not say one.
    var slot: (number: Int, status: SlotStatus)? {
        guard words.count > 3, let number = Int(words[1]),
            let state = SlotState.allCases.first(where: { $0.description == words[2] }),
            let since = fields["since"].flatMap({ Int64($0) }), let previous = fields["previous"].flatMap({ Int($0) })
        else { return nil }
        let id = fields["release"].flatMap { ContentDigest($0) }
        let status = SlotStatus(
            state: state, release: id.map { ReleaseName(id: $0, name: unescaped(fields["name"] ?? "")) }, since: since,
            reason: unescaped(fields["reason"] ?? ""), previous: previous == 0 ? nil : previous,
            stage: fields["stage"].flatMap { Int($0) } ?? 0)
        return (number, status)
    }

    /// The number behind the keyword.
    var number: Int? { words.count == 2 ? Int(words[1]) : nil }

    var owedHook: OwedHook? {
        guard words.count > 1, let kind = OwedHook.Kind.allCases.first(where: { $0.description == words[1] }),
            let id = fields["release"].flatMap({ ContentDigest($0) }),
            let since = fields["since"].flatMap({ Int64($0) })
        else { return nil }
        return OwedHook(kind, release: id, since: since)
    }

    func flip(_ kind: FlipRecord.Kind) -> FlipRecord? {
        guard let at = fields["at"].flatMap({ Int64($0) }), let from = fields["from"].flatMap({ Int($0) }),
            let to = fields["to"].flatMap({ Int($0) }), let id = fields["release"].flatMap({ ContentDigest($0) })
        else { return nil }
        return FlipRecord(
            kind: kind, at: at, fromSlot: from == 0 ? nil : from, toSlot: to == 0 ? nil : to, release: id,
            name: unescaped(fields["name"] ?? ""), reason: unescaped(fields["reason"] ?? ""),
            isSettled: fields["settled"] == "1")
    }
}

/// What a slot's line says after its number.
private func words(_ slot: SlotStatus) -> String {
    "\(slot.state) release=\(slot.release?.id.description ?? "-") since=\(slot.since) previous=\(slot.previous ?? 0) "
        + "name=\(escaped(slot.release?.name ?? "")) reason=\(escaped(slot.reason))"
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
