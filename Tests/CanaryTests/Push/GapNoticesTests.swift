// What is missing is told once, of all hosts together.

import Testing

@testable import Canary

@Suite("What is told of gaps") struct GapNoticesTests {
    private func gap(_ subject: String, _ reason: String, host: Int) -> MetricGap {
        MetricGap(subject: subject, reason: reason, replacing: [("/srv/h\(host)/www", "/srv/{host}/www")])
    }

    /// What is told after these hosts noted a gap, as `hosts: text`.
    private func told(_ notices: inout GapNotices, _ gaps: [(host: Int, gap: MetricGap)]) -> [String] {
        for (host, gap) in gaps { notices.note(gap, of: host) }
        return notices.take().map { "\($0.hosts): \($0.text)" }
    }

    @Test("hosts with the same gap stand in one line, whatever their roots are called") func folded() {
        var notices = GapNotices()
        let gaps = [3, 1, 2].map { ($0, gap("errors", "there is no log \"/srv/h\($0)/www/log\" yet", host: $0)) }
        #expect(told(&notices, gaps) == ["[1, 2, 3]: errors: there is no log \"/srv/{host}/www/log\" yet"])
    }

    @Test("a host's name in what a command says is the same reason on another, and no part of a longer name")
    func named() {
        var notices = GapNotices()
        let gaps = [1, 10, 2].map { host in
            (host, MetricGap(subject: "p95", reason: "no data of h\(host), h100", replacing: [("h\(host)", "{host}")]))
        }
        #expect(told(&notices, gaps) == ["[1, 2, 10]: p95: no data of {host}, h100"])
    }

    @Test("lines stand in the order of the hosts, and the last one names all that are left") func rest() {
        var notices = GapNotices()
        let lines = told(&notices, (0..<15).reversed().map { ($0, gap("p95", "it printed \($0)", host: $0)) })
        #expect(lines.count == GapNotices.mostLines && lines[0] == "[0]: p95: it printed 0")
        #expect(
            lines.last
                == "[9, 10, 11, 12, 13, 14]: p95: it printed 9, or another reason (no more is told of what it lacks)")
    }

    @Test("a single host's reason is told in its own words") func alone() {
        var notices = GapNotices()
        #expect(
            told(&notices, [(7, gap("errors", "no log /srv/h7/www/log", host: 7))])
                == ["[7]: errors: no log /srv/h7/www/log"])
    }

    @Test("no host's gap is told twice; one that joins later is told then, alone") func later() {
        var notices = GapNotices()
        let gaps = (0...2).map { ($0, gap("load", "nothing", host: $0)) }
        #expect(told(&notices, Array(gaps[..<2])) == ["[0, 1]: load: nothing"])
        #expect(told(&notices, Array(gaps[..<2])).isEmpty)
        #expect(told(&notices, gaps) == ["[2]: load: nothing"])
        #expect(told(&notices, gaps).isEmpty)
    }

    @Test("another reason, and another metric, are other gaps") func others() {
        var notices = GapNotices()
        let gaps = [("a", "x"), ("a", "y"), ("b", "x")].map { (0, gap($0.0, $0.1, host: 0)) }
        #expect(told(&notices, gaps) == ["[0]: a: x", "[0]: a: y", "[0]: b: x"])
    }

    @Test("a reason that is new at each sample does not go on for ever, and the last line says so") func bounded() {
        var notices = GapNotices()
        let lines = (0..<100).flatMap { sample in
            told(&notices, (0..<3).map { ($0, gap("p95", "it printed \(sample)", host: $0)) })
        }
        #expect(lines.count == GapNotices.mostLines)
        #expect(lines.last == "[0, 1, 2]: p95: it printed 9 (no more is told of what it lacks)")
        #expect(told(&notices, [(0, gap("load", "nothing", host: 0))]) == ["[0]: load: nothing"])
    }
}
