// Shares the significance of one look among its tests, so that together they spend no more than it. Look and Detection
// call it.

/// A test of a metric, with its claim on the significance.
struct Claim {
    var evidence: Evidence
    /// Its share, relative to the others'. Positive.
    var weight: Double
    /// The canary that is tested by itself; nil: all of them are.
    var canary: Int?

    func isRegression(at critical: Double) -> Bool { evidence.p <= critical && evidence.exceedsTolerance }
}

enum SignificanceAllocation {
    /// The part of an even share that every test keeps, however little it can see.
    private static let kept = 0.2

    /// Each claim's critical value, so that the weighted chance to catch the usual regressions is as large as it can be
    /// while the chance of a false rollback, summed over all, is at most `significance`.
    ///
    /// Nothing here depends on what happened at the flip, only on how much the metrics waver and how many events there
    /// were: so the sum stays a bound (weights chosen independently of the p-values: Genovese, Roeder and Wasserman 2006;
    /// for power: Spjøtvoll 1972). A count spends only its largest attainable p-value (Tarone 1990), a gauge none beyond
    /// its tolerance; what they leave is the others'.
    static func criticalValues(_ claims: [Claim], significance: Double) -> [Double] {
        let weights = claims.reduce(0) { $0 + $1.weight }
        var criticals = claims.map { min(kept * significance * $0.weight / weights, significance) }
        var spent = zip(claims, criticals).reduce(0) { $0 + $1.0.evidence.attainable.spent(at: $1.1) }

        var steps: [Step] = []
        for (index, claim) in claims.enumerated() {
            let options = claim.evidence.options(from: criticals[index], to: significance)
            steps += bestSteps(options, claim: index, weight: claim.weight)
        }
        steps.sort { $0.slope != $1.slope ? $0.slope > $1.slope : $0.claim < $1.claim }
        var isFull = [Bool](repeating: false, count: claims.count)
        for step in steps where !isFull[step.claim] {
            if spent + step.cost <= significance {
                spent += step.cost
                criticals[step.claim] = step.critical
            } else {
                isFull[step.claim] = true
            }
        }
        return stretch(criticals, claims, significance: significance)
    }

    /// A larger critical value for one claim, and what it costs beyond the one before.
    private struct Step {
        var claim: Int
        var critical: Double
        var cost: Double
        var slope: Double
    }

    /// The steps along the upper hull of power over cost: each buys less for its cost than the one before.
    private static func bestSteps(_ options: [Evidence.Option], claim: Int, weight: Double) -> [Step] {
        var hull: [Evidence.Option] = []
        func slope(_ from: Evidence.Option, _ to: Evidence.Option) -> Double {
            to.spent > from.spent ? (to.power - from.power) / (to.spent - from.spent) : .infinity
        }
        for option in options {
            if let last = hull.last, option.power <= last.power { continue }
            while hull.count >= 2,
                slope(hull[hull.count - 2], hull[hull.count - 1]) <= slope(hull[hull.count - 1], option)
            {
                hull.removeLast()
            }
            hull.append(option)
        }
        return zip(hull, hull.dropFirst()).map { from, to in
            Step(
                claim: claim, critical: to.critical, cost: to.spent - from.spent, slope: weight * slope(from, to))
        }
    }

    /// All critical values times the largest factor that `significance` allows: nothing is left unspent that a test
    /// could use.
    private static func stretch(_ criticals: [Double], _ claims: [Claim], significance: Double) -> [Double] {
        func stretched(_ factor: Double) -> [Double] { criticals.map { min($0 * factor, significance) } }
        func spent(_ factor: Double) -> Double {
            zip(claims, stretched(factor)).reduce(0) { $0 + $1.0.evidence.attainable.spent(at: $1.1) }
        }
        guard let least = criticals.min(), least > 0 else { return criticals }
        var low = 1.0
        var high = significance / least
        if spent(high) <= significance { return stretched(high) }
        for _ in 0..<40 {
            let middle = (low * high).squareRoot()
            if spent(middle) <= significance { low = middle } else { high = middle }
        }
        return stretched(low)
    }
}
