// What a plot shows: axes, groups of hosts, and where their lines run.

import SlotSync
import Testing

@testable import Canary
@testable import CanaryReport

@Suite struct PlotScaleTests {
    @Test(
        arguments: [
            ([0.0, 14], .counter, ["0", "5", "10"]), ([36.0, 46], .gauge, ["36", "38", "40", "42", "44", "46"]),
            ([2.0, 3.1], .gauge, ["2.0", "2.5", "3.0"]),
            ([0.5, 3.1], .gauge, ["0", "1", "2", "3"]),
            ([-3.0, 4], .gauge, ["−2", "0", "2", "4"]), ([5.0], .gauge, ["0", "5", "10"]),
            ([0.0], .counter, ["0", "0.5", "1.0"]),
            ([0.0, 42_000], .gauge, ["0", "10k", "20k", "30k", "40k"]), ([], .gauge, ["0", "0.5", "1.0"]),
            ([0.0, 0.004], .gauge, ["0", "0.001", "0.002", "0.003", "0.004"]),
            ([0.0, 3_100_000], .counter, ["0", "1M", "2M", "3M"]), ([0.0, 2.5e-9], .gauge, ["0", "1e-9", "2e-9"]),
        ] as [([Double], Metric.Kind, [String])])
    func ticksAreRound(values: [Double], kind: Metric.Kind, expected: [String]) {
        #expect(PlotScale.values(values, kind: kind).tickLabels == expected)
    }

    @Test(arguments: [1e-300, 1e-9, 0.7, 3, 99, 12_345, 1e17])
    func valuesAndTicksLieInside(size: Double) {
        for values in [[size], [-size], [0, size], [-size, size], [size, size * 1.000001]] {
            let scale = PlotScale.values(values, kind: .gauge)
            #expect((3...8).contains(scale.ticks.count), "\(values): \(scale)")
            for value in values + scale.ticks { #expect((-1e-9...1 + 1e-9).contains(scale.place(value))) }
        }
    }

    @Test(arguments: [5e-324, 2.2e-308, 1e-201, 1e201, 1.7e308, .infinity, .nan] as [Double])
    func valuesThatNoScaleHoldsHaveAScaleAllTheSame(size: Double) {
        for kind in [Metric.Kind.gauge, .counter] {
            for values in [[size], [-size], [0, size], [-size, size], [1, size], [5e-324, size, 1.7e308]] {
                let scale = PlotScale.values(values, kind: kind)
                #expect(!scale.ticks.isEmpty && scale.tickLabels.count == scale.ticks.count, "\(values): \(scale)")
                for value in values { #expect((-1...2).contains(scale.place(value))) }
            }
        }
        #expect(PlotScale(low: 0, high: 0, ticks: [], step: 0).tickLabels == [])
    }

    @Test func timeIsCountedInWholeMinutesWhereItIsLong() {
        #expect(PlotScale.time(from: -60, to: 360, mostTicks: 10).ticks == [-60, 0, 60, 120, 180, 240, 300, 360])
        #expect(PlotScale.time(from: -55, to: 25, mostTicks: 5).ticks == [-30, 0])
        #expect(PlotScale.time(from: 7, to: 7, mostTicks: 5).ticks.count <= 5)
    }

    @Test func aPhoneHasSomeOfADesksTicksAndNoneBetweenThem() {
        for length in stride(from: 3.0, through: 90_000, by: 7) {
            let desk = PlotScale.time(from: -length / 3, to: length, mostTicks: 10)
            let phone = desk.ticks(atMost: 5)
            #expect(desk.ticks.count <= 11 && phone.count <= 6, "\(length) s")
            #expect(phone.contains(0) && Set(phone).isSubset(of: desk.ticks), "\(length) s")
        }
    }

    @Test(
        arguments: [
            (-10, 30, ["−10 s", "−5 s", "0 s", "+5 s", "+10 s", "+15 s", "+20 s", "+25 s", "+30 s"]),
            (
                -60, 90,
                ["−60 s", "−45 s", "−30 s", "−15 s", "0 s", "+15 s", "+30 s", "+45 s", "+60 s", "+75 s", "+90 s"]
            ),
            (-60, 360, ["−1 min", "0 min", "+1 min", "+2 min", "+3 min", "+4 min", "+5 min", "+6 min"]),
            (-3600, 14_400, ["−60 min", "−30 min", "0 min", "+30 min", "+60 min", "+90 min"]),
            (0, 28_800, ["0 h", "+1 h", "+2 h", "+3 h"]),
        ] as [(Double, Double, [String])])
    func momentsAreLabelledInOneShortUnit(low: Double, high: Double, expected: [String]) {
        let scale = PlotScale.time(from: low, to: high, mostTicks: 10)
        #expect(Array(scale.ticks.map(scale.timeLabel).prefix(expected.count)) == expected)
    }
}

@Suite struct PlotPathTests {
    private let path = PlotPath(
        time: PlotScale(low: 0, high: 10, ticks: [], step: 1), value: PlotScale(low: 0, high: 100, ticks: [], step: 1))

    @Test func aLineHasGapsAndLonePoints() {
        #expect(
            path.line([0, 1, 2, 3, 4, 5], [0, 50, .nan, 100, .nan, 25]) == "M0 1000L400 500M1200 0h0M2000 750h0")
        #expect(path.line([0, 1], [.nan, .nan]) == "")
    }

    @Test func aBandGoesThereAndBack() {
        #expect(
            path.band([0, 1, 2, 3], low: [10, 10, .nan, 0], high: [20, 30, .nan, 100])
                == "M0 800L400 700L400 900L0 900zM1100 0h200V1000h-200z")
    }

    @Test func whatLiesFarOutsideStaysWithinBounds() {
        #expect(path.line([0, 1, 2], [1e300, -1e300, .infinity]) == "M0 -1000L400 2000L800 1000")
    }
}

@Suite struct PlotColumnsTests {
    private func host(_ step: RolloutPlan.StepKind, flippedAt: Double? = nil) throws -> RolloutOutcome.HostOutcome {
        try .live("h", step, flippedAt: flippedAt)
    }

    /// Times are those of the axis, whose zero is at 100 seconds of the push.
    private func columns(
        _ values: [[Double]], times: [Double], hosts: [RolloutOutcome.HostOutcome], kind: Metric.Kind = .gauge,
        rollback: Double? = nil
    ) -> PlotColumns {
        let log = SampleLog(
            hosts: hosts.map(\.host), metric: Metric(name: "m", kind: kind), times: times.map { $0 + 100 },
            values: values)
        return PlotColumns(log, metric: 0, hosts: hosts, zero: 100, rollback: rollback)
    }

    @Test func aHostIsAControlUntilItsFlip() throws {
        let hosts = try [
            host(.canaries, flippedAt: 100), host(.everybody, flippedAt: 110), host(.heldBack),
            host(.subset(1), flippedAt: 105),
        ]
        let columns = columns(
            [[1, 1, 9, 9], [2, 2, 2, 8], [4, 4, 4, 4], [3, 3, 7, 7]], times: [-5, 5, 10, 15], hosts: hosts)
        #expect(columns.canaryMean == [1, 1, 9, 9])
        #expect(columns.controls.middle == [3, 3, 3, 4])
        #expect(columns.flipped.middle.prefix(2).allSatisfy { $0.isNaN })
        #expect(columns.flipped.middle.suffix(2) == [7, 7.5])
    }

    @Test func theBandLeavesOutOneHostInTenOnEitherSide() throws {
        let hosts = try [RolloutOutcome.HostOutcome](repeating: host(.everybody), count: 11)
        let columns = columns((0...10).map { [Double($0) * 10] }, times: [0], hosts: hosts)
        #expect(columns.controls == .init(low: [10], middle: [50], high: [90]))
        #expect(PlotColumns.Spread.quantile(0.5, of: [1, 2]) == 1.5)
        #expect(PlotColumns.Spread.quantile(0.5, of: []).isNaN)
    }

    @Test func aCounterIsARateOverHalfAMinuteThatBeginsAnewAtAFlip() throws {
        let times = stride(from: -30.0, through: 10, by: 5).map { $0 }
        let columns = columns(
            [[1, 1, 1, 1, 1, 1, 1, 7, .nan]], times: times, hosts: try [host(.canaries, flippedAt: 100)], kind: .counter
        )
        // 12 samples of five seconds are a minute. The sample at 0 was counted before the flip.
        #expect(columns.canaryMean.dropLast() == [12, 12, 12, 12, 12, 12, 12, 84])
        #expect(columns.canaryMean.last?.isNaN == true)
        let late = self.columns(
            [[6, 0, 0, 0, 0, 0, 0, 0, 0]], times: times, hosts: try [host(.canaries, flippedAt: 500)], kind: .counter)
        #expect(late.canaryMean == [72, 36, 24, 18, 14.4, 12, 0, 0, 0])
        let back = self.columns(
            [[6, 0, 0, 0, 0, 0, 0, 0, 0]], times: times, hosts: try [host(.canaries, flippedAt: 500)], kind: .counter,
            rollback: -20)
        #expect(back.canaryMean == [72, 36, 24, 0, 0, 0, 0, 0, 0])
    }

    @Test func anotherHostsFlipBeginsNoRateAnew() throws {
        let hosts = try [host(.canaries, flippedAt: 100), host(.subset(1), flippedAt: 110), host(.heldBack)]
        let columns = columns(
            [[0, 2, 2, 0, 0], [0, 2, 2, 0, 0], [0, 2, 2, 0, 0]], times: [0, 5, 10, 15, 20], hosts: hosts, kind: .counter
        )
        #expect(columns.canaryMean == [0, 24, 24, 16, 12])
        #expect(columns.flipped.middle.suffix(2) == [0, 0])
        #expect(columns.controls.middle == [0, 12, 16, 12, 9.6])
    }

    @Test func aCanaryThatWasNotFlippedShowsNothingOfTheRelease() throws {
        let hosts = try [host(.canaries, flippedAt: 100), host(.canaries), host(.everybody)]
        #expect(columns([[5], [1], [2]], times: [10], hosts: hosts).canaryMean == [5])
        #expect(columns([[5], [1], [2]], times: [10], hosts: hosts).controls.middle == [2])
    }

    @Test func aCountersMiddleIsItsMeanAndAGaugesItsMedian() throws {
        let hosts = try [RolloutOutcome.HostOutcome](repeating: host(.everybody), count: 3)
        #expect(columns([[0], [0], [3]], times: [1], hosts: hosts, kind: .counter).controls.middle == [12])
        #expect(columns([[0], [0], [3]], times: [1], hosts: hosts).controls.middle == [0])
    }

    @Test func manyCanariesAreABandAndManySamplesAreAveraged() throws {
        let canaries = try [RolloutOutcome.HostOutcome](
            repeating: host(.canaries, flippedAt: 100), count: PlotColumns.mostLines + 1)
        let times = (0..<1_000).map(Double.init)
        let columns = columns(canaries.map { _ in times }, times: times, hosts: canaries)
        #expect(columns.canaries.isEmpty)
        #expect(columns.canarySpread?.middle == columns.canaryMean)
        #expect(columns.times.count <= PlotColumns.mostColumns)
        #expect(columns.times.first == 2)
        #expect(columns.canaryMean == columns.times)
    }

    @Test func whatIsMissingShortOrAbsurdIsAGap() throws {
        let columns = columns(
            [[1, 2], [.nan, 1e300, -.infinity], []], times: [0, 5, 10],
            hosts: try [RolloutOutcome.HostOutcome](repeating: host(.canaries, flippedAt: 100), count: 3))
        #expect(columns.canaries.count == 1)
        #expect(columns.canaryMean.prefix(2) == [1, 2])
        #expect(columns.canaryMean[2].isNaN)
    }
}

@Suite struct PlotCourseTests {
    /// Base line, a while in which canaries get ready, two windows, a guard's watch.
    private func course(_ kind: Metric.Kind, from start: Metric.Start = .settled, flip: Double? = 100) throws
        -> PlotCourse?
    {
        let phases: [(Double, Rollout.Phase)] = [
            (0, .staging), (20, .baseline), (80, .preparing(.canaries)), (99.5, .flipping(.canaries)),
            (104, .window(.canaries)), (130, .preparing(.subset(1))), (131, .flipping(.subset(1))),
            (132, .window(.subset(1))), (150, .preparing(.everybody)), (151, .flipping(.everybody)),
            (152, .confirming(.everybody)), (155, .watching), (190, .done),
        ]
        let host = try RolloutOutcome.HostOutcome.live("h", .canaries, flippedAt: flip)
        var result = try PushResult.small(
            hosts: [host],
            timeline: (flip == nil ? phases.prefix(2) + [(80, .done)] : phases).map { .init(seconds: $0, phase: $1) },
            seconds: 200,
            settings: CanarySettings(baseline: 60, settle: 10))
        result.samples = SampleLog(
            hosts: [host.host], metric: Metric(name: "m", kind: kind), times: [20, 190], values: [[1, 1]])
        result.comparisons = [
            JudgedComparison(
                kind: .guarding, recording: Recording(name: "watch", metrics: [], hosts: []),
                judgement: Judgement(verdict: .pass, metrics: [], why: ""))
        ]
        return PlotCourse(ReportPage(result, title: "t"), metric: Metric(name: "m", kind: kind, from: start))
    }

    @Test func theBaseLineIsTheStretchBeforeTheFirstFlip() throws {
        let zones = try #require(try course(.gauge)).zones
        #expect(zones.map(\.start) == [-60, 4, 32, 55])
        #expect(zones.map(\.end) == [0, 30, 50, 90])
    }

    @Test func settlingIsShadedAsFarAsItIsLeftOut() throws {
        #expect(try course(.gauge)?.settling == [0...14, 31...42, 51...65])
        #expect(try course(.counter)?.settling == [0...14, 31...42, 51...65])
        #expect(try course(.counter, from: .flip)?.settling == [])
    }

    @Test func samplesAndPhasesShareAnAxisWhereNobodyWasFlipped() throws {
        let course = try #require(try course(.gauge, flip: nil))
        #expect(course.zero == 20 && !course.zeroIsFlip)
        #expect(course.zones.first?.start == 0 && course.start == 0)
    }
}
