// The loop of a push: events go to Rollout, its actions go to the fleet's sessions. The actor takes one message after
// the other. What takes time runs beside it and posts its result. PushSampling, PushJudging and PushShowing are its
// other parts.

import SlotSync
import SystemPackage

actor PushDriver {
    /// What the driver is told, one after the other.
    enum Mail: Sendable {
        case rollout(Rollout.Event)
        case host(HostEvent)
        case staged(StageReport)
        case stagingFailed(SlotSyncError)
        /// It is time for the next sample.
        case sampleDue
        /// What was sampled has mostly come by now.
        case progressDue
        case external(ExternalSample, sample: Int)
        /// A host got ready to be sampled, or could not.
        case watching(Int, isReady: Bool, reasons: [String?])
        /// The first sample waits for no more hosts.
        case samplingDue
    }

    let source: FilePath
    let options: PushOptions
    let connection: FleetConnection
    let emit: AsyncStream<PushEvent>.Continuation
    let post: AsyncStream<Mail>.Continuation
    let hosts: [Host]
    let indices: [Host: Int]
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let startTime = Timestamp.now
    private let forecast: Detection?

    var rollout: Rollout
    var sources: PushSources
    var samples: SampleLog
    var sampled = SampledHosts()
    var ticker: Task<Void, Never>?
    var waitTeller: Task<Void, Never>?
    var gaps = GapNotices()
    var comparisons: [JudgedComparison] = []
    var detection: Detection?
    private var staging: FleetOperation<StageReport>?
    private(set) var staged: StageReport?
    private var stagingError: SlotSyncError?
    private var flip: HostFlip?
    private var alarm: Task<Void, Never>?
    private var shownPhase: Rollout.Phase?
    private var outcome: RolloutOutcome?

    init(
        source: FilePath, plan: RolloutPlan, options: PushOptions, sources: PushSources, connection: FleetConnection,
        emit: AsyncStream<PushEvent>.Continuation, post: AsyncStream<Mail>.Continuation
    ) {
        self.source = source
        self.options = options
        self.sources = sources
        self.connection = connection
        self.emit = emit
        self.post = post
        hosts = plan.hosts
        indices = Dictionary(zip(plan.hosts, plan.hosts.indices)) { first, _ in first }
        start = clock.now
        forecast = plan.forecast
        rollout = Rollout(plan: plan, maxFailures: options.maxFailures, canAsk: options.canAsk)
        samples = SampleLog(
            hosts: plan.hosts, metrics: options.canary.metrics.map(\.metric),
            interval: options.canary.interval, units: options.canary.metrics.map(\.unit))
    }

    /// Seconds since the push began.
    var now: Double { (clock.now - start) / .seconds(1) }

    func run(_ mail: AsyncStream<Mail>) async -> PushResult {
        handle(.begin)
        if outcome == nil {
            for await piece in mail {
                take(piece)
                if outcome != nil { break }
            }
        }
        ticker?.cancel()
        alarm?.cancel()
        waitTeller?.cancel()
        // Cancelled together with whoever waited for it: the agents take back what is provisional.
        let outcome = outcome ?? rollout.outcome(isAbandoned: true)
        var result = PushResult(
            outcome: outcome, plan: rollout.plan, staged: staged, comparisons: comparisons, forecast: forecast,
            detection: detection, samples: samples, start: startTime, seconds: now)
        result.stagingError = stagingError
        return result
    }

    private func take(_ mail: Mail) {
        switch mail {
        case .rollout(let event): handle(event)
        case .host(.lost(let host, let error)):
            guard let index = indices[host] else { return }
            sampled.lose(index)
            handle(.lost(index, error.description))
        case .host(.askedToGiveWay(_, let who)): handle(.askedToGiveWay(who))
        case .host(.warning(let host, let text)): emit.yield(.warning([host], text))
        case .host(.readings(let host, let number, let readings)):
            if let index = indices[host] { note(readings, of: index, sample: Int(number)) }
        case .staged(let report): noteStaged(report)
        case .stagingFailed(let error):
            stagingError = error
            handle(.stagingFailed("\(error)"))
        case .sampleDue: beginSample()
        case .progressDue:
            tellGaps()
            showProgress()
        case .external(let sample, let number): note(sample, number: number)
        case .watching(let index, let isReady, let reasons): noteWatching(index, isReady: isReady, reasons: reasons)
        case .samplingDue:
            sampled.stopWaiting()
            startSampling()
        }
    }

    func handle(_ event: Rollout.Event) {
        let actions = rollout.handle(event, at: now)
        switch event {
        case .interrupted, .askedToGiveWay: tellWaits()
        default: break
        }
        // What is warned of led to the phase that comes.
        for case .warn(let text) in actions { emit.yield(.warning([], text)) }
        if rollout.phase != shownPhase {
            shownPhase = rollout.phase
            emit.yield(.phase(rollout.phase))
            showProgress()
        }
        for action in actions { carryOut(action) }
    }

    private func carryOut(_ action: Rollout.Action) {
        switch action {
        case .request(let request, let indices): send(request, to: indices)
        case .cancelStaging: staging?.cancel()
        case .listen(let indices): listen(to: indices)
        case .sample(let indices): beginSampling(indices)
        case .stopSampling:
            tellGaps()
            sampled.stop()
            ticker?.cancel()
            ticker = nil
        case .release(let indices):
            Task { [connection, released = indices.map { hosts[$0] }] in await connection.release(released) }
        case .judge(let comparison, let look, let isLast): judge(comparison, look: look, isLast: isLast)
        case .checkBaseline(let comparison): checkBaseline(comparison)
        // Told before the phase.
        case .warn: break
        case .ask(let question): emit.yield(.question(question))
        case .wake(let time): wake(at: time)
        // Its sessions end with the push, which comes next.
        case .abandon: staging?.cancel()
        case .finish(let outcome): self.outcome = outcome
        }
    }

    private func wake(at time: Double) {
        alarm?.cancel()
        let moment = start + .seconds(time)
        alarm = Task { [post, clock] in
            try? await clock.sleep(until: moment, tolerance: .milliseconds(20))
            if !Task.isCancelled { post.yield(.rollout(.tick)) }
        }
    }

    // MARK: Staging

    private func beginStaging() {
        let operation = connection.stage(source, options: options.stagingForFlip)
        staging = operation
        Task { [emit, post] in
            for await event in operation.events { emit.yield(.staging(event)) }
            do { post.yield(.staged(try await operation.report)) } catch {
                post.yield(.stagingFailed(error as? SlotSyncError ?? SlotSyncError(.system, "\(error)")))
            }
        }
    }

    private func noteStaged(_ report: StageReport) {
        staged = report
        flip = HostFlip(
            release: report.release.id, hooks: options.hooks, force: options.force,
            provisionalLimit: options.provisionalLimit)
        // It was possible with another release, so it is with this one.
        if let filled = try? PushSources(
            fleet: connection.fleet, settings: options.canary, external: options.external,
            release: report.release.id)
        {
            sources = filled
        }
        emit.yield(.staged(report))
        for staged in report.hosts {
            guard let index = indices[staged.host] else { continue }
            if let refusal = staged.refusal(of: report.release, force: options.force) {
                handle(.failed(.stage, index, refusal))
            } else if staged.owesHook {
                runOwedHook(of: index)
            } else {
                handle(.staged(index, isLive: staged.outcome.kind == .alreadyLive, isFirst: staged.live == nil))
            }
        }
        for failure in report.failures {
            if let index = indices[failure.host] { handle(.failed(.stage, index, failure.error.description)) }
        }
    }

    /// A host on which the release is live already, and still lacks its hook, is not staged before it has that.
    private func runOwedHook(of index: Int) {
        guard var flip else { return }
        flip.provisionalLimit = nil
        Task { [connection, post, flip, host = hosts[index]] in
            _ = await connection.listen(to: [host])
            let prepared = await connection.prepare(flip, on: [host])
            let flipped = await connection.flip(flip, on: prepared.done)
            var event = Rollout.Event.staged(index, isLive: true)
            if let error = (prepared.failures + flipped.failures).first?.error {
                event = error.isLoss ? .lost(index, error.description) : .failed(.stage, index, error.description)
            }
            post.yield(.rollout(event))
        }
    }

    // MARK: Requests to hosts

    private func send(_ request: Rollout.HostRequest, to indices: [Int]) {
        let reason = rollout.judgement?.why ?? ""
        switch request {
        case .stage: beginStaging()
        case .recover: recover(indices)
        case .prepare: ask(request, indices) { await $0.prepare($1, on: $2) }
        case .flip: ask(request, indices) { await $0.flip($1, on: $2) }
        case .confirm: ask(request, indices) { connection, _, hosts in await connection.confirm(on: hosts) }
        case .takeBack: ask(request, indices) { await $0.takeBack($1, on: $2) }
        case .markBad: ask(request, indices) { await $0.markBad($1.release, because: reason, on: $2) }
        }
    }

    /// Asks hosts for something, and posts what each of them answers.
    private func ask<Answer>(
        _ request: Rollout.HostRequest, _ indices: [Int],
        _ body: @escaping @Sendable (FleetConnection, HostFlip, [Host]) async -> HostResults<Answer>
    ) {
        guard let flip else { return }
        let asked = indices.map { hosts[$0] }
        Task { [connection, post, indices = self.indices] in
            let results = await body(connection, flip, asked)
            for host in results.done { if let index = indices[host] { post.yield(.rollout(.done(request, index))) } }
            for failure in results.failures {
                guard let index = indices[failure.host] else { continue }
                let reason = failure.error.description
                post.yield(
                    .rollout(failure.error.isLoss ? .lost(index, reason) : .failed(request, index, reason)))
            }
        }
    }

    private func recover(_ indices: [Int]) {
        let release = staged?.release.id
        for index in indices {
            Task { [connection, post, patience = options.provisionalLimit, host = hosts[index]] in
                let results = await connection.recover([host], patience: patience)
                if let (_, ring) = results.answers.first {
                    post.yield(.rollout(.recovered(index, isLive: release != nil && ring?.liveRelease?.id == release)))
                } else {
                    let reason = results.failures.first?.error.description ?? "its session could not be opened again"
                    post.yield(.rollout(.failed(.recover, index, reason)))
                }
            }
        }
    }
}
