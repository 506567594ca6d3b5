// How a push gets its samples: once each interval it asks all hosts, and the source of external metrics beside them.
// Each answer is kept for the sample that it was asked for, however late it comes.

import SlotSync

extension PushDriver {
    /// How long external metrics may take, as a part of the interval.
    private static let patience = 0.8
    /// When what there is of a sample is shown.
    private static let timeToCome = Duration.milliseconds(500)

    /// How long all wait for the slowest host before the first sample is taken; it joins later then.
    private static let patienceAtFirst = Duration.seconds(1)

    /// Tells hosts what they will be asked for, and asks from then on.
    func beginSampling(_ indices: [Int]) {
        sampled.begin(indices)
        for index in indices { Task { await prepareSampling(index) } }
        Task { [post] in
            try? await Task.sleep(for: Self.patienceAtFirst)
            post.yield(.samplingDue)
        }
    }

    /// Listens to hosts that are not sampled, so that a loss is known before they are needed.
    func listen(to indices: [Int]) {
        let asked = indices.map { hosts[$0] }
        Task { [connection, post, indices = self.indices] in
            for failure in await connection.listen(to: asked).failures {
                if let index = indices[failure.host] {
                    post.yield(.rollout(.lost(index, failure.error.description)))
                }
            }
        }
    }

    private func prepareSampling(_ index: Int) async {
        let host = hosts[index]
        var failures = await connection.listen(to: [host]).failures
        var reasons: [String?] = []
        if failures.isEmpty {
            let interval = Duration.seconds(options.canary.interval)
            let results = await connection.prepareReadings([host: sources.onHosts[host] ?? []], every: interval)
            failures = results.failures
            reasons = results.answers.first?.answer ?? []
        }
        for failure in failures { post.yield(.rollout(.lost(index, failure.error.description))) }
        post.yield(.watching(index, isReady: failures.isEmpty, reasons: reasons))
    }

    /// - Parameter reasons: for each of the host's sources why it cannot be read; nil: it can.
    func noteWatching(_ index: Int, isReady: Bool, reasons: [String?]) {
        sampled.note(index, isReady: isReady)
        guard sampled.isOn else { return }
        for (source, reason) in reasons.enumerated() {
            if let reason { gaps.note(sources.gap(reason, source: source, of: hosts[index]), of: index) }
        }
        startSampling()
    }

    /// Takes the first sample, if there is a host to take it of, and then one each interval.
    func startSampling() {
        guard sampled.canBegin, ticker == nil else { return }
        tellGaps()
        ticker = Task { [post, options] in
            let clock = ContinuousClock()
            let interval = Duration.seconds(options.canary.interval)
            var next = clock.now
            while !Task.isCancelled {
                post.yield(.sampleDue)
                // Samples that were missed, because this machine slept, are not made up for.
                next = max(next + interval, clock.now)
                try? await clock.sleep(until: next, tolerance: .milliseconds(10))
            }
        }
    }

    func beginSample() {
        guard ticker != nil else { return }
        let number = samples.beginRound(at: now)
        let asked = sampled.ready.sorted().map { hosts[$0] }
        Task { [connection] in await connection.requestReadings(UInt32(number), of: asked) }
        if let external = sources.external {
            let limit = Duration.seconds(options.canary.interval * Self.patience)
            Task { [post] in post.yield(.external(await external.sample(within: limit), sample: number)) }
        }
        Task { [post, options] in
            try? await Task.sleep(for: min(.seconds(options.canary.interval / 2), Self.timeToCome))
            post.yield(.progressDue)
        }
    }

    func note(_ readings: HostReadings, of index: Int, sample: Int) {
        var isThere = false
        // What a host counted until its first reading is not an interval's.
        let isFirst = sampled.noteReading(of: index)
        for (metric, value) in sources.values(of: readings) {
            if isFirst, samples.metrics[metric].kind == .counter { continue }
            samples.record(value, round: sample, host: index, metric: metric)
            isThere = isThere || value.isFinite
        }
        if isThere { handle(.sampled(index)) }
        // What counts between two readings has nothing to give at the first one.
        guard !isFirst else { return }
        for gap in sources.gaps(in: readings, of: hosts[index]) { gaps.note(gap, of: index) }
    }

    /// Tells what is missing on hosts on which that was not told yet.
    func tellGaps() {
        for (indices, text) in gaps.take() { emit.yield(.warning(indices.map { hosts[$0] }, text)) }
    }

    func note(_ sample: ExternalSample, number: Int) {
        for (metric, index, reading) in sources.readings(of: sample) {
            samples.record(reading.sample, round: number, host: index, metric: metric)
            if reading.sample.isFinite { handle(.sampled(index)) }
            if reading == .missing(MetricSettings.belowZero) {
                gaps.note(
                    MetricGap(subject: samples.metrics[metric].name, reason: MetricSettings.belowZero), of: index)
            }
        }
        for notice in sample.notices { emit.yield(.warning([], notice)) }
    }
}
