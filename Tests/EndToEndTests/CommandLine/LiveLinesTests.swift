// The live view of a push: what it says, and that it fits.

import Testing

@testable import Canary
@testable import slotsync

@Suite struct LiveLinesTests {
    private let view = LiveLines(
        phases: [
            .init(name: "staged", state: .done), .init(name: "base line", state: .done),
            .init(name: "window", state: .running), .init(name: "everybody", state: .ahead),
            .init(name: "watch", state: .ahead),
        ],
        timeLeft: 37.2,
        metrics: [
            .init(
                metric: Metric(name: "load", kind: .gauge),
                canaries: [2.2, 2.3, 2.25, 2.3, 2.2, 2.3, 2.35, 2.3] + [Double](repeating: .nan, count: 8),
                judgement: MetricJudgement(
                    name: "load", verdict: .pass, p: 0.44, effect: 0.012, canaryLevel: 2.31, controlLevel: 2.28)),
            .init(
                metric: Metric(name: "php_errors", kind: .counter),
                canaries: [0, 0, 0, 0, 0, 14, 13, 14] + [Double](repeating: .nan, count: 8),
                judgement: MetricJudgement(
                    name: "php_errors", verdict: .regression, p: 2e-9, effect: 34, canaryLevel: 14, controlLevel: 0.4)),
            .init(metric: Metric(name: "p95", kind: .gauge), unit: "ms"),
        ])

    @Test func itFitsEightyColumns() {
        #expect(
            view.lines(width: 80) == [
                "✓ staged  ✓ base line  ▸ window  · everybody  · watch                  38 s left",
                "metric        canaries    controls  over time          change       p  so far",
                "load              2.31        2.28  ▄▅▄▅▄▅▅▅           +1.2 %    0.44  ok so far",
                "php_errors    14.0/min    0.40/min  ▁▁▁▁▁███             × 35    2e-9  WORSE",
                "p95                  –           –                          –       –  waiting",
            ])
    }

    @Test func theColumnsAreNamedByWhatIsCompared() {
        var view = view
        view.sides = .flippedHosts
        #expect(view.lines(width: 80)[1].hasPrefix("metric         flipped    controls  over time"))
        view.sides = .allHosts
        #expect(view.lines(width: 80)[1].hasPrefix("metric           hosts      before  over time"))
    }

    @Test func whatWasTestedAndIsNotWorseIsFineSoFar() {
        var view = view
        view.metrics[0].judgement?.verdict = .inconclusive
        #expect(view.lines(width: 80)[2].hasSuffix("unclear"))
        view.metrics[0].judgement?.isUndecided = true
        #expect(view.lines(width: 80)[2].hasSuffix("ok so far"))
        view.metrics[0].judgement?.p = nil
        #expect(view.lines(width: 80)[2].hasSuffix("unclear"))
    }

    @Test func aPlainTerminalGetsPlainText() {
        let lines = view.lines(width: 80, style: .ascii)
        #expect(lines.allSatisfy { $0.utf8.allSatisfy { (0x20...0x7e).contains($0) } })
        #expect(lines[0] == "+ staged  + base line  > window  . everybody  . watch                  38 s left")
        #expect(lines[3] == "php_errors    14.0/min    0.40/min  _____###             x 35    2e-9  WORSE")
    }

    @Test(arguments: Array(0...200))
    func noLineIsLongerThanTheTerminal(width: Int) {
        var view = view
        view.detail = "38 of 100 hosts, 12.3 MB, 4.1 MB/s"
        view.metrics.append(.init(metric: Metric(name: String(repeating: "日本\u{1b}[2J", count: 20), kind: .gauge)))
        for style in [Sparkline.Style.blocks, .ascii] {
            for line in view.lines(width: width, style: style) {
                #expect(TextColumns.count(line) <= width)
                #expect(!line.unicodeScalars.contains("\u{1b}"))
            }
        }
    }

    @Test func aNarrowTerminalKeepsNamePAndVerdict() {
        #expect(view.lines(width: 40)[3] == "php_errors    2e-9  WORSE")
    }

    @Test func wideAndCombinedLettersAreCountedAsTheyAreDrawn() {
        #expect(TextColumns.count("日本") == 4)
        #expect(TextColumns.count("e\u{301}") == 1)
        #expect(TextColumns.count("🐤") == 2)
        #expect(TextColumns.fitted("日本語", columns: 4) == "日… ")
        #expect(TextColumns.fitted("ab", columns: 4, alignedRight: true) == "  ab")
        #expect(TextColumns.clipped("abc", columns: 0) == "")
    }
}
