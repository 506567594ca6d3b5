// Hosts whose metrics are drawn at random, the same at every run: each has a level of its own, all share the traffic's drift,
// and canaries change at their flip.

import Canary
import CanaryReport
import Glibc

struct SimulatedFleet {
    let hosts: [PushReport.Host]
    /// Seconds after the push's start.
    let canaryFlip: Double
    private var state: UInt64

    init(seed: UInt64, hosts: [PushReport.Host], canaryFlip: Double) {
        self.hosts = hosts
        self.canaryFlip = canaryFlip
        state = seed
    }

    static func times(from first: Double, to last: Double, every interval: Double) -> [Double] {
        Array(stride(from: first + interval, through: last, by: interval))
    }

    /// - Parameters:
    ///   - noise: The standard deviation of one sample's logarithm.
    ///   - change: What the release multiplies the level by.
    ///   - isCold: Whether it is worse for ten seconds after a flip.
    mutating func gauge(
        _ name: String, unit: String = "", times: [Double], level: Double, noise: Double, change: Double = 1,
        isCold: Bool = false, tolerance: Double? = nil
    ) -> MetricSamples {
        let drift = times.map { 1 + 0.06 * sin($0 / 47) }
        let values = hosts.map { host in
            let own = level * exp(0.15 * normal())
            var wander = noise * normal()
            return times.indices.map { index -> Double in
                wander = 0.7 * wander + 0.7 * noise * normal()
                if uniform() < 0.004 { return .nan }
                let since = times[index] + canaryFlip - (host.flippedAt ?? .infinity)
                return own * drift[index] * exp(wander) * (since > 0 ? change : 1)
                    * (isCold && since > 0 && since <= 10 ? 1.35 : 1)
            }
        }
        return MetricSamples(
            metric: Metric(name: name, kind: .gauge, tolerance: tolerance), unit: unit, times: times, values: values)
    }

    /// - Parameter rate: Events a minute and host.
    mutating func counter(
        _ name: String, times: [Double], rate: Double, change: Double = 1, isCritical: Bool = false
    ) -> MetricSamples {
        let minutes = (times[1] - times[0]) / 60
        let values = hosts.map { host in
            let own = rate * minutes * exp(0.4 * normal())
            return times.map { time -> Double in
                let isFlipped = time + canaryFlip > host.flippedAt ?? .infinity
                return poisson(own * (isFlipped ? change : 1))
            }
        }
        return MetricSamples(
            metric: Metric(name: name, kind: .counter, isCritical: isCritical), times: times, values: values)
    }

    // MARK: Chance

    private mutating func uniform() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }

    private mutating func normal() -> Double { sqrt(-2 * log(1 - uniform())) * cos(2 * .pi * uniform()) }

    private mutating func poisson(_ mean: Double) -> Double {
        let limit = exp(-mean)
        var product = uniform()
        var count = 0.0
        while product > limit {
            product *= uniform()
            count += 1
        }
        return count
    }
}
