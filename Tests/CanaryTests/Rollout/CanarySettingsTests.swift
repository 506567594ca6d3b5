import Canary
import SlotSync
import Testing

@Suite struct CanarySettingsTests {
    @Test func theDefaultsCanBeUsed() throws {
        try CanarySettings().validate()
    }

    @Test(arguments: [
        ("3", HostPortion.count(3)), ("0", .count(0)), ("5%", .percent(5)), ("0.5%", .percent(0.5)),
        ("100%", .percent(100)),
    ]) func readsPortions(text: String, portion: HostPortion) {
        #expect(HostPortion(text) == portion)
        #expect(portion.description == text)
    }

    @Test(arguments: ["", "%", "-1", "1.5", "101%", "1e3", ".5%", "5 %", "100001", "99999999999", "1.2.3%", "٣"])
    func refusesOtherPortions(text: String) {
        #expect(HostPortion(text) == nil)
    }

    @Test func sharesAreRoundedUp() {
        #expect(HostPortion.percent(5).hosts(of: 100) == 5)
        #expect(HostPortion.percent(5).hosts(of: 101) == 6)
        #expect(HostPortion.percent(1.1).hosts(of: 1000) == 11)
        #expect(HostPortion.percent(0.1).hosts(of: 3) == 1)
        #expect(HostPortion.percent(0).hosts(of: 3) == 0)
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

    @Test func aMetricTakesItsOwnLine() {
        let metric = MetricSettings(name: "p95", source: .host(.command("x")))
        #expect(metric.value(in: [HostReading(value: 3)]) == 3)
        #expect(metric.value(in: [HostReading(name: "p50", value: 1), HostReading(name: "p95", value: 2)]) == 2)
        #expect(metric.value(in: [HostReading(name: "p50", value: 1)]).isNaN)
        #expect(metric.value(in: []).isNaN)
        #expect(metric.value(in: [HostReading(value: .infinity)]).isNaN)
    }
}
