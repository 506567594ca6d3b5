// One compiled exclusion: what stands between its slashes, and whom it concerns. A path is matched
// name by name; `**` goes back to its last occurrence alone, in the same way as * does within a name,
// so the cost is at most names × segments. Made by ExclusionParser, asked by Exclusions.

struct ExclusionPattern: Sendable, Hashable {
    enum Segment: Sendable, Hashable {
        case name(NameGlob)
        /// `**`: any names in a row, at least so many. At a pattern's end it is one: `a/**` is what
        /// is in `a`, not `a` itself.
        case directories(atLeast: Int)
    }

    let segments: [Segment]
    /// `!pattern`: takes back what an earlier pattern excluded.
    let isNegated: Bool
    /// `pattern/`: concerns directories alone.
    let isForDirectories: Bool
    /// The pattern holds a slash and describes the whole path; otherwise it describes a name, at any depth.
    let isAnchored: Bool

    /// `name` is where the path's last component begins.
    @inline(__always)
    func matches(_ path: borrowing Span<UInt8>, nameAt name: Int, isDirectory: Bool) -> Bool {
        if isForDirectories, !isDirectory { return false }
        if isAnchored { return matchesWhole(path) }
        switch segments[0] {
        case .name(let glob): return glob.matches(path, in: name..<path.count)
        case .directories: return true
        }
    }

    private func matchesWhole(_ path: borrowing Span<UInt8>) -> Bool {
        // `position` is where the next name begins; past the end once all names are used up.
        var position = 0
        var next = 0
        var afterStars = -1
        var starsPosition = 0
        while true {
            var fits = false
            if next == segments.count {
                if position > path.count { return true }
            } else {
                if position > path.count { return false }
                let end = ExclusionPattern.endOfName(path, from: position)
                switch segments[next] {
                case .directories(let count):
                    if next + 1 == segments.count { return true }
                    if count > 0 { position = end + 1 }
                    next += 1
                    afterStars = next
                    starsPosition = position
                    continue
                case .name(let glob):
                    fits = glob.matches(path, in: position..<end)
                    if fits {
                        position = end + 1
                        next += 1
                    }
                }
            }
            if !fits {
                guard afterStars >= 0, starsPosition < path.count else { return false }
                starsPosition = ExclusionPattern.endOfName(path, from: starsPosition) + 1
                position = starsPosition
                next = afterStars
            }
        }
    }

    @inline(__always)
    private static func endOfName(_ path: borrowing Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        return end
    }
}
