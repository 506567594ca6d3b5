@testable import Canary
import CanaryRecording
import SlotSync
import Testing

@Suite struct SampleLogTests {
    private let metrics = [Metric(name: "load", kind: .gauge), Metric(name: "errors", kind: .counter)]

    private func log(rounds: Int) -> SampleLog {
        var log = SampleLog(hosts: RolloutPlanTests.fleet(3), metrics: metrics, interval: 5)
        for round in 0..<rounds {
            let number = log.beginRound(at: Double(round) * 5)
            for host in 0..<3 { log.record(Double(100 * host + round), round: number, host: host, metric: 0) }
        }
        return log
    }

    @Test func cutsBaseLineAndWindowOutOfTheRounds() {
        let comparison = Comparison(
            kind: .window(.canaries),
            hosts: [
                .init(host: 2, role: .canary, baseline: TimeSpan(start: 5, end: 16)),
                .init(host: 0, role: .control, baseline: TimeSpan(start: 10, end: 20)),
            ], after: TimeSpan(start: 20, end: 35), settings: JudgeSettings())
        let recording = log(rounds: 12).recording(of: comparison, name: "push")
        #expect(recording.hosts.map(\.host) == ["web3", "web1"])
        #expect(recording.hosts.map(\.role) == [.canary, .control])
        #expect(recording.hosts[0].baseline[0] == [201, 202, 203])
        #expect(recording.hosts[1].baseline[0] == [2, 3, 4])
        #expect(recording.hosts[0].after[0] == [205, 206, 207])
        #expect(recording.interval == 5 && recording.metrics == metrics)
    }

    @Test func whatCannotBeReckonedWithIsNoSample() {
        var log = log(rounds: 1)
        let taken = [1.7e308, -1.7e308, 1.1e30, 1e30, 5e-324, -5e-324, 1e-31, 1e-30].map { value in
            let round = log.beginRound(at: 100)
            log.record(value, round: round, host: 0, metric: 0)
            return log.value(round: round, host: 0, metric: 0)
        }
        #expect(taken[..<3].allSatisfy { $0.isNaN })
        #expect(taken[3...].elementsEqual([1e30, 0, 0, 0, 1e-30]))
    }

    @Test func roundsBetweenBaseLineAndFlipAreAGap() {
        func gap(baselineEnd: Double) -> Double? {
            let baseline = TimeSpan(start: 5, end: baselineEnd)
            let comparison = Comparison(
                kind: .window(.subset(1)),
                hosts: [
                    .init(host: 0, role: .canary, baseline: baseline),
                    .init(host: 1, role: .control, baseline: baseline),
                ], after: TimeSpan(start: 32, end: 50), settings: JudgeSettings())
            return log(rounds: 12).recording(of: comparison, name: "").gap
        }
        #expect(gap(baselineEnd: 16) == 15)
        #expect(gap(baselineEnd: 31) == nil)
    }

    @Test func whatDidNotComeIsMissing() {
        var log = log(rounds: 3)
        log.record(7, round: 1, host: 0, metric: 1)
        log.record(.infinity, round: 2, host: 0, metric: 1)
        log.record(-1, round: 0, host: 0, metric: 1)
        log.record(1, round: 9, host: 9, metric: 9)
        let comparison = Comparison(
            kind: .guarding, hosts: [.init(host: 0, role: .canary, baseline: TimeSpan(start: 0, end: 5))],
            after: TimeSpan(start: 5, end: 10), settings: JudgeSettings())
        let samples = log.recording(of: comparison, name: "").hosts[0]
        #expect(samples.baseline[1].map(\.isNaN) == [true, false] && samples.baseline[1][1] == 7)
        #expect(samples.after[1].map(\.isNaN) == [true])
    }

    @Test func whatIsRecordedCanBeJudged() throws {
        var log = log(rounds: 0)
        for (round, value) in [-5, 0, -.infinity, 1e308, .leastNonzeroMagnitude, .nan, -0.0, 7].enumerated() {
            let number = log.beginRound(at: Double(round) * 5)
            for metric in 0..<2 { log.record(value, round: number, host: 0, metric: metric) }
        }
        let comparison = Comparison(
            kind: .window(.canaries), hosts: [.init(host: 0, role: .canary, baseline: TimeSpan(start: 0, end: 12))],
            after: TimeSpan(start: 12, end: 50), settings: JudgeSettings())
        let recording = log.recording(of: comparison, name: "push")
        let read = try RecordingReader().read(Array(recording.line.utf8))
        #expect(
            read.hosts[0].baseline.map { $0.map(\.description) }
                == recording.hosts[0].baseline.map { $0.map(\.description) })
        #expect(
            read.hosts[0].after.map { $0.map(\.description) } == recording.hosts[0].after.map { $0.map(\.description) })
    }

    @Test func lateValuesAreTakenIntoTheirRound() {
        var log = log(rounds: 4)
        log.record(5, round: 1, host: 1, metric: 1)
        let comparison = Comparison(
            kind: .guarding, hosts: [.init(host: 1, role: .canary, baseline: TimeSpan(start: 0, end: 15))],
            after: TimeSpan(start: 15, end: 15), settings: JudgeSettings())
        let errors = log.recording(of: comparison, name: "").hosts[0].baseline[1]
        #expect(errors.count == 4 && errors[1] == 5 && errors[0].isNaN)
    }

    @Test func theReportGetsEachMetricsUnit() {
        func unit(_ name: String, _ source: MetricSource = .host(.command("x")), _ kind: Metric.Kind? = nil) -> String {
            MetricSettings(name: name, source: source, kind: kind).unit
        }
        #expect(unit("work", .host(.cpu)) == "%" && unit("load", .host(.loadAverage)) == "")
        let names = ["p95_ms", "took_s", "took_seconds", "heap_bytes", "hits_per_s", "ms", "items"]
        #expect(names.map { unit($0) } == ["ms", "s", "s", "bytes", "/s", "", ""])
        #expect(unit("slow_ms", .host(.log(path: "/l", pattern: "x"))) == "")
        let log = SampleLog(hosts: [], metrics: metrics, interval: 5, units: ["ms", ""])
        #expect(log.units == ["ms", ""])
        #expect(self.log(rounds: 1).units == ["", ""])
    }
}
