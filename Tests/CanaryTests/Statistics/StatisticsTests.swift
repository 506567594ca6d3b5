// The statistics functions against SciPy, to 1e-9 relative: a tail of 1e-200 has to be as exact as one of 0.1.

import Testing

@testable import Canary

@Suite struct StatisticsTests {
    private static let functions: [String: @Sendable ([Double]) -> Double] = [
        "logGamma": { logGamma($0[0]) },
        "beta": { regularizedIncompleteBeta(x: $0[0], y: 1 - $0[0], a: $0[1], b: $0[2]) },
        "studentT": { StudentT(degreesOfFreedom: $0[1]).survival($0[0]) },
        "fSurvival": { FDistribution(numerator: $0[1], denominator: $0[2]).survival($0[0]) },
        "fQuantile": { FDistribution(numerator: $0[1], denominator: $0[2]).quantile($0[0]) },
        "betaBinomial": { BetaBinomial(trials: Int($0[1]), alpha: $0[2], beta: $0[3]).survival(atLeast: Int($0[0])) },
        "negativeBinomial": { NegativeBinomial(shape: $0[1], mean: $0[2]).survival($0[0]) },
        "digamma": { digamma($0[0]) },
        "trigamma": { trigamma($0[0]) },
        "inverseTrigamma": { inverseTrigamma($0[0]) },
        "normal": { Normal.survival($0[0]) },
        "normalQuantile": { Normal.upperQuantile($0[0]) },
    ]

    /// A function, its arguments and its value by SciPy in each row. scripts/statistics-values writes them.
    private static func values() throws -> [[Substring]] { try dataLines("statistics-values.txt") }

    @Test("all of SciPy's values are there, and each belongs to a function")
    func allValues() throws {
        let values = try Self.values()
        #expect(values.count == 1088)
        #expect(Set(values.map { String($0[0]) }) == Set(Self.functions.keys))
    }

    @Test(arguments: functions.keys.sorted())
    func isWhatSciPySays(_ name: String) throws {
        let function = try #require(Self.functions[name])
        let rows = try Self.values().filter { $0[0] == name }
        #expect(rows.count >= 10)
        for row in rows {
            let numbers = row.dropFirst().compactMap { Double($0) }
            try #require(numbers.count == row.count - 1)
            let expected = numbers[numbers.count - 1]
            let found = function(Array(numbers.dropLast()))
            #expect(abs(found - expected) <= 1e-9 * abs(expected), "\(row.joined(separator: " ")): \(found)")
        }
    }

    @Test func logGammaIsExactAboutItsZeros() {
        // Γ(1 + ε) ≈ 1 − γ ε
        #expect(abs(logGamma(1 + 1e-7) / -5.772156649e-8 - 1) < 1e-6)
    }

    @Test func theTwoTailsOfAStudentTAndOfACountAddUpToOne() {
        for t in [0.1, 1.7, 5] {
            let law = StudentT(degreesOfFreedom: 4.5)
            #expect(abs(law.survival(t) + law.survival(-t) - 1) < 1e-14)
        }
        let count = NegativeBinomial(shape: 2, mean: 9)
        #expect(abs(count.survival(4) + count.cumulative(4) - 1) < 1e-14)
    }

    @Test(arguments: [(3.0, 0.0025), (97, 0.0025), (12, 1e-9), (2, 0.3)])
    func theStudentQuantileHasTheTailItWasAskedFor(degreesOfFreedom: Double, tail: Double) {
        let law = StudentT(degreesOfFreedom: degreesOfFreedom)
        #expect(abs(law.survival(law.upperQuantile(tail)) / tail - 1) < 1e-9)
    }
}
