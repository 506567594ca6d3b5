// What a test of one metric found, and what it could have found. That is enough to share the significance among metrics
// without knowing how each was tested. GaugeTest and CounterTest make it; SignificanceAllocation and Look read it.

import Glibc
import SlotSync

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

extension Evidence {
    /// A t test's, which can roll back at any p up to that of a change as large as the tolerance.
    ///
    /// - Parameters:
    ///   - regressions: the usual ones in standard errors, as is `tolerated`.
    ///   - stretch: what standard errors are multiplied by before `law` is asked.
    init(
        p: Double, change: Double, exceedsTolerance: Bool, regressions: [Double], tolerated: Double, law: StudentT,
        stretch: Double = 1
    ) {
        self.init(
            p: p, change: change, exceedsTolerance: exceedsTolerance,
            attainable: .anyUpTo(law.survival(tolerated * stretch)),
            power: .steps(
                regressions, tolerated: tolerated, degreesOfFreedom: law.degreesOfFreedom, scale: 1 / stretch))
    }
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
            let beyond = values.partitioningIndex { $0 > critical }
            return beyond > 0 ? values[beyond - 1] : 0
        }
    }
}

/// How large the usual regressions are: what a judge ought to catch with few canaries as well as with many.
enum UsualRegressions {
    static let gauge = [1.2, 1.5, 2.0]
    static let counter = [2.0, 5.0, 10.0]
}

/// A test's power, for each of the usual regressions.
enum Power {
    /// A gauge's, in standard errors: the steps, and the tolerance, infinite where no change is worse than it; the degrees
    /// of freedom of the t law with its scale.
    case steps([Double], tolerated: Double, degreesOfFreedom: Double, scale: Double)
    /// A count's: for each regression and each attainable p-value, in their order, the chance to get it or a smaller one.
    case counts([[Double]])
    /// Nothing can be seen by this test.
    case none
}

extension Evidence {
    /// A critical value that a test may be given.
    struct Option {
        var critical: Double
        /// The chance of a false rollback with it, and of catching a usual regression.
        var spent: Double
        var power: Double
    }

    private static let gaugeOptions = 20

    /// The critical values worth considering between two, ascending, the lower one first.
    func options(from least: Double, to most: Double) -> [Option] {
        switch (power, attainable) {
        case (.steps, .anyUpTo(let limit)):
            let ratio = exp(log(most / least) / Double(Self.gaugeOptions - 1))
            var critical = least
            return (0..<Self.gaugeOptions).map { _ in
                defer { critical *= ratio }
                return Option(
                    critical: critical, spent: min(critical, limit),
                    power: Self.mean(powers(at: critical)))
            }
        case (.counts(let powers), .only(let values)):
            let spent = attainable.spent(at: least)
            var options = [Option(critical: least, spent: spent, power: 0)]
            for (index, value) in values.enumerated() {
                let power = powers.reduce(0) { $0 + $1[index] } / Double(powers.count)
                if value <= least {
                    options[0].power = power
                } else if value <= most {
                    options.append(Option(critical: value, spent: value, power: power))
                }
            }
            return options
        default: return []
        }
    }

    /// The chance to catch each usual regression with a critical value.
    func powers(at critical: Double) -> [Double] {
        switch (power, attainable) {
        case (.steps(let steps, let tolerated, let freedom, let scale), .anyUpTo(let limit)):
            return Self.powers(
                steps, at: min(critical, limit), tolerated: tolerated, degreesOfFreedom: freedom, scale: scale)
        case (.counts(let powers), .only(let values)):
            guard let index = values.lastIndex(where: { $0 <= critical }) else { return powers.map { _ in 0 } }
            return powers.map { $0[index] }
        default: return []
        }
    }

    /// Below this p the expansion of the quantile is of no use.
    private static let farthest = 1e-20

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }

    /// P(T ≥ t) for a t law shifted by each step, on average: the normal approximation of the noncentral t (Abramowitz
    /// and Stegun 26.7.10), t by the expansion of its quantile (26.7.5). Rough for the fewest degrees of freedom, where it
    /// decides how the significance is shared and never how much of it there is. Where the tolerance is so many standard
    /// errors that its own p is next to nothing, or is 0 as a number, it is the tolerance that a step has to exceed.
    private static func powers(
        _ steps: [Double], at critical: Double, tolerated: Double, degreesOfFreedom v: Double, scale: Double
    ) -> [Double] {
        guard tolerated.isFinite else { return steps.map { _ in 0 } }
        guard critical > farthest else { return steps.map { $0 > tolerated ? 1 : $0 < tolerated ? 0 : 0.5 } }
        let z = Normal.upperQuantile(min(critical, 0.5))
        let square = z * z
        let first = (square + 1) * z / 4
        let second = ((5 * square + 16) * square + 3) * z / 96
        let third = (((3 * square + 19) * square + 17) * square - 15) * z / 384
        let t = scale * (z + (first + (second + third / v) / v) / v)
        let spread = (1 + t * t / (2 * v)).squareRoot()
        return steps.map { Normal.survival((t * (1 - 1 / (4 * v)) - $0) / spread) }
    }
}
