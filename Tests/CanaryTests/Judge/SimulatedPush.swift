// Recordings made from a seed, for the tests of the judge: autocorrelated gauges and gamma-Poisson counts on hosts of
// different sizes.

import Canary
import Foundation

/// SplitMix64, so that a test sees the same push every time.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func normal() -> Double {
        (-2 * log(Double.random(in: 1e-300..<1, using: &self))).squareRoot()
            * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
    }

    /// A sum of exponentials: a gamma law of whole shape and mean 1.
    mutating func gamma(_ shape: Int) -> Double {
        (0..<shape).reduce(0) { sum, _ in sum - log(Double.random(in: 1e-300..<1, using: &self)) } / Double(shape)
    }

    mutating func poisson(_ mean: Double) -> Double {
        if mean > 50 { return max((mean + mean.squareRoot() * normal()).rounded(), 0) }
        var count = -1.0
        var product = 1.0
        let limit = exp(-mean)
        repeat {
            product *= Double.random(in: 0..<1, using: &self)
            count += 1
        } while product > limit
        return count
    }
}

struct SimulatedPush {
    var seed: UInt64 = 1
    var canaries = 3
    var controls = 37
    var before = 12
    var after = 12
    /// A gauge's autocorrelation and deviation, in logarithms; a counter's events a sample.
    var persistence = 0.9
    var deviation = 0.1
    var rate = 0.3
    /// The canaries' level after the flip over what it would have been, metric by metric.
    var factors: [Double] = [1, 1]

    /// Two metrics: the gauge "load" and the counter "errors", unless `metrics` says otherwise.
    func recording(_ metrics: [Metric] = SimulatedPush.usual) -> Recording {
        var random = Seeded(state: seed)
        let moments = before + after
        let hosts = (0..<canaries + controls).map { host -> HostSamples in
            let size = exp(0.2 * random.normal())
            var baseline: [[Double]] = []
            var window: [[Double]] = []
            for (index, metric) in metrics.enumerated() {
                let factor = host < canaries && index < factors.count ? factors[index] : 1
                var series: [Double] = []
                if metric.kind == .gauge {
                    var state = random.normal()
                    for moment in 0..<moments {
                        state = persistence * state + (1 - persistence * persistence).squareRoot() * random.normal()
                        let level = 4 * size * (moment < before ? 1 : factor)
                        series.append(level * exp(deviation * state))
                    }
                } else {
                    let own = rate * random.gamma(2)
                    for moment in 0..<moments { series.append(random.poisson(own * (moment < before ? 1 : factor))) }
                }
                baseline.append(Array(series[..<before]))
                window.append(Array(series[before...]))
            }
            return HostSamples(
                host: "web\(host)", role: host < canaries ? .canary : .control, baseline: baseline, after: window)
        }
        return Recording(name: "push \(seed)", metrics: metrics, hosts: hosts)
    }

    static let usual = [Metric(name: "load", kind: .gauge), Metric(name: "errors", kind: .counter, from: .flip)]
}

extension Recording {
    /// As it is when the base line has just ended.
    var withoutSamplesAfter: Recording {
        var recording = self
        for host in hosts.indices { recording.hosts[host].after = metrics.map { _ in [] } }
        return recording
    }

    /// Every sample changed by `change(host, metric, moment, value)`, moments after the flip counted from 0 on, those
    /// before it negative.
    func mapped(_ change: (Int, Int, Int, Double) -> Double) -> Recording {
        var recording = self
        for host in hosts.indices {
            for metric in hosts[host].baseline.indices {
                let count = hosts[host].baseline[metric].count
                recording.hosts[host].baseline[metric] = hosts[host].baseline[metric].enumerated().map {
                    change(host, metric, $0.offset - count, $0.element)
                }
                recording.hosts[host].after[metric] = hosts[host].after[metric].enumerated().map {
                    change(host, metric, $0.offset, $0.element)
                }
            }
        }
        return recording
    }
}
