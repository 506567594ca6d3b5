// A glob over one file name: literal bytes, ?, *, and sets in brackets. Works on bytes, since names
// need not be UTF-8. Matching goes back to the last * alone, as wildmatch does, so its cost is at most
// name length × pattern length, never exponential. ExclusionPattern makes one of each piece between slashes.

/// One name's worth of pattern, compiled.
struct NameGlob: Sendable, Hashable {
    enum Token: Sendable, Hashable {
        case byte(UInt8)
        case anyByte
        case anyBytes
        case oneOf(ByteSet)
    }

    private let tokens: [Token]
    /// The shapes that nearly all patterns have are compared without walking tokens.
    private let shape: Shape

    private enum Shape: Sendable, Hashable {
        case literal([UInt8])
        case ending([UInt8])
        case general
    }

    init(_ tokens: [Token]) {
        self.tokens = tokens
        func literal(_ tokens: some Sequence<Token>) -> [UInt8]? {
            var bytes: [UInt8] = []
            for token in tokens {
                guard case .byte(let byte) = token else { return nil }
                bytes.append(byte)
            }
            return bytes
        }
        if let bytes = literal(tokens) {
            shape = .literal(bytes)
        } else if tokens.first == .anyBytes, let bytes = literal(tokens.dropFirst()) {
            shape = .ending(bytes)
        } else {
            shape = .general
        }
    }

    /// The one name that it describes; nil: it describes several.
    var literal: [UInt8]? { if case .literal(let bytes) = shape { bytes } else { nil } }

    /// Whether the pattern describes all of `path[range]`, one name without a slash.
    @inline(__always)
    func matches(_ path: borrowing Span<UInt8>, in range: Range<Int>) -> Bool {
        switch shape {
        case .literal(let bytes):
            range.count == bytes.count && NameGlob.equal(path, from: range.lowerBound, bytes)
        case .ending(let bytes):
            range.count >= bytes.count && NameGlob.equal(path, from: range.upperBound - bytes.count, bytes)
        case .general:
            matchesTokens(path, in: range)
        }
    }

    @inline(__always)
    private static func equal(_ path: borrowing Span<UInt8>, from start: Int, _ bytes: [UInt8]) -> Bool {
        for index in bytes.indices where path[start + index] != bytes[index] { return false }
        return true
    }

    private func matchesTokens(_ path: borrowing Span<UInt8>, in range: Range<Int>) -> Bool {
        var position = range.lowerBound
        var next = 0
        // Where to go on when the text after the last * does not fit: one byte further.
        var afterStar = -1
        var starPosition = 0
        while true {
            var fits = false
            if next == tokens.count {
                if position == range.upperBound { return true }
            } else if case .anyBytes = tokens[next] {
                next += 1
                if next == tokens.count { return true }
                afterStar = next
                starPosition = position
                continue
            } else if position == range.upperBound {
                // The name is used up; a longer * would only leave less of it.
                return false
            } else {
                switch tokens[next] {
                case .byte(let byte): fits = path[position] == byte
                case .oneOf(let set): fits = set.contains(path[position])
                case .anyByte, .anyBytes: fits = true
                }
            }
            if fits {
                position += 1
                next += 1
            } else if afterStar >= 0, starPosition < range.upperBound {
                starPosition += 1
                position = starPosition
                next = afterStar
            } else {
                return false
            }
        }
    }
}

/// A set of byte values.
struct ByteSet: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(_ bytes: some Sequence<UInt8> = []) {
        for byte in bytes { insert(byte) }
    }

    func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(byte & 63) & 1 == 1
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    mutating func remove(_ byte: UInt8) {
        self = ByteSet((0...UInt8.max).filter { $0 != byte && contains($0) })
    }

    var inverted: ByteSet { ByteSet((0...UInt8.max).filter { !contains($0) }) }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
