// Numbers and texts as JSON has them. Recordings, and the command's verdicts and `--json`, are written with these.

/// `text` in quotes. What no terminal should see raw is escaped as well as what JSON demands.
package func quotedAsJSON(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\" + String(scalar)
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                for unit in String(scalar).utf16 { quoted += escape(unit) }
            default: quoted.unicodeScalars.append(scalar)
            }
        }
    }
    return quoted + "\""
}

private func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
}

/// Beyond this, not every whole number is a Double.
private let largestWhole = 9_007_199_254_740_992.0

/// The shortest digits that read back as the same number; null where it is not finite.
package func numberAsJSON(_ number: Double) -> String {
    guard number.isFinite else { return "null" }
    // A zero below zero has to stay one.
    guard number == number.rounded(), abs(number) < largestWhole, number != 0 || number.sign == .plus else {
        return number.description
    }
    return String(Int64(number))
}
