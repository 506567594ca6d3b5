// Digits: which number they stand for, how they are rounded and written.

import Testing

@testable import SlotSync

@Suite("Decimal numbers")
struct DecimalNumberTests {
    @Test("every number reads back from its digits")
    func readsBack() throws {
        var random = SeededGenerator(seed: 17)
        var numbers: [Double] = [
            0, 1, -1, 0.1, 1e15, 1e16, 123_456_789_012_345_680, 1e22, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            .pi,
        ]
        while numbers.count < 2_000 {
            let number = Double(bitPattern: random.next())
            if number.isFinite { numbers.append(number) }
        }
        for number in numbers { #expect(DecimalNumber(number)?.value == number) }
        #expect(DecimalNumber(.nan) == nil)
        #expect(DecimalNumber(-.infinity) == nil)
    }

    @Test(
        "plain digits are read, and nothing else",
        arguments: ["", ".", ".5", "-1", "+1", "1e3", "1.2.3", " 1", "1 ", "١"])
    func reading(text: String) { #expect(DecimalNumber(reading: text) == nil) }

    @Test(arguments: [("2", "2"), ("0.050", "0.05"), ("5.", "5"), ("007", "7"), ("0.000", "0")])
    func digits(text: String, shortest: String) { #expect(DecimalNumber(reading: text)?.description == shortest) }

    @Test("more digits than any number needs are refused")
    func bound() {
        #expect(DecimalNumber(reading: String(repeating: "9", count: 18))?.significand == 999_999_999_999_999_999)
        #expect(DecimalNumber(reading: String(repeating: "9", count: 19)) == nil)
        #expect(DecimalNumber(reading: "0.000" + String(repeating: "9", count: 18))?.exponent == -21)
    }

    @Test(
        "a half is rounded away from zero",
        arguments: [
            (12.345, 2, "12.35"), (-12.345, 2, "-12.35"), (0.5, 0, "1"), (0.49, 0, "0"), (-0.1, 0, "0"),
            (99.96, 1, "100.0"),
            (1e-300, 3, "0.000"), (1e18, 2, "1000000000000000000.00"), (7, 3, "7.000"),
        ] as [(Double, Int, String)])
    func rounding(value: Double, places: Int, expected: String) throws {
        #expect(try #require(DecimalNumber(value)).fixed(places: places) == expected)
    }

    @Test(
        arguments: [(1234.5, 3, "1230"), (0.012345, 3, "0.0123"), (9.996, 3, "10"), (5, 3, "5"), (0, 3, "0")]
            as [(Double, Int, String)])
    func significantDigits(value: Double, digits: Int, expected: String) throws {
        #expect(try #require(DecimalNumber(value)).rounded(digits: digits).description == expected)
    }
}
