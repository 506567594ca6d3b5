// Turns running totals into how much they grew since the call before. Where that cannot be known the sample is missing:
// after a restart nobody knows how many events the old total had not shown yet, and over a gap two intervals would
// count as one.

/// The totals of the call before.
struct PrometheusTotals {
    /// For each query, each host's total; NaN where it was missing.
    private var before: [[Double]]

    init(queries: Int, hosts: Int) {
        before = [[Double]](repeating: [Double](repeating: .nan, count: hosts), count: queries)
    }

    /// What a total of now is as a sample.
    mutating func growth(_ reading: PrometheusReading, query: Int, host: Int) -> PrometheusReading {
        let earlier = before[query][host]
        before[query][host] = reading.sample
        guard case .value(let total) = reading else { return reading }
        guard !earlier.isNaN else {
            return .missing(PrometheusGap(.noDifference, "the total before is not known"))
        }
        guard total >= earlier else {
            return .missing(PrometheusGap(.noDifference, "the total shrank: what it counts began anew"))
        }
        return .value(total - earlier)
    }
}
