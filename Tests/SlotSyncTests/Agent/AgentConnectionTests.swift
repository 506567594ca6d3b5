import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("The agent's end of a session")
struct AgentConnectionTests {
    @Test("requests are received in order, and then the end")
    func receive() throws {
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        defer { try? read.close() }
        let connection = AgentConnection(input: read, output: read)
        let requests: [Request] = [.hello(Greeting(version: "1", peer: "c")), .status, .finish]
        var stream: [UInt8] = []
        for request in requests { request.encode(into: &stream) }
        try write.closeAfter { _ = try write.writeAll(stream) }
        for request in requests { #expect(try connection.receive() == request) }
        #expect(try connection.receive() == nil)
    }

    @Test("an end in the middle of a request is no end")
    func cutOff() throws {
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        defer { try? read.close() }
        var stream: [UInt8] = []
        Request.hello(Greeting(version: "1", peer: "c")).encode(into: &stream)
        try write.closeAfter { _ = try write.writeAll(stream.dropLast()) }
        let error = #expect(throws: SlotSyncError.self) {
            try AgentConnection(input: read, output: read).receive()
        }
        #expect(error?.code == .unreachable)
    }

    @Test("who looks for a request while another thread waits for one does not wait", .timeLimit(.minutes(1)))
    func lookedForWhileAwaited() async throws {
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        defer { try? read.close() }
        let connection = AgentConnection(input: read, output: read)
        async let received = onQueue { try connection.receive() }
        try await Task.sleep(for: .milliseconds(100))
        #expect(await !onQueue { connection.hasInput })
        var stream: [UInt8] = []
        let greeting = Request.hello(Greeting(version: "1", peer: "c"))
        greeting.encode(into: &stream)
        try write.closeAfter { _ = try write.writeAll(stream) }
        #expect(try await received == greeting)
    }

    @Test("a controller that is gone is an error, not a signal")
    func brokenPipe() throws {
        signal(SIGPIPE, SIG_IGN)
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        try read.close()
        defer { try? write.close() }
        let error = #expect(throws: SlotSyncError.self) {
            try AgentConnection(input: write, output: write).send(.hookDone)
        }
        #expect(error?.code == .unreachable)
    }

    @Test(
        "what cannot be written is told with the system's error, and a reply of which nothing went out cuts nothing off"
    )
    func unwritable() throws {
        let full = try FileDescriptor.open("/dev/full", .writeOnly)
        defer { try? full.close() }
        let connection = AgentConnection(input: full, output: full)
        for _ in 0..<2 {
            let error = #expect(throws: SlotSyncError.self) { try connection.send(.hookDone) }
            #expect(error?.code == .unreachable && error?.errno == .noSpace)
        }
    }

    @Test("an agent whose controller cannot be told why it ends says so on its standard error")
    func lastWords() async throws {
        let (input, output) = (try FileDescriptor.closeOnExecPipe(), try FileDescriptor.open("/dev/full", .writeOnly))
        let errors = try FileDescriptor.closeOnExecPipe()
        defer { for file in [input.read, output, errors.read] { try? file.close() } }
        var stream: [UInt8] = []
        Request.hello(Greeting(version: "1", peer: "c")).encode(into: &stream)
        try input.write.closeAfter { _ = try input.write.writeAll(stream) }
        let code = await HostAgent.serve(
            root: "/no/such/root", input: input.read, output: output, errors: errors.write)
        try errors.write.close()
        var text = [UInt8](repeating: 0, count: 4096)
        let count = try text.withUnsafeMutableBytes { try errors.read.read(into: $0) }
        #expect(code == 1)
        let line = String(decoding: text[..<count], as: UTF8.self)
        #expect(line.hasPrefix("slotsync-agent: root \"/no/such/root\" does not exist") && line.hasSuffix("\n"))
    }

    @Test("pipes that do not wait are waited for", .timeLimit(.minutes(2)))
    func nonBlocking() async throws {
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        // While it waits for room, the agent looks at what it is told.
        let (input, requests) = try FileDescriptor.closeOnExecPipe()
        defer { for end in [input, requests] { try? end.close() } }
        for end in [read, write] { try end.setNonBlocking() }
        let agent = AgentConnection(input: input, output: write)
        // More than a pipe holds.
        let replies: [Reply] = [
            .hello(Greeting(version: "1", peer: "h"), nil),
            .verified(
                SlotVerification(
                    slot: 1, release: ReleaseName(id: .empty, name: ""), files: 1, bytes: 1, differences: 100,
                    lines: (0..<100).map { _ in String(repeating: "x", count: 4000) })),
        ]
        async let sent: Void = onQueue {
            defer { try? write.close() }
            for reply in replies { try agent.send(reply) }
        }
        var hearing = Hearing(read)
        let isHeard = Result { while try hearing.more() {} }
        // Whoever still writes hears that nobody reads.
        try read.close()
        try await sent
        try isHeard.get()
        #expect(hearing.replies == replies)
    }

    @Test("while work is done, the heartbeat tells how far it is")
    func heartbeat() async throws {
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        defer { try? read.close() }
        let connection = AgentConnection(input: write, output: write)
        let progress = AgentProgress()
        progress.add(files: 3, bytes: 1000)
        progress.add(files: 0, bytes: 24)
        try connection.send(.hello(Greeting(version: "1", peer: "h"), nil))
        var hearing = Hearing(read)
        try await connection.withHeartbeat(every: .milliseconds(5), progress: progress) {
            while hearing.replies.count < 4, try hearing.more() {}
        }
        #expect(hearing.replies.dropFirst().prefix(3) == Array(repeating: .alive(files: 3, bytes: 1024), count: 3)[...])
        try connection.send(.hookDone)
        usleep(20_000)
        try write.close()
        while try hearing.more() {}
        #expect(hearing.replies.contains(.hookDone))
    }
}

/// What an agent says, as it comes out of a pipe.
private struct Hearing {
    private let read: FileDescriptor
    private var parser = FrameParser(.replies)
    private(set) var replies: [Reply] = []

    init(_ read: FileDescriptor) { self.read = read }

    /// Waits for more, for a while.
    ///
    /// - Returns: false at the end, and where nothing comes.
    mutating func more() throws -> Bool {
        var ready = pollfd(fd: read.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 30_000) == 1 else { return false }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = try chunk.withUnsafeMutableBytes { try read.read(into: $0) }
        chunk[..<count].withUnsafeBytes { parser.append($0) }
        while let (type, payload) = try parser.next() { replies.append(try Reply(type: type, payload: payload)) }
        return count > 0
    }
}
