// The agent's input as requests: it keeps what was read and not asked for yet, and leaves keep-alives out.
// AgentConnection owns it and decides how long to wait for more.

import DequeModule
import SystemPackage

struct RequestStream {
    private let descriptor: FileDescriptor
    private var parser = FrameParser(.requests)
    private var chunk = [UInt8](repeating: 0, count: 256 << 10)
    /// Requests that were read before they were asked for.
    private var ahead: Deque<Request> = []
    /// Whether everything was read.
    private(set) var isAtEnd = false
    /// When something came last.
    private(set) var lastInput = ContinuousClock.now
    private(set) var receivedBytes: UInt64 = 0

    /// So many requests are read ahead; a controller has one or two under way.
    private static let mostAhead = 256

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// Whether there is a request, or the beginning of one.
    var isInsideMessage: Bool { !ahead.isEmpty || parser.isInsideMessage }

    /// The next request of what was read; nil: more has to be read.
    mutating func next() throws -> Request? {
        if let request = ahead.popFirst() { return request }
        return try nextRead()
    }

    private mutating func nextRead() throws -> Request? {
        while let (type, payload) = try parser.next() {
            let request = try Request(type: type, payload: payload)
            if request != .keepAlive { return request }
        }
        return nil
    }

    /// Reads what is there, and waits if that is nothing. Call `next` until it is nil before.
    mutating func read() throws {
        let descriptor = descriptor
        let count: Int
        do { count = try chunk.withUnsafeMutableBytes { try descriptor.read(into: $0) } } catch let error as Errno {
            // A pipe that does not wait, and somebody else's byte.
            if error == .resourceTemporarilyUnavailable { return }
            throw SlotSyncError(.unreachable, "cannot read from the controller's session", errno: error)
        }
        if count == 0 { isAtEnd = true } else { lastInput = .now }
        receivedBytes += UInt64(count)
        chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Reads what is there already, without waiting, and keeps it.
    mutating func lookAhead() throws {
        while true {
            while ahead.count < Self.mostAhead, let request = try nextRead() { ahead.append(request) }
            guard ahead.count < Self.mostAhead, !isAtEnd, descriptor.isReadable else { return }
            try read()
        }
    }

    /// Whether the controller has said already how the flip under way shall end. Readings that it asked for do not.
    var hasDecision: Bool {
        ahead.contains { request in
            switch request {
            case .confirm, .undo, .finish: true
            default: false
            }
        }
    }
}
