// Reads a file line by line, in little memory. `slotsync judge` reads recordings with it. A line that is too long is
// an error here; LineSplitter, which follows logs, cuts it off.

import Glibc
import SlotSync
import SystemPackage

/// Reads lines that end with a line feed, and the last one without. No line is longer than a bound.
struct LineReader {
    private let file: NamedDescriptor
    private let maximumLength: Int
    /// What was read and not handed out yet begins at `start`; up to `searched` there is no line feed in it.
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0
    private var isAtEnd = false
    /// The number of the line that was read last, counted from 1.
    private(set) var number = 0

    private static let chunk = 1 << 20

    init(_ file: NamedDescriptor, maximumLength: Int) {
        self.file = file
        self.maximumLength = maximumLength
    }

    /// The next line without its end; nil after the last one.
    ///
    /// - Throws: `bad-input` when it is too long, `system` when the file cannot be read.
    mutating func next() throws -> [UInt8]? {
        while true {
            if let end = lineFeed() {
                number += 1
                defer { advance(to: end + 1) }
                return Array(buffer[start..<end])
            }
            guard buffer.count - start <= maximumLength else {
                throw SlotSyncError(.badInput, "\(file.name) line \(number + 1) is longer than \(maximumLength) bytes")
            }
            if isAtEnd {
                guard start < buffer.count else { return nil }
                number += 1
                defer { advance(to: buffer.count) }
                return Array(buffer[start...])
            }
            try fill()
        }
    }

    private mutating func lineFeed() -> Int? {
        let found = buffer.withUnsafeBytes { bytes -> Int? in
            guard searched < bytes.count, let base = bytes.baseAddress,
                let end = memchr(base + searched, 0x0a, bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(end) - base
        }
        if found == nil { searched = buffer.count }
        return found
    }

    private mutating func advance(to index: Int) {
        start = index
        searched = index
    }

    private mutating func fill() throws {
        buffer.removeFirst(start)
        searched -= start
        start = 0
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 16)
        defer { room.deallocate() }
        let count: Int
        do { count = try file.descriptor.readPatiently(into: room) } catch {
            throw SlotSyncError(error == .isDirectory ? .badInput : .system, "cannot read \(file.name)", errno: error)
        }
        if count == 0 { isAtEnd = true } else { buffer.append(contentsOf: room[..<count]) }
    }
}
