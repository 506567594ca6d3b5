// A plain flip, which is for all or for nobody, and a rollback, in which each host goes by itself: TwoPhaseFlip, LostHost
// and ReleaseChoice decide, this carries it out as FleetFlip does.

import SlotSync

final class FlipCommand {
    /// What the command says at its end, by the hosts' indices.
    struct Told {
        var flipped: Set<Int> = []
        /// Of a rollback where each of them goes.
        var releases: [Int: ContentDigest] = [:]
        var takenBack: Set<Int> = []
        var failures: [Int: String] = [:]
        var uncertain: Set<Int> = []
        /// Nothing was done.
        var refusal: String?
        var isGivenUp = false
    }

    let controller: Controller
    private let world: World
    private let direction: FlipRequest.Direction
    private let selector: ReleaseSelector
    private let hooks: Hooks
    private var request: FlipRequest?
    private var decisions = TwoPhaseFlip(hosts: [], failed: 0, allowedFailures: 0)
    private var waiting: [() -> Void] = []
    private var told = Told()
    private(set) var result: Told?
    /// What it was about.
    private(set) var chosen: ContentDigest?
    var ended: () -> Void = {}

    init(
        _ direction: FlipRequest.Direction, to selector: ReleaseSelector, by name: String = "the controller",
        in world: World
    ) {
        (self.direction, self.selector, self.world) = (direction, selector, world)
        hooks = world.scenario.hooks
        controller = Controller(name, in: world)
    }

    private var links: [HostLink] { controller.links }

    func begin() {
        var rings: [Int: RingStatus] = [:]
        each(Array(links.indices), { link, done in link.open(done) }) { (index, ring: RingStatus) in
            rings[index] = ring
        } then: {
            self.choose(rings)
        }
    }

    private func choose(_ rings: [Int: RingStatus]) {
        let known = links.indices.filter { rings[$0] != nil }
        let choice = ReleaseChoice(
            direction: direction, rings: known.map { (world.hosts[$0].host, rings[$0]) })
        do { chosen = try choice.choose(selector) } catch { return refuse("\(error)") }
        let request = FlipRequest(direction, to: chosen, hooks: hooks, force: false)
        self.request = request
        guard direction == .flip else {
            for refusal in choice.refusals(of: chosen, by: selector) {
                if let index = index(of: refusal.host) { told.failures[index] = "\(refusal.error)" }
            }
            let course = choice.course(to: chosen, by: selector)
            let left = known.filter { told.failures[$0] == nil }
            for index in left { told.releases[index] = course.ownReleases[world.hosts[index].host] ?? chosen }
            return rollBack(left, request, settles: course.changesSomething)
        }
        decisions = TwoPhaseFlip(
            hosts: known.map { world.hosts[$0].host }, failed: told.failures.count,
            allowedFailures: world.scenario.maxFailures)
        carryOut()
    }

    private func index(of host: Host) -> Int? { world.hosts.firstIndex { $0.host == host } }

    private func refuse(_ reason: String) {
        told.refusal = reason
        end()
    }

    /// Ctrl-C: before the commit nothing is done any more, after it the flip comes to its end.
    func interrupt() {
        controller.awake {
            guard self.result == nil, self.direction == .flip, self.decisions.step != .commit else { return }
            self.refuse("interrupted")
        }
    }

    private func end() {
        guard result == nil else { return }
        told.isGivenUp = decisions.isGivenUp
        if direction == .flip { told.flipped = Set(decisions.flipped.compactMap(index)) }
        told.takenBack = Set(decisions.takenBack.compactMap(index))
        result = told
        world.note(
            "\(controller.name) ends: flipped \(world.names(told.flipped.sorted())), taken back "
                + "\(world.names(told.takenBack.sorted())), uncertain \(world.names(told.uncertain.sorted())), failed "
                + "\(world.names(told.failures.keys.sorted())) \(told.refusal ?? "")")
        controller.close(isOrderly: told.refusal == nil)
        ended()
    }

    // MARK: Steps

    private func each<Answer>(
        _ hosts: [Int], closing closes: Bool = false,
        _ body: @escaping (HostLink, @escaping HostLink.Answered<Answer>) -> Void,
        answered: @escaping (Int, Answer) -> Void = { _, _ in }, then: @escaping () -> Void
    ) {
        var left = hosts.count
        if hosts.isEmpty { return then() }
        for index in hosts {
            let link = links[index]
            link.ask(closing: closes, { body(link, $0) }) { result in
                switch result {
                case .success(let answer): answered(index, answer)
                case .failure(let error):
                    self.world.note("\(self.world.hosts[index].label) fails: \(error)")
                    self.told.failures[index] = "\(error)"
                }
                left -= 1
                if left == 0 { self.controller.after(0) { if self.result == nil { then() } } }
            }
        }
    }

    private func carryOut() {
        guard let step = decisions.step, let request else { return end() }
        let hosts = decisions.hosts.compactMap(index)
        world.entered(step == .commit ? .flipping : .preparing)
        world.note("\(controller.name) asks \(world.names(hosts)): \(step)")
        each(hosts) { (link: HostLink, done: @escaping HostLink.Answered<Void>) in
            switch step {
            case .prepare: link.prepare(request) { done($0.map { _ in }) }
            case .runBeforeHook: link.runBeforeHook(done)
            case .commit: self.settle(link, request, done)
            }
        } then: {
            self.decisions.end(hosts.filter { self.told.failures[$0] == nil }.map { self.world.hosts[$0].host })
            self.carryOut()
        }
    }

    private func rollBack(_ hosts: [Int], _ request: FlipRequest, settles: Bool) {
        world.entered(.flipping)
        each(hosts, closing: true) { (link: HostLink, done: @escaping HostLink.Answered<Void>) in
            var request = request
            request.release = self.told.releases[link.host.index] ?? request.release
            request.settlesReturn = settles
            link.prepare(request) {
                if case .failure(let error) = $0 { return done(.failure(error)) }
                self.commit(link, request, done)
            }
        } answered: { index, _ in
            self.told.flipped.insert(index)
        } then: {
            self.end()
        }
    }

    /// Flips a host, and takes it back if the flip is given up.
    private func settle(_ link: HostLink, _ request: FlipRequest, _ done: @escaping HostLink.Answered<Void>) {
        commit(link, request) { result in
            if case .failure(let error) = result {
                self.note(link, hasFlipped: false)
                return done(.failure(error))
            }
            func decide() {
                guard let decision = self.decisions.decision else { return self.waiting.append(decide) }
                guard decision == .goBack else { return done(.success(())) }
                self.undo(link, request) {
                    if case .success = $0 { self.decisions.noteTakenBack(link.host.host) }
                    done($0)
                }
            }
            self.note(link, hasFlipped: true)
            decide()
        }
    }

    private func note(_ link: HostLink, hasFlipped: Bool) {
        decisions.note(link.host.host, hasFlipped: hasFlipped)
        guard let decision = decisions.decision else { return }
        if decision == .goBack { world.entered(.takingBack) }
        let waiting = waiting
        self.waiting = []
        for body in waiting { body() }
    }

    private func commit(_ link: HostLink, _ request: FlipRequest, _ done: @escaping HostLink.Answered<Void>) {
        link.commit { result in
            guard case .failure(let loss) = result, loss.isLoss else { return done(result.map { _ in }) }
            self.askAgain(link, loss, { link.hasFlipped($0) }, done) { hasFlipped in
                guard hasFlipped, let outcome = link.flip?.outcome else {
                    return done(.failure(SlotSyncError(loss.code, "\(loss); asked again, it has not flipped")))
                }
                guard LostHost.finding(request, outcome) == .goesBack else { return done(.success(())) }
                self.askAgain(link, loss, { link.takeBack(request.release, hook: request.undoHook, $0) }, done) {
                    done(.failure(SlotSyncError(loss.code, "\(loss); flipped back")))
                }
            }
        }
    }

    private func undo(_ link: HostLink, _ request: FlipRequest, _ done: @escaping HostLink.Answered<Void>) {
        link.takeBack(request.release, hook: request.undoHook) { result in
            guard case .failure(let loss) = result, loss.isLoss else { return done(result) }
            link.close(isOrderly: false)
            self.askAgain(link, loss, { link.takeBack(request.release, hook: request.undoHook, $0) }, done) {
                done(.success(()))
            }
        }
    }

    private func askAgain<Answer>(
        _ link: HostLink, _ loss: SlotSyncError, _ body: (@escaping HostLink.Answered<Answer>) -> Void,
        _ done: @escaping HostLink.Answered<Void>, then: @escaping (Answer) -> Void
    ) {
        body { result in
            switch result {
            case .success(let answer): then(answer)
            case .failure(let error):
                self.told.uncertain.insert(link.host.index)
                self.decisions.noteUncertain(link.host.host)
                done(.failure(SlotSyncError(loss.code, "\(loss); asked again: \(error)")))
            }
        }
    }
}
