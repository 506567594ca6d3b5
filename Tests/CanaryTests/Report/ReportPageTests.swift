// The page as text: well-formed, without anything to load or to run, whatever a push was like and whatever its hosts said.

import CanaryReport
import Foundation
import FoundationXML
import SamplePushes
import SlotSync
import Testing

@testable import Canary

@Suite struct ReportPageTests {
    /// Reads the page as XML, which HTML that is written as ours also is: every element is closed, every name and
    /// attribute stands where it may.
    private func elements(_ html: String) throws -> [PageElement] {
        let reader = PageReader()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = reader
        try #require(parser.parse(), "line \(parser.lineNumber): \(String(describing: parser.parserError))")
        return reader.elements
    }

    @Test(arguments: SamplePush.allCases)
    func everyPushIsAWellFormedPageThatLoadsAndRunsNothing(push: SamplePush) throws {
        let html = try push.page.html
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        let page = try elements(html)
        let forbidden: Set = ["script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"]
        #expect(page.filter { forbidden.contains($0.name) }.isEmpty)
        for element in page {
            #expect(element.attributes.keys.allSatisfy { !$0.hasPrefix("on") && $0 != "src" && $0 != "style" })
            #expect(element.attributes["href"].map { $0.hasPrefix("#") } ?? true)
        }
        let policy = page.first { $0.attributes["http-equiv"] == "Content-Security-Policy" }
        #expect(policy?.attributes["content"]?.hasPrefix("default-src 'none'; style-src 'unsafe-inline'") == true)
        #expect(!html.contains("url(") && !html.contains("@import"))
        let ids = page.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count)
        for element in page {
            if let target = element.attributes["href"] { #expect(ids.contains(String(target.dropFirst()))) }
        }
    }

    @Test(
        arguments: [
            (.good, .live), (.bad, .regression), (.late, .regression), (.inconclusive, .inconclusive),
            (.guarded, .regression), (.unjudged, .live), (.large, .live), (.failed, .failed),
            (.interrupted, .interrupted),
        ] as [(SamplePush, RolloutOutcome.Ending)])
    func eachSampleEndsAsItsNameSays(push: SamplePush, ending: RolloutOutcome.Ending) throws {
        #expect(try push.result.outcome.ending == ending)
    }

    /// A page of a push in which all that can be said says `text`.
    private func page(saying text: String) throws -> String {
        var result = try SamplePush.late.result
        result.staged?.release.name = text
        result.outcome.sentences = [text]
        result.outcome.lackSentence = text
        result.outcome.ending = .failed
        for host in result.outcome.hosts.indices { result.outcome.hosts[host].failure = text + "\n" + text }
        result.outcome.judgement?.why = text
        var log = SampleLog(
            hosts: result.samples.hosts, metrics: [Metric(name: text, kind: .gauge)], interval: 5, units: [text])
        for time in [0.0, 5, 30] {
            let round = log.beginRound(at: time)
            for host in log.hosts.indices { log.record(time, round: round, host: host, metric: 0) }
        }
        result.samples = log
        for index in result.comparisons.indices {
            result.comparisons[index].judgement = Judgement(
                verdict: .regression,
                metrics: [
                    MetricJudgement(name: text, verdict: .regression, p: 0.1, effect: 1, canary: text, note: text)
                ], why: text)
        }
        result.forecast = Detection(changes: [], sentence: text)
        result.detection = Detection(changes: [], sentence: text)
        return ReportPage(result, title: text, command: text, version: text, recording: text).html
    }

    @Test func hostileTextBecomesNoElement() throws {
        let hostile =
            "</title></style><script>alert(1)</script>\" onload='x()' &amp; ]]> \u{0}\u{1b}[2J\u{202e}\u{ffff}"
            + String(decoding: [0xff, 0xfe, 0x3c] as [UInt8], as: UTF8.self)
        let page = try elements(page(saying: hostile))
        let harmless = try elements(self.page(saying: "harmless"))
        #expect(page.map(\.name) == harmless.map(\.name))
        #expect(page.map { $0.attributes.keys.sorted() } == harmless.map { $0.attributes.keys.sorted() })
    }

    @Test func numbersThatAreNoNumbersDoNoHarm() throws {
        let odd: [Double] = [.nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 0, -1]
        let settings = CanarySettings(
            hosts: .portion(.count(1)), metrics: [MetricSettings(name: "m", source: .external, kind: .counter)])
        let fleet = try HostList.parse("h[1-4]")
        for value in odd {
            for other in odd {
                var result = try PushResult.small(
                    hosts: [.live("a", .canaries, flippedAt: other), .live("b", .subset(.max), flippedAt: value)],
                    timeline: [
                        .init(seconds: value, phase: .flipping(.canaries)),
                        .init(seconds: other, phase: .window(.canaries)), .init(seconds: value, phase: .done),
                    ], seconds: other)
                result.plan = try RolloutPlan(hosts: fleet, settings: settings)
                result.samples = SampleLog(
                    hosts: result.outcome.hosts.map(\.host),
                    metric: Metric(name: "m", kind: .counter, tolerance: value),
                    times: [value, 0, other], values: [[1, 2, 1e308], [-1e308]])
                result.staged = StageReport(
                    release: ReleaseName(id: ContentDigest(of: [])), files: 1, bytes: 1,
                    hosts: result.outcome.hosts.map {
                        StagedHost(
                            host: $0.host, outcome: StageOutcome(kind: .staged, slot: 1, received: .max),
                            sentBytes: .max, receivedBytes: 0)
                    }, failures: [], sentBytes: .max, receivedBytes: .max, cohorts: 1)
                result.comparisons = [
                    JudgedComparison(
                        kind: .window(.canaries), recording: Recording(name: "c", metrics: [], hosts: []),
                        judgement: Judgement(
                            verdict: .pass,
                            metrics: [
                                .init(
                                    name: "m", verdict: .pass, p: value, effect: other, criticalP: value,
                                    canaryLevel: value, controlLevel: other)
                            ], why: ""))
                ]
                _ = try elements(ReportPage(result, title: "t").html)
            }
        }
    }

    @Test func threeHundredHostsSixMetricsAndAHundredSamplesAreLessThanHalfAMegabyte() throws {
        let result = try SamplePush.large.result
        #expect(result.outcome.hosts.count == 300)
        #expect(result.samples.metrics.count == 6 && result.samples.times.count >= 100)
        #expect(SamplePush.page(of: result).html.utf8.count < 500_000)
    }

    /// The page with its words in this order.
    private func expect(_ order: [String], in html: String) throws {
        var rest = html[try #require(html.range(of: "<body>")).upperBound...]
        for text in order {
            let range = try #require(rest.range(of: text), "\(text) in its place")
            rest = rest[range.upperBound...]
        }
    }

    @Test func theVerdictStandsFirstAndWhatRegressedBeforeTheRest() throws {
        try expect(
            [
                "<h1>", "Rolled back", "a minute on 3 canaries, ", "Metrics at a glance", "id=\"metric-3\"",
                "id=\"metric-1\"", "id=\"metric-2\"", "id=\"metric-4\"", "Course of the push", "<h2>Hosts",
                "slotsync judge push.jsonl",
            ], in: try SamplePush.bad.page.html)
    }

    @Test func valuesCarryTheirUnitsAndWhatTheyWereBefore() throws {
        var result = try SamplePush.good.result
        func set(_ metric: Int, _ level: Double, before: Double) {
            result.comparisons[0].judgement.metrics[metric].canaryLevel = level
            result.comparisons[0].judgement.metrics[metric].canaryBefore = before
        }
        set(1, 40.7, before: 40.4)
        set(2, 0.94, before: 0.87)
        set(3, 189, before: 178)
        let html = ReportPage(result, title: "t").html
        #expect(html.contains("40.7 %<span class=\"remark\">before it 40.4 %</span></td>"))
        #expect(html.contains("<b>189 ms</b><span class=\"remark\">before it 178 ms</span>"))
        #expect(html.contains("<b>0.94 /min</b><span class=\"remark\">before it 0.87 /min</span>"))
    }

    @Test func bytesAreShownAsBytes() throws {
        var result = try PushResult.small(hosts: [.live("a", .everybody, flippedAt: 1)])
        result.samples = SampleLog(
            hosts: result.outcome.hosts.map(\.host), metrics: [Metric(name: "m", kind: .gauge)], interval: 5,
            units: ["bytes"])
        result.comparisons = [
            JudgedComparison(
                kind: .guarding, recording: Recording(name: "c", metrics: [], hosts: []),
                judgement: Judgement(
                    verdict: .pass, metrics: [.init(name: "m", verdict: .pass, canaryLevel: 204_029_916)], why: ""))
        ]
        #expect(ReportPage(result, title: "t").html.contains("<b>204 MB</b>"))
    }

    @Test func theReleaseBeforeIsNamedWhereThereWasOne() throws {
        var result = try SamplePush.good.result
        let from = "Push to www.example.com, from v1.4.1 (a81c5510) to v1.4.2 (3f2a09bc)</p>"
        #expect(SamplePush.page(of: result).html.contains(from))
        for host in result.staged?.hosts.indices ?? 0..<0 { result.staged?.hosts[host].live = nil }
        #expect(SamplePush.page(of: result).html.contains("Push to www.example.com</p>"))
    }

    @Test func whatAnotherMetricsRegressionLeftOpenIsNotDecidedAndOneCanaryIsNamed() throws {
        var result = try SamplePush.bad.result
        result.comparisons[0].judgement.metrics[3].canary = "web002.example.com"
        let html = SamplePush.page(of: result).html
        #expect(html.contains("not decided") && !html.contains("inconclusive</span>"))
        #expect(html.contains("web002.example.com alone stands nearest"))
        result.comparisons[0].judgement.metrics[3].verdict = .regression
        result.comparisons[0].judgement.metrics[3].isUndecided = false
        #expect(SamplePush.page(of: result).html.contains("on web002.example.com alone"))
    }

    @Test func whatCouldBeDetectedIsToldTwiceAndWhyASmallPMayRollBackNothingYet() throws {
        let html = try SamplePush.bad.page.html
        #expect(html.contains("Said before it began, by usual noise: </b>these canaries can show: "))
        #expect(html.contains("Said before the flip, by the base line’s noise: </b>these canaries can show: "))
        #expect(html.contains("share of a comparison’s 1 %: an early one 0.08"))
        let unjudged = try SamplePush.unjudged.page.html
        #expect(!unjudged.contains("an early one") && !unjudged.contains("these canaries"))
    }

    @Test func theIntroductionSaysWhoWasFlippedWhenAndWhatWasCompared() throws {
        let large = try SamplePush.large.page.html
        #expect(large.contains("in 5 steps: 20 canaries, then 30 hosts of phase 1, then "), "steps")
        #expect(large.contains(", then 15 that had been held back. 4 times, the metrics of all hosts switched by then"))
        #expect(large.contains("hosts flipped by then against 15 not flipped"))
        #expect(large.contains("<b>Window of phase 1</b>, 50 flipped, 250 not: no metric got worse"))
        #expect(large.contains("<h4>Window of phase 1</h4><p class=\"remark\">50 flipped, 250 not</p>"))
        let bad = try SamplePush.bad.page.html
        #expect(bad.contains("switched 3 of them to it, the canaries. The metrics of the 3 switched first"))
        #expect(bad.contains("compared with those of 97 hosts that had not been switched, the controls"))
        #expect(bad.contains("Then they were switched back."))
        let failed = try SamplePush.failed.page.html
        #expect(failed.contains("In this push no host was switched."))
    }

    @Test func aPushThatEndedBeforeSamplingClaimsNothingThatWasNot() throws {
        let html = try SamplePush.failed.page.html
        #expect(html.contains("Nothing was sampled: the push ended before.") && !html.contains("Samples were taken"))
        #expect(html.contains("<dd>5, 1 of them chosen as canary</dd>"))
        #expect(html.contains("To be flipped first, and watched.") && !html.contains(">Flipped first, and watched."))
        #expect(html.contains("To be flipped with everybody; controls until then."))
        #expect(html.contains("so there was nothing to record.") && !html.contains("this push was not recorded"))
        let judged = ReportPage(try SamplePush.good.result, title: "t").html
        #expect(judged.contains("--record FILE"))
        #expect(judged.contains("Flipped first, and watched."))
    }

    @Test func aGuardIsCalledAGuardOnceInEachPlace() throws {
        let html = try SamplePush.good.page.html
        #expect(html.contains("<b>Watch (guard)</b>, 20 hosts, all flipped: nothing large on 20 hosts"))
        #expect(html.contains("<h4>Watch (guard)</h4><p class=\"remark\">20 hosts, all flipped</p>"))
        let deciding = try SamplePush.guarded.page.html
        #expect(
            deciding.contains("<b>Watch (guard)</b>: 20 hosts against their own past, since none was left unflipped."))
    }

    @Test func aPlotDrawsWhatWasSampled() throws {
        var result = try PushResult.small(
            hosts: [.live("a", .canaries, flippedAt: 20), .live("b", .everybody)],
            timeline: [
                .init(seconds: 20, phase: .flipping(.canaries)), .init(seconds: 20, phase: .preparing(.everybody)),
            ], seconds: 20)
        result.samples = SampleLog(
            hosts: result.outcome.hosts.map(\.host), metric: Metric(name: "m", kind: .gauge),
            times: [10, 15, 20, 25, 30],
            values: [[50, 100, .nan, 50, 0], [100, 100, 100, .nan, 100]])
        let page = try elements(ReportPage(result, title: "t").html)
        func path(_ group: String) -> String? { page.first { $0.attributes["class"] == group }?.attributes["d"] }
        // From 0 to 106: the highest value and 6 % of room.
        #expect(path("canary middle") == "M0 528L1000 57M3000 528L4000 1000")
        #expect(path("control middle") == "M0 57L1000 57L2000 57M4000 57h0")
        #expect(path("flipped middle") == nil)
        let mark = page.first { $0.name == "circle" && $0.attributes["cx"]?.hasSuffix("%") == true }
        #expect(mark?.attributes["cx"] == "50%")
    }

    @Test("new hosts stand by themselves, are called no controls, and were flipped in one step with the others")
    func newHosts() throws {
        func page(_ first: RolloutPlan.StepKind) throws -> String {
            var hosts: [RolloutOutcome.HostOutcome] = try [
                .live("a", first, flippedAt: 20), .live("b", .everybody, flippedAt: 40),
                .live("c", .everybody, flippedAt: 40), .live("d", .everybody, flippedAt: 40),
            ]
            hosts[3].isUnjudged = true
            return ReportPage(try .small(hosts: hosts), title: "t").html
        }
        let judged = try page(.canaries)
        #expect(
            judged.contains("<h3>New <span class=\"count\">1</span></h3><p class=\"caption\">Nothing was live there"))
        #expect(judged.contains("in 2 steps: 1 canary, then 3 others"))
        #expect(judged.contains("Controls as long as they were not flipped."))
        let unjudged = try page(.everybody)
        #expect(unjudged.contains("all at once and without canaries") && unjudged.contains("There were no canaries."))
        #expect(!unjudged.contains("Controls as long"))
    }

    @Test func theLastWordOfAFileNameWithBlanksIsQuoted() throws {
        let html = SamplePush.page(of: try SamplePush.good.result, recording: "/var/log/slotsync/push of today.jsonl")
            .html
        #expect(html.contains("slotsync judge &#39;/var/log/slotsync/push of today.jsonl&#39;"))
    }

    @Test func whoseToolHasNoCommandLineNamesNone() throws {
        let html = ReportPage(try SamplePush.good.result, title: "t", version: "0.4.0").html
        #expect(html.contains("<footer><p>Made by SlotSync 0.4.0</p></footer>"))
    }
}

private struct PageElement {
    var name: String
    var attributes: [String: String]
}

private final class PageReader: NSObject, XMLParserDelegate {
    var elements: [PageElement] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.append(PageElement(name: name, attributes: attributes))
    }
}
