// The beta-binomial distribution: how many of n events fall on the canaries when their share is itself uncertain.
// CounterTest computes it for each dispersion that the controls leave possible.

import Glibc

/// The count of successes in `trials` with a chance drawn from Beta(alpha, beta).
struct BetaBinomial {
    var trials: Int
    var alpha: Double
    var beta: Double

    /// ln P(X = k) = ln C(n, k) + ln B(k + α, n − k + β) − ln B(α, β).
    func logProbability(_ k: Int) -> Double {
        let n = Double(trials)
        let k = Double(k)
        return -log(n + 1) - logBeta(k + 1, n - k + 1) + logBeta(k + alpha, n - k + beta) - logBeta(alpha, beta)
    }

    /// P(X = k) for every k in 0...trials, times `weight`, added to `probabilities` (trials + 1 of them).
    /// One logarithm at the mode, and from there P(k+1)/P(k) = (n−k)(k+α) / ((k+1)(n−k−1+β)) both ways.
    func addProbabilities(to probabilities: inout [Double], weight: Double) {
        precondition(probabilities.count == trials + 1)
        let n = Double(trials)
        // Near the mean: close to the mode for α, β > 1, and never where the probability vanishes.
        let mean = n * alpha / (alpha + beta)
        guard mean.isFinite else { return }
        let start = min(max(Int(mean), 0), trials)
        let first = weight * exp(logProbability(start))
        var value = first
        probabilities[start] += value
        var k = start
        while k < trials, value > 0 {
            let x = Double(k)
            value *= (n - x) * (x + alpha) / ((x + 1) * (n - x - 1 + beta))
            k += 1
            probabilities[k] += value
        }
        value = first
        k = start
        while k > 0, value > 0 {
            let x = Double(k - 1)
            value *= (x + 1) * (n - x - 1 + beta) / ((n - x) * (x + alpha))
            k -= 1
            probabilities[k] += value
        }
    }
}
