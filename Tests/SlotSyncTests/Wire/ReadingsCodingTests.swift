// What a hostile peer could say about readings. That they are read as they were written, cut off or flipped, is with all
// other messages in MessageCodingTests.

import Testing

@testable import SlotSync

@Suite("The byte form of readings")
struct ReadingsCodingTests {
    private func decoded<Message: WireMessage>(_ message: Message) throws -> Message {
        var frame: [UInt8] = []
        message.encode(into: &frame)
        return try Message(type: frame[4], payload: Array(frame[5...]))
    }

    private func watch(_ sources: [HostSource], interval: Duration = .seconds(5)) -> Request {
        .watch(WatchRequest(interval: interval, sources: sources))
    }

    @Test("what is longer or more than its bound is refused, what just reaches it is not")
    func requestBounds() throws {
        func text(_ count: Int) -> String { String(repeating: "x", count: count) }
        let log = HostSource.log(path: text(ReadingLimits.longestPath), pattern: text(ReadingLimits.longestPattern))
        let command = HostSource.command(text(ReadingLimits.longestCommand))
        for source in [log, command] {
            let most = watch(Array(repeating: source, count: ReadingLimits.mostSources))
            var frame: [UInt8] = []
            most.encode(into: &frame)
            #expect(frame.count <= WireLimits.longestMessage)
            #expect(try decoded(most) == most)
        }
        for source in [
            HostSource.log(path: text(ReadingLimits.longestPath + 1), pattern: "x"),
            .log(path: "/x", pattern: text(ReadingLimits.longestPattern + 1)),
            .command(text(ReadingLimits.longestCommand + 1)),
        ] { #expect(throws: SlotSyncError.self) { try decoded(watch([source])) } }
        #expect(throws: SlotSyncError.self) {
            try decoded(watch(Array(repeating: .cpu, count: ReadingLimits.mostSources + 1)))
        }
    }

    @Test("an interval beyond its bounds is refused", arguments: [0, 99, 3_600_001, Int64.max >> 10])
    func interval(milliseconds: Int64) {
        #expect(throws: SlotSyncError.self) { try decoded(watch([.cpu], interval: .milliseconds(milliseconds))) }
    }

    @Test("a source of an unknown kind is refused")
    func unknownKind() {
        // 100 ms, one source, kind 4.
        #expect(throws: SlotSyncError.self) { try Request(type: 0x20, payload: [100, 1, 4]) }
        #expect((try? Request(type: 0x20, payload: [100, 1, 1])) == watch([.cpu], interval: .milliseconds(100)))
    }

    @Test("what is no number, or is nothing at all, is refused", arguments: [Double.nan, .infinity, -.infinity])
    func noNumber(value: Double) {
        let reading = HostReadings([.read([HostReading(value: value)])])
        #expect(throws: SlotSyncError.self) { try decoded(Reply.sample(1, reading)) }
        #expect(throws: SlotSyncError.self) { try decoded(Reply.sample(1, HostReadings([.read([])]))) }
    }

    @Test("names that command a terminal, are too long or stand twice are refused")
    func names() {
        for names in [["a\u{1b}[2J"], [String(repeating: "n", count: ReadingLimits.longestName + 1)], ["a", "a"]] {
            let readings = HostReadings([.read(names.map { HostReading(name: $0, value: 1) })])
            #expect(throws: SlotSyncError.self) { try decoded(Reply.sample(1, readings)) }
        }
    }

    @Test("more readings or sources than there may be are refused, as many as there may be fit a message")
    func replyBounds() throws {
        func source(_ count: Int) -> HostReadings.Outcome {
            .read((0..<count).map { HostReading(name: "\($0)" + String(repeating: "n", count: 62), value: 1) })
        }
        let most = Reply.sample(
            .max,
            HostReadings(
                Array(repeating: source(ReadingLimits.mostReadingsPerSource), count: ReadingLimits.mostSources)))
        var frame: [UInt8] = []
        most.encode(into: &frame)
        #expect(frame.count <= WireLimits.longestMessage)
        #expect(try decoded(most) == most)
        for outcomes in [
            [source(ReadingLimits.mostReadingsPerSource + 1)],
            Array(repeating: .missing("x"), count: ReadingLimits.mostSources + 1),
        ] { #expect(throws: SlotSyncError.self) { try decoded(Reply.sample(1, HostReadings(outcomes))) } }
        #expect(throws: SlotSyncError.self) {
            try decoded(Reply.watching(Array(repeating: nil, count: ReadingLimits.mostSources + 1)))
        }
    }

    @Test("a reason is cut to its bound, and cannot command a terminal")
    func reasons() throws {
        let long = String(repeating: "漢", count: 1000)
        guard case .watching(let problems) = try decoded(Reply.watching([long, "a\u{1b}b", nil])) else {
            return #expect(Bool(false))
        }
        #expect(problems[0]?.utf8.count ?? 0 <= ReadingLimits.longestReason && problems[0]?.hasSuffix("…") == true)
        #expect(problems[1] == #"a\u{1B}b"# && problems[2] == nil)
    }
}
