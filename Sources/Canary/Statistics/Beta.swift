// The beta function and the regularized incomplete beta function. The tails of Student's t, F and the negative binomial
// distribution are computed from them.

import Glibc

/// ln B(a, b) for a, b > 0.
func logBeta(_ a: Double, _ b: Double) -> Double { logGamma(a) + logGamma(b) - logGamma(a + b) }

/// The regularized incomplete beta function I_x(a, b), with `y` = 1 − x given by the caller, who often knows it more
/// exactly than a subtraction would: a tail stays exact to its last digit however small it is.
///
/// The continued fraction of NIST DLMF 8.17.22 by Lentz's algorithm (Numerical Recipes, section 6.4).
func regularizedIncompleteBeta(x: Double, y: Double, a: Double, b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard y > 0 else { return 1 }
    // The fraction converges quickly on this side of the distribution's middle; beyond it, 1 − I is what is small.
    guard x <= (a + 1) / (a + b + 2) else { return 1 - regularizedIncompleteBeta(x: y, y: x, a: b, b: a) }
    return betaPower(x: x, y: y, a: a, b: b) / a * betaFraction(x: x, a: a, b: b)
}

/// xᵃ yᵇ / B(a, b), without the cancellation of large log gammas: Loader's saddle-point form of the binomial.
private func betaPower(x: Double, y: Double, a: Double, b: Double) -> Double {
    let n = a + b
    let exponent = stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y)
    return exp(exponent) * (a * b / (2 * .pi * n)).squareRoot()
}

/// x ln(x / m) + m − x, exact where x is near m: the deviance of Loader's paper.
private func deviance(_ x: Double, _ m: Double) -> Double {
    let difference = x - m
    guard abs(difference) < 0.1 * (x + m) else { return x * log(x / m) - difference }
    // With v = (x − m)/(x + m), ln(x/m) = 2 artanh v: the terms up to v themselves cancel exactly.
    let v = difference / (x + m)
    var sum = difference * v
    var power = 2 * x * v
    var k = 1.0
    while true {
        power *= v * v
        let next = sum + power / (2 * k + 1)
        if next == sum { return sum }
        sum = next
        k += 1
    }
}

/// Steps after which the fraction is given up: it takes about √max(a, b) of them, so this reaches beyond 1e9.
private let mostFractionSteps = 100_000

private func betaFraction(x: Double, a: Double, b: Double) -> Double {
    let tiny = 1e-300
    func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / away(1 - (a + b) * x / (a + 1))
    var fraction = d
    for step in 1...mostFractionSteps {
        let m = Double(step)
        let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / away(1 + even * d)
        c = away(1 + even / c)
        fraction *= d * c
        let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / away(1 + odd * d)
        c = away(1 + odd / c)
        fraction *= d * c
        if abs(d * c - 1) < 1e-15 { break }
    }
    return fraction
}
