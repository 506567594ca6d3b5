// Describes how a gauge varies on one host: a first-order autoregression (load now is much like load five seconds ago)
// plus white noise. The model's Kalman filter whitens a series in one pass, and leaves out missing samples. NoiseGrid
// and NoiseFit call it.

import Glibc

/// The correlations (1 − ν) φ^|i−j| + ν [i = j].
struct NoiseModel: Hashable {
    /// φ, the correlation from one sample to the next of what persists; 0: none does.
    var persistence: Double
    /// ν, white noise's share of the variance.
    var whiteness: Double

    /// The models that are tried: with every persistence, some of white noise.
    static let candidates: [NoiseModel] = {
        let persistent = [0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98].flatMap { persistence in
            [0, 0.1, 0.3].map { NoiseModel(persistence: persistence, whiteness: $0) }
        }
        return [NoiseModel(persistence: 0, whiteness: 0)] + persistent
    }()

    /// The filter's gain and its innovation's variance for every moment; nil where no sample is.
    struct Filter {
        var persistence: Double
        var steps: [(gain: Double, scale: Double)?]
        /// ln |V| of the samples that are there.
        var logDeterminant: Double

        /// L⁻¹ y, where L Lᵀ = V: the innovations over their standard deviations, zero where no sample is.
        func whiten(_ value: (Int) -> Double) -> [Double] {
            var whitened = [Double](repeating: 0, count: steps.count)
            var state = 0.0
            for (moment, step) in steps.enumerated() {
                state *= persistence
                guard let step else { continue }
                let innovation = value(moment) - state
                whitened[moment] = innovation * step.scale
                state += step.gain * innovation
            }
            return whitened
        }
    }

    /// One series' part of the restricted likelihood: y'Py, and ln |V| + ln 1'V⁻¹1. NaN is a missing sample. The filter
    /// runs on y and on 1 at once, since this is done for every candidate and host that has gaps.
    func restricted(_ series: UnsafeBufferPointer<Double>) -> (squares: Double, logDeterminant: Double) {
        let stationary = 1 - whiteness
        let decay = persistence * persistence
        var variance = stationary
        var state = (y: 0.0, one: 0.0)
        var sums = (yy: 0.0, y1: 0.0, one: 0.0)
        // The product of the innovations' variances, whose logarithm is taken before it can vanish.
        var product = 1.0
        var determinant = 0.0
        for (moment, value) in series.enumerated() {
            if moment > 0 {
                variance = decay * variance + stationary * (1 - decay)
                state = (state.y * persistence, state.one * persistence)
            }
            if value.isNaN { continue }
            let total = variance + whiteness
            let gain = variance / total
            let innovation = (y: value - state.y, one: 1 - state.one)
            sums.yy += innovation.y * innovation.y / total
            sums.y1 += innovation.y * innovation.one / total
            sums.one += innovation.one * innovation.one / total
            state = (state.y + gain * innovation.y, state.one + gain * innovation.one)
            variance -= gain * variance
            product *= total
            if product < 1e-200 {
                determinant += log(product)
                product = 1
            }
        }
        guard sums.one > 0 else { return (0, 0) }
        return (sums.yy - sums.y1 * sums.y1 / sums.one, determinant + log(product) + log(sums.one))
    }

    /// The filter for series that have samples where `isObserved` says (Kalman 1960; the stationary start).
    func filter(_ moments: Int, isObserved: (Int) -> Bool) -> Filter {
        var filter = Filter(persistence: persistence, steps: [], logDeterminant: 0)
        filter.steps.reserveCapacity(moments)
        let stationary = 1 - whiteness
        var variance = stationary
        for moment in 0..<moments {
            if moment > 0 {
                variance = persistence * persistence * variance + stationary * (1 - persistence * persistence)
            }
            guard isObserved(moment) else {
                filter.steps.append(nil)
                continue
            }
            let total = variance + whiteness
            let gain = variance / total
            filter.steps.append((gain, 1 / total.squareRoot()))
            filter.logDeterminant += log(total)
            variance -= gain * variance
        }
        return filter
    }
}

/// The sum of the products of two rows.
func dot(_ left: [Double], _ right: [Double]) -> Double {
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum
}
