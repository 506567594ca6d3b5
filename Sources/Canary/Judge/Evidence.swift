// What a test of one metric found, and what it could have found: enough to share the significance among metrics without
// knowing how each was tested. Made by the gauges' and the counters' test, read by the allocation and the judge.

/// One test of one metric, in the direction that is worse.
struct Evidence {
    /// The chance of a change at least as bad where the release changes nothing.
    var p: Double
    /// The relative change as it was seen: 0.5 is 50 % more.
    var change: Double
    /// Whether that is worse by more than the tolerance.
    var exceedsTolerance: Bool
    /// Which p-values lead to a rollback.
    var attainable: Attainable
    /// The chance to catch one of the usual regressions, by the critical value.
    var power: Power
}

/// The p-values at which a test can roll back: below its critical value, and beyond the tolerance.
enum Attainable {
    /// Any up to that of a change as large as the tolerance.
    case anyUpTo(Double)
    /// These alone, ascending: counts are whole.
    case only([Double])

    /// The chance of a false rollback with this critical value.
    func spent(at critical: Double) -> Double {
        switch self {
        case .anyUpTo(let limit): return min(critical, limit)
        case .only(let values):
            var low = 0
            var high = values.count
            while low < high {
                let middle = (low + high) / 2
                if values[middle] <= critical { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? values[low - 1] : 0
        }
    }
}

/// How large the usual regressions are: what a judge ought to catch with few canaries as well as with many.
enum UsualRegressions {
    static let gauge = [1.2, 1.5, 2.0]
    static let counter = [2.0, 5.0, 10.0]
}

/// A test's power, averaged over the usual regressions.
enum Power {
    /// A gauge's: the steps over their standard error, and the degrees of freedom of the t law with its scale.
    case steps([Double], degreesOfFreedom: Double, scale: Double)
    /// A count's: for each attainable p-value, in the same order, the chance to get it or a smaller one.
    case counts([Double])
    /// Nothing is known: no share is given for it beyond the least.
    case none
}
