// Fisher's F distribution: what the ratio of two estimates of one variance follows. The tests of gauges and
// counters ask it whether the controls contradict a model of their noise, HostUnrest whether one host does.

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
}
