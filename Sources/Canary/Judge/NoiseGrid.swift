// Computes, once for each shape of series, what every noise model needs: its part of the restricted likelihood, and the
// weights that make one number of a complete series, the size of its step at the flip. Most pushes have the same shape,
// so results are kept. GaugeTest and Detection ask for it, from any thread.

import Glibc
import Synchronization

/// The shape of a recording's series.
struct SeriesShape: Hashable {
    var before: Int
    /// Samples' time between base line and flip.
    var gap = 0
    var settle: Int
    var after: Int
    var moments: Int { before + gap + after }
    /// The samples that a step is estimated from: all but those while caches are cold.
    func isCounted(_ moment: Int) -> Bool { moment < before || moment >= before + gap + settle }
}

/// Every candidate's pieces for one shape.
struct NoiseGrid {
    /// One noise model's pieces.
    struct Entry {
        var model: NoiseModel
        /// P with y'Py the restricted sum of squares of a complete series: V⁻¹ − V⁻¹11'V⁻¹ / 1'V⁻¹1, row by row.
        /// Empty where series are so long, or have a gap, that the filter is cheaper.
        var projection: [Double]
        /// ln |V| + ln 1'V⁻¹1.
        var logDeterminant: Double
        /// A complete series' step and its level are its products with these. Empty as above.
        var stepWeights: [Double]
        var levelWeights: [Double]
        /// The step's variance, in units of a sample's.
        var stepVariance: Double
    }

    let shape: SeriesShape
    let entries: [Entry]

    /// The longest series whose projections are kept: 28 models × 128² × 8 bytes are 3.7 MB.
    static let longestProjected = 128
    private static let mostShapes = 64
    private static let known = Mutex<[SeriesShape: NoiseGrid]>([:])

    /// The grid for a shape, computed when it is asked for first.
    static func of(_ shape: SeriesShape) -> NoiseGrid {
        if let grid = known.withLock({ $0[shape] }) { return grid }
        let grid = NoiseGrid(shape)
        known.withLock {
            if $0.count >= mostShapes { $0.removeAll() }
            $0[shape] = grid
        }
        return grid
    }

    private init(_ shape: SeriesShape) {
        self.shape = shape
        entries = NoiseModel.candidates.map { model in
            let moments = shape.moments
            let all = model.filter(moments) { _ in true }
            let ones = all.whiten { _ in 1 }
            let whole = dot(ones, ones)
            var projection: [Double] = []
            // No series with a gap is complete.
            let isShort = moments <= Self.longestProjected && shape.gap == 0
            if isShort {
                let columns = (0..<moments).map { column in all.whiten { $0 == column ? 1 : 0 } }
                let sums = columns.map { dot($0, ones) }
                projection.reserveCapacity(moments * moments)
                for row in 0..<moments {
                    for column in 0..<moments {
                        projection.append(dot(columns[row], columns[column]) - sums[row] * sums[column] / whole)
                    }
                }
            }
            let step = StepEstimator(model, shape) { _ in true }
            return Entry(
                model: model, projection: projection, logDeterminant: all.logDeterminant + log(whole),
                stepWeights: isShort ? (0..<moments).map { moment in step.step { $0 == moment ? 1 : 0 } } : [],
                levelWeights: isShort ? (0..<moments).map { moment in step.level { $0 == moment ? 1 : 0 } } : [],
                stepVariance: step.variance)
        }
    }
}

/// The generalised-least-squares estimate of a step at the flip in one series, its level left free.
struct StepEstimator {
    /// Var(step), in units of a sample's; infinite where there are no samples on one side of the flip.
    let variance: Double
    private let counted: NoiseModel.Filter
    private let level: [Double]
    private let step: [Double]
    private let determinant: Double

    init(_ model: NoiseModel, _ shape: SeriesShape, isObserved: (Int) -> Bool) {
        counted = model.filter(shape.moments) { shape.isCounted($0) && isObserved($0) }
        level = counted.whiten { _ in 1 }
        step = counted.whiten { $0 >= shape.before ? 1 : 0 }
        determinant = dot(level, level) * dot(step, step) - dot(level, step) * dot(level, step)
        variance = determinant > 1e-12 ? dot(level, level) / determinant : .infinity
    }

    /// (X'V⁻¹X)⁻¹X'V⁻¹y for the step, with X = (1, [after the flip]).
    func step(_ value: (Int) -> Double) -> Double { solved(for: step, beside: level, value) }

    /// The same for the level, which the step leaves free.
    func level(_ value: (Int) -> Double) -> Double { solved(for: level, beside: step, value) }

    private func solved(for column: [Double], beside other: [Double], _ value: (Int) -> Double) -> Double {
        let whitened = counted.whiten(value)
        return (dot(other, other) * dot(column, whitened) - dot(level, step) * dot(other, whitened)) / determinant
    }
}
