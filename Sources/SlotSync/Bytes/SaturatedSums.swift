// Sums of lengths that somebody else says: a host, a pack of the cache, a file system. Each may be as large as its form
// allows, and a sum beyond that is as large as a number can be, not the end of the program. Whoever adds what was not
// bounded before uses these.

extension FixedWidthInteger {
    /// The sum; the largest number where that is beyond it.
    package func addingSaturated(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

extension UInt64 {
    /// The product; the largest number where that is beyond it.
    package func multipliedSaturated(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    /// The same rounded up to whole blocks.
    func roundedUp(toBlocksOf length: UInt64) -> UInt64 {
        let rest = self % length
        return rest == 0 ? self : addingSaturated(length - rest)
    }
}

extension Sequence {
    /// The sum of a number of each element.
    package func saturatedSum<Number: FixedWidthInteger>(_ number: (Element) -> Number) -> Number {
        reduce(0) { $0.addingSaturated(number($1)) }
    }
}
