// `slotsync sample`: what all sources of the canary's metrics read now, host by host.

import ArgumentParser
import Canary
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
              slotsync sample --hosts web[01-20].example.com

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
            await reporter.result(table(sampled.rows, canary))
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
        let values = rows.map { $0.values[metric] }
        let numbers = values.filter { !$0.isNaN }
        let texts = numbers.map(numberText)
        func plain(_ value: Double) -> String { value.isNaN ? "-" : numberText(value) }
        // What needs an exponent stands as it is.
        guard !texts.contains(where: { $0.contains("e") }) else { return values.map(plain) }
        let whole = texts.map { $0.prefix { $0 != "." }.count { $0.isNumber } }.max() ?? 1
        let needed = texts.map { $0.drop { $0 != "." }.dropFirst().count }.max() ?? 0
        let places = min(max(Self.digits - whole, 0), needed)
        return values.map { $0.isNaN ? "-" : fixed($0, places: places) }
    }

    /// `value` with so many digits after the point; it has no more than `digits` in all.
    private func fixed(_ value: Double, places: Int) -> String {
        let unit = (0..<places).reduce(1.0) { scale, _ in 10 * scale }
        let scaled = (abs(value) * unit).rounded()
        guard places > 0, scaled < 1e15 else { return numberText(value.rounded()) }
        let digits = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return (value < 0 && scaled > 0 ? "-" : "") + padded.dropLast(places) + "." + padded.suffix(places)
    }

    private static let digits = 6

    private func json(_ row: SampledHost, _ canary: CanarySettings) -> JSONValue {
        let values = zip(canary.metrics, row.values).map { metric, value in
            JSONValue.Member(key: metric.metric.name, value: value.isNaN ? .null : .number(numberText(value)))
        }
        return [
            "event": "host", "host": .text(row.host.label), "metrics": .object(values),
            "missing": .list(row.gaps.map { .text($0) }),
        ]
    }

    /// At most six significant digits, the shortest form.
    private func numberText(_ value: Double) -> String {
        let rounded = value == 0 ? 0 : value.rounded(toSignificantDigits: Self.digits)
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int64(rounded)) : "\(rounded)"
    }
}

extension Double {
    fileprivate func rounded(toSignificantDigits digits: Int) -> Double {
        var scale = 1.0
        while abs(self) * scale < 1e5, scale < 1e300 { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
