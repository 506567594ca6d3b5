// Numbers, counts and shares as people read them, and shares as they write them.

import Testing

@testable import SlotSync

@Suite("Numbers as text")
struct NumberTextTests {
    @Test(
        arguments: [
            (0, "0"), (14, "14.0"), (0.4, "0.40"), (0.0412, "0.041"), (2.306, "2.31"), (9.996, "10.0"), (99.96, "100"),
            (1240.4, "1,240"), (1_234_567, "1,234,567"), (-41.26, "−41.3"), (0.0031, "0.0031"), (3.14e-7, "3.1e-7"),
            (2e12, "2e12"), (.nan, "–"), (-.infinity, "–"), (0.9996, "1.00"), (2.675, "2.68"), (-2.5e-9, "−2.5e-9"),
            (.greatestFiniteMagnitude, "1.8e308"),
        ] as [(Double, String)])
    func levels(value: Double, expected: String) { #expect(NumberText.level(value) == expected) }

    @Test(
        arguments: [
            (0, "0"), (2.5, "2.5"), (3, "3"), (0.08, "0.08"), (1240.4, "1,240"), (12_345, "12,300"), (2e-6, "2e-6"),
            (.nan, "–"),
        ] as [(Double, String)])
    func shortNumbers(value: Double, expected: String) { #expect(NumberText.shortest(value, digits: 3) == expected) }

    @Test(
        arguments: [
            (3.1, 2, "3.10"), (-0.5, 1, "−0.5"), (-0.04, 1, "0.0"), (1234.5, 0, "1,235"),
            (999_999.96, 1, "1,000,000.0"),
            (1e15, 1, "1e15"), (.infinity, 1, "–"),
        ] as [(Double, Int, String)])
    func fixedPlaces(value: Double, places: Int, expected: String) {
        #expect(NumberText.fixed(value, places: places) == expected)
    }

    @Test(
        arguments: [
            (0.43, "0.43"), (0.013, "0.013"), (0.0025, "0.0025"), (0.00025, "2.5e-4"), (2e-9, "2e-9"),
            (2.04e-9, "2e-9"),
            (9.97e-10, "1e-9"), (.leastNonzeroMagnitude, "5e-324"), (0, "0"), (1, "1.00"), (-0.1, "–"), (1.5, "–"),
            (.nan, "–"), (0.00096, "9.6e-4"), (0.0998, "0.10"), (0.01, "0.01"), (0.001, "0.001"),
        ] as [(Double, String)])
    func probabilities(p: Double, expected: String) { #expect(NumberText.probability(p) == expected) }

    @Test(
        arguments: [
            (0.99, "nearly always"), (0.31, "3 in 10"), (0.12, "1 in 8"), (0.0125, "1 in 80"),
            (2e-9, "1 in 500 million"), (1e-10, "1 in 10 thousand million"),
            (0, "less than 1 in a thousand million million"), (.nan, "–"),
        ] as [(Double, String)])
    func odds(p: Double, expected: String) { #expect(NumberText.odds(p) == expected) }

    @Test(
        arguments: [
            (0.32, "+32 %"), (-0.04, "−4 %"), (0.045, "+4.5 %"), (0.004, "+0.4 %"), (0, "± 0 %"), (-0.0001, "± 0 %"),
            (1.99, "+199 %"), (2, "× 3"), (2.4, "× 3.4"), (34, "× 35"), (.infinity, "from nothing"), (.nan, "–"),
            (-1, "−100 %"),
        ] as [(Double, String)])
    func changes(effect: Double, expected: String) { #expect(NumberText.change(effect) == expected) }

    @Test(
        arguments: [
            (5, "× 5"), (9.96, "× 10"), (1.05, "× 1.1"), (0.412, "× 0.41"), (0.5, "× 0.5"), (1240, "× 1,240"),
            (.infinity, "–"),
        ] as [(Double, String)])
    func factors(factor: Double, expected: String) { #expect(NumberText.factor(factor) == expected) }

    @Test(
        arguments: [
            (0.1, "10 %"), (0.025, "2.5 %"), (0.01, "1 %"), (0.0008, "0.08 %"), (1.0 / 3, "33.3 %"), (10, "1,000 %"),
            (.infinity, "–"),
        ] as [(Double, String)])
    func shares(share: Double, expected: String) { #expect(NumberText.percent(share) == expected) }

    @Test(
        "a share is read as a percentage, or as a part of one",
        arguments: [
            ("10%", 0.1), ("0.5%", 0.005), (".5%", nil), ("1000%", 10), ("0%", 0), ("0.1", 0.1), ("1", 1), ("0", 0),
            ("10", nil), ("1.01", nil), ("", nil), ("%", nil), ("10 %", nil), ("-1%", nil), ("1e-2", nil),
            ("0.1.2", nil),
            ("inf", nil), ("0.1%%", nil),
        ] as [(String, Double?)])
    func readingShares(text: String, share: Double?) { #expect(NumberText.share(in: text) == share) }

    @Test("a share reads back as it was written")
    func sharesReadBack() {
        for thousandths in 0...1000 {
            let share = Double(thousandths) / 1000
            let text = NumberText.percent(share).filter { $0 != " " }
            #expect(NumberText.share(in: text) == share)
        }
    }

    @Test func countsAreGrouped() {
        #expect(NumberText.count(9_859, "file") == "9,859 files")
        #expect(NumberText.count(1, "file") == "1 file")
        #expect(NumberText.count(0, "file") == "0 files")
        #expect(NumberText.count(3, "canary", plural: "canaries") == "3 canaries")
        #expect(NumberText.count(999) == "999")
        #expect(NumberText.count(-1_234) == "−1,234")
        #expect(NumberText.count(UInt64.max) == "18,446,744,073,709,551,615")
    }
}
