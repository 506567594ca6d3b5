// The bytes of every reply. An agent writes them; the controller reads them and trusts none of them.

extension Reply: WireMessage {
    /// The types of replies; requests have the high bit clear.
    enum TypeCode: UInt8 {
        case hello = 0x81
        case failure, warning, alive, status, present, needs, signature, signatureMissing
        case staged, prepared, hookDone, flipped, verified, manifestNeeded
        case confirmed, plan, lock, unlocked, giveWay
        case watching = 0xa0
        case sample
        case seedsNeeded = 0xb0

        /// Whether an agent may send it before its greeting.
        var mayPrecedeGreeting: Bool { self == .failure || self == .warning || self == .alive }
    }

    private var code: TypeCode {
        switch self {
        case .hello: .hello
        case .failure: .failure
        case .warning: .warning
        case .alive: .alive
        case .plan: .plan
        case .lock: .lock
        case .unlocked: .unlocked
        case .giveWay: .giveWay
        case .status: .status
        case .present: .present
        case .needs: .needs
        case .seedsNeeded: .seedsNeeded
        case .signature: .signature
        case .signatureMissing: .signatureMissing
        case .staged: .staged
        case .prepared: .prepared
        case .hookDone: .hookDone
        case .flipped: .flipped
        case .verified: .verified
        case .manifestNeeded: .manifestNeeded
        case .confirmed: .confirmed
        case .watching: .watching
        case .sample: .sample
        }
    }

    var type: UInt8 { code.rawValue }

    func encodePayload(into writer: inout ByteWriter) {
        switch self {
        case .hello(let greeting, let ring):
            writer.append(greeting)
            writer.append(optional: ring) { writer, ring in
                ring.encode(into: &writer)
                writer.append(optional: ring.wentBack) { $0.append($1) }
                writer.append(optional: ring.returned) { $0.append($1) }
                writer.append(optional: ring.identity) { $0.append($1) }
            }
        case .failure(let error):
            writer.append(text: error.code.rawValue, atMost: WireLimits.longestErrorCode)
            // A system's error numbers are its own: their text crosses, not their values.
            writer.append(text: error.description)
        case .warning(let text): writer.append(text: text)
        case .alive(let files, let bytes):
            writer.append(varint: files)
            writer.append(varint: bytes)
        case .plan(let before, let planned):
            writer.append(varint: before)
            writer.append(varint: planned)
        case .lock(let lock, let isAsked):
            writer.append(text: lock.holder)
            writer.append(zigzag: lock.since)
            writer.append(isAsked)
        case .unlocked(let wayBack): writer.append(optional: wayBack) { $0.append($1) }
        case .giveWay(let who): writer.append(text: who)
        case .status(let ring): ring.encode(into: &writer)
        case .needs(let needs, let isLast):
            writer.append(isLast)
            writer.append(needs)
        case .seedsNeeded(let entries, let isLast):
            writer.append(isLast)
            writer.append(entries)
        case .signature(let basis, let signature):
            writer.append(basis)
            signature.encode(into: &writer)
        case .signatureMissing(let basis): writer.append(basis)
        case .present(let outcome), .staged(let outcome): outcome.encode(into: &writer)
        case .prepared(let outcome), .flipped(let outcome): outcome.encode(into: &writer)
        case .verified(let verification): verification.encode(into: &writer)
        case .watching(let problems): writer.append(problems: problems)
        case .sample(let number, let readings):
            writer.append(fixed: number)
            readings.encode(into: &writer)
        case .hookDone, .manifestNeeded, .confirmed: break
        }
    }

    init(type: UInt8, payload: [UInt8]) throws(SlotSyncError) {
        guard let code = TypeCode(rawValue: type) else {
            throw SlotSyncError(.protocolViolation, "the agent sent a message of the unknown type \(type)")
        }
        self = try Self.decode(payload, as: "\(code)") { (reader) throws(SlotSyncError) in
            switch code {
            case .hello:
                let greeting = try reader.greeting()
                guard greeting.major == Greeting.protocolMajor else {
                    // Another major version may say more; what it is has to be told, not understood.
                    _ = try reader.take(reader.remaining)
                    return .hello(greeting, nil)
                }
                return .hello(
                    greeting,
                    try reader.optional { (reader) throws(SlotSyncError) in
                        var ring = try RingStatus(from: &reader)
                        ring.wentBack = try reader.optional { (reader) throws(SlotSyncError) in
                            try reader.releaseName()
                        }
                        ring.returned = try reader.optional { (reader) throws(SlotSyncError) in
                            try reader.releaseName()
                        }
                        ring.identity = try reader.optional { (reader) throws(SlotSyncError) in try reader.digest() }
                        return ring
                    })
            case .failure: return .failure(try reader.error())
            case .warning: return .warning(try reader.shownText(of: "a warning's length"))
            case .alive:
                let files = try reader.varint()
                return .alive(files: files, bytes: try reader.varint())
            case .plan:
                let before = try reader.varint()
                return .plan(before: before, planned: try reader.varint())
            case .lock:
                let holder = try reader.shownText(of: "a lock's holder")
                let lock = RingLock(holder: holder, since: try reader.zigzag())
                return .lock(lock, isAsked: try reader.flag())
            case .unlocked:
                return .unlocked(wayBack: try reader.optional { (reader) throws(SlotSyncError) in try reader.digest() })
            case .giveWay: return .giveWay(try reader.shownText(of: "a request to give way"))
            case .status: return .status(try RingStatus(from: &reader))
            case .present: return .present(try StageOutcome(from: &reader))
            case .needs:
                let isLast = try reader.flag()
                let needs = try reader.needs()
                // Else they might come without end, and never be more than the release has.
                guard isLast || !needs.isEmpty else { throw reader.corrupt("a part of needs that has none") }
                return .needs(needs, isLast: isLast)
            case .seedsNeeded:
                let isLast = try reader.flag()
                let entries = try reader.entries()
                guard !entries.isEmpty else { throw reader.corrupt("a part of seeds that has none") }
                return .seedsNeeded(entries, isLast: isLast)
            case .signature:
                let basis = try reader.digest()
                return .signature(basis: basis, try Signature(from: &reader))
            case .signatureMissing: return .signatureMissing(basis: try reader.digest())
            case .staged: return .staged(try StageOutcome(from: &reader))
            case .prepared: return .prepared(try FlipOutcome(from: &reader))
            case .hookDone: return .hookDone
            case .manifestNeeded: return .manifestNeeded
            case .confirmed: return .confirmed
            case .flipped: return .flipped(try FlipOutcome(from: &reader))
            case .verified: return .verified(try SlotVerification(from: &reader))
            case .watching: return .watching(try reader.problems())
            case .sample: return .sample(try reader.fixed(), try HostReadings(from: &reader))
            }
        }
    }
}

extension StageOutcome {
    /// Each kind is its position here.
    private static let kinds: [Kind] = [.staged, .alreadyReady, .alreadyLive, .alreadyBad]

    fileprivate func encode(into writer: inout ByteWriter) {
        guard let number = Self.kinds.firstIndex(of: kind) else { preconditionFailure("\(kind) is not for the wire") }
        writer.append(UInt8(number))
        writer.append(slot: slot)
        for count in [received, copied, kept] { writer.append(varint: count) }
    }

    fileprivate init(from reader: inout ByteReader) throws(SlotSyncError) {
        let number = Int(try reader.byte())
        guard Self.kinds.indices.contains(number) else { throw reader.corrupt("a stage of the kind \(number)") }
        let slot = try reader.slot()
        let received = try reader.files()
        let copied = try reader.files()
        self.init(kind: Self.kinds[number], slot: slot, received: received, copied: copied, kept: try reader.files())
    }
}

extension FlipOutcome {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.append(slot: slot)
        writer.append(release)
        writer.append(slot: previousSlot)
        writer.append(optional: previous) { $0.append($1) }
        writer.append(changed)
        writer.append(zigzag: renamedAt)
        writer.append(hasRunHook)
        writer.append(owesHook)
    }

    fileprivate init(from reader: inout ByteReader) throws(SlotSyncError) {
        let slot = try reader.slot()
        let release = try reader.releaseName()
        let previousSlot = try reader.slotOrNone()
        let previous = try reader.optional { (reader) throws(SlotSyncError) in try reader.releaseName() }
        let changed = try reader.flag()
        let renamedAt = try reader.zigzag()
        self.init(
            slot: slot, release: release, previousSlot: previousSlot, previous: previous, changed: changed,
            renamedAt: renamedAt, hasRunHook: try reader.flag(), owesHook: try reader.flag())
    }
}

extension SlotVerification {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.append(slot: slot)
        writer.append(release)
        writer.append(varint: files)
        writer.append(varint: bytes)
        for count in [differences, additions, kept] { writer.append(varint: count) }
        let lines = lines.prefix(Self.mostLines)
        writer.append(varint: lines.count)
        for line in lines { writer.append(text: line) }
    }

    fileprivate init(from reader: inout ByteReader) throws(SlotSyncError) {
        let slot = try reader.slot()
        let release = try reader.releaseName()
        let files = try reader.files()
        let bytes = try reader.varint()
        let differences = try reader.files()
        let additions = try reader.count(atMost: differences, of: "additions")
        let kept = try reader.count(atMost: additions, of: "kept additions")
        let count = try reader.count(atMost: Self.mostLines, of: "named paths")
        var lines: [String] = []
        for _ in 0..<count { lines.append(try reader.shownText(of: "a named path's length")) }
        self.init(
            slot: slot, release: release, files: files, bytes: bytes, differences: differences, additions: additions,
            kept: kept,
            lines: lines)
    }
}

extension ByteWriter {
    /// Needs in the order of their entries: how far each is from the one before it, then its basis.
    fileprivate mutating func append(_ needs: [Need]) {
        append(varint: needs.count)
        var next: UInt32 = 0
        for need in needs {
            precondition(need.entry >= next, "needs ascend")
            append(varint: UInt64(need.entry - next))
            append(optional: need.basis) { $0.append($1) }
            next = need.entry + 1
        }
    }
}

extension ByteWriter {
    /// Rising numbers of entries, each as what it is more than the one before and one.
    fileprivate mutating func append(_ entries: [UInt32]) {
        append(varint: entries.count)
        var next: UInt32 = 0
        for entry in entries {
            append(varint: UInt64(entry - next))
            next = entry + 1
        }
    }
}

extension ByteReader {
    fileprivate mutating func entries() throws(SlotSyncError) -> [UInt32] {
        let count = try count(atMost: WireLimits.mostNeedsPerPart, of: "entries")
        var entries: [UInt32] = []
        var next: UInt64 = 0
        for _ in 0..<count {
            let (sum, overflow) = next.addingReportingOverflow(try varint())
            guard !overflow, sum < UInt32.max else { throw corrupt("an impossible entry") }
            entries.append(UInt32(sum))
            next = sum + 1
        }
        return entries
    }

    fileprivate mutating func needs() throws(SlotSyncError) -> [Need] {
        let count = try count(atMost: WireLimits.mostNeedsPerPart, of: "needs")
        var needs: [Need] = []
        var next: UInt64 = 0
        for _ in 0..<count {
            let (sum, overflow) = next.addingReportingOverflow(try varint())
            guard !overflow, sum < UInt32.max else { throw corrupt("a need of an impossible entry") }
            let basis = try optional { (reader) throws(SlotSyncError) in try reader.digest() }
            needs.append(Need(entry: UInt32(sum), basis: basis))
            next = sum + 1
        }
        return needs
    }

    fileprivate mutating func error() throws(SlotSyncError) -> SlotSyncError {
        let code = try shownText(atMost: WireLimits.longestErrorCode, of: "an error code's length")
        return SlotSyncError(.init(rawValue: code), try shownText(of: "an error's length"))
    }

    fileprivate mutating func files() throws(SlotSyncError) -> Int {
        try count(atMost: WireLimits.mostFiles, of: "a number of files")
    }
}
