// A number as the decimal digits that a person reads or writes. Rounding takes place on these, so 2.675 becomes 2.68,
// whatever binary number stands for it. Called by the other files of this folder, and by tables that align their numbers.

/// `significand` × 10^`exponent`, with its sign.
package struct DecimalNumber: Hashable, Sendable, CustomStringConvertible {
    package let isNegative: Bool
    /// Without zeros at its end, but for those before the point.
    package let significand: UInt64
    package let exponent: Int

    /// The most digits that are read.
    package static let mostDigits = 18

    /// - Parameter significand: At most 10^19.
    package init(isNegative: Bool = false, significand: UInt64, exponent: Int) {
        var (significand, exponent) = (significand, significand == 0 ? 0 : exponent)
        while exponent < 0, significand.isMultiple(of: 10) {
            significand /= 10
            exponent += 1
        }
        self.significand = significand
        self.exponent = exponent
        self.isNegative = isNegative && significand > 0
    }

    /// The shortest digits that tell `value` from its neighbours; nil for what is not finite.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        // The library writes `12.5`, `1e-05` and `1.5e+20`, with 18 digits at most.
        let parts = value.magnitude.description.split(separator: "e")
        guard let number = DecimalNumber(reading: parts[0]), let exponent = Int(parts.count > 1 ? parts[1] : "0")
        else { return nil }
        let size = number.scaled(byTenTo: exponent)
        self.init(isNegative: value < 0, significand: size.significand, exponent: size.exponent)
    }

    /// Reads digits, and a point after the first or none: `2`, `0.05`; nil for anything else (a sign, an exponent) and for
    /// more than ``mostDigits`` significant digits.
    package init?(reading text: some StringProtocol) {
        var significand: UInt64 = 0
        var significantDigits = 0
        var hasDigits = false
        var places: Int?
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: ".") where hasDigits && places == nil: places = 0
            case UInt8(ascii: "0")...UInt8(ascii: "9") where significantDigits < Self.mostDigits:
                significand = 10 * significand + UInt64(byte - UInt8(ascii: "0"))
                significantDigits += significand > 0 ? 1 : 0
                hasDigits = true
                places = places.map { $0 + 1 }
            default: return nil
            }
        }
        guard hasDigits else { return nil }
        self.init(significand: significand, exponent: -(places ?? 0))
    }

    /// The number nearest to these digits.
    package var value: Double {
        let size = Double("\(significand)e\(exponent)") ?? .infinity
        return isNegative ? -size : size
    }

    /// Ten to some power times as much.
    package func scaled(byTenTo power: Int) -> DecimalNumber {
        DecimalNumber(isNegative: isNegative, significand: significand, exponent: exponent + power)
    }

    // MARK: Rounding

    /// How many digits stand before the point; 0 for 0.5, -1 for 0.05.
    package var digitsBeforePoint: Int { significand == 0 ? 0 : String(significand).utf8.count + exponent }

    /// Rounded to so many digits after the point, a half away from zero.
    package func rounded(places: Int) -> DecimalNumber {
        let dropped = -exponent - places
        guard dropped > 0 else { return self }
        guard dropped < 20 else { return DecimalNumber(significand: 0, exponent: 0) }
        let unit = (0..<dropped).reduce(1 as UInt64) { unit, _ in 10 * unit }
        let (quotient, rest) = significand.quotientAndRemainder(dividingBy: unit)
        return DecimalNumber(
            isNegative: isNegative, significand: quotient + (rest >= unit - rest ? 1 : 0), exponent: -places)
    }

    /// Rounded to so many significant digits.
    package func rounded(digits: Int) -> DecimalNumber { rounded(places: digits - digitsBeforePoint) }

    // MARK: Writing

    /// With so many digits after the point: 3.10, -0.5.
    package func fixed(places: Int) -> String {
        let rounded = rounded(places: places)
        var digits = String(rounded.significand)
        if rounded.significand > 0 { digits += String(repeating: "0", count: rounded.exponent + places) }
        digits = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        let whole = (rounded.isNegative ? "-" : "") + digits.dropLast(places)
        return places > 0 ? whole + "." + digits.suffix(places) : whole
    }

    /// All digits, without zeros at the end.
    package var description: String { fixed(places: max(0, -exponent)) }
}
