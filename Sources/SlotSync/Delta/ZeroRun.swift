// Finds runs of zero bytes, which disk images and preallocated files are full of. Long ones are worth an instruction
// of their own. SegmentSearch looks for them while it searches, `append(literal:of:)` once more in what remains
// literal.

import Glibc

enum ZeroRun {
    /// Shorter runs stay in the literals: deflate makes little of them, and a hole needs a page at least.
    static let minimumLength = 4096
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    /// Calls `body` with zeros, piece by piece, `length` bytes in all.
    static func forEachPiece<E: Error>(
        of length: UInt64, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try zeros.withUnsafeBufferPointer { (zeros) throws(E) in
            var left = length
            while left > 0 {
                let count = Int(min(left, UInt64(zeros.count)))
                try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(zeros)[..<count]))
                left -= UInt64(count)
            }
        }
    }

    /// The end of the zeros that start at `position`, at most `limit`.
    static func end(from position: Int, limit: Int, of bytes: UnsafeRawBufferPointer) -> Int {
        var end = position
        while end + 8 <= limit, bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self) == 0 {
            end += 8
            // Once it looks like a long run: bytes that equal their successors are all equal, and
            // memcmp compares faster than any loop here.
            if end - position == 64 {
                while end + 4096 <= limit, let base = bytes.baseAddress, memcmp(base + end - 64, base + end, 4096) == 0
                {
                    end += 4096
                }
            }
        }
        while end < limit, bytes[end] == 0 { end += 1 }
        return end
    }

    /// The first run of at least `minimumLength` in a range. Looks at one byte in 4096 where there is none.
    static func first(in range: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var floor = range.lowerBound
        while floor + minimumLength <= range.upperBound {
            // Any long run that starts at `floor` or up to here after it covers this byte.
            let probe = floor + minimumLength - 1
            guard bytes[probe] == 0 else {
                floor = probe + 1
                continue
            }
            var start = probe
            while start > floor, bytes[start - 1] == 0 { start -= 1 }
            let end = end(from: probe, limit: range.upperBound, of: bytes)
            if end - start >= minimumLength { return start..<end }
            floor = end
        }
        return nil
    }
}
