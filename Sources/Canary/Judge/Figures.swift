// Numbers as a sentence has them: few digits, no library. Called by the sentences.

import Glibc

enum Figures {
    /// A level: 1,234 as 1234, 14.03 as 14.0, 0.0412 as 0.041.
    static func level(_ value: Double) -> String {
        let size = abs(value)
        if value == 0 { return "0" }
        if size >= 1e6 || size < 1e-3 { return scientific(value, digits: 2) }
        return fixed(value, decimals: size >= 99.95 ? 0 : size >= 1 ? 1 : size >= 0.1 ? 2 : 3)
    }

    /// A p-value: 0.21, 0.0025, 2e-9.
    static func chance(_ value: Double) -> String {
        if value >= 0.0995 { return fixed(value, decimals: 2) }
        if value >= 0.00095 { return trimmed(fixed(value, decimals: value >= 0.00995 ? 3 : 4)) }
        return value > 0 ? scientific(value, digits: 1) : "0"
    }

    /// A relative change: +48 %, −12 %, × 9.3.
    static func change(_ value: Double) -> String {
        if value >= 2 { return "× " + level(value + 1) }
        return (value < 0 ? "−" : "+") + percent(abs(value))
    }

    /// A share or a tolerance: 10 %, 0.5 %.
    static func percent(_ value: Double) -> String {
        trimmed(fixed(100 * value, decimals: value < 0.0995 ? 1 : 0)) + " %"
    }

    /// "1 canary", "3 canaries".
    static func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }

    /// Seconds, without decimals where they are whole.
    static func seconds(_ value: Double) -> String { trimmed(fixed(value, decimals: 1)) + " s" }

    private static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return value.isNaN ? "?" : value > 0 ? "∞" : "−∞" }
        let unit = pow(10, Double(decimals))
        let scaled = Int((abs(value) * unit).rounded())
        let sign = value < 0 && scaled > 0 ? "−" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % Int(unit))
        return sign + String(scaled / Int(unit)) + "." + String(repeating: "0", count: decimals - fraction.count)
            + fraction
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = Substring(text)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return String(text)
    }

    private static func scientific(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "?" : value > 0 ? "∞" : "−∞" }
        var exponent = log10(abs(value)).rounded(.down)
        // By logarithms, since the power itself may be beyond the smallest number.
        var mantissa = pow(10, log10(abs(value)) - exponent)
        let unit = pow(10, Double(digits - 1))
        mantissa = (mantissa * unit).rounded() / unit
        if mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        return (value < 0 ? "−" : "") + fixed(mantissa, decimals: digits - 1) + "e\(Int(exponent))"
    }
}
