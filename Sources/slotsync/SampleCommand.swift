// `slotsync sample`: reads all metrics of the configuration once, and shows them host by host.

import ArgumentParser
import Canary
import JSONCoding
import SlotSync

struct SampleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Read all metrics once, on every host.",
        discussion: """
            What a push would measure, now: one row a host, one column for each metric under canary.metrics of \
            slotsync.yml. Two samples are taken, an `interval` apart, and the second is shown, since logs and processor time \
            count from one to the next. What could not be read is a dash, and is told with its reason; so is why `push` would \
            refuse these hosts with the settings of that section, if it would.

              slotsync sample
              slotsync sample --hosts "web[01-20].example.com"

            Exit codes: 0 all was read; 1 something is missing on every host; 2 on some hosts; 64 wrong usage.
            """)

    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func run() async throws {
        try await fleet.run("sample") { settled, reporter in
            let section = try settled.configuration.canarySection()
            let canary = section.settings
            guard !canary.metrics.isEmpty else {
                throw ValidationError("no metrics: name some in slotsync.yml, under canary.metrics")
            }
            let hosts = settled.fleet.hosts.count
            let external = try section.external()
            let sampling = try usage { () throws(SlotSyncError) in
                try Sampling(canary, of: settled.fleet, external: external)
            }
            do throws(SlotSyncError) { _ = try RolloutPlan(hosts: settled.fleet.hosts, settings: canary) } catch {
                await reporter.warn("`slotsync push` would refuse these hosts: \(error.message)")
            }
            let sampled = try await sampling.read()
            for row in sampled.rows { await reporter.json(of: row.host, json(row, canary)) }
            await reporter.essentialResult(table(sampled.rows, canary))
            await reporter.failures(sampled.failures, root: settled.fleet.root)
            for (hosts, text) in sampled.gaps {
                await reporter.problem("\(HostList.fold(hosts.map(\.label))): \(text)")
            }
            let failed = sampled.failures.count + sampled.rows.count { !$0.gaps.isEmpty }
            return Conclusion(
                status: ExitStatus(done: hosts - failed, failed: failed), hosts: hosts, failed: failed)
        }
    }

    private func table(_ rows: [SampledHost], _ canary: CanarySettings) -> [String] {
        let heading = ["HOST"] + canary.metrics.map(\.metric.name)
        let columns = canary.metrics.indices.map { column($0, of: rows) }
        let cells = rows.indices.map { row in [rows[row].host.label] + columns.map { $0[row] } }
        return TextTable.aligned([heading] + cells, numbersFrom: 1)
    }

    /// A metric's values, all with as many digits after the point: as many as the largest leaves of six.
    private func column(_ metric: Int, of rows: [SampledHost]) -> [String] {
        let numbers = rows.map { Self.shown($0.values[metric]) }
        let texts = numbers.map { $0.map { numberAsJSON($0.value) } ?? "-" }
        // What needs an exponent stands as it is.
        guard !texts.contains(where: { $0.contains("e") }) else { return texts }
        let known = numbers.compactMap(\.self)
        let whole = known.map { max($0.digitsBeforePoint, 1) }.max() ?? 1
        let needed = known.map { max(-$0.exponent, 0) }.max() ?? 0
        let places = min(max(Self.digits - whole, 0), needed)
        return numbers.map { $0?.fixed(places: places) ?? "-" }
    }

    /// `value` with six significant digits, or all that stand before the point; nil for what is missing.
    private static func shown(_ value: Double) -> DecimalNumber? {
        DecimalNumber(value).map { $0.rounded(places: max(0, digits - $0.digitsBeforePoint)) }
    }

    private static let digits = 6

    private func json(_ row: SampledHost, _ canary: CanarySettings) -> JSONValue {
        let values = zip(canary.metrics, row.values).map { metric, value in
            JSONValue.Member(key: metric.metric.name, value: .number(Self.shown(value)?.value))
        }
        return [
            "event": "host", "host": .text(row.host.label), "metrics": .object(values),
            "missing": .list(row.gaps.map { .text($0) }),
        ]
    }
}
