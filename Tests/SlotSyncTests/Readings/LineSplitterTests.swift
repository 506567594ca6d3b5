import Testing

@testable import SlotSync

@Suite("Cutting a log into lines")
struct LineSplitterTests {
    /// The lines that end when `bytes` come in pieces of the given lengths, in turn.
    private func lines(_ bytes: [UInt8], pieces: [Int], finish: Bool = false) -> [[UInt8]] {
        var splitter = LineSplitter()
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        var index = 0
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces[index % pieces.count]))
            rest = rest.dropFirst(piece.count)
            index += 1
            piece.withUnsafeBytes { splitter.take($0) { lines.append(Array($0)) } }
        }
        if finish { splitter.finish { lines.append(Array($0)) } }
        return lines
    }

    @Test("lines are the same however the bytes come", arguments: 0..<200 as Range<UInt64>)
    func pieces(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ -> UInt8 in
            [0x0a, 0x0d, 0x61, 0x62, 0x00].randomElement(using: &random) ?? 0
        }
        let sizes = (0..<5).map { _ in Int.random(in: 1...40, using: &random) }
        // The straight way: what ends in a newline, without the carriage return before it.
        var wanted = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
        let last = wanted.removeLast()
        func shown(_ line: [UInt8]) -> [UInt8] { line.last == 0x0d ? line.dropLast() : line }
        #expect(lines(bytes, pieces: sizes) == wanted.map(shown))
        #expect(lines(bytes, pieces: sizes, finish: true) == (wanted + (last.isEmpty ? [] : [last])).map(shown))
    }

    @Test(
        "of a line that is too long the beginning is handed over, once, and the next line whole",
        arguments: [1000, 1 << 20])
    func long(piece: Int) {
        let most = ReadingLimits.longestLine
        let long = [UInt8](repeating: 0x61, count: 3 * most + 7)
        let lines = lines(long + Array("\nnext\n".utf8), pieces: [piece])
        #expect(lines == [Array(long[..<most]), Array("next".utf8)])
    }

    @Test("who wants no more lines gets the rest the next time", arguments: [0, 3])
    func unwanted(begun: Int) {
        var splitter = LineSplitter()
        var lines: [String] = []
        var rest = Array("one\ntwo\nthree\nfour".utf8)
        rest[..<begun].withUnsafeBytes { splitter.take($0) { _ in } }
        rest.removeFirst(begun)
        while !rest.isEmpty {
            let taken = rest.withUnsafeBytes { bytes in
                splitter.take(
                    bytes,
                    whileWanted: { line in
                        lines.append(String(decoding: line, as: UTF8.self))
                        return false
                    })
            }
            rest.removeFirst(taken)
        }
        splitter.finish { lines.append(String(decoding: $0, as: UTF8.self)) }
        #expect(lines == ["one", "two", "three", "four"])
    }

    @Test("that a line was too long is told; the longest one is not")
    func told() {
        var splitter = LineSplitter()
        let longest = [UInt8](repeating: 0x61, count: ReadingLimits.longestLine)
        (longest + [0x0a]).withUnsafeBytes { splitter.take($0) { _ in } }
        #expect(splitter.cutLines == 0)
        (longest + [0x61, 0x0a]).withUnsafeBytes { splitter.take($0) { _ in } }
        #expect(splitter.cutLines == 1)
        for byte in longest + [0x61, 0x0a] { [byte].withUnsafeBytes { splitter.take($0) { _ in } } }
        #expect(splitter.cutLines == 2)
    }
}
