// Numbers, times and releases as people read them in the command's output.

import SlotSync

/// `1 host`, `9,859 files`.
func counted(_ number: some BinaryInteger, _ noun: String, plural: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
}

/// `9,859`
func grouped(_ number: some BinaryInteger) -> String {
    var text = ""
    let digits = Array(String(number))
    for (index, digit) in digits.enumerated() {
        if index > 0, digit != "-", digits[index - 1] != "-", (digits.count - index).isMultiple(of: 3) { text += "," }
        text.append(digit)
    }
    return text
}

/// `31 ms`, `2.8 s`, `45 s`, `3 min 20 s`, `2 h 5 min`
func timeText(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    switch seconds {
    case ..<1: return "\(attoseconds / 1_000_000_000_000_000) ms"
    case ..<10: return "\(seconds).\(attoseconds / 100_000_000_000_000_000) s"
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    default: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}

/// A time as somebody chose it: `300 ms`, `1.5 s`, `8 s`, `1 min`, `1 min 30 s`, `2 h`
func chosenTimeText(_ seconds: Double) -> String {
    let milliseconds = Int((seconds * 1000).rounded())
    guard milliseconds >= 1000 else { return milliseconds == 0 ? "0 s" : "\(milliseconds) ms" }
    let whole = milliseconds / 1000
    let rest = milliseconds % 1000 == 0 ? "\(whole % 60)" : "\(Double(milliseconds % 60_000) / 1000)"
    let parts = [(whole / 3600, "h"), (whole / 60 % 60, "min")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return (rest == "0" ? parts : parts + ["\(rest) s"]).joined(separator: " ")
}

extension ReleaseName {
    /// `3f2a09bc`, or `3f2a09bc (v1.4.2)`: for a row and a sentence. Eight digits tell releases apart.
    var short: String {
        let digits = String(id.description.prefix(8))
        return name.isEmpty ? digits : "\(digits) (\(name))"
    }

    /// All digits, and the name if there is one.
    var long: String { name.isEmpty ? "\(id)" : "\(id) (\(name))" }
}
