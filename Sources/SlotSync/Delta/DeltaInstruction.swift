// One step that makes new content from a basis. The searches find such steps, SegmentedEncoder fits together the
// lists of neighbouring segments, InstructionWriter writes them.

/// One step in making content.
struct DeltaInstruction: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        /// Bytes of the basis.
        case copy
        /// Bytes of the segment, to be sent.
        case literal
        /// Zero bytes.
        case zeros
        /// Bytes of the basis, each with a difference added.
        case add
    }

    var kind: Kind
    /// copy, add: offset in the basis; literal: offset in the segment; zeros: 0.
    var position: UInt64
    /// Bytes of content; of an add, at most `longestAdd`.
    var length: UInt64
    /// add: what is added to each byte, modulo 256, the first in the low byte; otherwise 0.
    var differences: UInt64 = 0

    /// The differences of a longer stretch take several steps, so that a step needs no memory of its own.
    static let longestAdd = 8

    static func copy(from position: UInt64, length: UInt64) -> Self {
        Self(kind: .copy, position: position, length: length)
    }

    static func literal(at position: Int, length: Int) -> Self {
        Self(kind: .literal, position: UInt64(position), length: UInt64(length))
    }

    static func zeros(_ length: Int) -> Self { Self(kind: .zeros, position: 0, length: UInt64(length)) }

    /// `length` is at most `longestAdd`.
    static func add(to position: UInt64, length: Int, differences: UInt64) -> Self {
        Self(kind: .add, position: position, length: UInt64(length), differences: differences)
    }

    /// What is left of the step without its first `count` bytes of content.
    func dropping(first count: UInt64) -> Self {
        precondition(count < length)
        return Self(
            kind: kind, position: kind == .zeros ? 0 : position + count, length: length - count,
            differences: kind == .add ? differences >> (8 * count) : 0)
    }
}

extension DeltaInstruction {
    /// The step in parts, one after the other: literals of at most `longest` bytes, all else whole.
    func parts(literalsUpTo longest: Int) -> Parts { Parts(rest: length > 0 ? self : nil, longest: UInt64(longest)) }

    struct Parts: Sequence, IteratorProtocol {
        fileprivate var rest: DeltaInstruction?
        fileprivate let longest: UInt64

        mutating func next() -> DeltaInstruction? {
            guard var part = rest else { return nil }
            guard part.kind == .literal, part.length > longest else {
                rest = nil
                return part
            }
            rest = part.dropping(first: longest)
            part.length = longest
            return part
        }
    }
}

extension [DeltaInstruction] {
    /// Appends a copy, or makes the last one longer where it ends at `position`.
    mutating func append(copyFrom position: UInt64, length: UInt64) {
        if let last, last.kind == .copy, last.position + last.length == position {
            self[count - 1].length += length
        } else {
            append(.copy(from: position, length: length))
        }
    }

    /// Appends the range of `segment` as differences to the bytes of `basis` that are `diagonal` further on.
    mutating func append(
        add range: Range<Int>, of segment: UnsafeRawBufferPointer, to basis: UnsafeRawBufferPointer, diagonal: Int
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            let count = Swift.min(DeltaInstruction.longestAdd, range.upperBound - start)
            var differences: UInt64 = 0
            for index in 0..<count {
                let difference = segment[start + index] &- basis[start + index + diagonal]
                differences |= UInt64(difference) << UInt64(8 * index)
            }
            append(.add(to: UInt64(start + diagonal), length: count, differences: differences))
            start += count
        }
    }

    /// Appends the range of `segment` as literals and, where it has long runs of zeros, as zeros.
    mutating func append(literal range: Range<Int>, of segment: UnsafeRawBufferPointer) {
        var start = range.lowerBound
        var searched = start
        while let run = ZeroRun.first(in: searched..<range.upperBound, of: segment) {
            if run.lowerBound > start { append(.literal(at: start, length: run.lowerBound - start)) }
            append(.zeros(run.count))
            start = run.upperBound
            searched = start
        }
        if start < range.upperBound { append(.literal(at: start, length: range.upperBound - start)) }
    }
}
