// The statistics functions against SciPy, to 1e-9 relative: a tail of 1e-200 has to be as exact as one of 0.1.

import Glibc
import Testing

@testable import Canary

@Suite struct StatisticsTests {
    private static let functions: [String: @Sendable ([Double]) -> Double] = [
        "logGamma": { logGamma($0[0]) },
        "beta": { regularizedIncompleteBeta(x: $0[0], y: 1 - $0[0], a: $0[1], b: $0[2]) },
        "studentT": { StudentT(degreesOfFreedom: $0[1]).survival($0[0]) },
        "fSurvival": { FDistribution(numerator: $0[1], denominator: $0[2]).survival($0[0]) },
        "fQuantile": quantile,
        "betaBinomial": survival,
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

    /// The f at which the survival function of F has what is left of a probability, by bisection over ln f.
    @Sendable private static func quantile(_ arguments: [Double]) -> Double {
        let law = FDistribution(numerator: arguments[1], denominator: arguments[2])
        var (low, high) = (-700.0, 700.0)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            // The smaller tail, which is the survival function of 1/F where that is the lower one.
            let isBelow =
                arguments[0] > 0.5
                ? law.survival(exp(middle)) > 1 - arguments[0]
                : FDistribution(numerator: arguments[2], denominator: arguments[1]).survival(exp(-middle))
                    < arguments[0]
            if isBelow { low = middle } else { high = middle }
        }
        return exp((low + high) / 2)
    }

    /// P(X ≥ k) of a beta-binomial count, summed up from the smallest of its terms.
    @Sendable private static func survival(_ arguments: [Double]) -> Double {
        let (least, trials) = (Int(arguments[0]), Int(arguments[1]))
        guard least <= trials else { return 0 }
        var probabilities = [Double](repeating: 0, count: trials + 1)
        BetaBinomial(trials: trials, alpha: arguments[2], beta: arguments[3])
            .addProbabilities(to: &probabilities, weight: 1)
        return min(probabilities[max(least, 0)...].reversed().reduce(0, +), 1)
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
}
