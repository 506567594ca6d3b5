// Amounts of bytes: how people read them, in messages on both ends and in the command's output, and how they write them
// in options and in the configuration.

/// 999 B, 12.3 kB, 1.2 GB: powers of 1000, three significant digits.
public func byteText(_ bytes: UInt64) -> String {
    guard bytes >= 1000 else { return "\(bytes) B" }
    var value = Double(bytes)
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
        value /= 1000
        // What rounds to 1000 belongs to the next unit.
        if value < 999.5 || unit == "PB" { return NumberText.fixed(value, places: value < 99.95 ? 1 : 0) + " \(unit)" }
    }
    return "\(bytes) B"
}

extension UInt64 {
    /// Reads whole bytes, a number with `K`, `M`, `G` or `T`, powers of 1024, or whole ones with `kB`, `MB`, `GB` or `TB`,
    /// powers of 1000; nil for anything else (`1.5G`, `1 GB`). Small letters will do.
    package init?(byteCount text: some StringProtocol) {
        let units: [(name: String, bytes: UInt64)] = [
            ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
            ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40),
        ]
        let text = text.lowercased()
        let unit = units.first { text.hasSuffix($0.name) } ?? ("", 1)
        let digits = text.dropLast(unit.name.count)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits) else { return nil }
        let (count, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { return nil }
        self = count
    }
}
