import Testing

@testable import SlotSync

@Suite("A log's pattern")
struct LinePatternTests {
    private func answer(_ pattern: String, _ line: [UInt8]) throws -> LinePattern.Answer {
        let compiled = try LinePattern(pattern)
        return line.withUnsafeBytes { compiled.answer(in: $0) }
    }

    private func answer(_ pattern: String, _ line: String) throws -> LinePattern.Answer {
        try answer(pattern, Array(line.utf8))
    }

    @Test(
        "it is found as PCRE2 finds it",
        arguments: [
            ("PHP (Fatal|Parse) error", "[24-Nov-2026] PHP Parse error: x", true),
            ("PHP (Fatal|Parse) error", "[24-Nov-2026] PHP Warning: x", false),
            ("^DIE$", "DIE", true), ("^DIE$", "xDIE", false), (#"\b5\d\d\b"#, "GET / 503 12", true),
            ("(?i)error", "ERROR", true), ("^$", "", true), ("a", "", false), (#"(?<=status=)5"#, "status=500", true),
            ("größe", "die größe", true), ("ä|ö", "schön", true),
        ])
    func finds(pattern: String, line: String, isFound: Bool) throws {
        #expect(try answer(pattern, line) == (isFound ? .found : .notFound))
    }

    @Test("a line is bytes: what is not UTF-8 hinders nothing, and a dot is one byte")
    func bytes() throws {
        #expect(try answer("err.r", [0xff, 0x65, 0x72, 0x72, 0xc3, 0x72, 0xfe]) == .found)
        #expect(try answer("^.$", "ä") == .notFound)
        #expect(try answer("a.b", [0x61, 0x00, 0x62]) == .found)
    }

    @Test(
        "a pattern that is none is refused with PCRE2's message and the place",
        arguments: [
            ("PHP (Fatal", "missing closing parenthesis", 10), ("a{2,1}", "out of order", 5), ("*", "quantifier", 0),
        ])
    func broken(pattern: String, message: String, place: Int) {
        let error = #expect(throws: SlotSyncError.self) { try LinePattern(pattern) }
        #expect(error?.code == .badInput)
        #expect(error?.message.firstPlace(of: message) != nil, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("at byte \(place)") == true, "\(error?.message ?? "")")
    }

    @Test("a pattern cannot turn to characters, which would fail on a line that is not UTF-8")
    func utf() {
        #expect(throws: SlotSyncError.self) { try LinePattern("(*UTF)ä") }
    }

    @Test("a pattern that explodes is given up, and soon")
    func explosive() throws {
        let line = String(repeating: "a", count: ReadingLimits.longestLine - 1) + "!"
        let start = ContinuousClock.now
        #expect(try answer("(a+)+$", line) == .gaveUp)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test(
        "one that takes few steps from each place, but far too long for a line, is given up as well",
        arguments: ["(?:a|b)*?(X|timeout)", "(?:a*+b|a)*[X-Z]"])
    func quadraticInLongLine(pattern: String) throws {
        #expect(try answer(pattern, String(repeating: "a", count: ReadingLimits.longestLine)) == .gaveUp)
    }

    @Test("a pattern that is quadratic in a line of usual length is searched to its end")
    func quadratic() throws {
        let line = String(repeating: "ab", count: 1000)
        #expect(try answer("a.*c", line) == .notFound)
        #expect(try answer("(a|b)*c", line) == .notFound)
        #expect(try answer("(?:a|b)*?(X|timeout)", line) == .notFound)
        #expect(try answer("(?:a|b)*?(X|timeout)", line + "timeout") == .found)
    }

    @Test("a long line is searched as a whole, though the clock is looked at in between", arguments: 0..<40)
    func longLine(step: Int) throws {
        let count = 300 + 37 * step
        for place in [0, 1, 4, 5, 20, 21, 84, 85, 149, 255, 256, count - 1] {
            var line = [UInt8](repeating: 0x61, count: count)
            line[place] = 0x62
            #expect(try answer("b", line) == .found)
            #expect(try answer("^b", line) == (place == 0 ? .found : .notFound))
            #expect(try answer("b$", line) == (place == count - 1 ? .found : .notFound))
            #expect(try answer("(?<=a)b", line) == (place == 0 ? .notFound : .found))
            #expect(try answer(#"\Gb"#, line) == (place == 0 ? .found : .notFound))
            #expect(try answer("a{7}b", line) == (place >= 7 ? .found : .notFound))
            // What is skipped is not tried again.
            #expect(try answer("a+(*SKIP)c|b{2}", line) == .notFound)
        }
        #expect(try answer("$", [UInt8](repeating: 0x61, count: count)) == .found)
        #expect(try answer(#"x?\z"#, [UInt8](repeating: 0x61, count: count)) == .found)
    }

    @Test("one pattern answers for many lines")
    func again() throws {
        let pattern = try LinePattern("b+$")
        let lines = ["ab", "a", "abb", "ba"].map { Array($0.utf8) }
        #expect(lines.map { $0.withUnsafeBytes { pattern.answer(in: $0) } } == [.found, .notFound, .found, .notFound])
    }
}
