// Collects what people are told of missing samples. A fault usually lasts for many samples: each is told when it is
// new, and a bounded number of times.

import SlotSync

/// Remembers what was told.
struct PrometheusNotices {
    /// How often one kind of trouble of one metric is told at most; each time it has to have reached more hosts.
    static let mostTellings = 5

    private struct Trouble: Hashable {
        var metric: Int
        var kind: PrometheusGap.Kind?
    }
    private var tellings: [Trouble: Int] = [:]
    private var toldHosts: [Trouble: Set<Int>] = [:]
    private var toldTexts: Set<String> = []

    /// What is new in a round, a line each.
    mutating func new(in round: PrometheusRound, metrics: [String], hosts: [String]) -> [String] {
        var lines: [(text: String, metrics: [String])] = []
        func tell(_ text: String, of metric: Int) {
            if let known = lines.firstIndex(where: { $0.text == text }) {
                lines[known].metrics.append(metrics[metric])
            } else {
                lines.append((text, [metrics[metric]]))
            }
        }
        for (metric, readings) in round.readings.enumerated() {
            for (gap, indices) in newGaps(of: metric, in: readings) {
                tell("no value \(Self.spoken(indices, of: hosts)): \(gap.message)", of: metric)
            }
        }
        for warning in round.warnings where isNew(warning.text, of: warning.query) {
            tell(warning.text, of: warning.query)
        }
        return lines.map { line in
            "\(line.metrics.count == 1 ? "metric" : "metrics") \(line.metrics.joined(separator: ", ")): \(line.text)"
        }
    }

    /// The kinds of gaps that reached hosts which were not told of yet, each with the first of its messages.
    private mutating func newGaps(
        of metric: Int, in readings: [PrometheusReading]
    ) -> [(gap: PrometheusGap, hosts: [Int])] {
        var gaps: [(gap: PrometheusGap, hosts: [Int])] = []
        for (host, reading) in readings.enumerated() {
            // The first of a total's readings, and an interrupted push, are as they have to be.
            guard case .missing(let gap) = reading, gap.kind != .noDifference, gap.kind != .cancelled else { continue }
            let trouble = Trouble(metric: metric, kind: gap.kind)
            guard tellings[trouble, default: 0] < Self.mostTellings,
                toldHosts[trouble, default: []].insert(host).inserted
            else { continue }
            if let known = gaps.firstIndex(where: { $0.gap.kind == gap.kind }) {
                gaps[known].hosts.append(host)
            } else {
                gaps.append((gap, [host]))
            }
        }
        for (gap, _) in gaps { tellings[Trouble(metric: metric, kind: gap.kind), default: 0] += 1 }
        return gaps
    }

    private mutating func isNew(_ warning: String, of metric: Int) -> Bool {
        let trouble = Trouble(metric: metric, kind: nil)
        guard tellings[trouble, default: 0] < Self.mostTellings,
            toldTexts.insert("\(metric) \(warning)").inserted
        else { return false }
        tellings[trouble, default: 0] += 1
        return true
    }

    private static func spoken(_ indices: [Int], of hosts: [String]) -> String {
        if indices.count == hosts.count { return hosts.count == 1 ? "for \(hosts[0])" : "for any host" }
        return "for \(HostList.fold(indices.map { hosts[$0] }))"
    }
}
