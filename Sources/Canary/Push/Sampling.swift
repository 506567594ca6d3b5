// Reads all metrics of a fleet once, for `slotsync sample`. Counters need two readings, so it asks twice. A push's
// sampling has no end and feeds Rollout; this has two rounds and one result.

public import SlotSync

/// What one host's metrics are now.
public struct SampledHost: Sendable {
    public var host: Host
    /// One for each metric of the settings; NaN where it could not be read.
    public var values: [Double]
    /// Why metrics could not be read, with their names.
    public var gaps: [String] = []
}

/// What one sample of a fleet came to.
public struct FleetSample: Sendable {
    /// The hosts that answered, in the order of the list.
    public var rows: [SampledHost] = []
    public var failures: [HostFailure] = []
    /// Why metrics could not be read: each reason once, with all hosts that have it.
    public var gaps: [(hosts: [Host], text: String)] = []
}

/// One sample of a fleet.
public struct Sampling: Sendable {
    private let fleet: Fleet
    private let interval: Double
    private let sources: PushSources

    /// - Throws: ``SlotSyncError`` with the code `badInput` for a source that cannot be used.
    public init(
        _ settings: CanarySettings, of fleet: Fleet, external: (any ExternalMetrics)?
    ) throws(SlotSyncError) {
        self.fleet = fleet
        interval = settings.interval
        sources = try PushSources(fleet: fleet, settings: settings, external: external)
    }

    /// Takes two samples, an interval apart, and gives the second.
    public func read() async throws -> FleetSample {
        let connection = await FleetConnection(fleet)
        let heard = await connection.listen(to: fleet.hosts)
        let ready = Set(heard.done)
        let prepared = await connection.prepareReadings(
            sources.onHosts.filter { ready.contains($0.key) }, every: .seconds(interval))
        var round = Round(failures: heard.failures + prepared.failures)
        for host in prepared.done {
            round.rows[host] = SampledHost(host: host, values: Array(repeating: .nan, count: sources.metrics.count))
        }
        if !round.rows.isEmpty { await readTwice(connection, &round) }
        await connection.close()
        return FleetSample(
            rows: fleet.hosts.compactMap { round.rows[$0] }, failures: round.failures,
            gaps: round.notices.take().map { indices, text in (indices.map { fleet.hosts[$0] }, text) })
    }

    /// What is known so far.
    private struct Round {
        var rows: [Host: SampledHost] = [:]
        var failures: [HostFailure]
        var notices = GapNotices()

        mutating func note(_ gap: MetricGap, of host: Host, at index: Int) {
            guard rows[host] != nil else { return }
            rows[host]?.gaps.append("\(gap.subject): \(gap.reason)")
            notices.note(gap, of: index)
        }
    }

    private func readTwice(_ connection: FleetConnection, _ round: inout Round) async {
        let asked = Array(round.rows.keys)
        let indices = Dictionary(zip(fleet.hosts, fleet.hosts.indices)) { first, _ in first }
        let second = Task { [sources, interval] in
            await connection.requestReadings(0, of: asked)
            _ = await sources.external?.sample(within: .seconds(interval))
            try? await Task.sleep(for: .seconds(interval))
            await connection.requestReadings(1, of: asked)
            return await sources.external?.sample(within: .seconds(interval))
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
                for (metric, value) in sources.values(of: readings) { round.rows[host]?.values[metric] = value }
                guard let index = indices[host] else { break }
                for gap in sources.gaps(in: readings, of: host) { round.note(gap, of: host, at: index) }
            case .lost(let host, let error):
                waiting.remove(host)
                round.rows[host] = nil
                round.failures.append(HostFailure(host: host, error: error))
            case .readings, .warning, .askedToGiveWay: break
            }
            if waiting.isEmpty { break }
        }
        let all = sources.metrics.map(\.metric.name).joined(separator: ", ")
        for (index, host) in fleet.hosts.enumerated() where waiting.contains(host) {
            round.note(
                MetricGap(subject: all, reason: "no readings came within \(TimeText.exact(interval))"), of: host,
                at: index)
        }
        if let sample = await second.value { note(sample, &round) }
        deadline.cancel()
    }

    private func note(_ sample: ExternalSample, _ round: inout Round) {
        for (metric, index, reading) in sources.readings(of: sample) {
            let host = fleet.hosts[index]
            round.rows[host]?.values[metric] = reading.sample
            if case .missing(let reason) = reading {
                round.note(
                    MetricGap(subject: sources.metrics[metric].metric.name, reason: reason), of: host, at: index)
            }
        }
    }
}
