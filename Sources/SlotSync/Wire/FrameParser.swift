// Cuts the bytes that a session receives into messages, in whatever pieces they come; both ends use it. The first
// bytes of the first message tell a session from a login banner, or from what another program prints, which is then
// shown.

/// Bytes in, messages out; holds no more than one message and the piece that completed it.
struct FrameParser: Sendable {
    /// Which messages come: a controller receives replies, an agent receives requests.
    enum Direction: Sendable { case requests, replies }

    private let direction: Direction
    private var buffer: [UInt8] = []
    /// Where in the buffer the next frame begins.
    private var start = 0
    private var isGreeted = false

    init(_ direction: Direction) { self.direction = direction }

    /// Whether a message has begun that is not complete: an end of the stream here cuts it off.
    var isInsideMessage: Bool { start < buffer.count }

    /// Takes a piece of the stream. Call `next` until it is nil before more is appended.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        // Drops what was handed out, so that each byte moves at most once within a message.
        buffer.removeSubrange(..<start)
        start = 0
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message, if there is one.
    mutating func next() throws(SlotSyncError) -> (type: UInt8, payload: [UInt8])? {
        if !isGreeted { try checkGreeting() }
        let available = buffer.count - start
        guard available >= 4 else { return nil }
        let length = buffer.withUnsafeBytes {
            Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
        }
        guard length >= 1, length <= WireLimits.longestMessage else {
            throw SlotSyncError(
                .protocolViolation,
                "\(sender) sent a message of \(length) bytes, which is not the protocol "
                    + "(1 to \(WireLimits.longestMessage) are allowed)")
        }
        guard available - 4 >= length else {
            buffer.reserveCapacity(start + 4 + length)
            return nil
        }
        let message = (type: buffer[start + 4], payload: Array(buffer[start + 5..<start + 4 + length]))
        start += 4 + length
        isGreeted = true
        return message
    }

    private var sender: String { direction == .replies ? "the host" : "the other end" }

    /// Throws as soon as what has come cannot be the beginning of a session.
    private func checkGreeting() throws(SlotSyncError) {
        guard !beginsSession else { return }
        let text = String(decoding: buffer.prefix(400), as: UTF8.self)
        let shown = quoted(text.prefix { !$0.isNewline })
        switch direction {
        case .replies:
            throw SlotSyncError(
                .protocolViolation,
                "the host printed \(shown) before the protocol began: check its shell's start-up files")
        case .requests:
            throw SlotSyncError(
                .protocolViolation,
                "expected a controller's greeting, not \(shown): slotsync starts this program itself")
        }
    }

    /// Whether the bytes that are there can be the first message's. The length of a greeting fits three bytes, so the
    /// fourth is zero, as in no text.
    private var beginsSession: Bool {
        guard buffer.count >= 4 else { return true }
        let length = buffer[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= WireLimits.longestGreeting else { return false }
        guard buffer.count >= 5 else { return true }
        switch direction {
        case .requests where buffer[4] == Request.TypeCode.hello.rawValue: break
        case .replies where buffer[4] == Reply.TypeCode.hello.rawValue: break
        // An agent may be slow to greet, or fail before it does.
        case .replies where Reply.TypeCode(rawValue: buffer[4])?.mayPrecedeGreeting == true: return true
        default: return false
        }
        // What is shorter is none, whatever follows it.
        return length > Greeting.magic.count && zip(buffer[5...], Greeting.magic).allSatisfy { $0 == $1 }
    }
}
