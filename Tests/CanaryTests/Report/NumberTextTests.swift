// Numbers and times as people read them.

import Testing

@testable import Canary

@Suite struct NumberTextTests {
    @Test(
        arguments: [
            (0, "0"), (14, "14.0"), (0.4, "0.40"), (0.0412, "0.041"), (2.306, "2.31"), (9.996, "10.0"), (99.96, "100"),
            (1240.4, "1,240"), (1_234_567, "1,234,567"), (-41.26, "−41.3"), (0.0031, "0.0031"), (3.14e-7, "3.1e-7"),
            (2e12, "2e12"), (.nan, "–"), (-.infinity, "–"), (0.9996, "1.00"),
        ] as [(Double, String)])
    func levels(value: Double, expected: String) { #expect(NumberText.level(value) == expected) }

    @Test(
        arguments: [
            (0.43, "0.43"), (0.013, "0.013"), (0.0025, "0.0025"), (0.00025, "2.5e-4"), (2e-9, "2e-9"),
            (2.04e-9, "2e-9"),
            (9.97e-10, "1e-9"), (.leastNonzeroMagnitude, "4.9e-324"), (0, "0"), (1, "1.00"), (-0.1, "–"), (1.5, "–"),
            (.nan, "–"),
            (0.00096, "0.0010"), (0.0998, "0.10"),
        ] as [(Double, String)])
    func probabilities(p: Double, expected: String) { #expect(NumberText.probability(p) == expected) }

    @Test(
        arguments: [
            (0.99, "nearly always"), (0.31, "3 in 10"), (0.12, "1 in 8"), (0.0125, "1 in 80"),
            (2e-9, "1 in 500 million"),
            (1e-10, "1 in 10 thousand million"), (0, "less than 1 in a thousand million million"), (.nan, "–"),
        ] as [(Double, String)])
    func odds(p: Double, expected: String) { #expect(NumberText.odds(p) == expected) }

    @Test(
        arguments: [
            (0.32, "+32 %"), (-0.04, "−4 %"), (0.004, "+0.4 %"), (0, "± 0 %"), (-0.0001, "± 0 %"), (1.99, "+199 %"),
            (2.4, "× 3.4"), (34, "× 35"), (.infinity, "from nothing"), (.nan, "–"), (-1, "−100 %"),
        ] as [(Double, String)])
    func changes(effect: Double, expected: String) { #expect(NumberText.change(effect) == expected) }

    @Test(arguments: [(0.1, "10 %"), (0.025, "2.50 %"), (0.01, "1 %"), (.infinity, "–")] as [(Double, String)])
    func shares(share: Double, expected: String) { #expect(NumberText.percent(share) == expected) }

    @Test(
        arguments: [
            (0, "0 s"), (0.31, "0.3 s"), (5, "5 s"), (9.96, "10 s"), (59.7, "1 min"), (200, "3 min 20 s"),
            (3_600, "1 h"), (7_505, "2 h 5 min"), (-1, "–"), (.nan, "–"), (.infinity, "–"),
        ] as [(Double, String)])
    func durations(seconds: Double, expected: String) { #expect(NumberText.duration(seconds) == expected) }

    @Test(arguments: [(-30, "−30 s"), (0, "0 s"), (150, "+2 min 30 s")] as [(Double, String)])
    func offsets(seconds: Double, expected: String) { #expect(NumberText.offset(seconds) == expected) }

    @Test(
        arguments: [
            (0, "1970-01-01", "00:00:00"), (951_827_696.9, "2000-02-29", "12:34:56"),
            (1_795_521_784, "2026-11-24", "12:03:04"),
            (4_107_542_399, "2100-02-28", "23:59:59"), (4_107_542_400, "2100-03-01", "00:00:00"), (-1, "–", "–"),
            (.nan, "–", "–"), (1e300, "–", "–"),
        ] as [(Double, String, String)])
    func moments(unixTime: Double, date: String, clock: String) {
        let moment = NumberText.moment(unixTime)
        #expect(moment.date == date)
        #expect(moment.clock == clock)
    }

    @Test(
        arguments: [(12.345, "12.35"), (-0.1, "-0.1"), (100, "100"), (0.004, "0"), (.nan, "0")] as [(Double, String)])
    func attributesHavePlainNumbers(value: Double, expected: String) { #expect(NumberText.plain(value) == expected) }

    @Test func countsAreGrouped() {
        #expect(NumberText.count(9_859, "file") == "9,859 files")
        #expect(NumberText.count(1, "file") == "1 file")
        #expect(NumberText.count(UInt64.max) == "18,446,744,073,709,551,615")
    }
}
