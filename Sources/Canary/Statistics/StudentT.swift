// Student's t distribution: the law of a difference of means over its estimated error. The tests of gauges and counters
// call it.

/// Student's t with `degreesOfFreedom` > 0, not necessarily whole.
struct StudentT {
    var degreesOfFreedom: Double

    /// P(T ≥ t) = I_{ν/(ν+t²)}(ν/2, ½) / 2 for t ≥ 0 (NIST DLMF 8.17; Abramowitz and Stegun 26.7.1).
    func survival(_ t: Double) -> Double {
        guard t.isFinite else { return t.isNaN ? .nan : (t > 0 ? 0 : 1) }
        let square = t * t
        let whole = degreesOfFreedom + square
        let tail =
            regularizedIncompleteBeta(
                x: degreesOfFreedom / whole, y: square / whole, a: degreesOfFreedom / 2, b: 0.5) / 2
        return t >= 0 ? tail : 1 - tail
    }
}
