// Requests as they come off the agent's input: what was read and not asked for yet, keep-alives left out.
// AgentConnection owns it, and decides how long is waited for more.

import SystemPackage

struct RequestStream {
    private let descriptor: FileDescriptor
    private var parser = FrameParser(.requests)
    private var chunk = [UInt8](repeating: 0, count: 256 << 10)
    /// A request that was read before it was asked for.
    private var ahead: Request?
    /// Whether everything was read.
    private(set) var isAtEnd = false

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// Whether there is a request, or the beginning of one.
    var isInsideMessage: Bool { ahead != nil || parser.isInsideMessage }

    /// The next request of what was read; nil: more has to be read.
    mutating func next() throws -> Request? {
        if let request = ahead {
            ahead = nil
            return request
        }
        while let (type, payload) = try parser.next() {
            let request = try Request(type: type, payload: payload)
            if request != .keepAlive { return request }
        }
        return nil
    }

    /// Reads what is there, and waits if that is nothing. Call `next` until it is nil before.
    mutating func read() throws {
        let count = try chunk.withUnsafeMutableBytes { try descriptor.read(into: $0) }
        isAtEnd = count == 0
        chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Reads up to the next request, though only what is there already.
    ///
    /// - Returns: false at the end of the stream, with nothing left to do.
    mutating func lookAhead() throws -> Bool {
        while ahead == nil {
            ahead = try next()
            if ahead != nil { break }
            if isAtEnd { return false }
            guard descriptor.isReadable else { return true }
            try read()
        }
        return true
    }
}
