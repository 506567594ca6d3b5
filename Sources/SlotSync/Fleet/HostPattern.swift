// One item of a host list with its ranges in brackets: web[01-03,07].dc[1-2]:2222. It is taken apart into literal
// pieces and lists of ranges, counted (a typo such as [1-999999999] costs nothing), and expanded, the last bracket
// first. An IPv6 address in brackets is a literal: a bracket that holds a colon is never a range. HostList calls it.

/// An item of a host list, not yet expanded.
struct HostPattern {
    private enum Piece {
        case literal(Substring)
        case ranges([Range])
    }

    /// `first` to `last`, written with at least `width` digits.
    private struct Range {
        var first: Int
        var last: Int
        var width: Int

        var count: Int { last - first + 1 }
    }

    /// More digits than any host number has; keeps every number within an Int.
    static let mostDigits = 15

    private var pieces: [Piece] = []

    /// How many hosts the item stands for; nil if that is more than an Int holds.
    private(set) var count: Int? = 1

    init(_ item: Substring) throws(SlotSyncError) {
        func wrong(_ at: Substring.Index, _ what: String) -> SlotSyncError {
            let column = item.distance(from: item.startIndex, to: at) + 1
            return SlotSyncError(.badInput, "host \(quoted(item)), character \(column): \(what)")
        }

        var rest = item
        while let open = rest.firstIndex(where: { $0 == "[" || $0 == "]" }) {
            guard rest[open] == "[" else { throw wrong(open, "this ] closes nothing") }
            let inside = item[item.index(after: open)...]
            guard let close = inside.firstIndex(where: { $0 == "[" || $0 == "]" }), item[close] == "]" else {
                throw wrong(open, "this [ is not closed by a ]; a range is written web[01-12]")
            }
            let next = item.index(after: close)
            if item[inside.startIndex..<close].contains(":") {
                guard open == item.startIndex || item[item.index(before: open)] == "@" else {
                    throw wrong(open, "a range takes no colon; write [1-3] or [1,3]")
                }
                pieces.append(.literal(rest[..<next]))
            } else {
                pieces.append(.literal(rest[..<open]))
                let ranges = try HostPattern.ranges(item[inside.startIndex..<close], wrong: wrong)
                pieces.append(.ranges(ranges))
                multiplyCount(by: ranges)
            }
            rest = item[next...]
        }
        pieces.append(.literal(rest))
    }

    private mutating func multiplyCount(by ranges: [Range]) {
        // A sum of counts below 10^15 and of at most as many ranges as the text has commas: no overflow.
        let factor = ranges.reduce(0) { $0 + $1.count }
        count = count.flatMap {
            let (product, overflow) = $0.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
    }

    private static func ranges(
        _ text: Substring, wrong: (Substring.Index, String) -> SlotSyncError
    ) throws(SlotSyncError) -> [Range] {
        var ranges: [Range] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            for end in ends where !end.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                throw wrong(end.startIndex, "\(quoted(end)) is not a number; a range is written [01-12] or [1,3,5-9]")
            }
            for end in ends where end.isEmpty { throw wrong(end.startIndex, "a number is missing in [\(text)]") }
            for end in ends where end.utf8.count > mostDigits {
                throw wrong(end.startIndex, "a number of more than \(mostDigits) digits")
            }
            guard let first = Int(ends[0]), let last = Int(ends.last ?? ends[0]) else {
                throw wrong(part.startIndex, "\(quoted(part)) is not a range")
            }
            guard first <= last else {
                throw wrong(part.startIndex, "the range \(part) runs backwards; write \(ends[1])-\(ends[0])")
            }
            // Zeros in front are kept: 08-12 is 08, 09, 10, 11, 12. Where the two ends disagree about
            // the width nobody can tell which names were meant.
            let isPadded = ends.contains { $0.count > 1 && $0.first == "0" }
            if isPadded, ends.count == 2, ends[0].count != ends[1].count,
                ends[1].first == "0" || ends[1].count < ends[0].count
            {
                throw wrong(
                    part.startIndex, "the ends of the range \(part) have different widths; write as many digits in both"
                )
            }
            ranges.append(Range(first: first, last: last, width: isPadded ? ends[0].count : 1))
        }
        return ranges
    }

    /// Every host text that the item stands for, in order. The caller has held `count` against a bound.
    func expanded() -> [String] {
        var texts = [""]
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                for index in texts.indices { texts[index] += literal }
            case .ranges(let ranges):
                let numbers = ranges.flatMap { range in
                    (range.first...range.last).map { number in
                        let digits = String(number)
                        return String(repeating: "0", count: max(0, range.width - digits.count)) + digits
                    }
                }
                texts = texts.flatMap { text in numbers.map { text + $0 } }
            }
        }
        return texts
    }
}
