// Matching content against a basis whose bytes are at hand: roll to a window that the basis has, extend the match
// to both sides, and look along the same diagonal what follows after a few changed bytes, as it does wherever
// single pointers of a program differ. DeltaEncoder runs it in place of the search by checksums.

/// One pass over a segment.
struct BasisSearch {
    let basis: BasisBytes
    /// The basis's bytes.
    let old: UnsafeRawBufferPointer
    let segment: UnsafeRawBufferPointer
    /// Matches begin before this.
    let end: Int
    var instructions: [DeltaInstruction] = []

    /// What lies before this is made by the instructions; what follows up to the search's position matched nothing.
    private var literalStart = 0
    /// How far the basis is ahead of the content in the last match.
    private var diagonal = 0
    /// The zeros seen last end here.
    private var zerosEnd = 0

    /// So many equal bytes after changed ones continue a match.
    static let leastContinuation = 8
    /// How far they are looked for.
    static let continuationReach = 32

    init(_ basis: BasisBytes, old: UnsafeRawBufferPointer, segment: UnsafeRawBufferPointer, end: Int) {
        self.basis = basis
        self.old = old
        self.segment = segment
        self.end = end
    }

    mutating func run() {
        // Releases mostly go on where they are: no search before it is needed.
        follow()
        let length = basis.windowLength
        let last = min(end - 1, segment.count - length)
        while literalStart <= last, old.count >= length {
            var window = BlockIndex.Window(at: literalStart, of: segment, length: length)
            guard findMatch(&window, last: last) else { break }
            follow()
        }
        if literalStart < end { instructions.append(literal: literalStart..<end, of: segment) }
    }

    /// Rolls to the next window that is really there, and takes the longest match. False: there is none up to `last`.
    private mutating func findMatch(_ window: inout BlockIndex.Window, last: Int) -> Bool {
        while basis.index.roll(&window, over: segment, last: last) {
            let zeros = window.hash == 0 ? zeroCount(at: window.position) : 0
            if zeros < max(ZeroRun.minimumLength, basis.windowLength), let match = longestMatch(at: window) {
                take(match)
                return true
            }
            if zeros >= basis.windowLength {
                // Long enough for an instruction, or not in the basis: on to the first window that is not all zeros.
                let position = window.position + zeros - basis.windowLength + 1
                guard position <= last else { return false }
                window = BlockIndex.Window(at: position, of: segment, length: basis.windowLength)
                continue
            }
            guard window.position < last else { return false }
            basis.index.step(&window, over: segment)
        }
        return false
    }

    private struct Match {
        var content: Range<Int>
        var offset: Int
    }

    /// The longest of the matches that the window is part of.
    private func longestMatch(at window: BlockIndex.Window) -> Match? {
        var longest: Match?
        basis.index.forEachBlock(withWeak: window.weak) { number in
            let match = match(at: window.position, with: number * basis.step)
            if match.content.count >= basis.windowLength, match.content.count > longest?.content.count ?? 0 {
                longest = match
            }
            return false
        }
        return longest
    }

    private func match(at position: Int, with offset: Int) -> Match {
        let limit = min(segment.count - position, old.count - offset)
        let after = EqualBytes.forwards(segment, position, old, offset, limit: limit)
        guard after >= basis.windowLength else { return Match(content: position..<position, offset: offset) }
        let before = EqualBytes.backwards(
            segment, position, old, offset, limit: min(position - literalStart, offset))
        return Match(content: position - before..<position + after, offset: offset - before)
    }

    private mutating func take(_ match: Match) {
        if literalStart < match.content.lowerBound {
            instructions.append(literal: literalStart..<match.content.lowerBound, of: segment)
        }
        instructions.append(copyFrom: UInt64(match.offset), length: UInt64(match.content.count))
        literalStart = match.content.upperBound
        diagonal = match.offset - match.content.lowerBound
    }

    /// Goes on along the last match's diagonal as long as equal bytes come soon.
    private mutating func follow() {
        while let match = continuation() { take(match) }
    }

    private func continuation() -> Match? {
        // Where content and basis both have bytes on the diagonal.
        let limit = min(segment.count, old.count - diagonal)
        let wanted = MemoryLayout<UInt64>.size
        guard diagonal + literalStart >= 0 else { return nil }
        var position = literalStart
        let last = min(literalStart + Self.continuationReach, end - 1, limit - wanted)
        while position <= last {
            if segment.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                == old.loadUnaligned(fromByteOffset: position + diagonal, as: UInt64.self)
            {
                let count = EqualBytes.forwards(segment, position, old, position + diagonal, limit: limit - position)
                return Match(content: position..<position + count, offset: position + diagonal)
            }
            position += 1
        }
        return nil
    }

    /// How many zeros follow at `position`. Each run is measured once.
    private mutating func zeroCount(at position: Int) -> Int {
        if zerosEnd <= position { zerosEnd = ZeroRun.end(from: position, limit: segment.count, of: segment) }
        return zerosEnd - position
    }
}
