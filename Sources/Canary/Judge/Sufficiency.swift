// Decides whether there is enough data to say that nothing got worse. A few samples can show a regression, but a pass
// needs more: silence is not health. Look asks about every metric, and Judge about the base line before the flip.

import SlotSync

/// What is missing for a pass, as a part of a sentence.
enum Sufficiency {
    /// A canary's part of a window that has to be there for a pass, on average over the canaries, and samples of it.
    static let leastShare = 0.5
    static let leastSamples = 3.0

    /// What a metric lacks; nil: nothing.
    static func lack(_ item: Look.Item, in comparison: Look) -> String? {
        let table = item.table
        let roles = comparison.roles
        let name = item.metric.name
        let flipped = comparison.naming
        if roles.canaries.isEmpty { return "no host was flipped that \(name) could be judged on" }
        if roles.controls.isEmpty { return "there is no control to compare \(name) with" }
        func sampled(_ hosts: [Int], _ columns: Range<Int>) -> Int {
            hosts.reduce(0) { $0 + table.count($1, columns) }
        }
        let all = table.afterFlip
        if sampled(roles.canaries, all) == 0 { return "\(name) has no sample of a \(flipped.one) after the flip" }
        if sampled(roles.controls, all) == 0 { return "\(name) has no sample of a control after the flip" }
        if item.metric.kind == .gauge {
            if sampled(roles.canaries, 0..<table.before) == 0 {
                return "\(name) has no sample of a \(flipped.one) before the flip"
            }
            let controls = roles.controls.count { GaugeTest.hasStep($0, in: table) }
            if controls < 2 {
                return "\(name) has \(controls == 1 ? "only 1 control" : "no control") with samples before and after "
                    + "the flip, and needs 2"
            }
            if let least = tooFew(table, roles.canaries, 0..<table.before, planned: 0, flipped) {
                return "\(name) has only \(least) before the flip"
            }
        }
        let planned = max(comparison.planned - table.settle, 0)
        if let least = tooFew(table, roles.canaries, table.settled, planned: planned, flipped) {
            return "\(name) has only \(least) after the flip"
        }
        return item.tests.isEmpty ? "\(name) has too few samples to be tested" : nil
    }

    /// What a metric lacks in its base line before anybody is flipped. A counter could be judged without one, but what nobody
    /// sends now nobody may send later.
    static func lackBefore(_ metric: Metric, _ table: SampleTable, _ roles: Roles) -> String? {
        let base = 0..<table.before
        func seen(_ hosts: [Int], _ least: Int) -> Int { hosts.count { table.count($0, base) >= least } }
        if seen(roles.canaries, 1) == 0 { return "\(metric.name) has no sample of a canary" }
        let isGauge = metric.kind == .gauge
        let controls = seen(roles.controls, isGauge ? GaugeTest.leastBefore : 1)
        if controls == 0 { return "\(metric.name) has \(isGauge ? "too few samples" : "no sample") of any control" }
        if isGauge, controls < 2 { return "\(metric.name) has samples of 1 control alone, and needs 2" }
        guard isGauge else { return nil }
        return tooFew(table, roles.canaries, base, planned: 0, .canaries).map { "\(metric.name) has only \($0)" }
    }

    /// "1 of 10 samples a canary" where they are too few.
    private static func tooFew(
        _ table: SampleTable, _ canaries: [Int], _ columns: Range<Int>, planned: Int, _ flipped: FlippedName
    ) -> String? {
        // A canary that never sent anything is not what the others are measured by.
        let present = canaries.filter { table.count($0, 0..<table.moments) > 0 }
        guard !present.isEmpty else { return "0 samples a \(flipped.one)" }
        let average = Double(present.reduce(0) { $0 + table.count($1, columns) }) / Double(present.count)
        if average >= max(leastSamples, leastShare * Double(planned)) { return nil }
        return
            "\(NumberText.shortest(average, digits: 3)) \(planned > 0 ? "of \(planned) " : "")samples a \(flipped.one)"
    }

    /// Canaries that sent samples before the flip and none, of any metric, in the second half of the window: nobody
    /// knows how they are.
    static func lostCanaries(_ comparison: Look) -> [String] {
        comparison.roles.canaries.filter { host in
            let tables = comparison.items.map(\.table)
            guard tables.contains(where: { $0.count(host, 0..<$0.before) > 0 }) else { return false }
            return tables.allSatisfy { table in
                let half = table.flip + firstHalf(of: table, planned: comparison.planned)
                return table.count(host, min(half, table.moments)..<table.moments) == 0
            }
        }.map { comparison.recording.hosts[$0].host }
    }

    /// How many samples after the flip come before the second half of the window: the settling time belongs to neither half.
    static func firstHalf(of table: SampleTable, planned: Int) -> Int {
        table.settle + max(planned - table.settle, 0) / 2
    }
}
