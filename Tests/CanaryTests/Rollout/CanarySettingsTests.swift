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
        #expect(metric.value(in: [HostReading(value: 3)]) == 3)
        #expect(metric.value(in: [HostReading(name: "p50", value: 1), HostReading(name: "p95", value: 2)]) == 2)
        #expect(metric.value(in: [HostReading(name: "p50", value: 1)]).isNaN)
        #expect(metric.value(in: []).isNaN)
        #expect(metric.value(in: [HostReading(value: .infinity)]).isNaN)
    }
}
