// A push in simulated time: the real rollout leads it and the real judge judges it, over hosts that answer soon, and whose
// metrics are drawn at random. SamplePush says of which kind.

import Canary
import SlotSync

struct SimulatedPush {
    /// What a host answers to a request in place of doing it.
    struct Trouble {
        var host: Int
        var request: Rollout.HostRequest
        var reason: String
        /// Its session ends.
        var isLost = false
    }

    var hosts: Int
    var settings = CanarySettings()
    var mode = RolloutMode.full
    var maxFailures = HostPortion.none
    var metrics: [SimulatedMetric] = []
    var troubles: [Trouble] = []
    /// Seconds from the first flip to a Ctrl-C; nil: none.
    var interruption: Double?
    /// Whether the judge looks before the end of a window as well. Over many hosts that takes a debug build long.
    var looksEarly = true
    var seed: UInt64

    /// How long hosts take, in seconds.
    var staging = 23.0
    private static let answer = 0.2
    /// What staging sent to each host.
    var files = 214
    var bytes: UInt64 = 3_412_880

    /// 24 November 2026, 12:03:04 UTC.
    private static let start = Timestamp(seconds: 1_795_521_784, nanoseconds: 0)
    private static let release = ReleaseName(
        id: ContentDigest(high: 0x3f2a_09bc_71d5_4e88, low: 0x96b1_c0ff_ee5a_1170), name: "v1.4.2")
    private static let previous = ReleaseName(
        id: ContentDigest(high: 0xa81c_5510_f2de_47b3, low: 0x9cd0_3f16_e8b2_4a90), name: "v1.4.1")

    init(hosts: Int, seed: UInt64) {
        self.hosts = hosts
        self.seed = seed
    }

    func run() throws -> PushResult {
        var settings = settings
        settings.metrics = metrics.map(\.settings)
        let plan = try RolloutPlan(hosts: try fleet, settings: settings, mode: mode)
        var run = Run(self, plan)
        run.go()
        return PushResult(
            outcome: run.outcome, plan: run.rollout.plan, staged: stageReport(plan.hosts), comparisons: run.comparisons,
            forecast: plan.forecast, detection: run.detection, samples: run.samples, start: Self.start,
            seconds: run.now)
    }

    /// web1 to webN, with as many digits as the last of them has.
    private var fleet: [Host] {
        get throws {
            let width = String(hosts).count
            return try (1...hosts).flatMap { number in
                let digits = String(number)
                return try HostList.parse(
                    "web\(String(repeating: "0", count: width - digits.count))\(digits).example.com")
            }
        }
    }

    private func stageReport(_ fleet: [Host]) -> StageReport {
        let failed = troubles.filter { $0.request == .stage }
        let staged = fleet.indices.filter { host in !failed.contains { $0.host == host } }.map { host in
            StagedHost(
                host: fleet[host], outcome: StageOutcome(kind: .staged, slot: 2, received: files, kept: 9_859 - files),
                sentBytes: bytes &+ UInt64(host * 7_919 % 40_000), receivedBytes: 20_000, live: Self.previous)
        }
        return StageReport(
            release: Self.release, files: 9_859, bytes: 312_000_000, hosts: staged,
            failures: failed.map { HostFailure(host: fleet[$0.host], error: SlotSyncError(.system, $0.reason)) },
            sentBytes: bytes * UInt64(staged.count), receivedBytes: 20_000 * UInt64(staged.count), cohorts: 1)
    }

    /// The push under way.
    private struct Run {
        private enum Due { case event(Rollout.Event), sample }

        let push: SimulatedPush
        var rollout: Rollout
        var samples: SampleLog
        var metrics: [SimulatedMetric]
        var comparisons: [JudgedComparison] = []
        var detection: Detection?
        var now = 0.0
        private var finished: RolloutOutcome?
        private var chance: Chance
        private var agenda: [(time: Double, due: Due)] = []
        private var alarm: Double?
        private var sampled: Set<Int> = []
        private var isSampling = false
        private var flips: [Int: Double] = [:]

        init(_ push: SimulatedPush, _ plan: RolloutPlan) {
            self.push = push
            rollout = Rollout(plan: plan, maxFailures: push.maxFailures)
            samples = SampleLog(
                hosts: plan.hosts, metrics: plan.settings.metrics.map(\.metric), interval: plan.settings.interval,
                units: plan.settings.metrics.map(\.unit))
            chance = Chance(seed: push.seed)
            metrics = push.metrics
            for metric in metrics.indices { metrics[metric].begin(hosts: push.hosts, &chance) }
        }

        var outcome: RolloutOutcome { finished! }

        mutating func go() {
            feed(.begin)
            while finished == nil {
                let next = agenda.indices.min { agenda[$0].time < agenda[$1].time }
                if let alarm, next.map({ alarm < agenda[$0].time }) ?? true {
                    self.alarm = nil
                    now = max(now, alarm)
                    feed(.tick)
                } else {
                    // Whoever waits for nothing has an end: that is the rollout's promise, and tested as such.
                    let (time, due) = agenda.remove(at: next!)
                    now = max(now, time)
                    switch due {
                    case .event(let event): feed(event)
                    case .sample: takeSample()
                    }
                }
            }
        }

        private mutating func feed(_ event: Rollout.Event) {
            for action in rollout.handle(event, at: now) { carryOut(action) }
        }

        private mutating func carryOut(_ action: Rollout.Action) {
            switch action {
            case .request(let request, let hosts): for host in hosts { answer(request, host) }
            case .sample(let hosts):
                sampled.formUnion(hosts)
                if !isSampling { agenda.append((now + 0.1, .sample)) }
                isSampling = true
            case .stopSampling: isSampling = false
            case .checkBaseline(let comparison):
                let recording = samples.recording(of: comparison, name: "base line")
                let lack = Judge.lackBeforeFlip(recording)
                if let lack {
                    comparisons.append(
                        JudgedComparison(kind: comparison.kind, recording: recording, judgement: lack))
                }
                detection = Judge(comparison.settings).detectionBeforeFlip(recording)
                agenda.append((now, .event(.baselineChecked(lack))))
            case .judge(_, let look, isLast: false) where !push.looksEarly:
                let undecided = Judgement(verdict: .inconclusive, metrics: [], why: "nobody looked")
                agenda.append((now, .event(.judged(undecided, look: look))))
            case .judge(let comparison, let look, let isLast):
                let judged = JudgedComparison(comparison, of: samples, name: "\(comparison.kind)", isLast: isLast)
                if comparisons.last?.kind == judged.kind { comparisons.removeLast() }
                comparisons.append(judged)
                agenda.append((now, .event(.judged(judged.judgement, look: look))))
            case .ask: agenda.append((now, .event(.answered(false))))
            case .wake(let time): alarm = time
            case .finish(let outcome): finished = outcome
            case .cancelStaging, .listen, .release, .warn, .abandon: break
            }
        }

        private mutating func answer(_ request: Rollout.HostRequest, _ host: Int) {
            if request == .flip {
                if flips.isEmpty, let interruption = push.interruption {
                    agenda.append((now + interruption, .event(.interrupted)))
                }
                flips[host] = now
            }
            if request == .takeBack { flips[host] = nil }
            let time = now + (request == .stage ? push.staging : SimulatedPush.answer)
            let trouble = push.troubles.first { $0.host == host && $0.request == request }
            let event: Rollout.Event =
                switch (trouble, request) {
                case (let trouble?, _):
                    trouble.isLost ? .lost(host, trouble.reason) : .failed(request, host, trouble.reason)
                case (nil, .stage): .staged(host, isLive: false)
                case (nil, .recover): .recovered(host, isLive: false)
                case (nil, _): .done(request, host)
                }
            agenda.append((time, .event(event)))
        }

        private mutating func takeSample() {
            guard isSampling else { return }
            let round = samples.beginRound(at: now)
            for host in sampled.sorted() {
                for metric in metrics.indices {
                    let value = metrics[metric].sample(
                        host: host, at: now, flip: flips[host], interval: samples.interval, &chance)
                    samples.record(value, round: round, host: host, metric: metric)
                }
                feed(.sampled(host))
            }
            agenda.append((now + samples.interval, .sample))
        }
    }
}
