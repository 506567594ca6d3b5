// A push: Rollout decides, this carries its actions out over the links, as PushDriver does over sessions. Hosts that were
// asked together answer together, when the last of them is heard.

import Canary
import SlotSync

final class PushCommand {
    let controller: Controller
    private let world: World
    private let release: ContentDigest
    private let hooks: Hooks
    private var rollout: Rollout
    private var sampled: Set<Int> = []
    private var samplings = 0
    private var alarms = 0
    private var phase: Rollout.Phase?
    private(set) var outcome: RolloutOutcome?
    /// Called when it is over.
    var ended: () -> Void = {}

    /// - Parameter mode: what is judged.
    init(_ release: ContentDigest, mode: RolloutMode, by name: String = "the controller", in world: World) throws {
        (self.world, self.release) = (world, release)
        let scenario = world.scenario
        hooks = scenario.hooks
        controller = Controller(name, in: world)
        let plan = try RolloutPlan(hosts: world.hosts.map(\.host), settings: scenario.settings, mode: mode)
        rollout = Rollout(plan: plan, maxFailures: .count(scenario.maxFailures), canAsk: scenario.canAsk)
        for (index, link) in controller.links.enumerated() {
            link.onLost = { error in self.lose(index, error) }
        }
    }

    private var links: [HostLink] { controller.links }

    func begin() { handle(.begin) }

    func interrupt() { controller.awake { self.handle(.interrupted) } }

    private func lose(_ index: Int, _ error: SlotSyncError) {
        controller.after(0) {
            self.sampled.remove(index)
            self.handle(.lost(index, "\(error)"))
        }
    }

    private func handle(_ event: Rollout.Event) {
        guard outcome == nil else { return }
        if case .sampled = event {} else { world.note("\(controller.name) hears \(event)") }
        let actions = rollout.handle(event, at: world.time.now)
        if rollout.phase != phase {
            phase = rollout.phase
            world.note("\(controller.name): \(rollout.phase)")
            world.entered(Moment(rollout.phase))
        }
        for action in actions { carryOut(action) }
    }

    private func carryOut(_ action: Rollout.Action) {
        switch action {
        case .request(let request, let hosts): send(request, to: hosts)
        case .cancelStaging, .warn, .abandon: break
        case .listen(let hosts):
            for index in hosts { links[index].ask({ self.links[index].listen($0) }, then: { _ in }) }
        case .sample(let hosts): sample(hosts)
        case .release(let hosts):
            for index in hosts { links[index].close(isOrderly: true) }
        case .stopSampling:
            samplings += 1
            sampled = []
        case .checkBaseline:
            let lacks = world.dice.chance(world.scenario.inconclusive / 2)
            let lack = Judgement(verdict: .inconclusive, metrics: [], why: "too few samples")
            controller.after(0.1) { self.handle(.baselineChecked(lacks ? lack : nil)) }
        case .judge(_, let look, _):
            let scenario = world.scenario
            let verdict: Verdict =
                world.dice.chance(scenario.regression)
                ? .regression : world.dice.chance(scenario.inconclusive) ? .inconclusive : .pass
            let judgement = Judgement(verdict: verdict, metrics: [], why: "because")
            controller.after(world.dice.seconds(0.01...0.4)) { self.handle(.judged(judgement, look: look)) }
        case .ask:
            let goesOn = world.dice.chance(0.5)
            if world.dice.chance(0.8) { controller.after(8) { self.handle(.answered(goesOn)) } }
        case .wake(let time):
            alarms += 1
            let number = alarms
            controller.after(time - world.time.now) { if number == self.alarms { self.handle(.tick) } }
        case .finish(let outcome):
            world.note("\(controller.name) ends: \(outcome.sentences.joined(separator: "; "))")
            self.outcome = outcome
            controller.close(isOrderly: outcome.ending != .abandoned)
            ended()
        }
    }

    // MARK: Samples

    private func sample(_ hosts: [Int]) {
        for index in hosts { links[index].ask({ self.links[index].listen($0) }, then: { _ in }) }
        if sampled.isEmpty {
            samplings += 1
            let number = samplings
            controller.after(0.1) { self.takeSamples(number) }
        }
        sampled.formUnion(hosts)
    }

    private func takeSamples(_ number: Int) {
        guard number == samplings, outcome == nil else { return }
        for index in sampled.sorted() {
            guard let session = links[index].session, session.agent != nil, session.silence == 0 else { continue }
            handle(.sampled(index))
        }
        controller.after(world.scenario.settings.interval) { self.takeSamples(number) }
    }

    // MARK: Requests

    private func send(_ request: Rollout.HostRequest, to hosts: [Int]) {
        switch request {
        case .stage: stage(hosts)
        case .recover: for index in hosts { recover(index) }
        case .prepare:
            let flip = FlipRequest(
                .flip, to: release, hooks: hooks, provisionalLimit: .seconds(world.scenario.provisionalLimit),
                force: false)
            ask(request, hosts) { link, done in
                link.listen {
                    if case .failure(let error) = $0 { return done(.failure(error)) }
                    link.prepare(flip) {
                        if case .failure(let error) = $0 { return done(.failure(error)) }
                        link.runBeforeHook(done)
                    }
                }
            }
        case .flip:
            ask(request, hosts) { link, done in
                link.provisionalLimit = self.world.scenario.provisionalLimit
                link.commit { done($0.map { _ in }) }
            }
        case .confirm: ask(request, hosts) { $0.confirm($1) }
        case .takeBack:
            ask(request, hosts) { $0.takeBack(self.release, hook: self.hooks.onTheWayBack, $1) }
        case .markBad: ask(request, hosts) { $0.markBad(self.release, $1) }
        }
    }

    private func ask(
        _ request: Rollout.HostRequest, _ hosts: [Int],
        _ body: @escaping (HostLink, @escaping HostLink.Answered<Void>) -> Void
    ) {
        world.note("\(controller.name) asks \(world.names(hosts)): \(request)")
        var errors: [Int: SlotSyncError] = [:]
        var left = hosts.count
        for index in hosts {
            let link = links[index]
            link.ask({ body(link, $0) }) { (result: Result<Void, SlotSyncError>) in
                if case .failure(let error) = result { errors[index] = error }
                left -= 1
                guard left == 0 else { return }
                self.controller.after(0) {
                    for index in hosts where errors[index] == nil { self.handle(.done(request, index)) }
                    for index in hosts {
                        guard let error = errors[index] else { continue }
                        self.handle(
                            error.isLoss ? .lost(index, "\(error)") : .failed(request, index, "\(error)"))
                    }
                }
            }
        }
    }

    private func stage(_ hosts: [Int]) {
        var events: [Int: Rollout.Event] = [:]
        var left = hosts.count
        for index in hosts {
            let link = links[index]
            link.ask({ link.stage(self.release, $0) }) { result in
                switch result {
                case .success(let staged) where staged.isBad: events[index] = .failed(.stage, index, "it is bad")
                case .success(let staged):
                    events[index] = .staged(
                        index, isLive: staged.kind == .alreadyLive, isFirst: staged.live == nil)
                case .failure(let error): events[index] = .failed(.stage, index, "\(error)")
                }
                left -= 1
                guard left == 0 else { return }
                self.controller.after(0) { for index in hosts { if let event = events[index] { self.handle(event) } } }
            }
        }
    }

    private func recover(_ index: Int) {
        let link = links[index]
        let patience = world.scenario.provisionalLimit
        link.ask({ link.recover(patience: patience, $0) }) { result in
            self.controller.after(0) {
                switch result {
                case .success(let ring):
                    self.handle(.recovered(index, isLive: ring.liveRelease?.id == self.release))
                case .failure(let error): self.handle(.failed(.recover, index, "\(error)"))
                }
            }
        }
    }
}

extension Moment {
    init?(_ phase: Rollout.Phase) {
        switch phase {
        case .preparing: self = .preparing
        case .flipping: self = .flipping
        case .confirming: self = .confirming
        case .takingBack: self = .takingBack
        case .marking: self = .marking
        case .window, .watching: self = .watching
        case .staging, .baseline, .asking, .done: return nil
        }
    }
}
