// Cuts the bytes of a log into lines as they come, in bounded memory. A line that has not ended waits for its end.

import Glibc

struct LineSplitter {
    /// The beginning of a line whose end has not come; no more than the longest line.
    private var begun: [UInt8] = []
    /// Bytes of that line, with those that were skipped.
    private var begunLength = 0
    /// Lines that were longer than the longest line: their rest was skipped.
    private(set) var cutLines = 0

    /// Takes the next bytes, and hands each line that ends in them to `body`, without its line end.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        take(bytes) { line in
            body(line)
            return true
        }
    }

    /// The same as long as `body` wants more lines.
    ///
    /// - Returns: how many of the bytes were taken.
    @discardableResult
    mutating func take(_ bytes: UnsafeRawBufferPointer, whileWanted body: (UnsafeRawBufferPointer) -> Bool) -> Int {
        var rest = bytes
        var isWanted = true
        while let start = rest.baseAddress, !rest.isEmpty {
            guard let end = memchr(start, 0x0a, rest.count) else {
                begin(rest)
                return bytes.count
            }
            let length = UnsafeRawPointer(end) - start
            let line = UnsafeRawBufferPointer(rebasing: rest[..<length])
            if begunLength == 0 {
                if length > ReadingLimits.longestLine { cutLines += 1 }
                isWanted = body(Self.shown(line))
            } else {
                begin(line)
                finish { isWanted = body($0) }
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
            if !isWanted { break }
        }
        return bytes.count - rest.count
    }

    /// Hands over what has begun as a line: nothing more will come.
    mutating func finish(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard begunLength > 0 else { return }
        if begunLength > ReadingLimits.longestLine { cutLines += 1 }
        begun.withUnsafeBytes { body(Self.shown($0)) }
        forget()
    }

    /// Forgets what has begun: its end will not come.
    mutating func forget() {
        begun.removeAll(keepingCapacity: true)
        begunLength = 0
    }

    private mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        begun.append(contentsOf: bytes.prefix(ReadingLimits.longestLine - begun.count))
        begunLength += bytes.count
    }

    /// What is searched of a line: not what is too long, nor the carriage return of a line end.
    private static func shown(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let cut = line.prefix(ReadingLimits.longestLine)
        return UnsafeRawBufferPointer(rebasing: cut.last == 0x0d ? cut.dropLast() : cut)
    }
}
