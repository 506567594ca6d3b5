// The guard judges the watch when every host is flipped. Without controls no method can tell a small regression from a
// change of the traffic. So the guard looks only for what traffic does not do: a large jump at the flip, or a level far
// beyond the base line's. PushJudging calls it at every look.

import Glibc
import SlotSync

/// Watches a fleet of which every host was flipped, by samples before and after.
///
/// A metric has regressed when its level jumped at the flip (30 s after the settling time against the 30 s before it) by
/// more than × 1.5 for a gauge or × 2.5 for a counter, and by more than three times the jumps within the base line; or
/// when its mean over any 30 s is beyond × 2.5 for a gauge or × 4 for a counter of the base line's. docs/canary.md has the
/// figures that these were chosen by.
public struct FleetGuard: Sendable {
    public let settings: JudgeSettings

    public init(_ settings: JudgeSettings) { self.settings = settings }

    static let windowSeconds = 30.0
    static let leastSamples = 3
    static let jumpsOfBaseline = 3.0
    private static let longestWindow = 1e6

    static func jumpLimit(_ kind: Metric.Kind) -> Double { kind == .gauge ? 1.5 : 2.5 }
    static func levelLimit(_ kind: Metric.Kind) -> Double { kind == .gauge ? 2.5 : 4 }

    /// Judges all hosts of a recording, whatever their role, by the samples that are there so far.
    ///
    /// A `pass` means that nothing is to be seen yet; `inconclusive`, that less than 30 s after the settling time, or of
    /// the base line, were sampled, or less than all of a watch or base line that is shorter.
    ///
    /// - Parameter isLast: false: more samples are to come, so that what lacks nothing but time is undecided yet.
    public func judge(_ recording: Recording, isLast: Bool = true) -> Judgement {
        let before = recording.samplesBefore
        let after = recording.samplesAfter
        let settle = settings.settleSamples(every: recording.interval)
        let usual = (Self.windowSeconds / recording.interval - 1e-9).rounded(.up)
        guard !recording.metrics.isEmpty, usual <= Self.longestWindow else {
            let reason = recording.metrics.isEmpty ? "no metric to watch" : "no time between samples"
            return Judgement(verdict: .inconclusive, metrics: [], why: "guard: there is \(reason)")
        }
        let watches = recording.metrics.indices.map { index in
            let table = SampleTable(recording, metric: index, before: before, settle: settle, after: after)
            // A base line or a watch that is shorter than 30 s is compared as a whole: no more is asked for than is
            // counted of this metric until the watch is over.
            let counted = settings.countedSamples(of: recording.metrics[index], every: recording.interval)
            var width = max(min(Int(usual), before, counted), Self.leastSamples)
            // A round that begins a moment after the end is no reason to take a release back.
            if isLast, table.counted.count == width - 1 { width -= 1 }
            return FleetWatch(
                table, metric: recording.metrics[index], width: width, interval: recording.interval,
                chance: settings.significance / Double(recording.metrics.count))
        }
        let isOver = watches.contains { $0.judgement.verdict == .regression }
        let metrics = watches.map { watch in
            var metric = watch.judgement
            metric.isUndecided = (isOver || !isLast) && watch.isTooEarly
            return metric
        }
        let all = recording.hosts.count
        let seen = recording.hosts.count { host in host.after.contains { $0.contains(where: \.isFinite) } }
        let hosts = seen == all ? NumberText.count(all, "host") : "the \(seen) of \(all) hosts that sent samples"
        func sentence(_ verdict: Verdict, _ text: String) -> Judgement {
            Judgement(verdict: verdict, metrics: metrics, why: "guard: " + text)
        }
        let regressed = watches.filter { $0.judgement.verdict == .regression }
        if !regressed.isEmpty {
            return sentence(
                .regression, regressed.map(\.words).joined(separator: "; ") + " (\(hosts), all flipped: no controls)")
        }
        let lacking = watches.filter { $0.judgement.verdict == .inconclusive }
        if !lacking.isEmpty { return sentence(.inconclusive, lacking.map(\.words).joined(separator: "; ")) }
        let worst = watches.max { $0.nearness < $1.nearness }
        return sentence(
            .pass, "nothing large on \(hosts), all flipped" + (worst.map { ": the largest is " + $0.words } ?? ""))
    }
}

/// One metric of a whole fleet over time.
private struct FleetWatch {
    private(set) var judgement: MetricJudgement
    private(set) var words = ""
    /// Whether it lacks nothing but time after the flip.
    private(set) var isTooEarly = false
    /// The largest level over its limit, in logarithms: 1 is at it.
    private(set) var nearness = 0.0

    init(_ table: SampleTable, metric: Metric, width: Int, interval: Double, chance: Double) {
        judgement = MetricJudgement(name: metric.name, verdict: .inconclusive)
        let course = FleetCourse(table, kind: metric.kind)
        // There are many windows to be beyond chance in; those that do not overlap count.
        let chance = chance / Double(max(table.after / width, 1))
        let base = 0..<table.before
        let sign = metric.worse == .higher ? 1.0 : -1.0
        guard let level = course.total(base), course.samples(base) >= Double(width) / 2, level.seen > 0 else {
            words =
                "\(metric.name) has no \(course.samples(base) > 0 ? "base line above zero" : "sample before the flip")"
            if metric.kind == .counter, course.samples(base) >= Double(width) / 2 {
                // No event at all before the flip: as many as chance does not bring are the jump.
                words = "\(metric.name), none before the flip"
                judgeWithoutEvents(course, table, width: width, interval: interval, chance: chance, sign: sign)
            }
            judgement.note = judgement.verdict == .inconclusive ? words : ""
            return
        }
        let starts = stride(from: table.before + table.leftOut, through: table.moments - width, by: 1)
        var worst: (log: Double, range: Range<Int>)?
        for start in starts {
            let range = start..<start + width
            guard let log = course.logRatio(range, base) else { continue }
            if let before = worst, sign * before.log >= sign * log { continue }
            worst = (log, range)
        }
        guard let worst else {
            noteTooEarly(width: width, interval: interval)
            judgement.note = words
            return
        }
        let limit = log(FleetGuard.levelLimit(metric.kind))
        let isFar = sign * worst.log > limit && course.isBeyondChance(worst.range, base, chance: chance, sign: sign)
        let jump = course.jump(at: table.before, settle: table.leftOut, width: width)
        let usual = course.usualJump(in: base, settle: table.leftOut, width: max(width / 2, 1))
        var isJump = false
        if let jump, let usual {
            let first = table.before + table.leftOut..<table.before + table.leftOut + width
            isJump =
                sign * jump > max(log(FleetGuard.jumpLimit(metric.kind)), FleetGuard.jumpsOfBaseline * usual)
                && course.isBeyondChance(first, base, chance: chance, sign: sign)
        }
        nearness = sign * worst.log / limit
        let seconds = { (moment: Int) in TimeText.exact(Double(moment - table.before) * interval) }
        let shown = isJump && !isFar ? jump ?? worst.log : worst.log
        words = "\(metric.name) \(NumberText.factor(exp(shown)))"
        if isJump && !isFar {
            words += " at the flip, where the base line jumps by \(NumberText.factor(exp(usual ?? 0)))"
        } else {
            words += " of the base line from \(seconds(worst.range.lowerBound)) to \(seconds(worst.range.upperBound))"
            words += " after the flip, where \(NumberText.factor(exp(sign * limit))) goes back"
        }
        let unit = metric.kind == .counter ? 60 / interval : 1
        judgement.verdict = isFar || isJump ? .regression : .pass
        judgement.effect = expm1(shown)
        judgement.canaryLevel = course.mean(worst.range).map { $0 * unit }
        judgement.controlLevel = course.mean(base).map { $0 * unit }
    }

    private mutating func noteTooEarly(width: Int, interval: Double) {
        words = "\(judgement.name) has less than \(TimeText.exact(Double(width) * interval)) of samples after the flip"
        isTooEarly = true
    }

    private mutating func judgeWithoutEvents(
        _ course: FleetCourse, _ table: SampleTable, width: Int, interval: Double, chance: Double, sign: Double
    ) {
        let window = table.counted
        guard course.samples(window) >= Double(width) else {
            return noteTooEarly(width: width, interval: interval)
        }
        var most = 0.0
        var isBeyond = false
        for start in stride(from: window.lowerBound, through: table.moments - width, by: 1) {
            let range = start..<start + width
            most = max(most, course.mean(range) ?? 0)
            if course.isBeyondChance(range, 0..<table.before, chance: chance, sign: 1) { isBeyond = true }
        }
        judgement.canaryLevel = most * 60 / interval
        judgement.controlLevel = 0
        judgement.verdict = isBeyond && sign > 0 ? .regression : .pass
        words +=
            most > 0 ? ", at most \(NumberText.level(most * 60 / interval)) a minute and host after it" : " or after it"
    }
}
