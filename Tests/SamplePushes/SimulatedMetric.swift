// A metric whose numbers are drawn at random, the same at every run: each host has a level of its own, all share the
// traffic's drift, and hosts change when they get the release.

import Canary
import Glibc

struct SimulatedMetric {
    var settings: MetricSettings
    /// What a gauge is about, or how many events a counter has a minute, on each host.
    var level: Double
    /// The standard deviation of one sample's logarithm; a gauge's.
    var noise = 0.1
    /// What the release multiplies the level by, from this second of the push on.
    var change = 1.0
    var changesAt = 0.0
    /// Whether it is worse for ten seconds after a flip.
    var isCold = false
    /// Whether hosts on the release say nothing of it.
    var fallsSilent = false

    private var hosts: [(own: Double, wander: Double)] = []

    init(_ settings: MetricSettings, level: Double) {
        self.settings = settings
        self.level = level
    }

    /// Settles each host's own level.
    mutating func begin(hosts count: Int, _ chance: inout Chance) {
        let isGauge = settings.metric.kind == .gauge
        hosts = (0..<count).map { _ in
            let own = level * exp((isGauge ? 0.15 : 0.4) * chance.normal())
            return (own, noise * chance.normal())
        }
    }

    /// A sample of a host; NaN where none comes.
    ///
    /// - Parameters:
    ///   - time: in seconds of the push.
    ///   - flip: when the host was flipped; nil: it is on what was live before.
    mutating func sample(host: Int, at time: Double, flip: Double?, interval: Double, _ chance: inout Chance) -> Double
    {
        let isChanged = flip != nil && time >= changesAt
        let expected = hosts[host].own * (isChanged ? change : 1)
        guard settings.metric.kind == .gauge else {
            let events = chance.poisson(expected * interval / 60)
            return flip != nil && fallsSilent ? .nan : events
        }
        hosts[host].wander = 0.7 * hosts[host].wander + 0.7 * noise * chance.normal()
        if chance.uniform() < 0.004 || (flip != nil && fallsSilent) { return .nan }
        let isColdNow = isCold && flip.map { time - $0 <= 10 } ?? false
        return expected * (1 + 0.06 * sin(time / 47)) * exp(hosts[host].wander) * (isColdNow ? 1.35 : 1)
    }
}

/// Random numbers from a seed (SplitMix64).
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func uniform() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }

    mutating func normal() -> Double { sqrt(-2 * log(1 - uniform())) * cos(2 * .pi * uniform()) }

    mutating func poisson(_ mean: Double) -> Double {
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
