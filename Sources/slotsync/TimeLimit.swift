// Times as people write them for --timeout and the configuration's `timeout`: 30, 30s, 5m, 1h.

extension Duration {
    /// The longest limit: a day. Whoever wants more wants none.
    static let longestTimeLimit = Duration.seconds(24 * 60 * 60)

    /// Reads whole seconds, or a number with `s`, `m` or `h`; nil for anything else, for nothing and
    /// for more than a day.
    init?(timeLimit text: String) {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits), number > 0,
            number <= 24 * 60 * 60
        else { return nil }
        self = .seconds(number * (unit ?? 1))
        guard self <= Duration.longestTimeLimit else { return nil }
    }
}
