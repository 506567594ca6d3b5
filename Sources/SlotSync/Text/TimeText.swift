// Times: how people read them, everywhere, and how they write them in options and in the configuration.

/// Times as text, and read from it.
package enum TimeText {
    /// A day, in seconds.
    package static let day = 86_400.0

    /// A time that was chosen, to the millisecond: `300 ms`, `1.5 s`, `8 s`, `1 min`, `1 min 30 s`, `2 h`.
    package static func exact(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < longest else { return NumberText.none }
        let milliseconds = UInt64((seconds * 1000).rounded())
        guard milliseconds >= 1000 else { return milliseconds == 0 ? "0 s" : "\(milliseconds) ms" }
        let minutes = milliseconds / 60_000
        let rest = DecimalNumber(significand: milliseconds % 60_000, exponent: -3)
        var parts: [String] = []
        if minutes >= 60 { parts.append("\(NumberText.count(minutes / 60)) h") }
        if minutes % 60 > 0 { parts.append("\(minutes % 60) min") }
        if rest.significand > 0 { parts.append("\(rest) s") }
        return parts.joined(separator: " ")
    }

    package static func exact(_ time: Duration) -> String { exact(time / .seconds(1)) }

    /// A time that was measured, to what matters of it: `31 ms`, `2.9 s`, `45 s`, `3 min 20 s`, `2 h 5 min`.
    package static func rounded(_ seconds: Double) -> String {
        let step =
            switch seconds {
            case ..<0.9995: 0.001
            case ..<9.95: 0.1
            case ..<3599.5: 1.0
            default: 60.0
            }
        return exact((seconds / step).rounded() * step)
    }

    package static func rounded(_ time: Duration) -> String { rounded(time / .seconds(1)) }

    /// A time before or after a moment, measured: −30 s, 0 s, +2 min.
    package static func offset(_ seconds: Double) -> String {
        let text = rounded(abs(seconds))
        return text == "0 s" ? text : (seconds < 0 ? "−" : "+") + text
    }

    /// Reads a time as people write it: `30` and `30s`, `500ms`, `2.5s`, `5m`, `1h`. Returns seconds; nil for anything else.
    package static func seconds(in text: some StringProtocol) -> Double? {
        let units: [(name: String, exponent: Int, factor: Double)] = [
            ("ms", -3, 1), ("s", 0, 1), ("m", 0, 60), ("h", 0, 3600),
        ]
        let unit = units.first { text.hasSuffix($0.name) } ?? ("", 0, 1)
        return DecimalNumber(reading: text.dropLast(unit.name.count)).map {
            $0.scaled(byTenTo: unit.exponent).value * unit.factor
        }
    }

    /// What is longer is no time that anything here takes: 30,000 years.
    private static let longest = 1e12
}
