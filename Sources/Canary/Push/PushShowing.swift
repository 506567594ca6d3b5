// What people see while a push runs: how each metric went on canaries and controls since the base line began, and
// what the judge has found so far. After an interruption: what the push still waits for.

import SlotSync

extension PushDriver {
    /// What ends soon is not told.
    private static let shortWait = Duration.seconds(1)

    /// Tells from now on, once of each host, what hosts are doing that the end of the push waits for.
    func tellWaits() {
        waitTeller?.cancel()
        waitTeller = Task {
            var told: [String: Set<Int>] = [:]
            while rollout.phase != .done, !Task.isCancelled {
                // Cancelled it has nothing to tell: another one tells, or the push has ended.
                guard (try? await Task.sleep(for: Self.shortWait)) != nil else { return }
                for (what, indices) in waits where !told[what, default: []].isSuperset(of: indices) {
                    told[what, default: []].formUnion(indices)
                    emit.yield(.waiting(indices.map { hosts[$0] }, for: what))
                }
            }
        }
    }

    /// What hosts were asked and have not done, by the hook that may be what takes its time.
    private var waits: [(what: String, indices: [Int])] {
        // On the way back nobody waits for a host that was not flipped, whatever it was asked before.
        let isOnTheWayBack = rollout.phase == .takingBack
        func asked(_ requests: Rollout.HostRequest...) -> [Int] {
            rollout.hosts.indices.filter { index in
                let host = rollout.hosts[index]
                guard let request = host.request, requests.contains(request) else { return false }
                return !isOnTheWayBack || host.standing.isFlipped || request == .flip
            }
        }
        func name(_ hook: String, _ command: String, _ request: String) -> String { command.isEmpty ? request : hook }
        let hooks = options.hooks
        return [
            (name("before_flip", hooks.beforeFlip, "the answer"), asked(.prepare)),
            (name("after_flip", hooks.afterFlip, "the flip"), asked(.flip)),
            (name("after_rollback", hooks.onTheWayBack, "the way back"), asked(.takeBack)),
            ("the confirmation", asked(.confirm)),
            ("a new session", asked(.recover)),
        ].filter { !$0.indices.isEmpty }
    }

    /// Who is compared with whom now, or will be.
    private struct View {
        var canaries: [Int]
        var controls: [Int]
        /// All that is drawn, and the part of it that the levels are of.
        var shown: TimeSpan
        var current: TimeSpan
        /// When what is drawn will end.
        var end: Double
        var timeLeft: Double?
        var judgement: Judgement?
        var sides = FlippedName.canaries
    }

    func showProgress() {
        guard let view else { return }
        let shown = samples.rounds(in: view.shown)
        let current = samples.rounds(in: view.current)
        let ahead = min(max((view.end - now) / samples.interval, 0), 1e6)
        let metrics = samples.metrics.enumerated().map { index, metric in
            let means = shown.map { mean([$0], view.canaries, index) }
            return MetricProgress(
                metric: metric, unit: samples.units[index], canaries: means + Array(repeating: .nan, count: Int(ahead)),
                canaryLevel: level(current, view.canaries, index) ?? level(shown, view.canaries, index),
                controlLevel: level(current, view.controls, index) ?? level(shown, view.controls, index),
                judgement: view.judgement?.metrics.first { $0.name == metric.name })
        }
        emit.yield(
            .progress(
                PushProgress(
                    phase: rollout.phase, timeLeft: view.timeLeft, metrics: metrics, sides: view.sides,
                    flipped: rollout.flipped.count,
                    hosts: hosts.count)))
    }

    private var view: View? {
        guard let start = rollout.samplingSince else { return nil }
        let shown = TimeSpan(start: start, end: now)
        if let comparison = rollout.comparison {
            func hosts(_ role: HostSamples.Role) -> [Int] { comparison.hosts.filter { $0.role == role }.map(\.host) }
            let last = comparisons.last { $0.kind == comparison.kind }
            return View(
                canaries: hosts(.canary), controls: hosts(.control), shown: shown,
                current: TimeSpan(start: comparison.after.start, end: now), end: comparison.after.end,
                timeLeft: max(comparison.after.end - now, 0), judgement: last?.judgement,
                sides: comparison.kind.flippedName)
        }
        let flipped = rollout.flipped
        let canaries = flipped.isEmpty ? rollout.plan.steps[0].hosts : flipped
        let isCanary = Set(canaries)
        let window = rollout.plan.settings.window
        return View(
            canaries: canaries, controls: sampled.ready.filter { !isCanary.contains($0) }.sorted(), shown: shown,
            current: shown, end: (rollout.phase == .baseline ? rollout.phaseEnd ?? now : now) + window,
            timeLeft: rollout.phase == .baseline ? rollout.phaseEnd.map { max($0 - now, 0) } : nil)
    }

    /// As the judge's levels are: a gauge's mean, a counter's events a minute; nil while there are none.
    private func level(_ rounds: [Int], _ indices: [Int], _ metric: Int) -> Double? {
        let mean = mean(rounds, indices, metric)
        guard mean.isFinite else { return nil }
        return samples.metrics[metric].kind == .counter ? mean * 60 / samples.interval : mean
    }

    /// The mean of what came of these hosts; NaN where nothing did.
    private func mean(_ rounds: [Int], _ indices: [Int], _ metric: Int) -> Double {
        var (sum, count) = (0.0, 0)
        for round in rounds {
            for index in indices {
                let value = samples.value(round: round, host: index, metric: metric)
                guard value.isFinite else { continue }
                sum += value
                count += 1
            }
        }
        return count == 0 ? .nan : sum / Double(count)
    }
}
