// What a seed makes: the fleet, the command, its settings, and how often what goes wrong. And the rules that a control
// breaks, to see that the simulation notices.

import Canary
import SlotSync

/// A rule of the product that the simulation can break.
public enum BrokenRule: String, CaseIterable, Sendable {
    /// An agent says that a flip is confirmed before that is on the disk.
    case confirmsBeforeDurable = "confirms-before-durable"
    /// An agent whose controller is gone keeps a flip that was not confirmed.
    case staysUnconfirmed = "stays-unconfirmed"
    /// An agent does not look whether one before it left a provisional flip.
    case forgetsAbandoned = "forgets-abandoned"
    /// An agent renames before it notes that the flip is provisional.
    case renamesFirst = "renames-first"
    /// A controller takes a confirmation whose answer was lost for made.
    case believesLostConfirm = "believes-lost-confirm"
    /// Two agents change a ring at the same time.
    case sharesLock = "shares-lock"
}

/// What can go wrong, and how often: chances for each trial, host, session or step.
struct FaultRates {
    /// Each session, at some moment.
    var cut = 0.0
    /// Each host, at some moment.
    var powerCut = 0.0
    var hang = 0.0
    var partition = 0.0
    var agentKill = 0.0
    /// Each change of a disk.
    var killAtStep = 0.0
    var diskError = 0.0
    /// Each hook.
    var hookFailure = 0.0
    var slowHook = 0.0
    /// Each trial.
    var controllerKill = 0.0
    var controllerPause = 0.0
    var interruption = 0.0
    var secondController = 0.0
}

struct Scenario {
    enum Command: Equatable {
        case push(RolloutMode)
        case flip, rollback
    }

    static let older = ContentDigest(high: 0, low: 1)
    static let old = ContentDigest(high: 0, low: 2)
    static let new = ContentDigest(high: 0, low: 3)
    /// What a second controller brings.
    static let other = ContentDigest(high: 0, low: 4)

    var hosts: Int
    var command: Command
    var maxFailures: Int
    var settings: CanarySettings
    var canAsk: Bool
    var hooks: Hooks
    /// In seconds.
    var provisionalLimit: Double
    var timeout = 60.0
    var faults: FaultRates
    /// How often a look says something else than that all is well.
    var regression: Double
    var inconclusive: Double
    /// How often a host is not as the others: nothing is live there, or the release is already.
    var unlikeHost: Double

    init(_ dice: inout Dice) {
        hosts = dice.number(1...7)
        let commands: [Command] = [
            .push(.full), .push(.full), .push(.full), .push(.canaryOnly), .push(.unjudged), .push(.unjudged), .flip,
            .flip, .rollback,
        ]
        command = dice.pick(commands)
        if case .push(let mode) = command, mode != .unjudged { hosts = max(hosts, 3) }
        maxFailures = dice.chance(0.6) ? 0 : dice.number(0...hosts)
        settings = CanarySettings(
            hosts: .portion(.count(hosts > 4 && dice.chance(0.5) ? 2 : 1)), baseline: 15, window: 20, settle: 5,
            watch: dice.chance(0.7) ? 20 : 0, metrics: [MetricSettings(name: "load", source: .host(.loadAverage))])
        if hosts > 5, dice.chance(0.5) { settings.phases = [.count(3)] }
        if hosts > 5, settings.watch > 0, dice.chance(0.4) { settings.holdBack = .count(2) }
        settings.onInconclusive = dice.pick(CanarySettings.InconclusivePolicy.allCases)
        canAsk = dice.chance(0.5)
        hooks = Hooks()
        if dice.chance(0.4) { hooks.afterFlip = "after" }
        if dice.chance(0.2) { hooks.beforeFlip = "before" }
        if dice.chance(0.2) { hooks.afterRollback = dice.chance(0.5) ? "" : "back" }
        provisionalLimit = dice.pick([1, 10, 10, 60])
        faults = FaultRates()
        regression = dice.pick([0, 0, 0.1, 0.4])
        inconclusive = dice.pick([0, 0, 0.1, 0.4])
        unlikeHost = dice.pick([0, 0, 0, 0.2])
        // Mostly one kind of fault or two, often; a trial with all of them tells little of each.
        for _ in 0..<dice.pick([0, 1, 1, 2, 2, 3, 10]) { addFault(&dice) }
    }

    private mutating func addFault(_ dice: inout Dice) {
        switch dice.number(0...12) {
        case 0: faults.cut = dice.pick([0.05, 0.2, 0.6])
        case 1: faults.powerCut = dice.pick([0.1, 0.5])
        case 2: faults.hang = dice.pick([0.1, 0.5])
        case 3: faults.partition = dice.pick([0.1, 0.5])
        case 4: faults.agentKill = dice.pick([0.1, 0.5])
        case 5: faults.killAtStep = dice.pick([0.01, 0.05, 0.2])
        case 6: faults.diskError = dice.pick([0.01, 0.1])
        case 7:
            faults.hookFailure = dice.pick([0.1, 0.5])
            if hooks.afterFlip.isEmpty { hooks.afterFlip = "after" }
        case 8:
            faults.slowHook = dice.pick([0.1, 0.5])
            if hooks.afterFlip.isEmpty { hooks.afterFlip = "after" }
        case 9: faults.controllerKill = 1
        case 10: faults.controllerPause = 1
        case 11: faults.interruption = 1
        default: faults.secondController = 1
        }
    }
}
