// Reads all metrics of a fleet once: what `slotsync sample` shows. What counts from one reading to the next needs two.

public import SlotSync

/// What one host's metrics are now.
public struct SampledHost: Sendable {
    public var host: Host
    /// One for each metric of the settings; NaN where it could not be read.
    public var values: [Double]
    /// Why metrics could not be read, with their names.
    public var gaps: [String]
}

/// One sample of a fleet.
public struct Sampling: Sendable {
    private let fleet: Fleet
    private let interval: Double
    private let sources: PushSources

    /// - Throws: ``SlotSyncError`` with the code `badInput` for a source that cannot be used.
    public init(_ settings: CanarySettings, of fleet: Fleet, prometheus: (any PrometheusTransport)?) throws {
        self.fleet = fleet
        interval = settings.interval
        sources = try PushSources(fleet: fleet, settings: settings, transport: prometheus)
    }

    /// Takes two samples, an interval apart, and gives the second.
    public func read() async throws -> (rows: [SampledHost], failures: [HostFailure]) {
        let connection = await FleetConnection(fleet)
        let heard = await connection.listen(to: fleet.hosts)
        let ready = Set(heard.done)
        let prepared = await connection.prepareReadings(
            sources.onHosts.filter { ready.contains($0.key) }, every: .seconds(interval))
        var failures = heard.failures + prepared.failures
        var rows: [Host: SampledHost] = [:]
        for host in prepared.done {
            rows[host] = SampledHost(
                host: host, values: Array(repeating: .nan, count: sources.metrics.count), gaps: [])
        }
        await readTwice(connection, &rows, &failures)
        await connection.close()
        return (fleet.hosts.compactMap { rows[$0] }, failures)
    }

    private func readTwice(
        _ connection: FleetConnection, _ rows: inout [Host: SampledHost], _ failures: inout [HostFailure]
    ) async {
        let asked = Array(rows.keys)
        let second = Task { [sources, interval] in
            await connection.requestReadings(0, of: asked)
            _ = await sources.prometheus?.sample(within: .seconds(interval))
            try? await Task.sleep(for: .seconds(interval))
            await connection.requestReadings(1, of: asked)
            return await sources.prometheus?.sample(within: .seconds(interval))
        }
        // Whoever has not answered an interval later is late, in a push as well.
        let deadline = Task { [interval] in
            _ = await second.value
            try? await Task.sleep(for: .seconds(interval))
            if !Task.isCancelled { await connection.close() }
        }
        var waiting = Set(asked)
        for await event in connection.events {
            switch event {
            case .readings(let host, 1, let readings):
                waiting.remove(host)
                for (metric, value) in sources.values(of: readings) { rows[host]?.values[metric] = value }
                rows[host]?.gaps = sources.gaps(in: readings)
            case .lost(let host, let error):
                waiting.remove(host)
                rows[host] = nil
                failures.append(HostFailure(host: host, error: error))
            case .readings, .warning: break
            }
            if waiting.isEmpty { break }
        }
        for host in waiting { rows[host]?.gaps.append("no readings came within \(interval) s") }
        if let sample = await second.value { note(sample, &rows) }
        deadline.cancel()
    }

    private func note(_ sample: PrometheusSample, _ rows: inout [Host: SampledHost]) {
        for (metric, place, reading) in sources.readings(of: sample) {
            let host = fleet.hosts[place]
            rows[host]?.values[metric] = reading.sample
            if case .missing(let gap) = reading {
                rows[host]?.gaps.append("\(sources.metrics[metric].metric.name): \(gap)")
            }
        }
    }
}
