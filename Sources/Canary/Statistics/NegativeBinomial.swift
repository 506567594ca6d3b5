// The negative binomial distribution: Poisson counts whose rates differ from host to host by a gamma law. Peers asks it
// whether a host was far above the others before the flip, FleetCourse whether there are more events than chance
// brings.

/// A count of mean `mean` and variance mean + mean²/shape.
struct NegativeBinomial {
    var shape: Double
    var mean: Double

    /// P(X > k) = I_{m/(m+r)}(k + 1, r) (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 5.3).
    func survival(_ k: Double) -> Double {
        guard k >= 0 else { return 1 }
        let whole = mean + shape
        return regularizedIncompleteBeta(x: mean / whole, y: shape / whole, a: k.rounded(.down) + 1, b: shape)
    }

    /// P(X ≤ k), not as 1 − survival.
    func cumulative(_ k: Double) -> Double {
        guard k >= 0 else { return 0 }
        let whole = mean + shape
        return regularizedIncompleteBeta(x: shape / whole, y: mean / whole, a: shape, b: k.rounded(.down) + 1)
    }
}
