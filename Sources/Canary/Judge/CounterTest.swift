// Tests a counter: of all events in the fleet after the flip, how many fell on the canaries? In a gamma-Poisson model
// of a host's rate that number is beta-binomial, and what each host counted before the flip is the prior. The test is
// exact even for the rarest events, and needs no event on a control. docs/canary.md has the formulas.

import Glibc

/// One counter's events, host by host, ready to be tested for any of the canaries.
struct CounterTest {
    private let worse: Metric.Direction
    /// How many events come at once; what is counted are clumps of that size. 1: one by one.
    private let clump: Double
    /// Events (clumps) before and after, and the share of the whole time before and after that each host was observed.
    private var before: [Double]
    private var after: [Double]
    private var timeBefore: [Double]
    private var timeAfter: [Double]
    private let controls: [Int]
    private let dispersion: DispersionPosterior
    /// The controls' rate in a whole base line, and their rate after the flip over it.
    private let rate: Double
    private let trend: Double
    /// Hosts that were improbably far above their peers before the flip.
    private let isSick: [Bool]
    /// Whether there are enough peers to say that nothing is known of a sick host but its own history.
    private let isOwnLaw: Bool
    /// How much more the controls' counts waver about what the model expects of them than it allows; 1: no more.
    private var unrest: Double

    /// Up to this many events the law is summed up exactly; beyond it, a beta law of the same variance is as good.
    private static let mostExactEvents = 20_000.0
    /// A canary this improbably far above its peers before the flip need not follow the fleet's traffic down.
    private static let sickBefore = 1e-3
    /// Controls' events a host from which their unrest is looked at; how improbable it must be; what one host adds.
    private static let fewestForUnrest = 5.0
    private static let unrestChance = 0.01
    private static let mostSurprise = 16.0

    init?(_ table: SampleTable, worse: Metric.Direction, roles: Roles) {
        self.worse = worse
        let counted = table.counted
        let sums = (0..<table.hosts).map {
            (table.sum($0, 0..<table.before), table.sum($0, counted))
        }
        before = sums.map { $0.0.sum.rounded() }
        after = sums.map { $0.1.sum.rounded() }
        clump = Clumps.size(table, hosts: roles.controls)
        if clump > 1 {
            for host in sums.indices {
                before[host] /= clump
                after[host] /= clump
            }
        }
        timeBefore = sums.map { table.before > 0 ? Double($0.0.count) / Double(table.before) : 0 }
        timeAfter = sums.map { counted.isEmpty ? 0 : Double($0.1.count) / Double(counted.count) }
        let timeAfter = timeAfter
        let present = roles.controls.filter { timeAfter[$0] > 0 }
        guard !present.isEmpty else { return nil }
        let weightBefore = Double(table.before) / Double(max(table.before + counted.count, 1))
        let (before, after, timeBefore) = (before, after, timeBefore)
        let peers = Peers(
            present, before: before, time: timeBefore,
            dispersion: { hosts in
                DispersionPosterior(
                    events: hosts.map { before[$0] + after[$0] },
                    time: hosts.map { weightBefore * timeBefore[$0] + (1 - weightBefore) * timeAfter[$0] })
            })
        controls = peers.hosts
        dispersion = peers.dispersion
        isOwnLaw = present.count >= Peers.fewest
        isSick = before.indices.map { peers.areFarBelow($0, chance: Self.sickBefore) }
        func sum(_ values: [Double]) -> Double { peers.hosts.reduce(0) { $0 + values[$1] } }
        let (eventsBefore, eventsAfter, allBefore) = (sum(before), sum(after), sum(timeBefore))
        rate = allBefore > 0 ? eventsBefore / allBefore : 0
        trend =
            eventsAfter / max(eventsBefore, 1) * (allBefore / sum(timeAfter))
            * (counted.isEmpty ? 1 : Double(table.before) / Double(counted.count))
        unrest = 1
        unrest = unrestOfControls(eventsAfter)
    }

    /// A fleet of which every host counts what is usual, the canaries first: to see what could be found in it.
    init(
        hosts: Int, canaries: Int, before: Double, after: Double, worse: Metric.Direction,
        dispersion: DispersionPosterior
    ) {
        self.worse = worse
        self.before = [Double](repeating: before, count: hosts)
        // The total has to be whole.
        self.after = [Double](repeating: (after * Double(hosts)).rounded() / Double(hosts), count: hosts)
        timeBefore = [Double](repeating: 1, count: hosts)
        timeAfter = timeBefore
        controls = Array(canaries..<hosts)
        self.dispersion = dispersion
        isSick = [Bool](repeating: false, count: hosts)
        isOwnLaw = false
        clump = 1
        rate = before
        trend = 1
        unrest = 1
    }

    /// The variance of the controls' events after the flip over what the model allows them, where that is beyond chance:
    /// it holds every host's rate for constant, and hosts with very many events show that they are not.
    private func unrestOfControls(_ events: Double) -> Double {
        guard controls.count >= 3, events >= Self.fewestForUnrest * Double(controls.count) else { return 1 }
        let whole = predicted(controls, shape: dispersion.typical).mean
        var sum = 0.0
        for host in controls {
            let law = predicted([host], shape: dispersion.typical)
            let share = law.mean / whole
            let expected = events * share
            let variance = expected * (1 - share) + expected * expected / law.shape
            // One sick control must not hide what the others show.
            sum += min((after[host] - expected) * (after[host] - expected) / variance, Self.mostSurprise)
        }
        let freedom = Double(controls.count - 1)
        let ratio = sum / freedom
        let chance = FDistribution(numerator: freedom, denominator: 1e6).survival(ratio)
        return chance < Self.unrestChance ? ratio : 1
    }

    /// The predictive law of the rate of some hosts after the flip, up to the fleet's common trend: a gamma law's shape
    /// and mean, from what each counted before it.
    private func predicted(_ hosts: [Int], shape: Double) -> (shape: Double, mean: Double) {
        // rate · Gamma(r + B, r + rate · time): a sum of gammas of unequal scales is taken for one with its moments.
        var mean = 0.0
        var variance = 0.0
        for host in hosts where timeAfter[host] > 0 {
            let shape = isOwnLaw && isSick[host] ? 0 : shape
            let scale = timeAfter[host] / (shape + rate * timeBefore[host])
            mean += (shape + before[host]) * scale
            variance += (shape + before[host]) * scale * scale
        }
        return (mean * mean / variance, mean)
    }

    /// The test of some canaries, all together; nil if none of them was observed after the flip.
    func evidence(for canaries: [Int], tolerance: Double) -> Evidence? {
        let canaries = canaries.filter { timeAfter[$0] > 0 }
        guard !canaries.isEmpty else { return nil }
        let controlEvents = controls.reduce(0) { $0 + after[$1] }
        // The law is of whole numbers; a part of a clump is not held against anybody.
        let canaryEvents = canaries.reduce(0) { $0 + creditedAfter($1) }
            .rounded(worse == .higher ? .down : .up)
        let total = (canaryEvents + controlEvents).rounded()

        // For each shape the share's beta law: its odds have the ratio of the means, and the spread of both sides.
        var laws: [(alpha: Double, beta: Double, weight: Double, odds: Double)] = []
        for (r, weight) in zip(dispersion.shapes, dispersion.weights) {
            let canary = predicted(canaries, shape: r)
            let control = predicted(controls, shape: r)
            let odds = canary.mean / control.mean
            let beta = (1 / odds + 1) / (1 / canary.shape + 1 / control.shape)
            laws.append((odds * beta, beta, weight, odds))
        }
        let odds = laws.reduce(0) { $0 + $1.weight * $1.odds }
        let sign = worse == .higher ? 1.0 : -1.0
        func change(_ events: Double) -> Double { (events + 0.5) / (odds * (total - events) + 0.5) - 1 }
        let seen = change(canaryEvents)

        guard total > 0 else {
            return Evidence(p: 1, change: 0, exceedsTolerance: false, attainable: .only([]), power: .none)
        }
        if unrest > 1 || total > Self.mostExactEvents {
            let spread = laws.reduce(0) { sum, law in
                let sharpness = law.alpha + law.beta
                let share = law.alpha / sharpness
                let own = total * share * (1 - share) * (sharpness + total) / (sharpness + 1)
                let off = total * (share - odds / (1 + odds))
                return sum + law.weight * (own + off * off)
            }
            return approximate(
                canaryEvents, of: total, odds: odds, deviation: (spread * unrest).squareRoot(), seen: seen,
                tolerance: tolerance)
        }
        var probabilities = [Double](repeating: 0, count: Int(total) + 1)
        for law in laws {
            BetaBinomial(trials: Int(total), alpha: law.alpha, beta: law.beta)
                .addProbabilities(to: &probabilities, weight: law.weight)
        }
        // From the worse end, so that tails are summed up from their smallest term.
        let counts = worse == .higher ? Array((0...Int(total)).reversed()) : Array(0...Int(total))
        var sum = 0.0
        var p = 1.0
        var attainable: [Double] = []
        for count in counts {
            sum += probabilities[count]
            if sign * change(Double(count)) >= tolerance, sum <= 0.5 { attainable.append(sum) }
            if count == Int(canaryEvents) { p = min(sum, 1) }
        }
        // The usual regressions tilt the law: each event on the canaries is as much likelier as their rate is higher,
        // as far as that rate was known.
        let expected = total * odds / (1 + odds)
        let known = expected / laws.reduce(0) { $0 + $1.weight * $1.alpha }
        let powers = UsualRegressions.counter.map { factor -> [Double] in
            let factor = worse == .higher ? factor : 1 / factor
            let tilt = log(factor * (1 + known) / (1 + factor * known))
            let exponents = probabilities.enumerated().map { log($0.element) + Double($0.offset) * tilt }
            let most = exponents.max() ?? 0
            let tilted = exponents.map { exp($0 - most) }
            let whole = tilted.reduce(0, +)
            var tail = 0.0
            return attainable.indices.map { index in
                tail += tilted[counts[index]]
                return tail / whole
            }
        }
        return Evidence(
            p: p, change: seen, exceedsTolerance: sign * seen >= tolerance, attainable: .only(attainable),
            power: .counts(powers))
    }

    /// The same for very many events, and for hosts that do not keep their rate: by a t law with the same variance.
    private func approximate(
        _ events: Double, of total: Double, odds: Double, deviation: Double, seen: Double, tolerance: Double
    ) -> Evidence {
        let sign = worse == .higher ? 1.0 : -1.0
        let mean = total * odds / (1 + odds)
        let law = StudentT(degreesOfFreedom: unrest > 1 ? Double(controls.count - 1) : 1e6)
        func excess(_ factor: Double) -> Double {
            sign * (total * factor * odds / (1 + factor * odds) - mean) / deviation
        }
        let tolerated = max(1 + sign * tolerance, 0)
        return Evidence(
            p: law.survival(sign * (events - mean) / deviation), change: seen,
            exceedsTolerance: sign * seen >= tolerance,
            regressions: UsualRegressions.counter.map { excess(worse == .higher ? $0 : 1 / $0) },
            tolerated: excess(tolerated), law: law)
    }

    /// A canary's events after the flip, without credit for a fall of the whole fleet's traffic if it was sick before.
    private func creditedAfter(_ host: Int) -> Double {
        guard worse == .higher, trend < 1, isSick[host] else { return after[host] }
        return clump > 1 ? after[host] * trend : (after[host] * trend).rounded(.toNearestOrEven)
    }
}
