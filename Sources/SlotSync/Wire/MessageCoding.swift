// What Request and Reply have in common on the wire: the frame around a message (u32 length, u8 type, payload), and
// the forms of the values that both are made of. RequestCoding and ReplyCoding have the payloads.

/// A message that travels in one frame.
protocol WireMessage: Sendable {
    /// The byte that tells the messages of one direction apart.
    var type: UInt8 { get }

    func encodePayload(into writer: inout ByteWriter)

    /// Reads what `encodePayload` wrote. The bytes must be right to the last one.
    ///
    /// - Throws: ``SlotSyncError`` with the code `protocolViolation`.
    init(type: UInt8, payload: [UInt8]) throws(SlotSyncError)
}

extension WireMessage {
    /// Appends the message as a whole frame.
    func encode(into bytes: inout [UInt8]) {
        var writer = ByteWriter(reserving: 64)
        writer.append(fixed: UInt32(0))
        writer.append(type)
        encodePayload(into: &writer)
        writer.patch(fixed: UInt32(writer.count - 4), at: 0)
        bytes.append(contentsOf: writer.bytes)
    }

    /// Reads a payload with `decode` to its last byte. What is wrong with it is the sender's fault.
    static func decode(
        _ payload: [UInt8], as name: String, _ decode: (inout ByteReader) throws(SlotSyncError) -> Self
    ) throws(SlotSyncError) -> Self {
        var reader = ByteReader(payload, name: "the message \(name)")
        do throws(SlotSyncError) {
            let message = try decode(&reader)
            try reader.expectEnd()
            return message
        } catch {
            throw SlotSyncError(.protocolViolation, error.message)
        }
    }
}

extension ByteWriter {
    mutating func append(_ flag: Bool) { append(flag ? 1 : 0 as UInt8) }

    /// A flag, then the value if there is one.
    mutating func append<T>(optional value: T?, _ append: (inout ByteWriter, T) -> Void) {
        self.append(value != nil)
        if let value { append(&self, value) }
    }

    /// A slot's number; 0 stands for none.
    mutating func append(slot: Int?) { append(UInt8(slot ?? 0)) }

    mutating func append(_ release: ReleaseName) {
        append(release.id)
        append(counted: release.name)
    }

    /// Text for a person, cut where it is longer than the reader takes.
    mutating func append(text: String, atMost bound: Int = WireLimits.longestText) {
        append(counted: cut(text, atMost: bound))
    }

    mutating func append(_ part: DeflatedPart) {
        append(varint: part.length)
        append(part.isDeflated)
        append(part.bytes)
    }

    mutating func append(_ greeting: Greeting) {
        append(Greeting.magic)
        append(fixed: greeting.major)
        append(fixed: greeting.minor)
        append(text: greeting.version, atMost: WireLimits.longestPeerText)
        append(text: greeting.peer, atMost: WireLimits.longestPeerText)
    }
}

extension ByteReader {
    mutating func flag() throws(SlotSyncError) -> Bool {
        let byte = try byte()
        guard byte <= 1 else { throw corrupt("a flag of \(byte)") }
        return byte == 1
    }

    mutating func optional<T>(_ read: (inout ByteReader) throws(SlotSyncError) -> T) throws(SlotSyncError) -> T? {
        try flag() ? read(&self) : nil
    }

    /// A slot's number; nil stands for none.
    mutating func slotOrNone(
        of slots: Int = RingStatus.slotCounts.upperBound
    ) throws(SlotSyncError) -> Int? {
        let number = Int(try byte())
        guard number <= slots else { throw corrupt("slot \(number), where there are \(slots)") }
        return number == 0 ? nil : number
    }

    mutating func slot(of slots: Int = RingStatus.slotCounts.upperBound) throws(SlotSyncError) -> Int {
        guard let slot = try slotOrNone(of: slots) else { throw corrupt("no slot is named") }
        return slot
    }

    /// How long a controller may be silent while a flip is provisional.
    mutating func provisionalLimit() throws(SlotSyncError) -> Duration {
        let limits = ProvisionalFlip.limits
        let limit = try count(atMost: limits.upperBound, of: "milliseconds of a provisional flip")
        guard limit >= limits.lowerBound else { throw corrupt("a provisional flip for \(limit) ms") }
        return .milliseconds(limit)
    }

    mutating func releaseName() throws(SlotSyncError) -> ReleaseName {
        let id = try digest()
        let name = try text(atMost: ReleaseName.longestName, of: "a release's name")
        guard ReleaseName.isUsable(name: name) else { throw corrupt("a release's name holds control characters") }
        return ReleaseName(id: id, name: name)
    }

    /// Text for a person. What could command a terminal is escaped here, so that nobody has to think of it later.
    mutating func shownText(
        atMost bound: Int = WireLimits.longestText, of what: @autoclosure () -> String
    ) throws(SlotSyncError) -> String {
        escapedForDisplay(try text(atMost: bound, of: what()))
    }

    /// A part takes the rest of its message.
    mutating func part() throws(SlotSyncError) -> DeflatedPart {
        let length = try count(atMost: WireLimits.longestPart, of: "a part's length")
        let isDeflated = try flag()
        guard isDeflated ? remaining <= WireLimits.longestTravellingPart : remaining == length else {
            throw corrupt("\(remaining) bytes for a part of \(length)")
        }
        return DeflatedPart(length: length, isDeflated: isDeflated, bytes: Array(try take(remaining)))
    }

    mutating func greeting() throws(SlotSyncError) -> Greeting {
        guard try take(Greeting.magic.count).elementsEqual(Greeting.magic) else { throw corrupt("it is no greeting") }
        let major: UInt16 = try fixed()
        let minor: UInt16 = try fixed()
        let version = try shownText(atMost: WireLimits.longestPeerText, of: "a version")
        let peer = try shownText(atMost: WireLimits.longestPeerText, of: "a peer's name")
        return Greeting(major: major, minor: minor, version: version, peer: peer)
    }
}
