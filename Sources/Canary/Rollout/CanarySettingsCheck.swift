// Checks settings before anything is staged. Each problem has the key that it is about, so that whoever read the
// settings from a file can name the line. RolloutPlan checks what depends on the number of hosts.

public import SlotSync

extension CanarySettings {
    /// The samples that a base line needs, and a window after what is left out to settle: a judge looks from the third on.
    public static let fewestSamples = 3
    /// The most samples of a base line, a window or a watch. A judge's cost grows with their square.
    public static let mostSamples = 2_000
    /// Seconds between two samples.
    public static let intervals = 0.1...300.0
    /// The longest of the other times: a day.
    public static let longestTime = TimeText.day
    public static let mostMetrics = 64
    public static let mostPhases = 16
    /// The longest name of a metric, in bytes.
    public static let longestName = 64
    /// The longest path, pattern, URL and query, in bytes.
    public static let longestText = 4096
    /// The longest command, in bytes: as long as a hook.
    public static let longestCommand = 64 << 10
    /// The largest relative change that can be tolerated: ten times as much.
    public static let largestTolerance = 10.0
    /// A metric's weight.
    public static let weights = 0.001...1000.0

    /// A setting that cannot be used.
    public struct Problem: Sendable, Hashable {
        /// The key in the `canary` section: `window`, `metrics`.
        public var key: String
        /// Which metric it is about, where `key` is `metrics`.
        public var metric: Int?
        /// What is wrong, and what to write instead.
        public var message: String
    }

    /// - Throws: ``SlotSyncError`` with the code `badInput`, for the first problem.
    public func validate() throws(SlotSyncError) {
        guard let problem = firstProblem() else { return }
        throw SlotSyncError(.badInput, "canary.\(problem.key): \(problem.message)")
    }

    /// The first setting that cannot be used, in the order of the file; nil if all can.
    public func firstProblem() -> Problem? {
        hostsProblem() ?? timesProblem() ?? strictnessProblem() ?? metricsProblem()
    }

    private func hostsProblem() -> Problem? {
        func isPossible(_ portion: HostPortion) -> Bool {
            switch portion {
            case .count(let count): (0...HostList.mostHosts).contains(count)
            case .percent(let percent): (0...100).contains(percent)
            }
        }
        switch hosts {
        case .portion(let portion):
            guard isPossible(portion), portion.hosts(of: HostList.mostHosts) > 0 else {
                return Problem("hosts", "\(portion) is nobody: at least one host has to be a canary")
            }
        case .list(let list):
            guard !list.isEmpty else { return Problem("hosts", "the list is empty: name at least one canary") }
        }
        guard phases.count <= CanarySettings.mostPhases else {
            return Problem("phases", "\(phases.count) phases; at most \(CanarySettings.mostPhases) are allowed")
        }
        for portion in phases where !isPossible(portion) || portion.hosts(of: HostList.mostHosts) == 0 {
            return Problem("phases", "\(portion) is no part of a fleet")
        }
        var portions: [HostPortion] = []
        if case .portion(let portion) = hosts { portions.append(portion) }
        portions += phases
        for (earlier, later) in zip(portions, portions.dropFirst()) {
            // A number beside a share can be compared only when the fleet is known.
            let grows =
                switch (earlier, later) {
                case (.count(let few), .count(let more)): few < more
                case (.percent(let few), .percent(let more)): few < more
                default: true
                }
            guard grows else {
                return Problem(
                    "phases",
                    "\(later) after \(earlier): each phase has to be larger than the canaries and the phases "
                        + "before it")
            }
        }
        guard isPossible(holdBack) else { return Problem("hold_back", "\(holdBack) is no part of a fleet") }
        return nil
    }

    private func timesProblem() -> Problem? {
        guard CanarySettings.intervals.contains(interval) else {
            return Problem("interval", "\(TimeText.exact(interval)) is not between 100 ms and 5 minutes")
        }
        for (key, time) in [("baseline", baseline), ("window", window), ("settle", settle), ("watch", watch)] {
            guard time >= 0, time <= CanarySettings.longestTime else {
                return Problem(key, "\(TimeText.exact(time)) is not a time of up to a day")
            }
            guard JudgeSettings.samples(in: time, every: interval, rounded: .up) <= CanarySettings.mostSamples else {
                return Problem(
                    key,
                    "\(TimeText.exact(time)) at a sample every \(TimeText.exact(interval)) is more than "
                        + "\(CanarySettings.mostSamples) samples: sample less often")
            }
        }
        let few = "fewer than \(CanarySettings.fewestSamples) samples, one every \(TimeText.exact(interval)): make it"
        if let least = leastTime(baseline, leftOut: 0) {
            return Problem("baseline", "\(TimeText.exact(baseline)) holds \(few) \(TimeText.exact(least)) or longer")
        }
        let settling = JudgeSettings(settle: settle).settleSamples(every: interval)
        if let least = leastTime(window, leftOut: settling) {
            return Problem(
                "window",
                "of \(TimeText.exact(window)), the first \(TimeText.exact(settle)) are left out to settle, and the rest "
                    + "holds \(few) \(TimeText.exact(least)) or longer")
        }
        return watchProblem(settling: settling) ?? holdBackProblem
    }

    /// A guard counts whole samples, and of a counter one fewer: where they can never be enough, it would take every release
    /// back in the end.
    private func watchProblem(settling: Int) -> Problem? {
        guard watch > 0 else { return nil }
        let counter = metrics.first { SampleTable.leftOut($0.metric, settle: settling) > settling }
        guard let least = leastTime(watch, leftOut: settling + (counter == nil ? 0 : 1)) else { return nil }
        let first = counter.map { " and the first of the counter \(quoted($0.metric.name))" } ?? ""
        return Problem(
            "watch",
            "\(TimeText.exact(watch)) is too short for \(CanarySettings.fewestSamples) samples after "
                + "\(TimeText.exact(settle)) to settle\(first): make it \(TimeText.exact(least)) or longer, or 0 for no watch"
        )
    }

    private var holdBackProblem: Problem? {
        guard watch > 0 || holdBack.hosts(of: HostList.mostHosts) == 0 else {
            return Problem("hold_back", "hosts are held back for the watch, and there is none (watch: 0)")
        }
        return nil
    }

    /// The shortest time with enough samples after those that are left out; nil: this one has enough.
    private func leastTime(_ time: Double, leftOut: Int) -> Double? {
        let samples = leftOut + CanarySettings.fewestSamples
        guard JudgeSettings.samples(in: time, every: interval) < samples else { return nil }
        // Without binary fractions: 4 × 0.3 is not 1.2.
        return (Double(samples) * interval * 1e6).rounded() / 1e6
    }

    private func strictnessProblem() -> Problem? {
        guard significance > 0, significance < 0.5 else {
            return Problem("significance", "\(significance) is not between 0 and 0.5; 0.01 is usual")
        }
        guard (0...CanarySettings.largestTolerance).contains(tolerance) else {
            return Problem("tolerance", "\(tolerance) is not a relative change from 0 to 1000%")
        }
        return nil
    }
}

extension CanarySettings.Problem {
    init(_ key: String, metric: Int? = nil, _ message: String) {
        self.key = key
        self.metric = metric
        self.message = message
    }
}
