// Chooses the noise model that fits the controls best, by restricted maximum likelihood over a grid of models. The
// fleet's common course and the hosts' own levels are removed first. GaugeTest and Detection call it.

import Glibc

/// The noise model that was chosen.
struct NoiseFit {
    var entry: NoiseGrid.Entry
    /// The variance of one sample about its host's level.
    var sampleVariance: Double

    /// The fleet's common course, moment by moment: the median over the hosts.
    var course: [Double]
    /// Whether the hosts do not waver at all.
    var isFlat: Bool

    private static let flat = 1e-12
    /// Hosts that waver this much more than the median host (in variance) are left out: they are sick.
    private static let mostVariance = 16.0

    /// From the levels of `hosts`, which need two samples each. Nil where nothing wavers can be seen: no host.
    init?(_ levels: SampleTable, hosts: [Int], grid: NoiseGrid) {
        let moments = levels.moments
        var series = hosts.compactMap { host -> [Double]? in
            guard let level = levels.mean(host, 0..<levels.before) else { return nil }
            return levels.row(host).map { $0 - level }
        }
        course = Self.removeCommonCourse(&series, moments)
        let squares = series.map { row in
            let there = row.filter { !$0.isNaN }
            return there.isEmpty ? 0 : dot(there, there) / Double(there.count)
        }
        guard !series.isEmpty else { return nil }
        var sorted = squares
        let most = Self.mostVariance * median(&sorted) + 1e-12
        let good = series.indices.filter { squares[$0] <= most }.map { series[$0] }

        let isComplete = good.map { row in !row.contains(where: \.isNaN) && !grid.entries[0].projection.isEmpty }
        let complete = zip(good, isComplete).filter(\.1).map(\.0)
        let incomplete = zip(good, isComplete).filter { !$0.1 }.map(\.0)
        // Long series have no projection: none is complete then.
        let gram = complete.isEmpty ? [] : Self.gram(complete, moments)
        let contrasts =
            Double(complete.count * (moments - 1))
            + incomplete.reduce(0) { $0 + Double($1.count { !$0.isNaN } - 1) }
        // One host's worth of freedom went into the common course.
        let shrink = Double(max(good.count - 1, 1)) / Double(good.count)

        var best: (likelihood: Double, entry: NoiseGrid.Entry, squares: Double)?
        for entry in grid.entries {
            var squares = complete.isEmpty ? 0 : dot(entry.projection, gram)
            var determinant = Double(complete.count) * entry.logDeterminant
            for row in incomplete {
                let part = row.withUnsafeBufferPointer { entry.model.restricted($0) }
                squares += part.squares
                determinant += part.logDeterminant
            }
            let likelihood = -0.5 * (contrasts * log(squares + 1e-12) + determinant)
            if best.map({ likelihood > $0.likelihood }) ?? true { best = (likelihood, entry, squares) }
        }
        guard let best, contrasts > 0 else { return nil }
        sampleVariance = best.squares / (contrasts * shrink)
        isFlat = sampleVariance < Self.flat
        // Nothing was there to choose a model by.
        entry = isFlat ? grid.entries[0] : best.entry
    }

    /// Takes from every series the median over the hosts at each moment, then its own mean. Returns the medians.
    private static func removeCommonCourse(_ series: inout [[Double]], _ moments: Int) -> [Double] {
        var column: [Double] = []
        column.reserveCapacity(series.count)
        var course = [Double](repeating: 0, count: moments)
        for moment in 0..<moments {
            column.removeAll(keepingCapacity: true)
            for row in series where !row[moment].isNaN { column.append(row[moment]) }
            course[moment] = median(&column)
        }
        for index in series.indices {
            var sum = 0.0
            var count = 0.0
            for moment in 0..<moments where !series[index][moment].isNaN {
                series[index][moment] -= course[moment]
                sum += series[index][moment]
                count += 1
            }
            let mean = sum / count
            for moment in 0..<moments { series[index][moment] -= mean }
        }
        return course
    }

    /// Σ y y' over complete series, row by row.
    private static func gram(_ series: [[Double]], _ moments: Int) -> [Double] {
        var gram = [Double](repeating: 0, count: moments * moments)
        gram.withUnsafeMutableBufferPointer { gram in
            for row in series {
                row.withUnsafeBufferPointer { row in
                    for i in 0..<moments {
                        let factor = row[i]
                        // The half above the diagonal; the other is its mirror.
                        for j in i..<moments { gram[i * moments + j] += factor * row[j] }
                    }
                }
            }
            for i in 0..<moments {
                for j in 0..<i { gram[i * moments + j] = gram[j * moments + i] }
            }
        }
        return gram
    }
}
