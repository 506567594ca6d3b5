// That a person is told of each trouble once, and what running totals become.

import SlotSync
import Testing

@testable import CanaryPrometheus

@Suite struct PrometheusNoticesTests {
    private let hosts: PrometheusHosts
    private var notices = PrometheusNotices()

    init() throws { hosts = PrometheusHosts(try HostList.parse("web[1-4]")) }

    /// What is told of a round in which each metric's one request ended so.
    private mutating func told(_ bodies: [Result<String, PrometheusGap>]) throws -> [String] {
        let queries = try bodies.map { _ in try PrometheusQuery(url: "http://h", query: "x") }
        var round = PrometheusRound(queries, hosts: hosts, askedAlone: [])
        while let ask = round.next() {
            round.take(bodies[ask.metric].map { PrometheusResponse(status: 200, body: Array($0.utf8)) }, of: ask)
        }
        return notices.new(in: round, metrics: ["a", "b"], hosts: hosts.labels)
    }

    private func values(_ hosts: [Int], _ value: String = "1", warning: String? = nil) -> Result<String, PrometheusGap>
    {
        let series = hosts.map { #"{"metric":{"instance":"web\#($0)"},"value":[1,"\#(value)"]}"# }
        let warnings = warning.map { #","warnings":["\#($0)"]"# } ?? ""
        return .success(
            #"{"status":"success","data":{"resultType":"vector","result":[\#(series.joined(separator: ","))]}\#(warnings)}"#
        )
    }

    private let down = Result<String, PrometheusGap>.failure(PrometheusGap(.unreachable, "http://h: it is down"))

    @Test mutating func oneTroubleOfAllMetricsIsOneLineAndToldOnce() throws {
        #expect(try told([down, down]) == ["metrics a, b: no value for any host: http://h: it is down"])
        for _ in 0..<10 { #expect(try told([down, down]) == []) }
        #expect(try told([values([1, 2, 3, 4]), down]) == [])
    }

    @Test mutating func hostsThatFollowAreToldOf() throws {
        let lines = try told([values([1, 4]), values([1, 2, 3, 4])])
        #expect(lines.count == 1 && lines[0].hasPrefix("metric a: no value for web[2-3]: "))
        #expect(try told([values([1, 2, 3]), values([1, 2, 3, 4])])[0].hasPrefix("metric a: no value for web4: "))
        #expect(try told([values([4]), values([1, 2, 3, 4])])[0].hasPrefix("metric a: no value for web1: "))
        #expect(try told([values([]), values([1, 2, 3, 4])]) == [])
    }

    @Test mutating func anotherTroubleIsToldOf() throws {
        _ = try told([down, down])
        let lines = try told([values([1, 2, 3, 4], "NaN"), down])
        #expect(lines.count == 1 && lines[0].hasPrefix("metric a: no value for any host: ") && lines[0].contains("NaN"))
    }

    @Test mutating func warningsAreToldOnce() throws {
        let answer = values([1, 2, 3, 4], warning: "slow")
        #expect(try told([answer, answer]) == [#"metrics a, b: http://h warns: "slow""#])
        #expect(try told([answer, answer]) == [])
    }

    @Test mutating func aServerThatMakesUpWarningsIsToldOfAFewTimes() throws {
        var count = 0
        for number in 0..<100 { count += try told([values([1, 2, 3, 4], warning: "w\(number)")]).count }
        #expect(count == PrometheusNotices.mostTellings)
    }

    @Test mutating func anInterruptedSampleIsNoTrouble() throws {
        #expect(try told([.failure(PrometheusGap(.cancelled, "it was not waited for"))]) == [])
    }
}

@Suite struct PrometheusTotalsTests {
    private static let lost = PrometheusReading.missing(PrometheusGap(.noSeries, "nothing"))

    /// What one host's totals are as samples; nil where one is missing.
    private func growths(_ totals: [PrometheusReading]) -> [Double?] {
        var state = PrometheusTotals(queries: 2, hosts: 2)
        return totals.map { total in
            _ = state.growth(.value(4), query: 0, host: 0)
            guard case .value(let value) = state.growth(total, query: 1, host: 1) else { return nil }
            return value
        }
    }

    @Test func aTotalIsHowMuchItGrew() {
        #expect(growths([.value(7), .value(7), .value(10), .value(12.5)]) == [nil, 0, 3, 2.5])
    }

    @Test func aTotalThatShrankIsMissingAndTheNextIsNot() {
        #expect(growths([.value(1_000_000), .value(999_990), .value(999_995)]) == [nil, nil, 5])
    }

    @Test func afterAGapTwoIntervalsAreNotTakenForOne() {
        #expect(growths([.value(1), .value(2), Self.lost, .value(9), .value(10)]) == [nil, 1, nil, nil, 1])
    }
}
