// The samples of one metric as its plot shows them: hosts gathered into groups, moments gathered into columns.
// MetricPlot draws them.

import Canary
import SlotSync

/// What a plot shows, one value a column; NaN where there is none.
struct PlotColumns: Equatable {
    /// The middle of each column, in seconds after the axis's zero (``PlotCourse/zero``).
    var times: [Double] = []
    /// Each canary, where they are few enough to be told apart; else the canaries' spread.
    var canaries: [Line] = []
    var canarySpread: Spread?
    var canaryMean: [Double] = []
    /// Hosts that had not been flipped at that moment.
    var controls = Spread()
    /// Hosts other than canaries that had been.
    var flipped = Spread()

    struct Line: Equatable {
        var host: String
        var values: [Double]
    }

    /// Where 10 %, the middle and 90 % of a group's hosts are. The middle is the median of a gauge, which one sick host
    /// does not move, and the mean of a counter, whose median is zero as long as most hosts have no event.
    struct Spread: Equatable {
        var low: [Double] = []
        var middle: [Double] = []
        var high: [Double] = []

        var isEmpty: Bool { middle.allSatisfy(\.isNaN) }
    }

    /// The most canaries that are drawn one by one.
    static let mostLines = 15
    /// The most columns: samples beyond that are averaged, since a screen has no more room.
    static let mostColumns = 240
    /// Counters are shown as means of so many seconds.
    static let smoothing = 30.0
    /// Larger samples are taken for missing: no metric means them, and a scale could not hold them.
    private static let largestSample = 1e18

    /// - Parameters:
    ///   - metric: the metric's index among the samples'.
    ///   - hosts: those of the samples, in their order.
    ///   - zero: what is 0 on the axis, in seconds of the push.
    ///   - rollback: when hosts went back, on the axis. No mean reaches across that, nor across a host's own flip.
    init(
        _ samples: SampleLog, metric index: Int, hosts: [RolloutOutcome.HostOutcome], zero: Double,
        rollback: Double? = nil
    ) {
        let isCounter = samples.metrics[index].kind == .counter
        // Counters are shown as events a minute.
        let scale = isCounter && samples.interval > 0 ? 60 / samples.interval : 1
        let columns = Self.columns(of: samples.times.count)
        times = columns.map { Self.mean(samples.times[$0]) - zero }

        var series: [(host: RolloutOutcome.HostOutcome, flip: Double?, values: [Double])] = []
        for (hostIndex, host) in hosts.enumerated() {
            let shown = columns.map { column in
                let values = column.map { samples.value(round: $0, host: hostIndex, metric: index) }
                return Self.mean(values.filter { abs($0) < Self.largestSample }) * scale
            }
            guard !shown.allSatisfy(\.isNaN) else { continue }
            let flip = host.flippedAt.map { $0 - zero }
            let restarts = [flip, rollback].compactMap(\.self)
            series.append((host, flip, isCounter ? Self.smoothed(shown, times: times, restarts: restarts) : shown))
        }

        // One that could not be flipped when the others were shows nothing of the release.
        let isAnyFlipped = hosts.contains { $0.flippedAt != nil }
        let canarySeries = series.filter { $0.host.step == .canaries && ($0.flip != nil || !isAnyFlipped) }
        canaryMean = times.indices.map { column in
            Self.mean(canarySeries.map(\.values[column]).filter { !$0.isNaN })
        }
        if canarySeries.count <= Self.mostLines {
            canaries = canarySeries.map { Line(host: $0.host.host.label, values: $0.values) }
        } else {
            canarySpread = Spread(canarySeries.map(\.values), kind: samples.metrics[index].kind)
        }

        // The same host is a control until its flip, and a flipped host afterwards. What is counted in the moment of the
        // flip happened before it.
        var before: [[Double]] = []
        var after: [[Double]] = []
        for (host, flip, values) in series where host.step != .canaries {
            let flip = flip ?? .infinity
            before.append(zip(times, values).map { $0 <= flip ? $1 : .nan })
            after.append(zip(times, values).map { $0 <= flip ? .nan : $1 })
        }
        controls = Spread(before, kind: samples.metrics[index].kind)
        flipped = Spread(after, kind: samples.metrics[index].kind)
    }

    /// Each value's mean with those of the half minute before it. A rare event is a spike in one sample of 5 s and nothing in
    /// the rest; rates can be compared by eye only over longer times. What is missing stays missing.
    private static func smoothed(_ values: [Double], times: [Double], restarts: [Double]) -> [Double] {
        var first = 0
        var restarts = restarts.sorted()[...]
        return values.indices.map { index in
            while let restart = restarts.first, times[index] > restart {
                first = index
                restarts.removeFirst()
            }
            while times[index] - times[first] >= smoothing { first += 1 }
            return values[index].isNaN ? .nan : mean(values[first...index].filter { !$0.isNaN })
        }
    }

    /// Runs of samples, each of which becomes one column.
    private static func columns(of count: Int) -> [Range<Int>] {
        let size = max(1, (count + mostColumns - 1) / mostColumns)
        return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    private static func mean(_ values: some Collection<Double>) -> Double {
        values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
}

extension PlotColumns.Spread {
    /// A column in words: `0.41 (0 to 1.20)`.
    func text(_ column: Int) -> String {
        guard !middle[column].isNaN else { return NumberText.none }
        let (low, middle, high) = (low[column], middle[column], high[column])
        return "\(NumberText.level(middle)) (\(NumberText.level(low)) to \(NumberText.level(high)))"
    }

    /// - Parameter series: One for each host, all with one value a column.
    fileprivate init(_ series: [[Double]], kind: Metric.Kind) {
        for column in series.first?.indices ?? 0..<0 {
            let values = series.map { $0[column] }.filter { !$0.isNaN }.sorted()
            low.append(Self.quantile(0.1, of: values))
            middle.append(
                kind == .counter && !values.isEmpty
                    ? values.reduce(0, +) / Double(values.count) : Self.quantile(0.5, of: values))
            high.append(Self.quantile(0.9, of: values))
        }
    }

    /// The quantile of sorted values, interpolated between neighbours (R. J. Hyndman and Y. Fan 1996, definition 7); NaN of
    /// none.
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        guard let last = sorted.indices.last else { return .nan }
        let index = share * Double(last)
        let below = Int(index)
        return sorted[below] + (index - Double(below)) * (sorted[min(below + 1, last)] - sorted[below])
    }
}
