// Shares and times as people write them for the canary: 0.1 or 10%; 10, 10s, 5m.

import ArgumentParser

/// A share between the bounds that are given.
func share(_ text: String, from lowest: Double = 0, above: Double = -1, below: Double = .infinity) throws -> Double {
    let isPercentage = text.hasSuffix("%")
    guard let number = decimal(text.dropLast(isPercentage ? 1 : 0)) else {
        throw ValidationError("expected a share such as 0.1 or 10%, not \(text)")
    }
    let share = isPercentage ? number / 100 : number
    guard share >= lowest, share > above, share < below else {
        let bounds = [
            above >= 0 ? "above \(numberText(above))" : "", below.isFinite ? "below \(numberText(below))" : "",
        ]
        throw ValidationError("\(text) is not \(bounds.filter { !$0.isEmpty }.joined(separator: " and "))")
    }
    return share
}

/// Seconds from 0 to a day.
func seconds(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = decimal(text.dropLast(unit == nil ? 0 : 1)) else {
        throw ValidationError("expected a time such as 10s or 5m, not \(text)")
    }
    let seconds = number * (unit ?? 1)
    guard seconds <= 86_400 else { throw ValidationError("\(text) is more than a day") }
    return seconds
}

/// Digits with a decimal point or without: no sign, no exponent, no infinity.
private func decimal(_ text: some StringProtocol) -> Double? {
    guard text.utf8.contains(where: { $0 != 0x2e }), text.utf8.allSatisfy({ $0 == 0x2e || (0x30...0x39).contains($0) })
    else { return nil }
    return Double(text)
}

private func numberText(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }
