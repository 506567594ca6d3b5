// Fisher's F distribution: what the ratio of two estimates of one variance follows. The gauges' test asks it whether
// the hosts contradict the noise model.

import Glibc

/// F with d₁ and d₂ degrees of freedom.
struct FDistribution {
    var numerator: Double
    var denominator: Double

    /// P(F ≥ f) = I_{d₂/(d₂+d₁f)}(d₂/2, d₁/2) (Abramowitz and Stegun 26.6.2).
    func survival(_ f: Double) -> Double {
        guard f > 0 else { return 1 }
        let whole = denominator + numerator * f
        return regularizedIncompleteBeta(
            x: denominator / whole, y: numerator * f / whole, a: denominator / 2, b: numerator / 2)
    }

    /// P(F ≤ f), not as 1 − survival.
    func cumulative(_ f: Double) -> Double {
        guard f > 0 else { return 0 }
        let whole = denominator + numerator * f
        return regularizedIncompleteBeta(
            x: numerator * f / whole, y: denominator / whole, a: numerator / 2, b: denominator / 2)
    }

    /// The f with P(F ≤ f) = `probability`, 0 < probability < 1: bisection over ln f, on the smaller tail.
    func quantile(_ probability: Double) -> Double {
        var low = -700.0
        var high = 700.0
        while high - low > 1e-14 * max(1, abs(low)) {
            let middle = (low + high) / 2
            if middle == low || middle == high { break }
            let f = exp(middle)
            let isBelow = probability <= 0.5 ? cumulative(f) < probability : survival(f) > 1 - probability
            if isBelow { low = middle } else { high = middle }
        }
        return exp((low + high) / 2)
    }
}
