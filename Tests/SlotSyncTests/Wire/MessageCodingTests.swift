import Testing

@testable import SlotSync

@Suite("The byte form of messages")
struct MessageCodingTests {
    @Test("every request and reply is read as it was written", arguments: 0..<50 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var samples = MessageSamples(seed: seed)
        for message in samples.requests() { #expect(try decoded(message) == message) }
        for message in samples.replies() { #expect(try decoded(message) == message) }
    }

    @Test("a message that is cut off is refused", arguments: 0..<5 as Range<UInt64>)
    func truncated(seed: UInt64) throws {
        var samples = MessageSamples(seed: seed)
        for message in samples.requests() { expectEveryCutRefused(message) }
        for message in samples.replies() { expectEveryCutRefused(message) }
    }

    @Test("a message that is followed by anything is refused")
    func tooLong() {
        var samples = MessageSamples(seed: 1)
        // A part takes the rest of its message, so it has no end of its own.
        for message in samples.requests() where ![0x04, 0x06, 0x30].contains(message.type) {
            expectTailRefused(message)
        }
        for message in samples.replies() { expectTailRefused(message) }
    }

    @Test("flipped bits are read as something else or refused, and nothing worse", arguments: 0..<20 as Range<UInt64>)
    func flippedBits(seed: UInt64) {
        var samples = MessageSamples(seed: seed)
        for message in samples.requests() { flipBits(of: message, &samples) }
        for message in samples.replies() { flipBits(of: message, &samples) }
    }

    @Test("random payloads of every type are no danger", arguments: 0...255 as ClosedRange<UInt8>)
    func noise(type: UInt8) {
        var samples = MessageSamples(seed: UInt64(type))
        for _ in 0..<100 {
            let payload = samples.bytes(atMost: 200)
            _ = try? Request(type: type, payload: payload)
            _ = try? Reply(type: type, payload: payload)
        }
    }

    @Test("an unknown type is named")
    func unknownType() {
        let fromController = #expect(throws: SlotSyncError.self) { try Request(type: 99, payload: []) }
        #expect(fromController?.code == .protocolViolation && fromController?.message.contains("99") == true)
        let fromAgent = #expect(throws: SlotSyncError.self) { try Reply(type: 250, payload: []) }
        #expect(fromAgent?.code == .protocolViolation && fromAgent?.message.contains("250") == true)
    }

    @Test("an error crosses with its code, and its system error as text")
    func errorNumber() throws {
        let sent = SlotSyncError(.system, "cannot open \"a\"", errno: .permissionDenied)
        #expect(try decoded(Reply.failure(sent)) == .failure(SlotSyncError(.system, sent.description)))
    }

    @Test("text that is too long is cut at a character, and still read")
    func longText() throws {
        let long = String(repeating: "漢", count: 5000)
        guard case .warning(let text) = try decoded(Reply.warning(long)) else { return #expect(Bool(false)) }
        #expect(text.utf8.count <= WireLimits.longestText && text.hasSuffix("漢…"))
    }

    @Test("what an agent says cannot command a terminal")
    func controlCharacters() throws {
        guard case .warning(let text) = try decoded(Reply.warning("a\u{1b}[2Jb\nc")) else {
            return #expect(Bool(false))
        }
        #expect(text == #"a\u{1B}[2Jb\nc"#)
        let name = ReleaseName(id: .empty, name: "a\u{7}")
        #expect(throws: SlotSyncError.self) {
            try decoded(Reply.status(RingStatus(slots: [.init(state: .ready, release: name), .init(state: .empty)])))
        }
    }

    @Test(
        "a shared path that leads elsewhere is refused",
        arguments: [
            "", "/etc", "../up", "a/../b", "a//b", "a/", ".", "a/./b", "a\0b", String(repeating: "x", count: 256),
        ])
    func sharedPath(path: String) {
        let request = StageRequest(
            release: ReleaseName(id: .empty), slots: nil, base: nil, manifestLength: 0, checksum: false,
            ownership: false, sharedPaths: [Array(path.utf8)], dryRun: false)
        #expect(throws: SlotSyncError.self) { try decoded(Request.stage(request)) }
    }

    @Test("a slot that the ring does not have is refused")
    func slotBeyondRing() {
        let ring = RingStatus(slots: [SlotStatus(state: .empty), SlotStatus(state: .empty, previous: 3)])
        #expect(throws: SlotSyncError.self) { try decoded(Reply.status(ring)) }
    }

    @Test("slots that contradict each other, or what is said to be live, are refused")
    func contradictingSlots() throws {
        let release = ReleaseName(id: .empty)
        let (live, ready) = (SlotStatus(state: .live, release: release), SlotStatus(state: .ready, release: release))
        for slots in [[live, live], [live, SlotStatus(state: .ready)]] {
            #expect(throws: SlotSyncError.self) { try decoded(Reply.status(RingStatus(slots: slots))) }
        }
        let right = Reply.status(RingStatus(slots: [live, ready]))
        #expect(try decoded(right) == right)
        var writer = ByteWriter(reserving: 64)
        right.encodePayload(into: &writer)
        var payload = writer.bytes
        #expect(payload[1] == 1)
        for wrong: UInt8 in [0, 2] {
            payload[1] = wrong
            #expect(throws: SlotSyncError.self) { try Reply(type: right.type, payload: payload) }
        }
    }

    @Test(
        "a provisional flip is for one second to ten minutes, of slots that the ring has",
        arguments: [0, 999, 600_001, 1 << 40])
    func provisional(milliseconds: Int) throws {
        func request(_ limit: Int) -> Request {
            .prepare(
                FlipRequest(
                    direction: .flip, release: .empty, beforeHook: "", afterHook: "", undoHook: "",
                    provisionalLimit: .milliseconds(limit)))
        }
        #expect(throws: SlotSyncError.self) { try decoded(request(milliseconds)) }
        for limit in [1000, 600_000] { #expect(try decoded(request(limit)) == request(limit)) }
        func ring(_ slot: Int, _ from: Int?, _ limit: Int) -> Reply {
            .status(
                RingStatus(
                    slots: [SlotStatus(state: .empty), SlotStatus(state: .empty)],
                    provisional: ProvisionalFlip(slot: slot, from: from, since: 0, limit: .milliseconds(limit))))
        }
        #expect(try decoded(ring(2, 1, 1000)) == ring(2, 1, 1000))
        for wrong in [ring(2, 1, milliseconds), ring(3, 1, 1000), ring(0, 1, 1000), ring(2, 3, 1000)] {
            #expect(throws: SlotSyncError.self) { try decoded(wrong) }
        }
    }

    @Test("a release is bad for a reason, which has a bound and commands no terminal")
    func reason() throws {
        func request(_ reason: String) -> Request { .markBad(release: .empty, reason: reason) }
        #expect(throws: SlotSyncError.self) { try decoded(request("")) }
        #expect(try decoded(request("a\u{1b}[2J")) == request(#"a\u{1B}[2J"#))
        guard case .markBad(_, let cut) = try decoded(request(String(repeating: "漢", count: 5000))) else {
            return #expect(Bool(false))
        }
        #expect(cut.utf8.count <= SlotStatus.longestReason)
        let (type, _) = parts(request("r"))
        var writer = ByteWriter()
        writer.append(ContentDigest.empty)
        writer.append(counted: String(repeating: "r", count: SlotStatus.longestReason + 1))
        #expect(throws: SlotSyncError.self) { try Request(type: type, payload: writer.bytes) }
    }

    @Test("a part or a manifest beyond its bound is refused")
    func tooLarge() {
        let part = DeflatedPart(length: WireLimits.longestPart + 1, isDeflated: true, bytes: [1])
        #expect(throws: SlotSyncError.self) { try decoded(Request.frame(part)) }
        let lie = DeflatedPart(length: 2, isDeflated: false, bytes: [1])
        #expect(throws: SlotSyncError.self) { try decoded(Request.manifest(lie)) }
        let request = StageRequest(
            release: ReleaseName(id: .empty), slots: nil, base: nil, manifestLength: WireLimits.longestManifest + 1,
            checksum: false, ownership: false, sharedPaths: [], dryRun: false)
        #expect(throws: SlotSyncError.self) { try decoded(Request.stage(request)) }
    }

    @Test("a part of needs that has none, and is not the last, is refused: there might be no end of them")
    func noNeeds() throws {
        #expect(throws: SlotSyncError.self) { try decoded(Reply.needs([], isLast: false)) }
        #expect(try decoded(Reply.needs([], isLast: true)) == .needs([], isLast: true))
    }

    @Test("the longest list of needs fits a message")
    func mostNeeds() throws {
        let needs = (0..<UInt32(WireLimits.mostNeedsPerPart)).map { Need(entry: $0 * 65_000, basis: .empty) }
        var frame: [UInt8] = []
        Reply.needs(needs, isLast: true).encode(into: &frame)
        #expect(frame.count <= WireLimits.longestMessage)
        #expect(try decoded(Reply.needs(needs, isLast: true)) == .needs(needs, isLast: true))
    }
}

/// The message after a journey over the wire.
private func decoded<Message: WireMessage>(_ message: Message) throws -> Message {
    let (type, payload) = parts(message)
    return try Message(type: type, payload: payload)
}

private func parts(_ message: some WireMessage) -> (type: UInt8, payload: [UInt8]) {
    var frame: [UInt8] = []
    message.encode(into: &frame)
    let length = frame.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
    #expect(length == frame.count - 4)
    return (frame[4], Array(frame[5...]))
}

private func expectEveryCutRefused<Message: WireMessage & Equatable>(_ message: Message) {
    let (type, payload) = parts(message)
    for length in 0..<min(payload.count, 2000) {
        // A part that is cut off is read as a shorter one, which does not inflate.
        let read = try? Message(type: type, payload: Array(payload[..<length]))
        #expect(read == nil || [0x04, 0x06, 0x30].contains(type), "\(message)")
    }
}

private func expectTailRefused<Message: WireMessage>(_ message: Message) {
    let (type, payload) = parts(message)
    #expect(throws: SlotSyncError.self) { try Message(type: type, payload: payload + [0]) }
}

private func flipBits<Message: WireMessage>(of message: Message, _ samples: inout MessageSamples) {
    let (type, payload) = parts(message)
    guard !payload.isEmpty else { return }
    for _ in 0..<50 {
        var damaged = payload
        damaged[samples.index(below: payload.count)] ^= 1 << UInt8(samples.index(below: 8))
        _ = try? Message(type: type, payload: damaged)
    }
}
