// The report of a push as one page of HTML. It loads nothing, runs no script, and can be read without its style.
// `slotsync push --report FILE` writes it. Each part of the page has a file of its own: verdict, metrics, timeline,
// hosts, settings.

public import Canary
public import SlotSync

/// A page about one push.
///
/// ```swift
/// let result = try await push.run()
/// let html = ReportPage(result, title: "www.example.com").html
/// ```
public struct ReportPage: Sendable {
    let result: PushResult
    let title: String
    let command: String
    let version: String
    let recording: String?
    let phases: [ReportPhase]
    /// What staging did on each host that it succeeded on.
    let staged: [Host: StagedHost]

    /// - Parameters:
    ///   - title: what was pushed to: a site's name, or the hosts' root.
    ///   - command: the command line that the foot names, as a shell would read it; empty: there was none.
    ///   - version: SlotSync's, in the foot as well.
    ///   - recording: a file from which `slotsync judge` can judge the push again; nil: it was not recorded.
    public init(
        _ result: PushResult, title: String, command: String = "", version: String = SlotSyncVersion.current,
        recording: String? = nil
    ) {
        self.result = result
        self.title = title
        self.command = command
        self.version = version
        self.recording = recording
        phases = ReportPhase.all(of: result)
        staged = Dictionary((result.staged?.hosts ?? []).map { ($0.host, $0) }) { first, _ in first }
    }

    var outcome: RolloutOutcome { result.outcome }
    var hosts: [RolloutOutcome.HostOutcome] { result.outcome.hosts }
    var settings: CanarySettings { result.plan.settings }
    var samples: SampleLog { result.samples }
    var comparisons: [JudgedComparison] { result.comparisons }

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
        head.empty("meta", ["name": "generator", "content": "SlotSync \(version)"])
        head.element("title", "\(outcome.headline.word): \(releaseText(result.staged?.release)) on \(title)")
        head.element("style") { $0.literal(reportStyle) }
    }

    private func writeFoot(into body: inout Markup) {
        body.element("footer") { footer in
            footer.element("p") { line in
                line.text("Made by SlotSync \(version)")
                guard !command.isEmpty else { return }
                line.text(" with ")
                line.element("code", command)
            }
        }
    }

    // MARK: Words that several parts use

    /// `v1.4.2 (3f2a09bc)`, or the ID's first digits alone, which tell releases apart.
    func releaseText(_ release: ReleaseName?) -> String {
        guard let release else { return "" }
        let digits = String(release.id.description.prefix(8))
        return release.name.isEmpty ? digits : "\(release.name) (\(digits))"
    }

    /// When the push began, in seconds since 1970.
    var start: Double { Double(result.start.seconds) + Double(result.start.nanoseconds) / 1e9 }

    /// The time of day at so many seconds after the push's start.
    func clock(_ seconds: Double) -> String { MomentText.moment(start + seconds).clock }

    /// A metric's level, with what it is counted in.
    func level(_ value: Double?, of metric: Metric, unit: String) -> String {
        guard let value, value.isFinite else { return NumberText.none }
        if metric.kind == .gauge, unit == "bytes", (0..<1e18).contains(value) { return byteText(UInt64(value)) }
        let number = NumberText.level(value)
        return metric.kind == .counter ? number + " /min" : unit.isEmpty ? number : number + " " + unit
    }
}
