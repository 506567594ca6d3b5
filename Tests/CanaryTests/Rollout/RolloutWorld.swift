// Hosts and sessions as they would really be, for a rollout to be tried out on. Carries actions out, lets any of them
// succeed, fail or be lost, and notes whatever the rollout asks for that it must not.

import SlotSync

@testable import Canary

struct RolloutWorld {
    enum Live { case old, provisional, confirmed }

    struct HostWorld {
        var live = Live.old
        var request: Rollout.HostRequest? = .stage
        var isConnected = true
        var isStaged = false
        var wasLive = false
        var isFirst = false
        var isSampled = false
        var isMarkedBad = false
        var wasFlipped = false
    }

    /// What the judge is asked.
    struct Look {
        var number: Int
        var isLast: Bool
        var comparison: Comparison
    }

    /// What can happen next.
    enum Move: Equatable {
        case succeed(Int)
        /// The host says no; its session goes on. `isDone`: it had done what it was asked, as where a disk fails at the last.
        case fail(Int, isDone: Bool = false)
        /// The session ends; `isDone`: the host had done what it was asked.
        case lose(Int, isDone: Bool)
        case stageLive(Int)
        /// Staged where nothing is live.
        case stageFirst(Int)
        case judge(Verdict)
        /// Somebody looked at the base line.
        case checkBaseline(isEnough: Bool)
        case reply(Bool)
        /// Time goes on to where the rollout wants to be woken: an interval at a time, with samples from all who are sampled,
        /// or without any.
        case wait(withSamples: Bool)
        case interrupt
        /// Another command asks for the locks.
        case askForWay
        /// Events that fit nothing.
        case nonsense
    }

    var rollout: Rollout
    var hosts: [HostWorld]
    let steps: [RolloutPlan.Step]
    let policy: CanarySettings.InconclusivePolicy
    var now = 0.0
    var look: Look?
    var isBaselineAsked = false
    var isAsked = false
    var wakeAt: Double?
    var outcome: RolloutOutcome?
    /// Windows that were passed, by verdict or by leave.
    var passes = 0
    var hasFlipped = false
    var isRegression = false
    var isAbandoned = false
    var interruptions = 0
    var events = 0
    var actions: [Rollout.Action] = []
    var problems: [String] = []

    init(plan: RolloutPlan, maxFailures: HostPortion = .none, canAsk: Bool = false) {
        rollout = Rollout(plan: plan, maxFailures: maxFailures, canAsk: canAsk)
        hosts = Array(repeating: HostWorld(), count: plan.hosts.count)
        steps = plan.steps
        policy = plan.settings.onInconclusive
        feed(.begin)
    }

    /// All that could happen now.
    var moves: [Move] {
        var moves: [Move] = [.interrupt, .askForWay, .nonsense]
        for (host, world) in hosts.enumerated() {
            if world.request != nil { moves += [.succeed(host), .fail(host)] }
            // Who cannot go back has flipped nothing: an agent that did says so.
            if world.request == .confirm { moves.append(.fail(host, isDone: true)) }
            if world.request == .stage { moves += [.stageLive(host), .stageFirst(host)] }
            if world.isConnected { moves += [.lose(host, isDone: true), .lose(host, isDone: false)] }
        }
        if look != nil { moves += Verdict.allCases.map { .judge($0) } }
        if isBaselineAsked { moves += [true, false].map { .checkBaseline(isEnough: $0) } }
        if isAsked { moves += [.reply(true), .reply(false)] }
        if wakeAt != nil { moves += [.wait(withSamples: true), .wait(withSamples: false)] }
        return moves
    }

    /// What happens where all is well; nil: nothing ever will.
    var usualMove: Move? {
        if let host = hosts.firstIndex(where: { $0.request != nil }) { return .succeed(host) }
        if look != nil { return .judge(.pass) }
        if isBaselineAsked { return .checkBaseline(isEnough: true) }
        if isAsked { return .reply(true) }
        return wakeAt == nil ? nil : .wait(withSamples: true)
    }

    mutating func make(_ move: Move) {
        switch move {
        case .succeed(let host): succeed(host)
        case .fail(let host, let isDone):
            guard let request = hosts[host].request else { return }
            hosts[host].request = nil
            if isDone { carryOut(request, host) }
            if request == .recover { hosts[host].isConnected = false }
            feed(.failed(request, host, "no"))
        case .lose(let host, let isDone): lose(host, isDone: isDone)
        case .stageLive(let host):
            hosts[host].request = nil
            hosts[host].isStaged = true
            hosts[host].wasLive = true
            feed(.staged(host, isLive: true))
        case .stageFirst(let host):
            hosts[host].request = nil
            hosts[host].isStaged = true
            hosts[host].isFirst = true
            feed(.staged(host, isLive: false, isFirst: true))
        case .judge(let verdict): judge(Judgement(verdict: verdict, metrics: [], why: "because"))
        case .checkBaseline(let isEnough):
            isBaselineAsked = false
            feed(.baselineChecked(isEnough ? nil : Self.lack("load has no sample of a canary before the flip")))
        case .reply(let yes):
            isAsked = false
            // To go on without a base line is no pass of a window.
            if yes, hasFlipped { passes += 1 }
            feed(.answered(yes))
        case .wait(let withSamples):
            guard let wakeAt else { return }
            if withSamples {
                now = max(now, min(wakeAt, now + Recording.usualInterval))
                for host in hosts.indices where hosts[host].isSampled && hosts[host].isConnected {
                    feed(.sampled(host))
                }
            } else {
                now = max(now, wakeAt)
            }
            guard now >= wakeAt else { return }
            self.wakeAt = nil
            feed(.tick)
        case .interrupt:
            interruptions += 1
            feed(.interrupted)
            if interruptions == 2, outcome == nil { problems.append("a second interruption does not end it") }
        case .askForWay: feed(.askedToGiveWay("a rollback by eva@desk"))
        case .nonsense:
            feed(.judged(Judgement(verdict: .regression, metrics: [], why: "stale"), look: 0))
            feed(.done(.confirm, -1))
            feed(.sampled(99))
            feed(.tick)
            if !isAsked { feed(.answered(true)) }
            if !isBaselineAsked { feed(.baselineChecked(Self.lack("stale"))) }
            for host in hosts.indices {
                for request in Rollout.HostRequest.allCases where request != hosts[host].request {
                    feed(.done(request, host))
                    feed(.failed(request, host, "stale"))
                    if request == .recover { feed(.recovered(host, isLive: true)) }
                }
            }
        }
    }

    /// Answers the look that the judge was asked for.
    mutating func judge(_ judgement: Judgement) {
        guard let look else { return }
        self.look = nil
        if judgement.verdict == .regression { isRegression = true }
        let goesOn = judgement.verdict == .pass || (judgement.verdict == .inconclusive && policy == .proceed)
        if look.isLast, goesOn { passes += 1 }
        feed(.judged(judgement, look: look.number))
    }

    /// What is said of a metric `load` that lacks something.
    static func lack(_ text: String) -> Judgement {
        Judgement(
            verdict: .inconclusive, metrics: [MetricJudgement(name: "load", verdict: .inconclusive, note: text)],
            why: text)
    }

    private mutating func succeed(_ host: Int) {
        guard let request = hosts[host].request else { return }
        hosts[host].request = nil
        carryOut(request, host)
        switch request {
        case .stage: feed(.staged(host, isLive: false))
        case .recover:
            hosts[host].isConnected = true
            feed(.recovered(host, isLive: hosts[host].live == .confirmed || hosts[host].wasLive))
        default: feed(.done(request, host))
        }
    }

    private mutating func carryOut(_ request: Rollout.HostRequest, _ host: Int) {
        switch request {
        case .stage: hosts[host].isStaged = true
        case .flip:
            hosts[host].live = .provisional
            hosts[host].wasFlipped = true
        case .confirm: hosts[host].live = .confirmed
        case .takeBack: hosts[host].live = .old
        case .markBad: hosts[host].isMarkedBad = true
        case .prepare, .recover: break
        }
    }

    private mutating func lose(_ host: Int, isDone: Bool) {
        if let request = hosts[host].request {
            hosts[host].request = nil
            if isDone, request != .stage { carryOut(request, host) }
        }
        drop(host)
        feed(.lost(host, "gone"))
    }

    /// A session ends: the agent takes back what was provisional.
    private mutating func drop(_ host: Int) {
        hosts[host].isConnected = false
        hosts[host].isSampled = false
        if hosts[host].live == .provisional { hosts[host].live = .old }
    }

    // MARK: What the rollout does

    mutating func feed(_ event: Rollout.Event) {
        events += 1
        let actions = rollout.handle(event, at: now)
        if outcome != nil, !actions.isEmpty { problems.append("\(actions) after the end") }
        for action in actions { carry(action) }
        // A look that nobody waits for any more; its answer would be stale.
        if rollout.comparison == nil { look = nil }
    }

    private mutating func carry(_ action: Rollout.Action) {
        actions.append(action)
        if outcome != nil { problems.append("\(action) after the end") }
        switch action {
        case .request(let request, let some): checkRequest(request, some)
        case .cancelStaging: break
        case .sample(let some):
            for host in some {
                if !hosts[host].isConnected { problems.append("samples \(host) without a session") }
                if hosts[host].isFirst { problems.append("samples \(host), where nothing was live") }
                hosts[host].isSampled = true
            }
        case .listen(let some):
            for host in some where !hosts[host].isConnected { problems.append("hears \(host) without a session") }
        case .release(let some):
            for host in some {
                if hosts[host].live != .old || hosts[host].request != nil { problems.append("releases \(hosts[host])") }
                drop(host)
            }
        case .stopSampling: for host in hosts.indices { hosts[host].isSampled = false }
        case .judge(let comparison, let number, let isLast):
            if look != nil { problems.append("two looks at once") }
            let canaries = comparison.hosts.filter { $0.role == .canary }.map(\.host)
            let controls = comparison.hosts.filter { $0.role == .control }.map(\.host)
            if canaries.isEmpty { problems.append("nobody to judge") }
            if comparison.kind == .guarding, !controls.isEmpty { problems.append("a guard with controls \(controls)") }
            if comparison.kind == .watch, controls.count < 2 { problems.append("a judge with controls \(controls)") }
            if controls.contains(where: { hosts[$0].live != .old }) { problems.append("a control that flipped") }
            if comparison.hosts.contains(where: { $0.baseline.end > comparison.after.start }) {
                problems.append("a base line that ends after the flip")
            }
            if canaries.contains(where: { !hosts[$0].wasFlipped }) {
                problems.append("a canary that did not flip")
            }
            if !controls.isEmpty, Set(comparison.hosts.map(\.baseline)).count > 1 {
                problems.append("canaries and controls with base lines at different times")
            }
            checkPasts(of: comparison)
            look = Look(number: number, isLast: isLast, comparison: comparison)
        case .checkBaseline(let comparison):
            if hasFlipped || isBaselineAsked { problems.append("a base line is checked too late, or twice") }
            if Set(comparison.hosts.map(\.role)).count < 2 { problems.append("a base line without controls") }
            checkPasts(of: comparison)
            isBaselineAsked = true
        case .warn(let text):
            if policy != .proceed, rollout.plan.mode != .unjudged, rollout.earlyEnd != .gaveWay {
                problems.append("warns of what it decides: \(text)")
            }
        case .ask:
            if !rollout.canAsk { problems.append("asks nobody") }
            isAsked = true
        case .wake(let time): wakeAt = time
        case .abandon:
            isAbandoned = true
            for host in hosts.indices { drop(host) }
        case .finish(let outcome):
            self.outcome = outcome
            let critical: [Rollout.HostRequest?] = [.flip, .confirm, .takeBack]
            if !isAbandoned, hosts.contains(where: { critical.contains($0.request) }) {
                problems.append("ends while a host is flipped or taken back")
            }
            for host in hosts.indices { drop(host) }
        }
        if case .wake = action { return }
        if isAsked, rollout.phase != .asking { isAsked = false }
        if isBaselineAsked, rollout.phase != .baseline { isBaselineAsked = false }
    }

    private mutating func checkRequest(_ request: Rollout.HostRequest, _ some: [Int]) {
        let standings = some.map { hosts[$0].live }
        switch request {
        case .stage: return
        case .prepare: break
        case .flip:
            let allowed = rollout.plan.mode == .unjudged ? Set(hosts.indices) : mayFlip
            for host in some where !hosts[host].isStaged || hosts[host].wasLive || hosts[host].live != .old {
                problems.append("flips \(host): \(hosts[host])")
            }
            if !Set(some).isSubset(of: allowed) { problems.append("flips \(some) after \(passes) passes") }
            if isRegression { problems.append("flips after a regression") }
            hasFlipped = true
        case .confirm:
            if standings.contains(where: { $0 != .provisional }) { problems.append("confirms \(standings)") }
        case .takeBack: if standings.contains(.old) { problems.append("takes back \(standings)") }
        // The driver drops what session there is.
        case .recover: for host in some { drop(host) }
        case .markBad:
            let isReasoned = rollout.judgement.map { $0.verdict == .regression && !$0.why.isEmpty } ?? false
            if !isRegression || !isReasoned { problems.append("marks without a verdict") }
        }
        for host in some {
            if hosts[host].request != nil { problems.append("asks \(request) of \(host) beside \(hosts[host])") }
            if request != .recover, !hosts[host].isConnected {
                problems.append("asks \(request) of \(host) without a session")
            }
            hosts[host].request = request
        }
    }

    private mutating func checkPasts(of comparison: Comparison) {
        if comparison.hosts.contains(where: { hosts[$0.host].isFirst }) {
            problems.append("compares hosts on which nothing was live")
        }
    }

    /// Hosts of the steps for which there are passes enough, in the plan as it is after staging. A further subset of which
    /// every host failed has nothing to be passed.
    private var mayFlip: Set<Int> {
        let steps = rollout.plan.steps.filter { step in
            if case .subset = step.kind { step.hosts.contains { rollout.hosts[$0].failure == nil } } else { true }
        }
        return Set(steps.prefix(passes + 1).flatMap(\.hosts))
            .union(rollout.isCommitted ? steps.last?.hosts ?? [] : [])
    }

    // MARK: What must hold at the end

    mutating func checkEnd() {
        guard let outcome else { return problems.append("it does not end: \(rollout.phase)") }
        let live = hosts.indices.filter { hosts[$0].live == .confirmed }
        if hosts.contains(where: { $0.live == .provisional }) { problems.append("a host is left provisional") }
        switch outcome.status {
        case .failed, .rolledBack:
            if !live.isEmpty { problems.append("\(outcome.status), but \(live) are live") }
        case .done:
            let meant = rollout.plan.mode == .canaryOnly ? Set(rollout.plan.steps[0].hosts) : Set(hosts.indices)
            let isWhole = meant.allSatisfy { hosts[$0].live == .confirmed || hosts[$0].wasLive }
            if !isWhole { problems.append("done, but \(live) alone are live") }
        case .partlyDone: break
        }
        if (outcome.status == .rolledBack) != (isRegression && outcome.status != .partlyDone && !isAbandoned) {
            problems.append("\(outcome.status), regression: \(isRegression)")
        }
        if hosts.contains(where: \.isMarkedBad), !isRegression { problems.append("marked bad without a verdict") }
        for (host, told) in outcome.hosts.enumerated() {
            let isLive = hosts[host].live == .confirmed
            switch told.standing {
            case .live where !isLive, .notFlipped where isLive, .takenBack where isLive, .takesItselfBack where isLive,
                .provisional:
                problems.append("host \(host) is told \(told.standing), and is \(hosts[host])")
            case .alreadyLive where !hosts[host].wasLive: problems.append("host \(host) is told to be live already")
            default: break
            }
        }
        if outcome.sentences.isEmpty || outcome.sentences.contains("") { problems.append("an empty sentence") }
    }

    /// Goes on as if all were well from here on, to the end.
    mutating func runToEnd() {
        while outcome == nil, events < 20_000, problems.isEmpty, let move = usualMove { make(move) }
        checkEnd()
    }
}
