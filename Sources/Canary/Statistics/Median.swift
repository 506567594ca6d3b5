// Medians and the spread around them: estimates that a few sick hosts cannot move. The tests of gauges call them.

/// The median of `values`, of an even number of them the mean of the middle two; NaN of none. Quickselect, which
/// reorders them.
func median(_ values: inout [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let middle = values.count / 2
    let upper = select(&values, middle)
    guard values.count.isMultiple(of: 2) else { return upper }
    var lower = values[0]
    for index in 0..<middle where values[index] > lower { lower = values[index] }
    return (lower + upper) / 2
}

/// The median, and 1.4826 × the median distance from it, which estimates a normal law's standard deviation.
func medianAndDeviation(_ values: [Double]) -> (median: Double, deviation: Double) {
    var values = values
    let middle = median(&values)
    for index in values.indices { values[index] = abs(values[index] - middle) }
    return (middle, 1.4826 * median(&values))
}

/// After so many passes the values are sorted instead: whoever wrote them may have chosen their order.
private let mostPasses = 64

/// The value that would stand at `rank` if they were sorted; smaller ones stand before it afterwards (Hoare).
private func select(_ values: inout [Double], _ rank: Int) -> Double {
    var low = 0
    var high = values.count - 1
    var passes = 0
    while low < high {
        passes += 1
        guard passes <= mostPasses else {
            values[low...high].sort()
            break
        }
        let pivot = values[(low + high) / 2]
        var left = low
        var right = high
        while left <= right {
            while values[left] < pivot { left += 1 }
            while values[right] > pivot { right -= 1 }
            if left <= right {
                values.swapAt(left, right)
                left += 1
                right -= 1
            }
        }
        if rank <= right { high = right } else if rank >= left { low = left } else { break }
    }
    return values[rank]
}
