import Canary
import SlotSync
import Testing

@Suite struct CanarySettingsTests {
    @Test func theDefaultsCanBeUsed() throws {
        try CanarySettings().validate()
    }

    @Test func aProblemNamesItsKey() {
        var settings = CanarySettings()
        settings.significance = .nan
        #expect(settings.firstProblem()?.key == "significance")
        settings = CanarySettings()
        settings.window = .infinity
        #expect(settings.firstProblem()?.key == "window")
        settings = CanarySettings()
        settings.metrics = [
            MetricSettings(name: "a", source: .host(.cpu)), MetricSettings(name: "b", source: .host(.command(""))),
        ]
        #expect(settings.firstProblem()?.metric == 1)
        let error = #expect(throws: SlotSyncError.self) { try settings.validate() }
        #expect(error?.message == #"canary.metrics: "b": the command is empty"#)
    }

    @Test(arguments: [
        (0.3, 0.1, true), (0.9, 0.3, true), (0.7, 0.1, true), (1400, 0.7, true), (600, 0.3, true), (0.29, 0.1, false),
        (2.9, 1, false), (1400.8, 0.7, false),
    ])
    func aTimeHoldsTheSamplesThatAPersonCounts(baseline: Double, interval: Double, isUsable: Bool) {
        let settings = CanarySettings(baseline: baseline, window: 60, settle: 0, interval: interval, watch: 0)
        let problem = settings.firstProblem()
        #expect((problem == nil) == isUsable, "\(problem?.message ?? "")")
        if baseline == 0.29 { #expect(problem?.message.hasSuffix("make it 300 ms or longer") == true) }
    }

    @Test func aCounterIsNotBelowZero() {
        let metrics = [Metric.Kind.counter, .gauge].map {
            MetricSettings(name: "a", source: .host(.command("x")), kind: $0)
        }
        #expect(isMissing(metrics[0].reading(in: [HostReading(value: -1)])))
        #expect(isMissing(metrics[0].checked(.value(-0.5))) && metrics[0].checked(.value(0)) == .value(0))
        #expect(metrics[1].reading(in: [HostReading(value: -1)]) == .value(-1))
    }

    @Test(arguments: [
        ("/var/log/app-*.log", true), ("{root}/shared/*.log", true), ("{root}/app-%F.log", false),
        ("log/app.log", false),
        ("{host}/app.log", false), ("{root}app.log", false),
    ])
    func theRootStandsForAnAbsolutePath(path: String, isUsable: Bool) {
        var settings = CanarySettings()
        settings.metrics = [MetricSettings(name: "a", source: .host(.log(path: path, pattern: "x")))]
        #expect((settings.firstProblem() == nil) == isUsable)
    }

    @Test func aMetricTakesItsOwnLine() {
        let metric = MetricSettings(name: "p95", source: .host(.command("x")))
        #expect(metric.reading(in: [HostReading(value: 3)]) == .value(3))
        #expect(
            metric.reading(in: [HostReading(name: "p50", value: 1), HostReading(name: "p95", value: 2)]) == .value(2))
        #expect(isMissing(metric.reading(in: [HostReading(name: "p50", value: 1)])))
        #expect(isMissing(metric.reading(in: [])))
        #expect(isMissing(metric.reading(in: [HostReading(value: .infinity)])))
    }

    private func isMissing(_ reading: MetricReading) -> Bool { if case .missing = reading { true } else { false } }
}
