// The file that copies come from, read at the offsets that instructions name. Where a basis was at hand, they come
// in pieces of some ten bytes, mostly one after the other: one read serves many of them. Whoever applies
// instructions owns one for each basis.

import SystemPackage

/// Reads a basis, short pieces through a window of it.
struct BasisReader {
    let file: FileDescriptor
    /// A stretch of the basis, from `windowStart` on.
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    private var windowCount = 0

    /// Pieces of up to a quarter of this are read through the window.
    private static let windowLength = 16 * 1024

    init(_ file: FileDescriptor) { self.file = file }

    /// Fills `space` with the bytes at `offset`; returns how many there are, fewer only at the basis's end.
    mutating func read(at offset: UInt64, into space: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        guard space.count <= Self.windowLength / 4 else { return try file.readFully(at: Int64(offset), into: space) }
        if offset < windowStart || offset + UInt64(space.count) > windowStart + UInt64(windowCount) {
            try moveWindow(to: offset)
        }
        let start = Int(offset - windowStart)
        let count = min(space.count, windowCount - start)
        window.withUnsafeBytes { space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        return count
    }

    private mutating func moveWindow(to offset: UInt64) throws(Errno) {
        if window.isEmpty { window = [UInt8](repeating: 0, count: Self.windowLength) }
        // Nothing is in it if the read fails.
        windowCount = 0
        windowStart = offset
        windowCount = try window.withUnsafeMutableBufferPointer { (window) throws(Errno) in
            try file.readFully(at: Int64(offset), into: UnsafeMutableRawBufferPointer(window))
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Adds to each byte its difference, modulo 256.
    func add(_ differences: UnsafeRawBufferPointer) {
        precondition(differences.count <= count)
        for index in 0..<differences.count { self[index] &+= differences[index] }
    }
}
