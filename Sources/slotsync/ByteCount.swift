// Sizes as people write them for --cache-size and the configuration's `cache_size`: 0, 500M, 2G.

extension UInt64 {
    /// Reads whole bytes, or a number with `K`, `M`, `G` or `T`, powers of 1024; nil for anything else.
    init?(byteCount text: String) {
        let units: [String: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let unit = text.last.flatMap { units[$0.uppercased()] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits) else { return nil }
        let (count, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow else { return nil }
        self = count
    }
}
