// How a push gets its samples: at each beat of the interval all hosts are asked at once, and Prometheus servers beside
// them; what comes, in whatever order, goes into its sample.

import SlotSync

extension PushDriver {
    /// How long Prometheus servers may take, as a part of the interval.
    private static let patience = 0.8
    /// When what there is of a sample is shown.
    private static let timeToCome = Duration.milliseconds(500)

    /// Tells hosts what they will be asked for, and asks from then on.
    func beginSampling(_ places: [Int]) {
        isSampling = true
        let chosen = places.map { hosts[$0] }
        let wanted = Dictionary(chosen.map { ($0, sources.onHosts[$0] ?? []) }) { first, _ in first }
        Task { [connection, post, options] in
            let heard = await connection.listen(to: chosen)
            let ready = Set(heard.done)
            let results = await connection.prepareReadings(
                wanted.filter { ready.contains($0.key) }, every: .seconds(options.canary.interval))
            for failure in heard.failures + results.failures {
                if let place = self.places[failure.host] {
                    post.yield(.rollout(.lost(place, failure.error.description)))
                }
            }
            let problems = results.answers.flatMap { host, problems in
                problems.enumerated().compactMap { source, reason in
                    reason.map { (host, SourceProblem(source: source, reason: $0)) }
                }
            }
            post.yield(.watching(results.done, problems: problems))
        }
    }

    func noteWatching(_ ready: [Host], _ problems: [(host: Host, problem: SourceProblem)]) {
        guard isSampling else { return }
        sampled.formUnion(ready.compactMap { places[$0] })
        for (host, problem) in problems.sorted(by: { $0.problem.source < $1.problem.source }) {
            guard let place = places[host] else { continue }
            gaps.note(sources.gap(problem.reason, source: problem.source, of: host), of: place)
        }
        tellGaps()
        guard ticker == nil else { return }
        ticker = Task { [post, options] in
            let clock = ContinuousClock()
            let interval = Duration.seconds(options.canary.interval)
            var next = clock.now
            while !Task.isCancelled {
                post.yield(.sampleDue)
                // Beats that were missed, because this machine slept, are not made up for.
                next = max(next + interval, clock.now)
                try? await clock.sleep(until: next, tolerance: .milliseconds(10))
            }
        }
    }

    func beginSample() {
        guard ticker != nil else { return }
        let number = samples.beginRound(at: now)
        let asked = sampled.sorted().map { hosts[$0] }
        Task { [connection] in await connection.requestReadings(UInt32(number), of: asked) }
        if let prometheus = sources.prometheus {
            let limit = Duration.seconds(options.canary.interval * Self.patience)
            Task { [post] in post.yield(.prometheus(await prometheus.sample(within: limit), sample: number)) }
        }
        Task { [post, options] in
            try? await Task.sleep(for: min(.seconds(options.canary.interval / 2), Self.timeToCome))
            post.yield(.progressDue)
        }
    }

    func note(_ readings: HostReadings, of place: Int, sample: Int) {
        var isThere = false
        for (metric, value) in sources.values(of: readings) {
            samples.record(value, round: sample, host: place, metric: metric)
            isThere = isThere || value.isFinite
        }
        if isThere { handle(.sampled(place)) }
        // What counts between two readings has nothing to give at the first one.
        guard sample > 0 else { return }
        for gap in sources.gaps(in: readings, of: hosts[place]) { gaps.note(gap, of: place) }
    }

    /// Tells what is missing on hosts on which that was not told yet.
    func tellGaps() {
        for (places, text) in gaps.take() { emit.yield(.warning(places.map { hosts[$0] }, text)) }
    }

    func note(_ sample: PrometheusSample, number: Int) {
        for (metric, place, reading) in sources.readings(of: sample) {
            samples.record(reading.sample, round: number, host: place, metric: metric)
            if reading.sample.isFinite { handle(.sampled(place)) }
        }
        for notice in sample.notices { emit.yield(.warning([], notice)) }
    }
}

/// Why one of a host's sources cannot be read.
struct SourceProblem: Sendable, Hashable {
    /// Its place among the host's sources.
    var source: Int
    var reason: String
}
