// Matches content against a basis whose bytes are at hand. The search rolls to a window that the basis has, follows
// the match to both sides as long as most bytes are equal, and codes the others as differences: in programs they are
// addresses that all moved by the same amount. DeltaEncoder runs it in place of BlockSearch.

/// One pass over a segment.
struct BasisSearch: SegmentSearch {
    let basis: BasisBytes
    /// The basis's bytes.
    let old: UnsafeRawBufferPointer
    let segment: UnsafeRawBufferPointer
    /// Matches begin before this.
    let end: Int
    var instructions: [DeltaInstruction] = []

    /// What lies before this is made by the instructions; what follows up to the search's position matched nothing.
    private var literalStart = 0
    var zerosEnd = 0
    var isExhausted: Bool { false }
    var index: BlockIndex { basis.index }
    #if DEBUG
        /// How many bytes have been compared, which is most of what a search costs. Tests see that it grows with the
        /// content's length, however repetitive that is.
        private(set) var comparedCount = 0
    #endif

    // Measured on a library of 10.8 MB that was built anew, and on 1,800 small files.

    /// What an unequal byte costs while a match is followed, where an equal one is worth 1.
    static let mismatchPenalty = 2
    /// A match is not followed when its score is so much less than it was at its best…
    static let tolerance = 32
    /// …or was at its best so many bytes ago. Bounds what is looked at in vain.
    static let tolerantLength = 256
    /// So many equal bytes between differences are copied; fewer are differences that are 0.
    static let leastCopyLength = 8

    init(_ basis: BasisBytes, old: UnsafeRawBufferPointer, segment: UnsafeRawBufferPointer, end: Int) {
        self.basis = basis
        self.old = old
        self.segment = segment
        self.end = end
    }

    mutating func run() {
        let length = basis.windowLength
        let last = min(end - 1, segment.count - length)
        while literalStart <= last, old.count >= length {
            var window = BlockIndex.Window(at: literalStart, of: segment, length: length)
            guard let match = nextMatch(&window, last: last) else { break }
            take(match)
        }
        if literalStart < end { instructions.append(literal: literalStart..<end, of: segment) }
    }

    struct Match {
        var content: Range<Int>
        var offset: Int
    }

    /// The longest of the matches that the window is part of.
    mutating func match(at window: BlockIndex.Window) -> Match? {
        var longest: Match?
        let basis = basis
        basis.index.forEachBlock(withWeak: window.weak) { number in
            if let match = match(at: window.position, with: number * basis.windowLength),
                match.content.count > longest?.content.count ?? 0
            {
                longest = match
            }
            return false
        }
        return longest
    }

    private mutating func match(at position: Int, with offset: Int) -> Match? {
        let after = equalCount(after: position, offset, limit: min(segment.count - position, old.count - offset))
        guard after >= basis.windowLength else { return nil }
        let before = equalCount(before: position, offset, limit: min(position - literalStart, offset))
        return Match(content: position - before..<position + after, offset: offset - before)
    }

    private mutating func equalCount(after position: Int, _ offset: Int, limit: Int) -> Int {
        let count = EqualBytes.forwards(segment, position, old, offset, limit: limit)
        noteCompared(count &+ 1)
        return count
    }

    private mutating func equalCount(before position: Int, _ offset: Int, limit: Int) -> Int {
        let count = EqualBytes.backwards(segment, position, old, offset, limit: limit)
        noteCompared(count &+ 1)
        return count
    }

    @inline(__always)
    private mutating func noteCompared(_ count: Int) {
        #if DEBUG
            comparedCount &+= count
        #endif
    }

    /// Appends what makes the content up to the match's end, and what can be made beyond along its diagonal.
    private mutating func take(_ match: Match) {
        let diagonal = match.offset - match.content.lowerBound
        let start = start(before: match.content.lowerBound, diagonal: diagonal)
        let end = end(after: match.content.upperBound, diagonal: diagonal)
        if literalStart < start { instructions.append(literal: literalStart..<start, of: segment) }
        append(start..<match.content.lowerBound, diagonal: diagonal)
        instructions.append(copyFrom: UInt64(match.offset), length: UInt64(match.content.count))
        append(match.content.upperBound..<end, diagonal: diagonal)
        literalStart = end
    }

    /// A running count of equal and unequal bytes, and where it was best.
    private struct Score {
        private var value = 0
        private var best = 0
        private(set) var bestPosition: Int

        init(at position: Int) { bestPosition = position }

        /// Counts the bytes up to `position`, and one that is not equal behind them. False: enough of them.
        mutating func add(equal count: Int, to position: Int) -> Bool {
            value += count
            if value > best {
                // What lies far back does not make up for what comes.
                value = min(value, 2 * BasisSearch.tolerance)
                best = value
                bestPosition = position
            }
            value -= BasisSearch.mismatchPenalty
            return best - value <= BasisSearch.tolerance && abs(position - bestPosition) <= BasisSearch.tolerantLength
        }
    }

    /// How far the content after `position` mostly equals the basis.
    private mutating func end(after position: Int, diagonal: Int) -> Int {
        let limit = min(end, old.count - diagonal)
        var score = Score(at: position)
        var position = position
        while position < limit {
            let count = equalCount(after: position, position + diagonal, limit: limit - position)
            position += count
            guard score.add(equal: count, to: position) else { break }
            position += 1
        }
        return score.bestPosition
    }

    /// How far the content before `position`, as long as it is not made yet, mostly equals the basis.
    private mutating func start(before position: Int, diagonal: Int) -> Int {
        let limit = max(literalStart, -diagonal)
        var score = Score(at: position)
        var position = position
        while position > limit {
            let count = equalCount(before: position, position + diagonal, limit: position - limit)
            position -= count
            guard score.add(equal: count, to: position) else { break }
            position -= 1
        }
        return score.bestPosition
    }

    /// Appends copies and differences that make the content of `range`.
    private mutating func append(_ range: Range<Int>, diagonal: Int) {
        var start = range.lowerBound
        var position = start
        while position < range.upperBound {
            let limit = range.upperBound - position
            let count = equalCount(after: position, position + diagonal, limit: limit)
            if count >= Self.leastCopyLength {
                instructions.append(add: start..<position, of: segment, to: old, diagonal: diagonal)
                instructions.append(copyFrom: UInt64(position + diagonal), length: UInt64(count))
                start = position + count
            }
            position += count + 1
        }
        instructions.append(add: start..<range.upperBound, of: segment, to: old, diagonal: diagonal)
    }
}
