// Numbers, counts and shares: how people read them, everywhere, and how they write shares. Few digits, thousands
// grouped, a real minus sign. JSON has numbers of its own, and tables that a program reads.

/// Numbers as text, and shares read from it.
package enum NumberText {
    /// What stands where there is no number.
    package static let none = "–"

    // MARK: Numbers

    /// With `places` digits after the point: 3.10, −0.5. Zeros at the end are kept.
    package static func fixed(_ value: Double, places: Int) -> String {
        guard let number = DecimalNumber(value) else { return none }
        return abs(value) < 1e15 ? grouped(number.fixed(places: places)) : exponential(value, digits: 3)
    }

    /// At most so many significant digits, and no zeros at the end: 2.5, 0.08, 1,240. What is very small or large has an
    /// exponent.
    package static func shortest(_ value: Double, digits: Int) -> String {
        guard let number = DecimalNumber(value) else { return none }
        guard value == 0 || (1e-3..<1e9).contains(abs(value)) else { return exponential(value, digits: digits) }
        return grouped(number.rounded(digits: digits).description)
    }

    /// Three significant digits, two below one: 0.041, 0.40, 2.31, 48.0, 1,240. What is very small or large has an
    /// exponent: 3.1e-7.
    package static func level(_ value: Double) -> String {
        guard value.isFinite else { return none }
        guard value != 0 else { return "0" }
        switch abs(value) {
        case ..<0.001, 1e9...: return exponential(value, digits: 2)
        case 99.95...: return fixed(value, places: 0)
        case 9.995...: return fixed(value, places: 1)
        case 0.0995...: return fixed(value, places: 2)
        case 0.00995...: return fixed(value, places: 3)
        default: return fixed(value, places: 4)
        }
    }

    /// 2e-9, 3.1e-7.
    package static func exponential(_ value: Double, digits: Int) -> String {
        guard let number = DecimalNumber(value)?.rounded(digits: digits) else { return none }
        guard number.significand > 0 else { return "0" }
        let exponent = number.digitsBeforePoint - 1
        return grouped(number.scaled(byTenTo: -exponent).description) + "e\(exponent)"
    }

    /// A probability: 0.43, 0.013, 2e-9.
    package static func probability(_ p: Double) -> String {
        guard (0...1).contains(p) else { return none }
        return p >= 0.0995 ? fixed(p, places: 2) : shortest(p, digits: 2)
    }

    /// A probability in whole cases: "3 in 10", "1 in 80", "1 in 500 million".
    package static func odds(_ p: Double) -> String {
        guard (0...1).contains(p) else { return none }
        if p > 0.95 { return "nearly always" }
        if p >= 0.15 { return "\(fixed(p * 10, places: 0)) in 10" }
        let cases = 1 / p
        guard cases < 1e15, let rounded = DecimalNumber(cases)?.rounded(digits: 1).value else {
            return "less than 1 in a thousand million million"
        }
        switch rounded {
        case 1e9...: return "1 in \(fixed(rounded / 1e9, places: 0)) thousand million"
        case 1e6...: return "1 in \(fixed(rounded / 1e6, places: 0)) million"
        default: return "1 in \(fixed(rounded, places: 0))"
        }
    }

    // MARK: Changes and shares

    /// A relative change: +32 %, −4.5 %; from three times as much on × 3.4.
    package static func change(_ effect: Double) -> String {
        guard effect.isFinite else { return effect > 0 ? "from nothing" : none }
        guard effect < 2 else { return factor(effect + 1) }
        let places = abs(effect) < 0.0995 ? 1 : 0
        guard let percent = DecimalNumber(100 * effect)?.rounded(places: places), percent.significand > 0 else {
            return "± 0 %"
        }
        return (percent.isNegative ? "" : "+") + grouped(percent.description) + " %"
    }

    /// How many times as much: × 35, × 3.4, × 0.41.
    package static func factor(_ factor: Double) -> String {
        guard let number = DecimalNumber(factor) else { return none }
        return "× " + grouped(number.rounded(places: factor >= 9.95 ? 0 : factor >= 0.995 ? 1 : 2).description)
    }

    /// A share: 10 %, 2.5 %.
    package static func percent(_ share: Double) -> String {
        share.isFinite ? shortest(100 * share, digits: 3) + " %" : none
    }

    /// Reads a share as people write it: `10%`, `0.5%`, `0.1`; nil for anything else. A plain 10 is more likely a slip than a
    /// thousand percent, and is nothing either.
    package static func share(in text: some StringProtocol) -> Double? {
        if text.last == "%" { return DecimalNumber(reading: text.dropLast())?.scaled(byTenTo: -2).value }
        return DecimalNumber(reading: text).flatMap { $0.value <= 1 ? $0.value : nil }
    }

    // MARK: Counts

    /// 9,859
    package static func count(_ number: some BinaryInteger) -> String { grouped(String(number)) }

    /// `1 host`, `9,859 hosts`
    package static func count(_ number: some BinaryInteger, _ noun: String, plural: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// Digits as `DecimalNumber` and `String` write them, in groups of three before the point and after a real minus sign.
    private static func grouped(_ digits: String) -> String {
        let isNegative = digits.first == "-"
        let whole = digits.dropFirst(isNegative ? 1 : 0).prefix { $0 != "." }
        var text = isNegative ? "−" : ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text + digits[whole.endIndex...]
    }
}
