// Divides the significance among the looks of a window: little for each early look, nearly all for the last. The judge
// looks after every sample, so that a very bad release goes back at once.

import Glibc
import Synchronization

/// The share of the significance at each look of a comparison, so that all looks together spend no more than all of it.
///
/// Haybittle and Peto's rule (Haybittle 1971, Peto and others 1976): the same small share at each early look. What early
/// looks spend is mostly spent by the last one as well, since they see the same samples: how much of it the last look may
/// have is computed for a statistic with independent increments, by the recursive integration of Armitage, McPherson and
/// Rowe (1969).
package struct LookSchedule: Sendable {
    /// The first sample after which there is a look, and the last.
    let first: Int
    let planned: Int
    /// The share of the significance at each look before the last, and at the last.
    package let early: Double
    package let last: Double

    /// A twelfth of the significance at each early look: 0.0008 of 0.01.
    private static let usualEarly = 1.0 / 12
    /// No more than this share is spent early, however many looks there are.
    private static let mostEarly = 0.5
    /// The significance of one of several metrics, for which the looks are computed; the shares hardly depend on it.
    private static let metrics = 4.0

    private struct Key: Hashable {
        var before, settle, planned: Int
        var significance: Double
    }
    private static let mostKnown = 64
    private static let known = Mutex<[Key: LookSchedule]>([:])

    package static func of(before: Int, settle: Int, planned: Int, significance: Double) -> LookSchedule {
        let key = Key(before: before, settle: settle, planned: planned, significance: significance)
        if let schedule = known.withLock({ $0[key] }) { return schedule }
        let schedule = LookSchedule(before: before, settle: settle, planned: planned, level: significance / metrics)
        known.withLock {
            if $0.count >= mostKnown { $0.removeAll() }
            $0[key] = schedule
        }
        return schedule
    }

    /// The share of the significance that a look after `samples` samples has.
    func share(after samples: Int) -> Double { samples >= planned ? last : samples >= first ? early : 0 }

    /// `level` is the significance of one test, in one direction.
    private init(before: Int, settle: Int, planned: Int, level: Double) {
        first = settle + 1
        self.planned = planned
        guard planned > settle + 1, before > 0, level > 0, level < 0.5 else {
            early = 0
            last = 1
            return
        }
        // The share of the last look's information that a look has, for white noise: what persists correlates looks
        // more, and then less is spent.
        let information = (1...planned - settle).map { 1 / (1 / Double(before) + 1 / Double($0)) }
        let fractions = information.map { $0 / information[information.count - 1] }
        var early = Self.usualEarly
        var crossing = Crossing(fractions, early: early * level)
        if crossing.early > Self.mostEarly * level {
            var low = log(early / 1e4)
            var high = log(early)
            for _ in 0..<12 {
                early = exp((low + high) / 2)
                crossing = Crossing(fractions, early: early * level)
                if crossing.early > Self.mostEarly * level { high = log(early) } else { low = log(early) }
            }
            early = exp(low)
            crossing = Crossing(fractions, early: early * level)
        }
        var low = 0.0
        var high = 1.0
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if crossing.early + crossing.last(middle * level) <= level { low = middle } else { high = middle }
        }
        self.early = early
        last = low
    }

    /// The chance to cross a bound at some look of a Brownian motion that is looked at after shares of its time.
    private struct Crossing {
        private(set) var early = 0.0
        /// The density of the motion where no look crossed, just before the last look, at `points`.
        private var density: [Double] = []
        private let points: [Double]
        private var deviation = 0.0
        private static let step = 0.02
        private static let reach = 6.0

        init(_ fractions: [Double], early level: Double) {
            let bound = Normal.upperQuantile(level)
            let size = Int(2 * Self.reach / Self.step)
            points = (0..<size).map { -Self.reach + (Double($0) + 0.5) * Self.step }
            var time = 0.0
            for fraction in fractions.dropLast() {
                deviation = (fraction - time).squareRoot()
                let limit = bound * fraction.squareRoot()
                if time == 0 {
                    early = level
                    density = points.map { $0 < limit ? Normal.density($0 / deviation) / deviation : 0 }
                } else {
                    early += tail(above: limit)
                    density = moved(below: limit)
                }
                time = fraction
            }
            deviation = (1 - time).squareRoot()
        }

        /// The chance to stand above `level`'s bound at the last look, not having crossed before.
        func last(_ level: Double) -> Double {
            level > 0 ? tail(above: Normal.upperQuantile(level)) : 0
        }

        private func tail(above limit: Double) -> Double {
            var sum = 0.0
            for (index, value) in density.enumerated() where value > 0 {
                sum += value * Normal.survival((limit - points[index]) / deviation)
            }
            return sum * Self.step
        }

        /// The density one look later, cut off at the bound.
        private func moved(below limit: Double) -> [Double] {
            let width = min(Int(8 * deviation / Self.step) + 1, density.count - 1)
            // Shares of a step's probability rather than the density at its middle, so that short steps stay exact.
            let kernel = (-width...width).map { offset in
                Normal.survival((Double(offset) - 0.5) * Self.step / deviation)
                    - Normal.survival((Double(offset) + 0.5) * Self.step / deviation)
            }
            return points.indices.map { target in
                guard points[target] < limit else { return 0 }
                var sum = 0.0
                for source in max(0, target - width)...min(points.count - 1, target + width) {
                    sum += density[source] * kernel[target - source + width]
                }
                return sum
            }
        }
    }
}
