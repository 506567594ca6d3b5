// A push after its plan is made: when hosts are flipped, watched, confirmed and taken back. A value: events in, actions
// out, no session and no clock, so that every order of events can be tried in a test. This file takes events in;
// RolloutNews notes what they say of hosts, RolloutSteps leads forward, RolloutJudging asks the judge, RolloutEnding
// takes back and ends.
//
//   staging → base line, checked → for each subset: prepare → flip provisionally → window, judged look by look
//           → everybody: prepare → flip → confirm all → watch → those held back: prepare → flip → confirm → done
//
// One rule for the way back: until everybody is flipped and confirmed, whatever ends the push early takes all hosts
// back. Afterwards only a regression does.

public import SlotSync

/// The decisions of one push.
///
/// ```swift
/// var rollout = Rollout(plan: plan, maxFailures: .none, canAsk: false)
/// for action in rollout.handle(.begin, at: 0) { … }
/// ```
public struct Rollout: Sendable {
    /// An open window, or the watch.
    struct Watch: Sendable {
        var comparison: Comparison
        /// When the judge is asked next.
        var nextLook: Double
        /// The number of the look that the judge has not answered yet.
        var pendingLook: Int?
        var isLast = false
    }

    public internal(set) var phase = Phase.staging
    public internal(set) var plan: RolloutPlan
    /// What has happened so far: the beginning of each phase.
    public internal(set) var timeline: [RolloutOutcome.Moment] = []
    /// What the judge compares now; nil outside of a window and the watch.
    public var comparison: Comparison? { watch?.comparison }
    /// Hosts on which the release of this push is live now, confirmed or not.
    public var flipped: [Int] { those { $0.standing == .provisional || $0.standing == .live } }
    /// When the phase under way ends at the latest; nil where hosts decide that.
    public internal(set) var phaseEnd: Double?
    /// The latest thing the judge has said.
    public internal(set) var judgement: Judgement?

    let allowedFailures: Int
    let canAsk: Bool
    var now = 0.0
    var actions: [Action] = []
    var hosts: [HostProgress]
    /// Which step of the plan is under way, before the first −1, and those of its hosts that take part.
    var stepIndex = -1
    var members: [Int] = []
    /// Members that were sent the request of the phase.
    var asked: Set<Int> = []
    var samplingSince: Double?
    /// The base line counts from the first sample of a canary on.
    var hasSample = false
    /// Whether somebody looks if the base line has what a judgement needs.
    var isBaselineAsked = false
    var watch: Watch?
    var looks = 0
    /// Everybody is flipped and confirmed.
    var isCommitted = false
    var isInterrupted = false
    var isWatchCutShort = false
    /// Whether a host that had the release for good has it no more: somebody rolled back meanwhile.
    var isOvertaken = false
    /// What the push went on without, although a judgement was inconclusive for it.
    var passedLacks = PassedLacks()
    /// How a push ends that is being taken back, and why it failed, or whom it gave way to.
    var earlyEnd: RolloutOutcome.Ending?
    var failure = ""
    private var hasBegun = false
    private var lastWake: Double?

    /// - Parameters:
    ///   - maxFailures: how many hosts may fail before everything is taken back.
    ///   - canAsk: whether there is somebody to ask; if not, `on_inconclusive: ask` takes back.
    public init(plan: RolloutPlan, maxFailures: HostPortion = .none, canAsk: Bool = false) {
        self.plan = plan
        self.canAsk = canAsk
        allowedFailures = maxFailures.hosts(of: plan.hosts.count, rounded: .down)
        hosts = Array(repeating: HostProgress(), count: plan.hosts.count)
    }

    /// Takes an event.
    ///
    /// - Parameters:
    ///   - event: what does not fit, such as an answer that nobody waits for, changes nothing.
    ///   - seconds: since the push began. A time before the latest one counts as that.
    /// - Returns: what is to be done now. After `finish` nothing ever again.
    public mutating func handle(_ event: Event, at seconds: Double) -> [Action] {
        guard phase != .done else { return [] }
        if seconds > now { now = seconds }
        note(event)
        // The one event that comes by the thousand; it only puts deadlines off.
        if case .sampled = event { return [] }
        while phase != .done, advance() {}
        if phase != .done { wake(isNew: event == .tick) }
        defer { actions = [] }
        return actions
    }

    private mutating func note(_ event: Event) {
        switch event {
        case .begin:
            guard !hasBegun else { return }
            hasBegun = true
            enter(.staging)
            send(.stage, to: Array(hosts.indices))
        case .tick: break
        case .staged(let host, let isLive, let isFirst):
            guard take(.stage, from: host) else { return }
            hosts[host].isStaged = true
            hosts[host].isFirst = isFirst
            if isLive { hosts[host].standing = .alreadyLive }
        case .stagingFailed(let reason):
            if phase == .staging { fail(reason) }
        case .done(let request, let host):
            if take(request, from: host) { noteDone(request, host) }
        case .failed(let request, let host, let reason):
            if take(request, from: host) { noteFailed(request, host, reason) }
        case .lost(let host, let reason):
            if hosts.indices.contains(host), hosts[host].isConnected { noteLost(host, reason) }
        case .recovered(let host, let isLive):
            if take(.recover, from: host) { noteRecovered(host, isLive: isLive) }
        case .sampled(let host):
            if hosts.indices.contains(host) { noteSample(host) }
        case .baselineChecked(let lack): noteBaseline(lack)
        case .judged(let judgement, let look): noteJudged(judgement, look)
        case .answered(let goesOn):
            if phase == .asking { noteAnswer(goesOn) }
        case .interrupted: noteInterruption()
        case .askedToGiveWay(let who): noteRequest(of: who)
        }
    }

    /// Whether the host was asked for this and had not answered: then it has now.
    private mutating func take(_ request: HostRequest, from host: Int) -> Bool {
        guard hosts.indices.contains(host), hosts[host].request == request else { return false }
        hosts[host].request = nil
        return true
    }

    /// The hosts of which this is so.
    func those(_ isMeant: (HostProgress) -> Bool) -> [Int] { hosts.indices.filter { isMeant(hosts[$0]) } }

    /// From now on the host takes no part.
    mutating func fail(_ host: Int, _ reason: String) {
        if hosts[host].failure == nil { hosts[host].failure = reason }
    }

    /// Sends a request, in one go.
    mutating func send(_ request: HostRequest, to some: [Int]) {
        guard !some.isEmpty else { return }
        for host in some { hosts[host].request = request }
        actions.append(.request(request, some))
    }

    /// Tries new sessions, for those of the hosts for which that was not tried too often.
    ///
    /// - Returns: whether it is tried for any.
    @discardableResult
    mutating func recover(_ some: [Int]) -> Bool {
        let left = some.filter { hosts[$0].recoveries < HostProgress.mostRecoveries && hosts[$0].request == nil }
        for host in left { hosts[host].recoveries += 1 }
        send(.recover, to: left)
        return !left.isEmpty
    }

    mutating func enter(_ phase: Phase) {
        self.phase = phase
        phaseEnd = nil
        timeline.append(RolloutOutcome.Moment(seconds: now, phase: phase))
    }

    private mutating func wake(isNew: Bool) {
        guard let next = deadlines.min() else { return }
        if isNew || next != lastWake { actions.append(.wake(at: next)) }
        lastWake = next
    }
}
