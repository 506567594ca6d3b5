// Estimates how much the hosts of a fleet differ in their rate of events. The rates follow a gamma law with a shape r:
// if r is small, few hosts have most of the events; if it is large, all are alike. The estimate is the posterior of r,
// by the controls' totals. CounterTest and Detection call it.

import Glibc

/// Shapes that the controls leave possible, and how likely each is.
struct DispersionPosterior {
    var shapes: [Double]
    var weights: [Double]
    /// The geometric mean of the shapes.
    var typical: Double

    /// The grid: 14 shapes from 0.15 to 60, and on at the same pace where counts are so large that an r beyond is not
    /// yet as good as none.
    private static let least = 0.15
    private static let usualMost = 60.0
    private static let ratio = exp(log(usualMost / least) / 13)
    private static let countsPerShape = 4.0
    private static let negligible = 1e-4

    /// One shape, known.
    init(shape: Double) {
        shapes = [shape]
        weights = [1]
        typical = shape
    }

    /// From each control's events and how long it was observed (in the same unit for all).
    ///
    /// The likelihood is that of the totals given their sum: Dirichlet-multinomial (Mosimann 1962), and where hosts were
    /// not observed equally long the negative binomial of each over that of their sum, which is the same thing for equal
    /// times. The prior is r/(1+r)² on ln r.
    init(events: [Double], time: [Double]) {
        let total = events.reduce(0, +)
        let whole = time.reduce(0, +)
        let hosts = Double(events.count)
        let areEqual = time.allSatisfy { abs($0 - time[0]) < 1e-9 }
        let mean = total / max(hosts, 1)
        var grid: [Double] = []
        var shape = Self.least
        while grid.count < 14 || shape < Self.countsPerShape * mean, shape < 1e9 {
            grid.append(shape)
            shape *= Self.ratio
        }
        // Many hosts have the same small total.
        var times: [Double: Double] = [:]
        for count in events { times[count, default: 0] += 1 }
        let distinct = times.sorted { $0.key < $1.key }

        let squares = time.reduce(0) { $0 + $1 * $1 }
        var logs = grid.map { r -> Double in
            let prior = log(r) - 2 * log(1 + r)
            guard total > 0 else { return prior }
            let rising = distinct.reduce(0) { $0 + $1.value * (logGamma(r + $1.key) - logGamma(r)) }
            if areEqual { return prior + rising + logGamma(hosts * r) - logGamma(hosts * r + total) }
            let rate = total / whole
            var likelihood = rising
            for (count, time) in zip(events, time) where time > 0 {
                likelihood += r * log(r / (r + rate * time)) + count * log(rate * time / (r + rate * time))
            }
            // The sum's own law, by its variance.
            let sum = whole * whole * r / squares
            likelihood -= logGamma(sum + total) - logGamma(sum)
            likelihood -= sum * log(sum / (sum + total)) + total * log(total / (sum + total))
            return prior + likelihood
        }
        let most = logs.max() ?? 0
        logs = logs.map { exp($0 - most) }
        let sum = logs.reduce(0, +)
        let kept = zip(grid, logs).filter { $0.1 / sum > Self.negligible }
        let keptSum = kept.reduce(0) { $0 + $1.1 }
        shapes = kept.map(\.0)
        weights = kept.map { $0.1 / keptSum }
        typical = exp(zip(shapes, weights).reduce(0) { $0 + $1.1 * log($1.0) })
    }
}
