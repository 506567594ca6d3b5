// An agent: one request after the other, as AgentSession serves them, over the product's own steps of a flip. What is a
// model here: that hooks take time, that input ends or falls silent, and that the process may be killed at any step.
// SimulatedAgentFlip has the flips.

import SlotSync

final class SimulatedAgent {
    let host: SimulatedHost
    unowned let session: SimulatedSession
    let world: World
    private(set) var ring: SimulatedRing!
    var flip: PreparedFlip?
    var wentBack: FlipChange?
    private(set) var isDead = false
    private var inbox: [SimulatedRequest] = []
    private(set) var isBusy = true
    private(set) var isInputAtEnd = false
    private var hook: (number: Int, begin: Double, isAttended: Bool, isWayBack: Bool, end: (SlotSyncError?) -> Void)?
    private var hooks = 0
    /// Since when the controller's silence counts.
    private var hearsSince = 0.0

    static let abandoned = "its agent ended before it was confirmed"

    init(_ host: SimulatedHost, _ session: SimulatedSession) {
        (self.host, self.session, world) = (host, session, host.world)
        host.agents.append(self)
    }

    private var name: String { "\(host.label)'s agent" }

    // MARK: Life

    func begin() {
        guard !isDead else { return }
        let ring = SimulatedRing(host, self)
        self.ring = ring
        greet(ring) { status in
            guard !self.isDead else { return }
            self.session.send(.hello(status))
        } then: {
            self.idle()
        }
    }

    /// A moment at which the process may be killed, or the power go.
    func step(_ what: String) {
        guard !isDead, world.dice.chance(world.faults.killAtStep) else { return }
        world.note("\(host.label): \(what)")
        if world.dice.chance(0.4) {
            world.count("power cut at a step")
            host.cutPower(for: world.dice.seconds(5...90))
        } else {
            world.count("agent killed at a step")
            die(tellsController: true)
        }
    }

    /// Killed, or the host lost its power.
    func die(tellsController: Bool) {
        guard !isDead else { return }
        world.note("\(name) is killed")
        host.hadTrouble = true
        vanish()
        if tellsController { session.agentEnded() } else { session.loseHost() }
    }

    /// The process ends by itself.
    func exit() {
        guard !isDead else { return }
        world.note("\(name) ends")
        vanish()
        session.agentEnded()
    }

    private func vanish() {
        isDead = true
        hook = nil
        inbox = []
        unlock()
        host.agents.removeAll { $0 === self }
    }

    func unlock() { if host.holder === self { host.holder = nil } }

    func lock() -> Bool {
        if host.holder === self { return true }
        guard host.holder == nil || world.broken == .sharesLock else { return false }
        host.holder = self
        ring.read()
        return true
    }

    // MARK: Input

    func receive(_ request: SimulatedRequest) {
        guard !isDead, !isInputAtEnd else { return }
        inbox.append(request)
        process()
    }

    func endInput() {
        guard !isDead else { return }
        isInputAtEnd = true
        if hook != nil {
            stopHook(SlotSyncError(.unreachable, "the controller's connection broke off in the middle of a session"))
        } else {
            process()
        }
    }

    /// What is asked next, when nothing is under way and the host runs.
    private func process() {
        guard !isDead, !isBusy else { return }
        guard host.hungUntil <= world.time.now else {
            world.time.after(host.hungUntil - world.time.now) { self.process() }
            return
        }
        if inbox.isEmpty {
            if isInputAtEnd { return endSession() }
            return armSilence()
        }
        isBusy = true
        serve(inbox.removeFirst())
    }

    /// The request was served.
    func idle() {
        guard !isDead else { return }
        isBusy = false
        hearsSince = world.time.now
        process()
    }

    func reply(_ reply: SimulatedReply) {
        guard !isDead else { return }
        session.send(reply)
        idle()
    }

    private func serve(_ request: SimulatedRequest) {
        switch request {
        case .stage(let release): stage(release)
        case .prepare(let request): prepare(request)
        case .runBeforeHook:
            runHook(flip?.request.beforeHook ?? "", isAttended: false) { error in
                if let error { self.fail(error) } else { self.reply(.done) }
            }
        case .commit: commit()
        case .undo: undo()
        case .confirm: confirm()
        case .markBad(let release): markBad(release)
        case .finish:
            isInputAtEnd = true
            inbox = []
            endSession()
        }
    }

    private func endSession() {
        isBusy = true
        guard flip?.standing == .provisional else { return exit() }
        fail(SlotSyncError(.unreachable, "the controller ended the session before it confirmed the flip"))
    }

    // MARK: Silence

    /// Where a flip is provisional, a controller that is not heard is waited for no longer than was said.
    func armSilence() {
        guard !isDead, let since = session.silentSince, flip?.standing == .provisional, let limit = flip?.limit else {
            return
        }
        let patience = limit / .seconds(1)
        let end = max(since, hearsSince) + patience
        world.time.after(end - world.time.now + 0.001) {
            guard !self.isDead, let since = self.session.silentSince, self.flip?.standing == .provisional,
                self.host.hungUntil <= self.world.time.now,
                self.world.time.now >= max(since, self.hearsSince) + patience, !self.hasDecision
            else { return }
            let silence = SlotSyncError(.timedOut, "nothing came from the controller")
            if self.hook != nil {
                self.stopHook(silence)
            } else if !self.isBusy, self.inbox.isEmpty {
                self.isBusy = true
                self.fail(silence)
            }
        }
    }

    private var hasDecision: Bool { inbox.contains(where: \.isDecision) }

    // MARK: Hooks

    /// - Parameters:
    ///   - isAttended: whether the controller waits for a hook of the way back; for others it always does.
    ///   - end: takes how it ended.
    func runHook(
        _ command: String, isAttended: Bool, isWayBack: Bool = false, then end: @escaping (SlotSyncError?) -> Void
    ) {
        guard !command.isEmpty, !isDead else { return end(nil) }
        hooks += 1
        let number = hooks
        let isSlow = world.dice.chance(world.faults.slowHook)
        var seconds = isSlow ? world.dice.seconds(5...90) : world.dice.seconds(0.01...0.5)
        var failure: SlotSyncError?
        if world.dice.chance(world.faults.hookFailure) {
            failure = SlotSyncError(.hookFailed, "the hook \(command) failed")
            world.count("hook failed")
        }
        if isSlow { world.count("slow hook") }
        if isWayBack, !isAttended, seconds > Self.unattendedLimit {
            seconds = Self.unattendedLimit
            failure = SlotSyncError(.hookFailed, "the hook took too long")
        }
        world.note("\(name) runs a hook")
        hook = (number, world.time.now, isAttended, isWayBack, end)
        hearsSince = world.time.now
        awaitHook(number, seconds, failure)
        armSilence()
        // The end of the input may have come before.
        if isInputAtEnd { endInput() }
    }

    private static let unattendedLimit = 30.0

    private func awaitHook(_ number: Int, _ seconds: Double, _ failure: SlotSyncError?) {
        world.time.after(seconds) {
            guard let hook = self.hook, hook.number == number else { return }
            // What the process does not run for, it does not hear of.
            guard self.host.hungUntil <= self.world.time.now else {
                return self.awaitHook(number, self.host.hungUntil - self.world.time.now, failure)
            }
            self.hook = nil
            hook.end(failure)
        }
    }

    /// Nobody waits for the hook any more, unless it was decided what comes after it.
    private func stopHook(_ reason: SlotSyncError) {
        guard let hook, !hasDecision else { return }
        if hook.isWayBack {
            guard hook.isAttended else { return }
            let left = max(hook.begin + Self.unattendedLimit - world.time.now, 0)
            world.time.after(left) { self.cutHook(hook.number, SlotSyncError(.hookFailed, "the hook took too long")) }
        } else {
            world.time.after(world.dice.seconds(0.05...1)) { self.cutHook(hook.number, reason) }
        }
    }

    private func cutHook(_ number: Int, _ reason: SlotSyncError) {
        guard let hook, hook.number == number else { return }
        self.hook = nil
        hook.end(reason)
    }
}
