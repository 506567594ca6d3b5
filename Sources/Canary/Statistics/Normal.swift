// The standard normal distribution. LookSchedule and Evidence call it.

import Glibc

enum Normal {
    /// P(Z ≥ z).
    static func survival(_ z: Double) -> Double { 0.5 * erfc(z * 0.5.squareRoot()) }

    static func density(_ z: Double) -> Double { exp(-0.5 * z * z) / (2 * .pi).squareRoot() }

    /// The z with P(Z ≥ z) = `tail`, 0 < tail < 1: Newton's steps on the logarithm of the tail, which is nearly a
    /// parabola, from the leading term of its expansion (Abramowitz and Stegun 26.2.12).
    static func upperQuantile(_ tail: Double) -> Double {
        guard tail <= 0.5 else { return -upperQuantile(1 - tail) }
        var z = tail < 0.05 ? (-2 * log(tail)).squareRoot() : 0
        for _ in 0..<60 {
            let survival = survival(z)
            let step = (log(survival) - log(tail)) * survival / density(z)
            z += step
            if abs(step) < 1e-15 * max(1, z) { break }
        }
        return z
    }
}
