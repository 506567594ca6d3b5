// Tests a gauge. Each host gives one number, its step at the flip, and a t test compares the canaries' mean with the
// controls'. The variance comes from the controls alone, because a release may make its canaries differ. Samples of one
// host are not independent: a test that took them so would roll back many good releases. docs/canary.md has the reasons
// and the formulas.

import Glibc

/// One gauge's steps, host by host, ready to be tested for any of the canaries.
struct GaugeTest {
    private let roles: Roles
    private let scale: GaugeScale
    private let direction: Double
    /// For each host: the step for the worse, its weight (1 for a complete series, less where samples are missing, 0
    /// where there is no telling), and its level before the flip beside its peers'.
    private var steps: [Double]
    private var weights: [Double]
    private var peers: [Double]
    /// How many degrees of freedom each host's own part of the variance has; infinite where all hosts waver alike.
    private let unrestFreedom: [Double]
    /// Where controls do not waver at all: the step's variance by the host's own wavering. Zero otherwise.
    private var ownVariance: [Double]
    private var freedom: Double
    private var peerSpread = 0.0
    private var peerMean = 0.0
    private var controlMean = 0.0
    private var variance = Double.infinity
    private var excessKurtosis = 0.0
    private let controls: [Int]

    /// Hosts needed to use their level as a covariate and to look at their tails; to clip outliers.
    private static let fleet = 12
    private static let fewestToClip = 8
    /// From so many controls on the noise model counts for nothing.
    private static let fewestForThemselves = 30
    /// The model's degrees of freedom beside fewer controls.
    private static let leastModelFreedom = 3.0
    private static let mostModelFreedom = 20.0
    /// The controls contradict the model where their variance has less than this probability under it, by F.
    private static let contradiction = 0.1
    /// A host needs these before the flip to have a step at all.
    static let leastBefore = 2

    /// Whether a host has samples enough on both sides of the flip.
    static func hasStep(_ host: Int, in table: SampleTable) -> Bool {
        table.count(host, 0..<table.before) >= leastBefore && table.count(host, table.settled) > 0
    }

    /// `levels` on `scale`; `peerLevels` is each host's level before the flip in the other gauges, NaN where unknown.
    init?(
        _ levels: SampleTable, scale: GaugeScale, worse: Metric.Direction, roles: Roles, peerLevels: [Double]?
    ) {
        self.roles = roles
        self.scale = scale
        direction = worse == .higher ? 1 : -1
        let shape = SeriesShape(
            before: levels.before, gap: levels.gap, settle: levels.settle, after: levels.after)
        guard levels.before >= Self.leastBefore, levels.after > levels.settle else { return nil }
        let grid = NoiseGrid.of(shape)
        let usable = (0..<levels.hosts).map { Self.hasStep($0, in: levels) }
        controls = roles.controls.filter { usable[$0] }
        guard controls.count >= 2, let fit = NoiseFit(levels, hosts: controls, grid: grid) else { return nil }

        let unrest = HostUnrest(levels, controls: controls, fit: fit)
        unrestFreedom = unrest.freedom
        steps = [Double](repeating: 0, count: levels.hosts)
        weights = steps
        ownVariance = steps
        var own = steps
        for host in 0..<levels.hosts where usable[host] {
            let row = levels.row(host)
            if fit.isFlat { ownVariance[host] = fit.entry.stepVariance * Self.wavering(levels, host) }
            if row.contains(where: \.isNaN) || fit.entry.stepWeights.isEmpty {
                let estimator = StepEstimator(fit.entry.model, shape) { !row[$0].isNaN }
                guard estimator.variance.isFinite else { continue }
                let value = { (moment: Int) in row[moment].isNaN ? 0 : row[moment] }
                steps[host] = direction * estimator.step(value)
                own[host] = direction * estimator.level(value)
                weights[host] = fit.entry.stepVariance / estimator.variance / unrest.variances[host]
            } else {
                steps[host] = direction * dot(fit.entry.stepWeights, row)
                own[host] = direction * dot(fit.entry.levelWeights, row)
                weights[host] = 1 / unrest.variances[host]
            }
        }
        peers = [Double](repeating: 0, count: levels.hosts)
        freedom = Double(controls.count - 1)
        if let peerLevels, controls.count >= Self.fleet {
            adjust(by: Self.surprise(own, given: peerLevels.map { direction * $0 }, controls: controls))
        }
        if controls.count >= Self.fewestToClip { clip() }
        estimateVariance(fit)
    }

    /// The variance of a host's samples about its levels before and after the flip.
    private static func wavering(_ levels: SampleTable, _ host: Int) -> Double {
        var squares = 0.0
        var count = 0.0
        for columns in [0..<levels.before, levels.settled] {
            guard let mean = levels.mean(host, columns) else { continue }
            for column in columns {
                let value = levels[host, column]
                guard !value.isNaN else { continue }
                squares += (value - mean) * (value - mean)
                count += 1
            }
        }
        return squares / max(count - 2, 1)
    }

    /// How much higher each host's own level is than its level in the other gauges lets expect, by the controls' regression
    /// line: of two equally large hosts the one whose level is higher happens to stand high. NaN where unknown.
    private static func surprise(_ own: [Double], given peers: [Double], controls: [Int]) -> [Double] {
        let known = controls.filter { !peers[$0].isNaN }
        let (middle, spread) = medianAndDeviation(known.map { peers[$0] })
        let (ownMiddle, ownSpread) = medianAndDeviation(known.map { own[$0] })
        var square = 0.0
        var product = 0.0
        for host in known {
            // Sick hosts are beyond three deviations in both, and would make any line steep.
            let peer = peers[host] - middle
            let level = own[host] - ownMiddle
            guard abs(peer) <= 3 * spread, abs(level) <= 3 * ownSpread else { continue }
            square += peer * peer
            product += peer * level
        }
        // Between a level that has nothing to do with the others and one that goes with them.
        let slope = min(max(product / (square + 1e-12), 0), 1)
        return own.indices.map { own[$0] - slope * peers[$0] }
    }

    /// Takes from the steps what a host's level beside its level in the other gauges explains: a host that happened to
    /// stand high before the flip comes down by itself.
    private mutating func adjust(by difference: [Double]) {
        let there = controls.map { difference[$0] }.filter { !$0.isNaN }
        let (middle, spread) = medianAndDeviation(there)
        for host in difference.indices {
            let z = (difference[host] - middle) / (spread + 1e-12)
            // A host far off its peers, or without any, is left as it is.
            peers[host] = abs(z) <= 3 ? z : 0
        }
        peerMean = weightedMean(peers)
        let (center, deviation) = medianAndDeviation(controls.map { steps[$0] })
        let reach = 3 * (deviation + 1e-12)
        var product = 0.0
        for host in controls {
            let z = peers[host] - peerMean
            peerSpread += weights[host] * z * z
            product += weights[host] * z * min(max(steps[host], center - reach), center + reach)
        }
        let slope = product / (peerSpread + 1e-12)
        for host in steps.indices { steps[host] -= slope * (peers[host] - peerMean) }
        freedom -= 1
    }

    /// Moves controls that stand beyond five deviations to there: a sick control must not hide a sick canary.
    private mutating func clip() {
        let (center, deviation) = medianAndDeviation(controls.map { steps[$0] })
        let reach = 5 * (deviation + 1e-12)
        for host in controls where weights[host] > 0 {
            let bound = reach / weights[host].squareRoot()
            steps[host] = min(max(steps[host], center - bound), center + bound)
        }
    }

    /// Degrees of freedom that the noise model counts for beside so many controls.
    private static func modelFreedom(beside controls: Int) -> Double {
        controls >= fewestForThemselves ? 0 : controls < fleet ? leastModelFreedom : mostModelFreedom
    }

    private mutating func estimateVariance(_ fit: NoiseFit) {
        controlMean = weightedMean(steps)
        var squares = 0.0
        var fourths = 0.0
        for host in controls {
            let square = weights[host] * (steps[host] - controlMean) * (steps[host] - controlMean)
            squares += square
            fourths += square * square
        }
        if freedom > 0 { variance = squares / freedom }
        let count = Double(controls.count)
        let modelFreedom = Self.modelFreedom(beside: controls.count)
        if modelFreedom > 0 {
            let model = fit.entry.stepVariance * fit.sampleVariance
            let ratios = FDistribution(numerator: freedom, denominator: modelFreedom)
            if ratios.survival(variance / model) >= Self.contradiction {
                variance = (freedom * variance + modelFreedom * model) / (freedom + modelFreedom)
                freedom += modelFreedom
            }
        }
        if controls.count >= Self.fleet, squares / count > 1e-15 {
            let kurtosis = fourths / count / (squares / count * squares / count) - 3
            // What normal hosts show by chance is within two of its standard errors.
            if kurtosis > 2 * (24 / count).squareRoot() { excessKurtosis = kurtosis }
        }
    }

    private func weightedMean(_ values: [Double]) -> Double {
        var sum = 0.0
        var whole = 0.0
        for host in controls {
            sum += weights[host] * values[host]
            whole += weights[host]
        }
        return sum / whole
    }

    /// The test of some canaries, all together; nil if none of them has samples before and after the flip.
    func evidence(for canaries: [Int], tolerance: Double) -> Evidence? {
        var whole = 0.0
        var mean = 0.0
        var peer = 0.0
        var count = 0.0
        var own = 0.0
        var unrest = 0.0
        for host in canaries where weights[host] > 0 {
            count += 1
            unrest += weights[host] * weights[host] / unrestFreedom[host]
            own += ownVariance[host]
            whole += weights[host]
            mean += weights[host] * steps[host]
            peer += weights[host] * peers[host]
        }
        guard count > 0, variance.isFinite else { return nil }
        mean /= whole
        peer = peer / whole - peerMean
        let lever = peerSpread > 0 ? peer * peer / (peerSpread + 1e-12) : 0
        let controlWeight = controls.reduce(0) { $0 + weights[$1] }
        let error =
            max(max(variance, own / count).squareRoot(), 1e-6) * (1 / whole + 1 / controlWeight + lever).squareRoot()
        var law = StudentT(degreesOfFreedom: freedom)
        var stretch = 1.0
        if unrest > 0 { law.degreesOfFreedom = min(whole * whole / unrest, freedom) }
        if excessKurtosis > 0 {
            // The t law with the kurtosis that the controls show, which a mean over k canaries thins to a k-th.
            law.degreesOfFreedom = min(4 + 6 * count / excessKurtosis, law.degreesOfFreedom)
            stretch = (law.degreesOfFreedom / (law.degreesOfFreedom - 2)).squareRoot()
        }
        let step = mean - controlMean
        let tolerated = direction * scale.step(direction * tolerance)
        return Evidence(
            p: law.survival(step / error * stretch), change: scale.change(direction * step),
            exceedsTolerance: step >= tolerated,
            regressions: UsualRegressions.gauge.map { (scale.isLogarithmic ? log($0) : $0 - 1) / error },
            tolerated: tolerated / error, law: law, stretch: stretch)
    }

    /// What a test with this standard error could find, before there are samples.
    static func expected(
        error: Double, controls: Int, worse: Metric.Direction, tolerance: Double
    ) -> Evidence {
        let freedom = Double(controls - 1) + modelFreedom(beside: controls)
        let direction = worse == .higher ? 1.0 : -1.0
        let tolerated = tolerance * direction > -1 ? direction * log1p(direction * tolerance) : .infinity
        return Evidence(
            p: 1, change: 0, exceedsTolerance: false, regressions: UsualRegressions.gauge.map { log($0) / error },
            tolerated: tolerated / error, law: StudentT(degreesOfFreedom: freedom))
    }
}
