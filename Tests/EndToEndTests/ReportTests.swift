// The report in a real browser: it loads in silence, fits phone and desk, and all of it can be read, in light and in dark.

import Canary
import CanaryReport
import Foundation
import SamplePushes
import Testing

extension FleetEndToEnd {
    @Suite("Report", .enabled("chromium is not installed or does not start here") { await Browser.isThere() })
    struct ReportTests {
        private static let widths = [360, 768, 1280]

        @Test("the browser has nothing to say of the page, and it asks for nothing", arguments: SamplePush.allCases)
        func silence(_ push: SamplePush) async throws {
            try await Workbench.use { bench in
                let file = try bench.write(try push.page.html, to: "report.html")
                let (document, console) = try await Browser.open(file, on: bench)
                #expect(console == [])
                #expect(document.contains("<h1>"))
            }
        }

        @Test("what a page asks for would be noticed")
        func noise() async throws {
            try await Workbench.use { bench in
                let page = try SamplePush.failed.page.html
                    .replacingOccurrences(of: "</main>", with: "<img src=\"http://192.0.2.1/x.png\"></main>")
                let console = try await Browser.open(bench.write(page, to: "report.html"), on: bench).console
                #expect(console.contains { $0.contains("Content Security Policy") })
            }
        }

        @Test("everything fits and can be read, on phone and desk", arguments: Browser.Scheme.allCases)
        func layout(_ scheme: Browser.Scheme) async throws {
            try await Workbench.use { bench in
                var pages = try SamplePush.allCases.map { (name: $0.rawValue, html: try $0.page.html) }
                for push in [SamplePush.bad, .late, .large] {
                    let opened = try push.page.html.replacingOccurrences(
                        of: "<details>", with: "<details open=\"\">")
                    pages.append((name: push.rawValue + "-opened", html: opened))
                }
                let layouts = try await Browser.layouts(of: pages, widths: Self.widths, scheme: scheme, on: bench)
                #expect(layouts.count == pages.count * Self.widths.count)
                for layout in layouts {
                    let place = "\(layout.name) at \(Int(layout.width))"
                    #expect(layout.isDark == (scheme == .dark), "\(place)")
                    #expect(Self.widths.contains(Int(layout.width)), "\(place)")
                    #expect(layout.texts > 40, "\(place)")
                    #expect(layout.contentWidth <= layout.width, "\(place)")
                    #expect(layout.overlaps == [], "\(place)")
                    #expect(layout.outside == [], "\(place)")
                    #expect(layout.faint == [], "\(place)")
                    #expect(layout.requests == [], "\(place)")
                }
            }
        }

        @Test("a name without end does not widen the page")
        func longName() async throws {
            try await Workbench.use { bench in
                var result = try SamplePush.bad.result
                let long = String(repeating: "x", count: 300)
                result.staged?.release.name = long
                result.outcome.sentences[0] = long
                result.outcome.hosts[1].failure = long
                let judged = result.comparisons.count - 1
                result.comparisons[judged].judgement.metrics[0].name = long
                result.comparisons[judged].judgement.metrics[1].note = long
                result.comparisons[judged].judgement.metrics[2].canary = long
                result.comparisons[judged].judgement.why = long
                let page = ReportPage(result, title: long, command: long, version: long, recording: long)
                let html = page.html.replacingOccurrences(of: "<details>", with: "<details open=\"\">")
                let layouts = try await Browser.layouts(
                    of: [("long", html)], widths: Self.widths, scheme: .light, on: bench)
                #expect(layouts.count == Self.widths.count)
                for layout in layouts {
                    #expect(layout.contentWidth <= layout.width, "at \(Int(layout.width))")
                    #expect(layout.outside == [], "at \(Int(layout.width))")
                    #expect(layout.overlaps == [], "at \(Int(layout.width))")
                }
            }
        }

        @Test("texts that overlap, run out or are faint would be noticed")
        func badLayout() async throws {
            try await Workbench.use { bench in
                let html = try SamplePush.failed.page.html.replacingOccurrences(
                    of: "</main>",
                    with:
                        "<p style=\"position:absolute;top:0;left:0\">one</p><p style=\"position:absolute;top:3px;left:0\">two</p>"
                        + "<p style=\"white-space:nowrap;color:#bbb\">\(String(repeating: "faint and long ", count: 200))</p></main>"
                )
                let layout = try #require(
                    try await Browser.layouts(of: [("bad", html)], widths: [360], scheme: .light, on: bench).first)
                #expect(layout.overlaps.contains { $0 == "one | two" })
                #expect(layout.contentWidth > layout.width)
                #expect(!layout.outside.isEmpty)
                #expect(layout.faint.contains { $0.hasPrefix("faint") })
            }
        }
    }
}
