// The axes of a plot: which values it spans, where they are drawn, and which round numbers are written beside it.

import Canary
import Glibc
import SlotSync

/// A linear axis.
struct PlotScale: Equatable {
    var low: Double
    var high: Double
    /// Ascending, within the axis.
    var ticks: [Double]
    /// From one tick to the next.
    var step: Double

    /// Where a value lies: 0 at the low end, 1 at the high end; what is far outside lies a little outside.
    func place(_ value: Double) -> Double {
        let place = (value - low) / (high - low)
        return place.isFinite ? min(max(place, -1), 2) : 0
    }

    // MARK: Values

    /// The sizes that a scale can show.
    private static let sizes = 1e-200...1e200

    /// An axis for a metric's values, with three to six ticks. It begins at zero where zero is near, and always does for a
    /// counter.
    static func values(_ values: some Sequence<Double>, kind: Metric.Kind) -> PlotScale {
        var low = Double.infinity
        var high = -Double.infinity
        for value in values where value.magnitude <= Self.sizes.upperBound {
            // A scale has no step between numbers that small.
            let value = value.magnitude < Self.sizes.lowerBound ? 0 : value
            low = min(low, value)
            high = max(high, value)
        }
        if low > high { (low, high) = (0, 1) }
        if low >= 0, kind == .counter || low < 0.5 * high { low = 0 }
        if high <= 0, high > 0.5 * low { high = 0 }
        if high - low < max(abs(high), abs(low)) * 1e-9 || high == low {
            // All the same: the line in the middle of the plot, or on the ground if it is zero.
            (low, high) = high == 0 ? (0, 1) : (min(0, 2 * low), max(0, 2 * high))
        }
        let room = (high - low) * 0.06
        high += high == 0 ? 0 : room
        low -= low == 0 ? 0 : room
        func scale(_ parts: Double) -> PlotScale {
            let step = roundStep(atLeast: (high - low) / parts)
            return PlotScale(low: low, high: high, ticks: multiples(of: step, from: low, to: high), step: step)
        }
        let coarse = scale(5)
        return coarse.ticks.count < 3 ? scale(8) : coarse
    }

    /// The labels of the ticks, all with as many places: 0.0, 0.5, 1.0; from ten thousand on 12k, 1.5M.
    var tickLabels: [String] {
        guard let largest = ticks.map({ abs($0) }).max() else { return [] }
        if largest >= 1e15 || (largest < 1e-5 && largest > 0) {
            return ticks.map { NumberText.exponential($0, digits: 2) }
        }
        let (unit, suffix): (Double, String) =
            switch largest {
            case 1e12...: (1e12, "T")
            case 1e9...: (1e9, "G")
            case 1e6...: (1e6, "M")
            case 1e4...: (1e3, "k")
            default: (1, "")
            }
        let places = max(0, Int(-floor(log10(step / unit) + 1e-9)))
        return ticks.map { $0 == 0 ? "0" : NumberText.fixed($0 / unit, places: places) + suffix }
    }

    /// 1, 2 or 5 times a power of ten.
    private static func roundStep(atLeast least: Double) -> Double {
        let magnitude = pow(10, floor(log10(least)))
        let factor = [1, 2, 5, 10].first { $0 * magnitude >= least * (1 - 1e-9) } ?? 10
        return factor * magnitude
    }

    // MARK: Time

    private static let timeSteps: [Double] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
    ]

    /// An axis of seconds with at most `mostTicks` ticks, on whole minutes where it is long enough.
    static func time(from low: Double, to high: Double, mostTicks: Int) -> PlotScale {
        let (low, high) = high > low ? (low, high) : (low - 1, low + 1)
        let least = (high - low) / Double(mostTicks)
        let step = timeSteps.first { $0 >= least } ?? (least / 86_400).rounded(.up) * 86_400
        return PlotScale(low: low, high: high, ticks: multiples(of: step, from: low, to: high), step: step)
    }

    /// Some of a time axis' ticks, in regular steps, zero among them if it is on the axis.
    func ticks(atMost most: Int) -> [Double] {
        let least = (high - low) / Double(most)
        guard let step = Self.timeSteps.first(where: { $0 >= least && $0.remainder(dividingBy: step) == 0 }) else {
            return ticks.filter { $0 == 0 }
        }
        return Self.multiples(of: step, from: low, to: high)
    }

    /// The label of a moment on this axis, in the largest unit of which all its ticks are whole numbers: −30 s and +90 s
    /// beside each other, or +1 min and +2 min. Short, so that it has room.
    func timeLabel(_ seconds: Double) -> String {
        let (unit, name): (Double, String) =
            switch step {
            case _ where step.remainder(dividingBy: 3600) == 0: (3600, "h")
            case _ where step.remainder(dividingBy: 60) == 0: (60, "min")
            default: (1, "s")
            }
        let number = NumberText.fixed(abs(seconds) / unit, places: 0)
        return number == "0" ? "0 \(name)" : (seconds < 0 ? "−" : "+") + "\(number) \(name)"
    }

    /// The multiples of `step` within the bounds; a step is a fifth or so of their distance, so they are few.
    private static func multiples(of step: Double, from low: Double, to high: Double) -> [Double] {
        let first = (low / step - 1e-9).rounded(.up)
        let last = (high / step + 1e-9).rounded(.down)
        guard last >= first, last - first < 100 else { return [] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }
}
