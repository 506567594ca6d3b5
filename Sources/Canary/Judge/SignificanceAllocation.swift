// How the significance of one look is shared among tests, so that all of them together spend no more than it. Called by
// the judge with what the tests found.

/// One test's claim on the significance.
struct Claim {
    var evidence: Evidence
    /// Its share, relative to the others'. Positive.
    var weight: Double
}

enum SignificanceAllocation {
    /// Each claim's critical value: the weight times c, with the largest c for which what can be spent is no more than
    /// `significance`. A count spends only its largest attainable p-value, a gauge none beyond its tolerance; what they
    /// leave is the others'.
    static func common(_ claims: [Claim], significance: Double) -> [Double] {
        guard let least = claims.map(\.weight).min() else { return [] }
        func criticals(_ c: Double) -> [Double] { claims.map { min($0.weight * c, significance) } }
        func spent(_ c: Double) -> Double {
            zip(claims, criticals(c)).reduce(0) { $0 + $1.0.evidence.attainable.spent(at: $1.1) }
        }
        var low = significance / claims.reduce(0) { $0 + $1.weight }
        var high = significance / least
        if spent(high) <= significance { return criticals(high) }
        for _ in 0..<30 {
            let middle = (low + high) / 2
            if spent(middle) <= significance { low = middle } else { high = middle }
        }
        return criticals(low)
    }
}
