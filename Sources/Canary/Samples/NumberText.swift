// Numbers and times as people read them, in the report and in the live view.

import Glibc

package enum NumberText {
    /// What stands where there is no number.
    package static let none = "–"

    // MARK: Numbers

    /// `value` with `places` digits after the point: 3.10, −0.5. Zeros at the end are kept.
    package static func fixed(_ value: Double, places: Int) -> String {
        let scaled = (abs(value) * pow(10, Double(places))).rounded()
        guard scaled < 1e18 else { return value.isFinite ? exponential(value, digits: 3) : none }
        var digits = String(UInt64(scaled))
        digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "−" : ""
        let text = sign + grouped(digits.dropLast(places))
        return places > 0 ? text + "." + digits.suffix(places) : text
    }

    /// At most two places, without zeros at the end and with a plain minus: for attributes.
    package static func plain(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let hundredths = Int((min(max(value, -1e9), 1e9) * 100).rounded())
        let digits = String(hundredths.magnitude)
        let padded = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        var fraction = padded.suffix(2)
        while fraction.last == "0" { fraction.removeLast() }
        return (hundredths < 0 ? "-" : "") + padded.dropLast(2) + (fraction.isEmpty ? "" : "." + fraction)
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
        case 0.9995...: return fixed(value, places: 2)
        case 0.0995...: return fixed(value, places: 2)
        case 0.00995...: return fixed(value, places: 3)
        default: return fixed(value, places: 4)
        }
    }

    /// 2e-9, 3.1e-7.
    package static func exponential(_ value: Double, digits: Int) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : none }
        var exponent = Int(floor(log10(abs(value))))
        // In two steps, because 10^324 is out of reach while the smallest number is not.
        var mantissa = abs(value) * pow(10, Double(-exponent / 2)) * pow(10, Double(-exponent - -exponent / 2))
        let rounding = pow(10, Double(digits - 1))
        mantissa = (mantissa * rounding).rounded() / rounding
        if mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        let isWhole = mantissa == mantissa.rounded()
        return (value < 0 ? "−" : "") + fixed(mantissa, places: isWhole ? 0 : digits - 1) + "e\(exponent)"
    }

    /// A probability: 0.43, 0.013, 2e-9.
    package static func probability(_ p: Double) -> String {
        guard (0...1).contains(p) else { return none }
        switch p {
        case 0: return "0"
        case ..<0.00095: return exponential(p, digits: 2)
        case ..<0.00995: return fixed(p, places: 4)
        case ..<0.0995: return fixed(p, places: 3)
        default: return fixed(p, places: 2)
        }
    }

    /// A probability in whole cases: "3 in 10", "1 in 80", "1 in 500 million".
    package static func odds(_ p: Double) -> String {
        guard (0...1).contains(p) else { return none }
        if p > 0.95 { return "nearly always" }
        if p >= 0.15 { return "\(Int((p * 10).rounded())) in 10" }
        let cases = 1 / p
        if cases >= 1e15 { return "less than 1 in a thousand million million" }
        let magnitude = pow(10, floor(log10(cases)))
        let rounded = (cases / magnitude).rounded() * magnitude
        switch rounded {
        case 1e9...: return "1 in \(fixed(rounded / 1e9, places: 0)) thousand million"
        case 1e6...: return "1 in \(fixed(rounded / 1e6, places: 0)) million"
        default: return "1 in \(fixed(rounded, places: 0))"
        }
    }

    /// A relative change: +32 %, −4 %, no change; from three times as much on × 3.4.
    package static func change(_ effect: Double) -> String {
        guard effect.isFinite else { return effect > 0 ? "from nothing" : none }
        if effect >= 2 { return "× " + (effect < 9 ? fixed(effect + 1, places: 1) : fixed(effect + 1, places: 0)) }
        let percent = effect * 100
        let places = abs(percent) < 0.95 ? 1 : 0
        let text = fixed(percent, places: places)
        if text == "0.0" || text == "0" { return "± 0 %" }
        return (effect > 0 ? "+" : "") + text + " %"
    }

    /// A share: 10 %, 2.5 %.
    package static func percent(_ share: Double) -> String {
        let percent = share * 100
        guard percent.isFinite else { return none }
        return (percent == percent.rounded() ? fixed(percent, places: 0) : level(percent)) + " %"
    }

    /// 9,859
    package static func count(_ number: some BinaryInteger) -> String {
        let digits = String(number.magnitude)
        return (number < 0 ? "−" : "") + grouped(digits[...])
    }

    /// `1 host`, `9,859 hosts`
    package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(count(number)) \(number == 1 ? noun : noun + "s")"
    }

    private static func grouped(_ digits: Substring) -> String {
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }

    // MARK: Times

    /// `0.3 s`, `45 s`, `3 min 20 s`, `2 h 5 min`
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return none }
        if seconds < 9.95 {
            let text = fixed(seconds, places: 1)
            return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " s"
        }
        let whole = UInt64(seconds.rounded())
        func joined(_ large: UInt64, _ unit: String, _ small: UInt64, _ smallUnit: String) -> String {
            small == 0 ? "\(count(large)) \(unit)" : "\(count(large)) \(unit) \(small) \(smallUnit)"
        }
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return joined(whole / 60, "min", whole % 60, "s")
        default: return joined(whole / 3600, "h", whole % 3600 / 60, "min")
        }
    }

    /// Seconds before or after a moment: −30 s, 0 s, +2 min.
    package static func offset(_ seconds: Double) -> String {
        let text = duration(abs(seconds))
        return text == "0 s" ? text : (seconds < 0 ? "−" : "+") + text
    }

    /// `2026-11-24` and `23:29:11` of seconds since 1970, in UTC. Years 1970 to 9999.
    package static func moment(_ unixTime: Double) -> (date: String, clock: String) {
        guard unixTime >= 0, unixTime < 253_402_300_800 else { return (none, none) }
        let seconds = Int(unixTime)
        let (year, month, day) = civil(day: seconds / 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let ofDay = seconds % 86_400
        return (
            "\(year)-\(two(month))-\(two(day))",
            "\(two(ofDay / 3600)):\(two(ofDay % 3600 / 60)):\(two(ofDay % 60))"
        )
    }

    /// The Gregorian date of a day since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `civil_from_days`, for days from 1970 on).
    private static func civil(day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let ofEra = shifted % 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
