// A session between a controller and an agent: messages in order, each way with its delay, and ends that are told late,
// to one side alone, or to nobody.

import SlotSync

/// What a controller asks of an agent, as far as flips are concerned.
enum SimulatedRequest {
    case stage(ContentDigest)
    case prepare(FlipRequest)
    case runBeforeHook, commit, undo, confirm, finish
    case markBad(ContentDigest)

    /// What an agent waits for that runs a hook: whatever becomes of the controller, it was decided.
    var isDecision: Bool {
        switch self {
        case .undo, .confirm, .finish: true
        default: false
        }
    }
}

enum SimulatedReply {
    case hello(RingStatus)
    case staged(StageOutcome.Kind, live: ContentDigest?, isBad: Bool)
    case prepared(FlipOutcome)
    case flipped(FlipOutcome)
    case done
    case failure(SlotSyncError)
}

final class SimulatedSession {
    let world: World
    let host: SimulatedHost
    unowned let link: HostLink
    private(set) var agent: SimulatedAgent?
    /// Nothing arrives there any more.
    private var isCutToAgent = false
    private var isCutToLink = false
    private var isEndToldToAgent = false
    private(set) var isEndToldToLink = false
    /// Since when the agent hears nothing of the controller, and the controller nothing of the agent; nil: they do.
    private(set) var silentSince: Double?
    private var muteSince: Double?
    private var lastToAgent = 0.0
    private var lastToLink = 0.0

    init(_ link: HostLink, _ host: SimulatedHost) {
        (world, self.link, self.host) = (host.world, link, host)
        agent = SimulatedAgent(host, self)
    }

    /// How long the controller has heard nothing.
    var silence: Double {
        let since = [muteSince, host.hungUntil > world.time.now ? host.hungSince : nil].compactMap { $0 }.min()
        return since.map { world.time.now - $0 } ?? 0
    }

    private func delay() -> Double { world.dice.seconds(0.001...0.05) }

    // MARK: Messages

    func send(_ request: SimulatedRequest) {
        guard !isCutToAgent else { return }
        lastToAgent = max(lastToAgent + 1e-6, world.time.now + delay())
        world.time.after(lastToAgent - world.time.now) {
            if !self.isCutToAgent { self.agent?.receive(request) }
        }
    }

    func send(_ reply: SimulatedReply) {
        guard !isCutToLink else { return }
        lastToLink = max(lastToLink + 1e-6, world.time.now + delay())
        world.time.after(lastToLink - world.time.now) {
            guard !self.isCutToLink else { return }
            self.link.controller.awake { self.link.receive(reply, self) }
        }
    }

    // MARK: Ends

    /// The agent hears the end of its input, behind what is on its way.
    func tellAgent(after seconds: Double) {
        lastToAgent = max(lastToAgent + 1e-6, world.time.now + seconds)
        world.time.after(lastToAgent - world.time.now) {
            guard !self.isEndToldToAgent else { return }
            self.isEndToldToAgent = true
            self.agent?.endInput()
        }
    }

    func tellLink(after seconds: Double) {
        lastToLink = max(lastToLink + 1e-6, world.time.now + seconds)
        world.time.after(lastToLink - world.time.now) {
            guard !self.isEndToldToLink else { return }
            self.isEndToldToLink = true
            self.link.controller.awake { self.link.hearEnd(self) }
        }
    }

    /// The agent has ended, or was killed.
    func agentEnded() {
        agent = nil
        guard !isCutToLink else { return }
        tellLink(after: delay())
    }

    /// The connection breaks.
    func cut() {
        host.hadTrouble = true
        let kind = world.dice.number(0...5)
        world.note("\(host.label): the connection is cut, kind \(kind)")
        // What is on its way may arrive all the same.
        let late = world.dice.chance(0.5) ? 0 : 0.1
        let isBothWays = kind != 4 && kind != 5
        world.time.after(late) {
            if isBothWays || kind == 4 { self.isCutToAgent = true }
            if isBothWays || kind == 5 { self.isCutToLink = true }
        }
        if isBothWays || kind == 4 { beSilent() }
        if isBothWays || kind == 5 { beMute() }
        switch kind {
        case 0:
            tellAgent(after: world.dice.seconds(0...5))
            tellLink(after: world.dice.seconds(0...5))
        case 1: tellLink(after: world.dice.seconds(0...2))
        case 2: tellAgent(after: world.dice.seconds(0...2))
        default: break
        }
        // At last the host's sshd lets go of it.
        tellAgent(after: world.dice.seconds(20...200))
    }

    func beSilent() {
        if silentSince == nil { silentSince = world.time.now }
        agent?.armSilence()
    }

    /// The controller is heard again.
    func hearAgain() { if !isCutToAgent { silentSince = nil } }

    func beMute() {
        if muteSince == nil { muteSince = world.time.now }
        link.armSilence(self)
    }

    /// The host is gone without a word.
    func loseHost() {
        agent = nil
        isCutToLink = true
        isCutToAgent = true
        beMute()
    }

    /// The controller lets go: its child is killed.
    ///
    /// - Parameter isOrderly: whether what was sent before arrives for sure.
    func close(isOrderly: Bool) {
        if !isOrderly, world.dice.chance(0.5) { isCutToAgent = true }
        // Through a cut connection no end comes; the host's sshd finds out by itself.
        if silentSince == nil { tellAgent(after: delay()) } else { tellAgent(after: world.dice.seconds(20...200)) }
        isCutToLink = true
    }
}
