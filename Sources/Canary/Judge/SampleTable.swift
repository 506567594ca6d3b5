// A recording laid out for the tests: for each metric a table of hosts × moments, with the flip at the same column for
// every host. A value that cannot be a sample is missing. Look makes the tables; every test reads them.

/// One metric's samples: `hosts` rows of `before` + `gap` + `after` columns.
struct SampleTable {
    let hosts: Int
    /// Samples before the flip, those in which caches are still cold (`settle`, the first of `after`), and all after it.
    let before: Int
    let settle: Int
    let after: Int
    /// How many samples after the flip are left out of a test of this metric.
    let leftOut: Int
    /// Columns of the time between base line and flip, in which nothing is.
    let gap: Int
    /// Row by row; NaN where a sample is missing.
    var values: [Double]
    var moments: Int { before + gap + after }
    /// The first column after the flip.
    var flip: Int { before + gap }

    /// What is beyond is no sample, and what is below is zero: squares have to stay finite.
    private static let mostEvents = 1e12
    /// Between these and zero there is nothing: neither the judge's squares nor a plot's scale holds it.
    static let sizes = 1e-30...1e30

    /// The samples of `metric` in every host: base lines end at the flip, so a short one is missing at its beginning; a
    /// short window is missing at its end. Infinite values and negative counts are not samples.
    init(_ recording: Recording, metric: Int, before: Int, gap: Int = 0, settle: Int, after: Int) {
        hosts = recording.hosts.count
        self.before = before
        self.gap = gap
        self.settle = settle
        self.after = after
        let moments = before + gap + after
        values = [Double](repeating: .nan, count: hosts * moments)
        let isCount = recording.metrics[metric].kind == .counter
        leftOut = Self.leftOut(recording.metrics[metric], settle: settle)
        for (row, host) in recording.hosts.enumerated() {
            let start = row * moments
            func put(_ value: Double, at column: Int) {
                guard isCount ? value >= 0 && value <= Self.mostEvents : abs(value) <= Self.sizes.upperBound
                else { return }
                values[start + column] = abs(value) < Self.sizes.lowerBound ? 0 : value
            }
            if metric < host.baseline.count {
                let series = host.baseline[metric].suffix(before)
                for (offset, value) in series.enumerated() { put(value, at: before - series.count + offset) }
            }
            if metric < host.after.count {
                for (offset, value) in host.after[metric].prefix(after).enumerated() {
                    put(value, at: before + gap + offset)
                }
            }
        }
    }

    /// The columns after the flip, those beyond the settling time, and those that a test of this metric counts.
    var afterFlip: Range<Int> { flip..<moments }
    var settled: Range<Int> { min(flip + settle, moments)..<moments }
    var counted: Range<Int> { min(flip + leftOut, moments)..<moments }

    /// How many samples after the flip are left out of a test. A counter's sample tells of the time since the sample before,
    /// so the first beyond the settling time still tells of that.
    static func leftOut(_ metric: Metric, settle: Int) -> Int {
        guard metric.kind == .counter, settle > 0 else { return settle }
        return metric.start == .flip ? 0 : settle + 1
    }

    /// A host's sample in a column; NaN where it is missing.
    subscript(_ host: Int, _ column: Int) -> Double { values[host * moments + column] }

    /// A host's samples in all columns.
    func row(_ host: Int) -> [Double] { Array(values[host * moments..<(host + 1) * moments]) }

    /// How many samples of a host are there within some columns.
    func count(_ host: Int, _ columns: Range<Int>) -> Int {
        columns.reduce(0) { $0 + (self[host, $1].isNaN ? 0 : 1) }
    }

    /// The sum of a host's samples within some columns, and how many they are.
    func sum(_ host: Int, _ columns: Range<Int>) -> (sum: Double, count: Int) {
        var sum = 0.0
        var count = 0
        for column in columns {
            let value = self[host, column]
            if !value.isNaN {
                sum += value
                count += 1
            }
        }
        return (sum, count)
    }

    /// A host's mean within some columns; nil if it has no sample there.
    func mean(_ host: Int, _ columns: Range<Int>) -> Double? {
        let (sum, count) = sum(host, columns)
        return count > 0 ? sum / Double(count) : nil
    }
}

/// The rows of canaries and controls among a recording's hosts.
struct Roles {
    var canaries: [Int] = []
    var controls: [Int] = []

    init(_ hosts: [HostSamples]) {
        for (row, host) in hosts.enumerated() {
            if host.role == .canary { canaries.append(row) } else { controls.append(row) }
        }
    }
}
