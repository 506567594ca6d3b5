// The page as text: well-formed, without anything to load or to run, whatever a push was like and whatever its hosts said.

import Canary
import CanaryReport
import Foundation
import FoundationXML
import SamplePushes
import Testing

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
        let html = ReportPage(push.report).html
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

    /// A push in which all that can be said says `text`.
    private func report(saying text: String) -> PushReport {
        PushReport(
            title: text, release: .init(id: text, name: text), previous: .init(id: text, name: text), outcome: .failed,
            verdict: .regression, sentence: text, start: 1, end: 2, canaryFlip: 0,
            phases: [.init(kind: .flip, name: text, start: 0, end: 1, what: text)],
            hosts: (0..<3).map { index in
                .init(
                    label: text + ".\(index)x", role: index == 0 ? .canary : .control, outcome: .failed, flippedAt: 0,
                    error: text + "\n" + text)
            },
            metrics: [
                .init(
                    metric: Metric(name: text, kind: .gauge), unit: text, times: [0, 5],
                    values: [[1, 2], [1, 2], [3, .nan]])
            ],
            comparisons: [
                .init(
                    name: text, flipped: 1, controls: 2,
                    judgement: Judgement(
                        verdict: .regression,
                        metrics: [.init(name: text, verdict: .regression, p: 0.1, effect: 1, note: text)], why: text)),
                .init(
                    name: "2" + text, flipped: 1, controls: 2,
                    judgement: Judgement(verdict: .pass, metrics: [], why: text)),
            ],
            settings: .init(others: [.init(name: text, value: text)]), power: text, recording: text, command: text,
            version: text)
    }

    @Test func hostileTextBecomesNoElement() throws {
        let hostile =
            "</title></style><script>alert(1)</script>\" onload='x()' &amp; ]]> \u{0}\u{1b}[2J\u{202e}\u{ffff}"
            + String(decoding: [0xff, 0xfe, 0x3c] as [UInt8], as: UTF8.self)
        let page = try elements(ReportPage(report(saying: hostile)).html)
        let harmless = try elements(ReportPage(report(saying: "harmless")).html)
        #expect(page.map(\.name) == harmless.map(\.name))
        #expect(page.map { $0.attributes.keys.sorted() } == harmless.map { $0.attributes.keys.sorted() })
    }

    @Test func numbersThatAreNoNumbersDoNoHarm() throws {
        let odd: [Double] = [.nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 0, -1]
        for value in odd {
            for other in odd {
                let report = PushReport(
                    title: "t", release: .init(id: ""), outcome: .done, sentence: "", start: value, end: other,
                    canaryFlip: value,
                    phases: [
                        .init(kind: .flip, name: "f", start: value, end: other),
                        .init(kind: .window, name: "w", start: other, end: value),
                    ],
                    hosts: [
                        .init(
                            label: "a", role: .canary, outcome: .live, flippedAt: other, stagedFiles: .max,
                            stagedBytes: .max),
                        .init(
                            label: "b", role: .phase(.max), outcome: .live, flippedAt: value, stagedFiles: 1,
                            stagedBytes: 1),
                    ],
                    metrics: [
                        .init(
                            metric: Metric(name: "m", kind: .counter, tolerance: value), times: [value, 0, other],
                            values: [[value, other, 1], [other]])
                    ],
                    comparisons: [
                        .init(
                            name: "c", flipped: 1, controls: 0,
                            judgement: Judgement(
                                verdict: .pass,
                                metrics: [
                                    .init(
                                        name: "m", verdict: .pass, p: value, effect: other, criticalP: value,
                                        canaryLevel: value, controlLevel: other)
                                ], why: ""))
                    ],
                    settings: .init(
                        judge: JudgeSettings(significance: value, tolerance: other, settle: value, window: other),
                        baseline: value, interval: other, watch: value), command: "", version: "")
                _ = try elements(ReportPage(report).html)
            }
        }
    }

    @Test func threeHundredHostsSixMetricsAndAHundredSamplesAreLessThanHalfAMegabyte() {
        let report = SamplePush.large.report
        #expect(report.hosts.count == 300)
        #expect(report.metrics.count == 6)
        #expect(report.metrics.allSatisfy { $0.times.count >= 100 })
        #expect(ReportPage(report).html.utf8.count < 500_000)
    }

    @Test func theVerdictStandsFirstAndWhatRegressedBeforeTheRest() throws {
        let html = ReportPage(SamplePush.bad.report).html
        let order = [
            "<h1>", "Rolled back", "php_errors 14.0 a minute on 3 canaries", "Metrics at a glance", "id=\"metric-3\"",
            "id=\"metric-1\"", "id=\"metric-2\"", "id=\"metric-4\"", "Course of the push", "<h2>Hosts",
            "slotsync judge push.jsonl",
        ]
        var rest = html[html.range(of: "<body>")!.upperBound...]
        for text in order {
            let range = try #require(rest.range(of: text), "\(text) in its place")
            rest = rest[range.upperBound...]
        }
    }

    @Test func valuesCarryTheirUnitsAndWhatTheyWereBefore() {
        var report = SamplePush.good.report
        report.metrics[0].unit = "bytes"
        report.comparisons[0].judgement.metrics[0].canaryLevel = 204_029_916
        let html = ReportPage(report).html
        #expect(html.contains("40.7 %<span class=\"remark\">before it 40.4 %</span></td>"))
        #expect(html.contains("<b>189 ms</b><span class=\"remark\">before it 178 ms</span>"))
        #expect(html.contains("<b>0.94 /min</b><span class=\"remark\">before it 0.87 /min</span>"))
        #expect(html.contains("<b>204 MB</b>"))
    }

    @Test func theReleaseBeforeIsNamedWhereThereWasOne() {
        var report = SamplePush.good.report
        let from = "Push to www.example.com, from v1.4.1 (a81c5510) to v1.4.2 (3f2a09bc)</p>"
        #expect(ReportPage(report).html.contains(from))
        report.previous = nil
        #expect(ReportPage(report).html.contains("Push to www.example.com</p>"))
    }

    @Test func whatAnotherMetricsRegressionLeftOpenIsNotDecidedAndOneCanaryIsNamed() {
        var report = SamplePush.bad.report
        let html = ReportPage(report).html
        #expect(html.contains("not decided") && !html.contains("inconclusive</span>"))
        #expect(html.contains("web002.example.com alone stands nearest"))
        report.comparisons[0].judgement.metrics[3].verdict = .regression
        report.comparisons[0].judgement.metrics[3].isUndecided = false
        #expect(ReportPage(report).html.contains("on web002.example.com alone"))
    }

    @Test func whatCouldBeDetectedIsToldTwiceAndWhyASmallPMayRollBackNothingYet() {
        let html = ReportPage(SamplePush.bad.report).html
        #expect(html.contains("Said before the flip, by the base line’s noise: </b>these canaries"))
        #expect(html.contains("share of a comparison’s 1 %: an early one 0.08"))
        #expect(!ReportPage(SamplePush.guardOnly.report).html.contains("an early one"))
    }

    @Test func theIntroductionSaysWhoWasFlippedWhenAndWhatWasCompared() {
        let large = ReportPage(SamplePush.large.report).html
        #expect(
            large.contains(
                "then switched 299 of them to it in 5 steps: 20 canaries, then 30 hosts of phase 1, then 100 hosts of phase 2, then "
                    + "134 others, then 15 that had been held back. 4 times, the metrics of all hosts switched by then were"
            ))
        #expect(large.contains("<b>Watch</b>: 285 hosts flipped by then against 15 not flipped"))
        #expect(large.contains("<b>Window of phase 1</b>, 50 flipped, 250 not: Nothing got worse"))
        #expect(large.contains("<h4>Window of phase 1</h4><p class=\"remark\">50 flipped, 250 not</p>"))
        let bad = ReportPage(SamplePush.bad.report).html
        #expect(bad.contains("switched 3 of them to it, the canaries. The metrics of the 3 switched first"))
        #expect(bad.contains("compared with those of 97 hosts that had not been switched, the controls"))
        #expect(bad.contains("Then they were switched back."))
        let failed = ReportPage(SamplePush.failed.report).html
        #expect(failed.contains("In this push no host was switched."))
    }

    @Test func aPushThatEndedBeforeSamplingClaimsNothingThatWasNot() {
        var report = SamplePush.failed.report
        report.metrics = [.init(metric: Metric(name: "load", kind: .gauge), times: [], values: [])]
        let html = ReportPage(report).html
        #expect(html.contains("Nothing was sampled: the push ended before.") && !html.contains("Samples were taken"))
        #expect(html.contains("<dd>5, 1 of them chosen as canary</dd>"))
        #expect(html.contains("To be flipped first, and watched.") && !html.contains(">Flipped first, and watched."))
        #expect(html.contains("To be flipped with everybody; controls until then."))
        #expect(html.contains("so there was nothing to record.") && !html.contains("--record FILE"))
        var judged = SamplePush.good.report
        judged.recording = nil
        #expect(ReportPage(judged).html.contains("--record FILE"))
        #expect(ReportPage(judged).html.contains("Flipped first, and watched."))
    }

    @Test func aGuardIsCalledAGuardOnceInEachPlace() {
        let html = ReportPage(SamplePush.good.report).html
        #expect(html.contains("<b>Watch (guard)</b>, 20 hosts, all flipped: nothing large on 20 hosts"))
        let alone = ReportPage(SamplePush.guardOnly.report).html
        #expect(alone.contains("<b>Watch (guard)</b>: 4 hosts against their own past, since none was left unflipped."))
        #expect(html.contains("<h4>Watch (guard)</h4><p class=\"remark\">20 hosts, all flipped</p>"))
    }

    @Test func aPlotDrawsWhatWasSampled() throws {
        let hosts = [
            PushReport.Host(label: "a", role: .canary, outcome: .live, flippedAt: 20),
            PushReport.Host(label: "b", role: .control, outcome: .unflipped),
        ]
        let report = PushReport(
            title: "t", release: .init(id: "1"), outcome: .done, sentence: "", start: 0, end: 40, canaryFlip: 20,
            phases: [.init(kind: .flip, name: "flip", start: 20, end: 20)], hosts: hosts,
            metrics: [
                .init(
                    metric: Metric(name: "m", kind: .gauge), times: [-10, -5, 0, 5, 10],
                    values: [[50, 100, .nan, 50, 0], [100, 100, 100, .nan, 100]])
            ], command: "", version: "")
        let page = try elements(ReportPage(report).html)
        func path(_ group: String) -> String? { page.first { $0.attributes["class"] == group }?.attributes["d"] }
        // From 0 to 106: the highest value and 6 % of room.
        #expect(path("canary middle") == "M0 528L1000 57M3000 528L4000 1000")
        #expect(path("control middle") == "M0 57L1000 57L2000 57M4000 57h0")
        #expect(path("flipped middle") == nil)
        let mark = page.first { $0.name == "circle" && $0.attributes["cx"]?.hasSuffix("%") == true }
        #expect(mark?.attributes["cx"] == "50%")
    }

    @Test("new hosts stand by themselves, are called no controls, and were flipped in one step with the others")
    func newHosts() {
        func page(_ canary: PushReport.Host.Role) -> String {
            let roles: [(String, PushReport.Host.Role, Double)] = [
                ("a", canary, 20), ("b", .control, 40), ("c", .control, 40), ("d", .new, 40),
            ]
            let hosts = roles.map { PushReport.Host(label: $0, role: $1, outcome: .live, flippedAt: $2) }
            return ReportPage(
                PushReport(
                    title: "t", release: .init(id: "1"), outcome: .done, sentence: "", start: 0, end: 60, hosts: hosts,
                    command: "", version: "")
            ).html
        }
        let judged = page(.canary)
        #expect(
            judged.contains("<h3>New <span class=\"count\">1</span></h3><p class=\"caption\">Nothing was live there"))
        #expect(judged.contains("in 2 steps: 1 canary, then 3 others"))
        #expect(judged.contains("Controls as long as they were not flipped."))
        let unjudged = page(.control)
        #expect(unjudged.contains("all at once and without canaries") && unjudged.contains("There were no canaries."))
        #expect(!unjudged.contains("Controls as long"))
    }

    @Test func theLastWordOfAFileNameWithBlanksIsQuoted() {
        let html = ReportPage(SamplePush.large.report).html
        #expect(html.contains("slotsync judge &#39;/var/log/slotsync/push of today.jsonl&#39;"))
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
