// The logarithm of the gamma function, and the error of Stirling's formula. Most of the distributions are computed from
// them, thousands of times a push.

import Glibc

private let halfLogTwoPi = 0.918938533204672741780329736406

/// ln Γ(x) for x > 0. Stirling's series from 16 on (NIST DLMF 5.11.1), glibc's below, where it must be exact about the
/// zeros at 1 and 2.
func logGamma(_ x: Double) -> Double {
    guard x >= 16 else {
        var sign: Int32 = 0
        return lgamma_r(x, &sign)
    }
    return (x - 0.5) * log(x) - x + halfLogTwoPi + stirlingSeries(x)
}

/// ln n! minus Stirling's formula for it, n > 0: the small number that is lost when large log gammas are subtracted
/// from each other (Loader, "Fast and accurate computation of binomial probabilities", 2000).
func stirlingError(_ n: Double) -> Double {
    n >= 16 ? stirlingSeries(n) : logGamma(n + 1) - (n + 0.5) * log(n) + n - halfLogTwoPi
}

/// Σ B₂ₖ / (2k (2k − 1) x²ᵏ⁻¹); seven terms leave less than 1e-17 at 16.
private func stirlingSeries(_ x: Double) -> Double {
    let s = 1 / (x * x)
    let inner = 1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360_360 - s / 156)))
    return (1.0 / 12 - s * (1.0 / 360 - s * inner)) / x
}
