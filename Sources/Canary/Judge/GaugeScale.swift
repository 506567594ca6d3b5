// The scale on which a gauge is judged. Loads and times differ and change by factors, so the scale is logarithmic,
// unless the gauge has values without a logarithm. Look and Detection make it.

import Glibc

/// How a gauge's values become levels on a scale where a regression is a step.
struct GaugeScale {
    /// ln x; otherwise x in units of the fleet's typical level.
    let isLogarithmic: Bool
    /// The median of what is not zero, without its sign.
    let unit: Double

    /// The share of zeros from which a gauge is not one of factors.
    private static let mostZeros = 0.2
    /// Where a positive gauge touches zero, it is taken for this much of its typical level.
    private static let leastLevel = 1e-3

    init(_ table: SampleTable) {
        var sizes: [Double] = []
        sizes.reserveCapacity(table.values.count)
        var samples = 0
        var hasNegative = false
        for value in table.values where !value.isNaN {
            samples += 1
            if value != 0 { sizes.append(abs(value)) }
            if value < 0 { hasNegative = true }
        }
        let zeros = samples - sizes.count
        unit = sizes.isEmpty ? 1 : median(&sizes)
        isLogarithmic = !hasNegative && Double(zeros) <= Self.mostZeros * Double(samples)
    }

    /// The table on this scale.
    func levels(_ table: SampleTable) -> SampleTable {
        var levels = table
        let least = Self.leastLevel * unit
        for index in levels.values.indices {
            let value = levels.values[index]
            // A maximum with NaN is not NaN.
            if !value.isNaN { levels.values[index] = isLogarithmic ? log(max(value, least)) : value / unit }
        }
        return levels
    }

    /// The relative change that a step of `step` on this scale is.
    func change(_ step: Double) -> Double { isLogarithmic ? expm1(step) : step }

    /// The step that a relative change is; infinite for a fall by everything or more.
    func step(_ change: Double) -> Double {
        guard isLogarithmic else { return change }
        return change > -1 ? log1p(change) : -.infinity
    }
}
