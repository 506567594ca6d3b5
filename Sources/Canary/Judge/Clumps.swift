// Estimates how many events come at once: a failed request is tried again, a broken page logs five lines. Such counts
// vary more than Poisson counts do. A test that took each event as independent evidence would roll back good releases.
// The estimate compares samples of one host over time, so hosts' rates and the traffic do not matter. CounterTest calls
// it.

import Glibc

enum Clumps {
    /// Standard errors by which events must clump beyond chance before they are taken to.
    private static let beyondChance = 4.0
    /// The part of the hosts, those with the largest samples, that is left out: what one host had once is no habit of events.
    private static let leftOut = 0.1
    private static let fewest = 3

    /// How many events come at once, weighted by events: E[s²]/E[s] of clumps of s, which is the counts' variance over
    /// Poisson's. 1 where no more is seen than chance shows.
    ///
    /// Given a host's n events, single ones fall on its m samples as a multinomial law with the fleet's course q for its
    /// chances: X² = Σ (x − n q)²/(n q) is m − 1 on average, with a variance of 2 (m − 1)(n − 1)/n (about, for even q); of
    /// clumps X² is Σ s²/n times as much. The index is the mean of X²/(m − 1), weighted by n.
    static func size(_ table: SampleTable, hosts: [Int]) -> Double {
        guard hosts.count >= fewest else { return 1 }
        let largest = hosts.map { host in
            (0..<table.moments).reduce(0) { max($0, table[host, $1].ifThere) }
        }
        let order = hosts.indices.sorted { largest[$0] < largest[$1] }
        let hosts = order.dropLast(Int((Double(hosts.count) * leftOut).rounded(.up))).map { hosts[$0] }
        var course = [Double](repeating: 0, count: table.moments)
        for host in hosts {
            for moment in course.indices {
                let events = table[host, moment]
                if !events.isNaN { course[moment] += events }
            }
        }
        var index = 0.0
        var variance = 0.0
        var whole = 0.0
        for host in hosts {
            // A sample where no host has an event says nothing.
            let there = course.indices.filter { course[$0] > 0 && !table[host, $0].isNaN }
            let events = there.reduce(0) { $0 + table[host, $1] }
            guard there.count > 1, events > 1 else { continue }
            let rate = events / there.reduce(0) { $0 + course[$1] }
            let squares = there.reduce(0) { sum, moment in
                let expected = rate * course[moment]
                let off = table[host, moment] - expected
                return sum + off * off / expected
            }
            let freedom = Double(there.count - 1)
            index += events * squares / freedom
            variance += events * (events - 1) * 2 / freedom
            whole += events
        }
        guard whole > 0 else { return 1 }
        index /= whole
        return index - 1 > beyondChance * variance.squareRoot() / whole ? index : 1
    }
}

extension Double {
    /// Zero for a sample that is missing.
    fileprivate var ifThere: Double { isNaN ? 0 : self }
}
