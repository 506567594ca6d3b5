// The course of one metric over a whole fleet: for each moment the sum over all hosts that were sampled, and the sum
// that their base lines predict. So a host that is missing at times changes nothing. FleetGuard calls it.

import Glibc

/// A metric's sums over hosts, moment by moment.
struct FleetCourse {
    private let kind: Metric.Kind
    /// The sum over hosts, the sum of the same hosts' base-line means, and how many they are.
    private var seen: [Double]
    private var expected: [Double]
    private var hosts: [Double]

    init(_ table: SampleTable, kind: Metric.Kind) {
        self.kind = kind
        seen = [Double](repeating: 0, count: table.moments)
        expected = seen
        hosts = seen
        let base = (0..<table.hosts).map { table.sum($0, 0..<table.before) }
        let samples = base.reduce(0) { $0 + $1.count }
        // A host's own count of rare events says little of it: counters expect of every host what the fleet shows.
        let rate = base.reduce(0) { $0 + $1.sum } / Double(max(samples, 1))
        for host in 0..<table.hosts where base[host].count > 0 {
            let level = kind == .gauge ? base[host].sum / Double(base[host].count) : rate
            for moment in 0..<table.moments {
                let value = table[host, moment]
                guard !value.isNaN else { continue }
                seen[moment] += value
                expected[moment] += level
                hosts[moment] += 1
            }
        }
    }

    /// What was seen in a range and what the base line would have given; nil where nothing was.
    func total(_ range: Range<Int>) -> (seen: Double, expected: Double)? {
        guard range.contains(where: { hosts[$0] > 0 }) else { return nil }
        return (range.reduce(0) { $0 + seen[$1] }, range.reduce(0) { $0 + expected[$1] })
    }

    /// At how many moments of a range any host was sampled.
    func samples(_ range: Range<Int>) -> Double { Double(range.count { hosts[$0] > 0 }) }

    /// The mean of a sample in a range.
    func mean(_ range: Range<Int>) -> Double? {
        let count = range.reduce(0) { $0 + hosts[$1] }
        return count > 0 ? range.reduce(0) { $0 + seen[$1] } / count : nil
    }

    /// The logarithm of one range's level over another's; half an event more on either side keeps counts finite. Nil
    /// where less than half of a range was sampled.
    func logRatio(_ range: Range<Int>, _ other: Range<Int>) -> Double? {
        guard range.lowerBound >= 0, range.upperBound <= hosts.count, !other.isEmpty,
            2 * samples(range) >= Double(range.count), 2 * samples(other) >= Double(other.count),
            let first = total(range), let second = total(other), first.expected > 0, second.expected > 0
        else { return nil }
        let more = kind == .counter ? 0.5 : 0
        let left = (first.seen + more) / (first.expected + more)
        let right = (second.seen + more) / (second.expected + more)
        return left > 0 && right > 0 ? log(left / right) : nil
    }

    /// How the level after a moment, settling time left out, differs from the level before it.
    func jump(at moment: Int, settle: Int, width: Int) -> Double? {
        logRatio(moment + settle..<moment + settle + width, moment - width..<moment)
    }

    /// The root mean square of the jumps within a range; nil where it is too short for one.
    func usualJump(in range: Range<Int>, settle: Int, width: Int) -> Double? {
        let jumps = stride(from: width, through: range.count - settle - width, by: 1).compactMap {
            jump(at: range.lowerBound + $0, settle: settle, width: width)
        }
        guard !jumps.isEmpty else { return nil }
        return (jumps.reduce(0) { $0 + $1 * $1 } / Double(jumps.count)).squareRoot()
    }

    /// Whether events in a range are more (`sign` 1) or fewer than chance brings at the base line's rate: given its
    /// events, those later are negative binomial. Of gauges nothing is asked.
    func isBeyondChance(_ range: Range<Int>, _ base: Range<Int>, chance: Double, sign: Double) -> Bool {
        guard kind == .counter, let before = total(base), let now = total(range) else { return kind == .gauge }
        let share = range.reduce(0) { $0 + hosts[$1] } / max(base.reduce(0) { $0 + hosts[$1] }, 1)
        let law = NegativeBinomial(shape: before.seen + 0.5, mean: (before.seen + 0.5) * share)
        return (sign > 0 ? law.survival(now.seen.rounded() - 1) : law.cumulative(now.seen.rounded())) < chance
    }
}
