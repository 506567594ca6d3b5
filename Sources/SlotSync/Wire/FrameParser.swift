// Cuts the bytes that a session receives into messages, whatever pieces they come in. The first message must be a
// greeting: a login banner or another program's output is told apart by its first bytes, and shown. Both ends use it.

/// Bytes in, messages out; holds no more than one message and the piece that completed it.
struct FrameParser: Sendable {
    /// What is received: replies by a controller, requests by an agent.
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
        // What has been handed out goes first, so that each byte moves at most once within a message.
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

    /// Throws as soon as what has come cannot be the beginning of a greeting.
    private func checkGreeting() throws(SlotSyncError) {
        // The length of a greeting fits three bytes, so the fourth is zero: no text begins so.
        let type = direction == .replies ? Reply.TypeCode.hello.rawValue : Request.TypeCode.hello.rawValue
        let known: [UInt8?] = [nil, nil, nil, 0, type] + Greeting.magic
        guard !zip(buffer, known).allSatisfy({ $1 == nil || $0 == $1 }) || declaredLengthIsTooLong else { return }
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

    private var declaredLengthIsTooLong: Bool {
        guard buffer.count >= 4 else { return false }
        return Int(buffer[0]) | Int(buffer[1]) << 8 | Int(buffer[2]) << 16 > WireLimits.longestGreeting
    }
}
