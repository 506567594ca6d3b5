// Estimates how much each host varies compared with the usual host: its own variance, moderated by what is usual in the
// fleet. It uses the base line alone, because a release may make its canaries vary. GaugeTest calls it.

import Glibc

/// Every host's variance over the usual host's, where hosts show that they differ in it.
struct HostUnrest {
    /// One for each host of the table; 1 where nothing is to be told.
    private(set) var variances: [Double]
    /// How many degrees of freedom the estimate of one host's variance has; infinite where all are alike.
    private(set) var freedom: [Double]

    /// A host needs so many samples before the flip, and a fleet so many controls, for their variances to be compared.
    private static let leastSamples = 4
    private static let fewest = 12
    /// Standard errors by which controls' variances must differ beyond chance before they are taken to differ at all.
    private static let beyondChance = 2.0
    /// How improbable among the others a single host's variance must be to count by itself.
    private static let chance = 1e-3
    private static let leastFreedom = 2.5

    /// Smyth (2004): variances of hosts are drawn from a scaled inverse χ² law, whose degrees of freedom come from how the
    /// logarithms of the controls' variances spread. What a host shows itself counts by its own degrees of freedom.
    init(_ levels: SampleTable, controls: [Int], fit: NoiseFit) {
        variances = [Double](repeating: 1, count: levels.hosts)
        freedom = [Double](repeating: .infinity, count: levels.hosts)
        guard controls.count >= Self.fewest, !fit.isFlat else { return }
        var own = [Double](repeating: .nan, count: levels.hosts)
        var samples = [Double](repeating: 0, count: levels.hosts)
        var row = [Double](repeating: 0, count: levels.before)
        for host in 0..<levels.hosts {
            let count = levels.count(host, 0..<levels.before)
            guard count >= Self.leastSamples else { continue }
            for moment in row.indices {
                row[moment] = levels[host, moment] - fit.course[moment]
            }
            samples[host] = Double(count - 1)
            own[host] = row.withUnsafeBufferPointer { fit.entry.model.restricted($0).squares } / samples[host]
        }
        let there = controls.filter { own[$0] > 0 }
        guard there.count >= Self.fewest else { return }
        // ln s² = ln σ² + ln(χ²/d), the mean and variance of the latter being ψ(d/2) − ln(d/2) and ψ′(d/2).
        let logs = there.map { log(own[$0]) - digamma(samples[$0] / 2) + log(samples[$0] / 2) }
        let count = Double(there.count)
        let middle = logs.reduce(0, +) / count
        let spread = logs.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / (count - 1)
        let expected = there.reduce(0) { $0 + trigamma(samples[$1] / 2) } / count
        var fleet = Double.infinity
        if spread > expected * (1 + Self.beyondChance * (2 / (count - 1)).squareRoot()) {
            fleet = max(2 * inverseTrigamma(spread - expected), Self.leastFreedom)
        }
        let usual = fleet.isFinite ? exp(middle + digamma(fleet / 2) - log(fleet / 2)) : exp(middle)
        for host in own.indices where own[host] > 0 {
            let d = samples[host]
            if fleet.isFinite {
                variances[host] = (fleet + d * own[host] / usual) / (fleet + d)
                freedom[host] = fleet + d
            } else if FDistribution(numerator: d, denominator: 1e6).survival(own[host] / usual) < Self.chance {
                variances[host] = own[host] / usual
                freedom[host] = d
            }
        }
    }
}
