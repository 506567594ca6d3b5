import Testing

@testable import SlotSync

@Suite("A source, checked before any host is asked")
struct HostSourceTests {
    @Test(
        "what can be read is accepted",
        arguments: [
            HostSource.loadAverage, .cpu, .log(path: "/var/log/php/error.log", pattern: "PHP (Fatal|Parse) error"),
            .command("/usr/local/bin/p95"),
        ])
    func good(source: HostSource) throws { try source.check() }

    @Test(
        "what cannot be is refused with the reason",
        arguments: [
            (HostSource.log(path: "error.log", pattern: "x"), "absolute"), (.log(path: "", pattern: "x"), "absolute"),
            (.log(path: "/a\0b", pattern: "x"), "NUL"), (.log(path: "/a", pattern: "(x"), "parenthesis, at byte 2"),
            (.log(path: "/a", pattern: String(repeating: "x", count: 4097)), "longer than 4096"),
            (.log(path: "/" + String(repeating: "x", count: 4096), pattern: "x"), "longer than 4096"),
            (.command(" \n"), "empty"), (.command("a\0b"), "NUL"),
            (.command(String(repeating: "x", count: 16_385)), "longer than 16384"),
        ])
    func bad(source: HostSource, reason: String) {
        let error = #expect(throws: SlotSyncError.self) { try source.check() }
        #expect(error?.code == .badInput)
        #expect(error?.message.firstPlace(of: reason) != nil, "\(error?.message ?? "")")
    }
}

@Suite("All sources of a host, checked before it is asked")
struct HostSourcesTests {
    @Test("as many as there may be, as often as may be")
    func good() throws {
        try HostSource.check([], interval: .seconds(5))
        try HostSource.check(Array(repeating: .cpu, count: 64), interval: .milliseconds(100))
        try HostSource.check([.loadAverage], interval: .seconds(3600))
    }

    @Test("too many, too often, too rarely, and one bad one are refused")
    func bad() {
        func refused(_ sources: [HostSource], _ interval: Duration) -> SlotSyncError.Code? {
            #expect(throws: SlotSyncError.self) { try HostSource.check(sources, interval: interval) }?.code
        }
        #expect(refused(Array(repeating: .cpu, count: 65), .seconds(5)) == .badInput)
        for interval in [Duration.zero, .milliseconds(99), .seconds(3601), .seconds(-5)] {
            #expect(refused([.cpu], interval) == .badInput)
        }
        #expect(refused([.cpu, .command("")], .seconds(5)) == .badInput)
    }
}

@Suite("Text looked for in another")
struct TextSearchTests {
    @Test(arguments: [
        ("a{host}b{host}", "{host}", 1), ("{host}", "{host}", 0), ("{hos{host}", "{host}", 4), ("", "x", nil),
        ("abc", "abcd", nil), ("ä{host}", "{host}", 1),
    ])
    func place(text: String, word: String, start: Int?) {
        let place = text.firstPlace(of: word)
        #expect(place.map { text.distance(from: text.startIndex, to: $0.lowerBound) } == start)
        #expect(place.map { String(text[$0]) } == (start == nil ? nil : word))
    }
}
