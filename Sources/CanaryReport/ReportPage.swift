// The report of a push as one page of HTML: nothing is loaded, no script runs, and without its style it can still be read.
// `slotsync push --report FILE` writes it. Each part of the page is a file of its own: verdict, metrics, timeline, hosts,
// settings.

import Canary
import SlotSync

/// A page about one push.
public struct ReportPage: Sendable {
    let report: PushReport

    public init(_ report: PushReport) { self.report = report }

    /// The whole page, UTF-8 when it is written.
    public var html: String {
        var page = Markup()
        page.literal("<!DOCTYPE html>\n")
        page.element("html", ["lang": "en"]) { html in
            html.element("head", [:], writeHead)
            html.element("body") { body in
                body.element("main") { main in
                    writeVerdict(into: &main)
                    writeExplanation(into: &main)
                    writeMetrics(into: &main)
                    writeTimeline(into: &main)
                    writeHosts(into: &main)
                    writeSettings(into: &main)
                }
                writeFoot(into: &body)
            }
        }
        page.literal("\n")
        return page.html
    }

    private func writeHead(into head: inout Markup) {
        head.empty("meta", ["charset": "utf-8"])
        head.empty(
            "meta",
            [
                "http-equiv": "Content-Security-Policy",
                "content": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
            ])
        head.empty("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        head.empty("meta", ["name": "color-scheme", "content": "light dark"])
        head.empty("meta", ["name": "robots", "content": "noindex"])
        head.empty("meta", ["name": "referrer", "content": "no-referrer"])
        head.empty("meta", ["name": "generator", "content": "SlotSync \(report.version)"])
        head.element("title", "\(report.outcome.word): \(releaseText(report.release)) on \(report.title)")
        head.element("style") { $0.literal(reportStyle) }
    }

    private func writeFoot(into body: inout Markup) {
        body.element("footer") { footer in
            footer.element("p") { line in
                line.text("Made by SlotSync \(report.version) with ")
                line.element("code", report.command)
            }
        }
    }

    // MARK: Words that several parts use

    /// `v1.4.2 (3f2a09bc)`, or the ID's first digits alone, which tell releases apart.
    func releaseText(_ release: PushReport.Release) -> String {
        let digits = String(release.id.prefix(8))
        return release.name.isEmpty ? digits : "\(release.name) (\(digits))"
    }

    /// The time of day at so many seconds after the push's start.
    func clock(_ seconds: Double) -> String { NumberText.moment(report.start + seconds).clock }

    /// A metric's level, with what it is counted in.
    func level(_ value: Double?, of metric: Metric, unit: String) -> String {
        guard let value, value.isFinite else { return NumberText.none }
        if metric.kind == .gauge, unit == "bytes", (0..<1e18).contains(value) { return byteText(UInt64(value)) }
        let number = NumberText.level(value)
        return metric.kind == .counter ? number + " /min" : unit.isEmpty ? number : number + " " + unit
    }
}

extension MetricJudgement {
    /// What was found of a metric; one that another's regression left open is not called inconclusive.
    var word: String { isUndecided ? "not decided" : verdict.word }
    var icon: ReportIcon { isUndecided ? .pause : verdict.icon }
    var tone: String { isUndecided ? "idle" : verdict.tone }
    /// Whose numbers these are where they are not all flipped hosts'; nil: they are.
    var aloneText: String? {
        canary.map { verdict == .regression ? "on \($0) alone" : "\($0) alone stands nearest" }
    }
}

extension PushReport.Outcome {
    /// One word for the headline.
    var word: String {
        switch self {
        case .done: "Released"
        case .partlyDone: "Partly released"
        case .rolledBack: "Rolled back"
        case .failed: "Failed"
        case .interrupted: "Interrupted"
        case .inconclusive: "Undecided"
        }
    }

    var icon: ReportIcon {
        switch self {
        case .done: .check
        case .partlyDone: .question
        case .rolledBack: .back
        case .failed: .cross
        case .interrupted: .pause
        case .inconclusive: .question
        }
    }

    /// The class that gives it its colour.
    var tone: String {
        switch self {
        case .done: "good"
        case .rolledBack, .failed: "bad"
        case .partlyDone, .interrupted, .inconclusive: "open"
        }
    }
}

extension Verdict {
    var word: String {
        switch self {
        case .pass: "no regression"
        case .regression: "regression"
        case .inconclusive: "inconclusive"
        }
    }

    var icon: ReportIcon {
        switch self {
        case .pass: .check
        case .regression: .cross
        case .inconclusive: .question
        }
    }

    var tone: String {
        switch self {
        case .pass: "good"
        case .regression: "bad"
        case .inconclusive: "open"
        }
    }
}
