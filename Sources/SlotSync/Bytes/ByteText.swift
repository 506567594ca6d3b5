// Amounts of bytes as people read them: in messages on both ends and in the command's output.

/// 999 B, 12.3 kB, 1.2 GB: powers of 1000, three significant digits.
public func byteText(_ bytes: UInt64) -> String {
    guard bytes >= 1000 else { return "\(bytes) B" }
    var value = Double(bytes)
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
        value /= 1000
        // What rounds to 1000 belongs to the next unit.
        if value < 999.5 || unit == "PB" {
            let tenths = (value * 10).rounded()
            return value < 99.95 ? "\(Int(tenths) / 10).\(Int(tenths) % 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
        }
    }
    return "\(bytes) B"
}
