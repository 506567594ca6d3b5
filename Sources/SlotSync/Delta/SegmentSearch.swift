// Rolls to the next window that matches, and passes over runs of zeros, which have an instruction of their own. This
// is what the two searches of the delta engine share: BlockSearch, for blocks of a signature, and BasisSearch, for
// stretches of a basis at hand.

/// One pass over a segment of content.
protocol SegmentSearch {
    associatedtype Match
    var index: BlockIndex { get }
    var segment: UnsafeRawBufferPointer { get }
    /// Where the run of zeros ends that was measured last.
    var zerosEnd: Int { get set }
    /// Whether no more effort is to be spent on windows that only seem to match.
    var isExhausted: Bool { get }
    /// What matches at a window whose weak checksum is in the index; nil if that was chance.
    mutating func match(at window: BlockIndex.Window) -> Match?
}

extension SegmentSearch {
    /// Rolls to the next window that matches.
    ///
    /// - Returns: the match, at the window's position; nil if there is none up to `last`.
    mutating func nextMatch(_ window: inout BlockIndex.Window, last: Int) -> Match? {
        let index = index
        let length = index.windowLength
        var found: (position: Int, match: Match)?
        func isMatch(_ window: BlockIndex.Window) -> Bool {
            // Zeros, and the end of patience, are dealt with below.
            guard window.hash != 0, !isExhausted else { return true }
            guard let match = match(at: window) else { return false }
            found = (window.position, match)
            return true
        }
        while index.roll(&window, over: segment, last: last, isMatch: isMatch) {
            if let found, found.position == window.position { return found.match }
            let zeros = window.hash == 0 ? zeroCount(at: window.position) : 0
            if window.hash == 0, zeros < max(ZeroRun.minimumLength, length), let match = match(at: window) {
                return match
            }
            if zeros >= length {
                // Long enough for an instruction, or not in the basis: on to the first window that is not all zeros.
                let position = window.position + zeros - length + 1
                guard position <= last else { return nil }
                window = BlockIndex.Window(at: position, of: segment, length: length)
                continue
            }
            guard !isExhausted, window.position < last else { return nil }
            index.step(&window, over: segment)
        }
        return nil
    }

    /// How many zeros follow at `position`. Each run is measured once.
    private mutating func zeroCount(at position: Int) -> Int {
        if zerosEnd <= position { zerosEnd = ZeroRun.end(from: position, limit: segment.count, of: segment) }
        return zerosEnd - position
    }
}
