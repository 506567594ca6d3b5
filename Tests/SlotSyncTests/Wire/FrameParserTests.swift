import Testing

@testable import SlotSync

@Suite("Cutting a stream into messages")
struct FrameParserTests {
    @Test("messages come out whole, whatever pieces they come in", arguments: [1, 3, 64, 100_000])
    func pieces(size: Int) throws {
        var samples = MessageSamples(seed: 7)
        let sent = samples.replies() + samples.replies() + samples.replies()
        var stream: [UInt8] = []
        for message in sent { message.encode(into: &stream) }

        var parser = FrameParser(.replies)
        var received: [Reply] = []
        var rest = stream[...]
        while !rest.isEmpty {
            rest.prefix(size).withUnsafeBytes { parser.append($0) }
            rest = rest.dropFirst(size)
            while let (type, payload) = try parser.next() { received.append(try Reply(type: type, payload: payload)) }
        }
        #expect(received == sent)
        #expect(!parser.isInsideMessage)
    }

    @Test("a login banner is quoted, with what to do about it")
    func banner() {
        let error = failure(.replies, Array("Welcome to \u{1b}[1mweb1!\nLast login".utf8))
        #expect(error?.code == .protocolViolation)
        #expect(error?.message.contains(#""Welcome to \u{1B}[1mweb1!" before the protocol began"#) == true)
    }

    @Test("nothing but a greeting may come first")
    func other() {
        var stream: [UInt8] = []
        Reply.hookDone.encode(into: &stream)
        #expect(failure(.replies, stream)?.code == .protocolViolation)
        stream = []
        Request.status.encode(into: &stream)
        #expect(failure(.requests, stream)?.code == .protocolViolation)
    }

    @Test("a greeting that is cut off is none, in whatever pieces it comes")
    func shortGreeting() {
        for type in [Request.TypeCode.hello.rawValue, Reply.TypeCode.hello.rawValue] {
            let stream = [4, 0, 0, 0, type] + Array("SlotSync".utf8)
            let direction: FrameParser.Direction = type & 0x80 == 0 ? .requests : .replies
            for end in 5...stream.count { #expect(failure(direction, Array(stream[..<end])) != nil) }
        }
    }

    @Test("an agent may fail before it greets")
    func earlyFailure() throws {
        var stream: [UInt8] = []
        Reply.alive(files: 0, bytes: 0).encode(into: &stream)
        Reply.failure(SlotSyncError(.notARing, "no")).encode(into: &stream)
        #expect(failure(.replies, stream) == nil)
    }

    @Test("noise is refused at once", arguments: 0..<50 as Range<UInt64>)
    func noise(seed: UInt64) {
        var samples = MessageSamples(seed: seed)
        #expect(failure(.replies, samples.bytes(atMost: 10_000) + [1, 2, 3, 4, 5]) != nil)
    }

    @Test("a message longer than the longest is refused before it is waited for")
    func tooLong() throws {
        var stream: [UInt8] = []
        Reply.hello(Greeting(version: "1", peer: "h"), nil).encode(into: &stream)
        var parser = FrameParser(.replies)
        stream.withUnsafeBytes { parser.append($0) }
        #expect(try parser.next() != nil)
        let length = UInt32(WireLimits.longestMessage + 1).littleEndian
        withUnsafeBytes(of: length) { parser.append($0) }
        #expect(throws: SlotSyncError.self) { try parser.next() }
    }

    @Test("a stream that ends in the middle of a message is known")
    func cutOff() throws {
        var parser = FrameParser(.replies)
        [UInt8](arrayLiteral: 40, 0).withUnsafeBytes { parser.append($0) }
        #expect(try parser.next() == nil)
        #expect(parser.isInsideMessage)
    }

    @Test("two ends of different major versions part with an error that names both")
    func versions() throws {
        let newer = Greeting(major: Greeting.protocolMajor + 1, version: "2.0.1", peer: "host")
        var stream: [UInt8] = []
        Reply.hello(newer, nil).encode(into: &stream)
        stream += [1, 2, 3]  // What only the newer version understands.
        stream[0] += 3
        var parser = FrameParser(.replies)
        stream.withUnsafeBytes { parser.append($0) }
        let (type, payload) = try #require(try parser.next())
        guard case .hello(let greeting, nil) = try Reply(type: type, payload: payload) else {
            return #expect(Bool(false))
        }
        let error = #expect(throws: SlotSyncError.self) {
            try Greeting.check(controller: Greeting(version: "0.1.0", peer: "c"), agent: greeting)
        }
        #expect(error?.code == .versionMismatch)
        #expect(error?.message.contains("2.0.1") == true && error?.message.contains("0.1.0") == true)
    }
}

private func failure(_ direction: FrameParser.Direction, _ stream: [UInt8]) -> SlotSyncError? {
    var parser = FrameParser(direction)
    stream.withUnsafeBytes { parser.append($0) }
    do {
        while try parser.next() != nil {}
        return nil
    } catch { return error as SlotSyncError }
}
