// Which hosts are flipped when: a pure function of the host list and the settings, so `--dry-run` shows what a push
// will do. Rollout follows it, and makes it again without the hosts that could not be staged.

public import SlotSync

/// What of a push is judged.
public enum RolloutMode: Sendable, Hashable {
    /// Canaries, phases, everybody, and the watch.
    case full
    /// The canaries alone; nobody else is flipped.
    case canaryOnly
    /// Nothing: everybody is flipped at once, without base line, judge or watch.
    case unjudged
}

/// The order of a push: steps of hosts that are flipped together.
public struct RolloutPlan: Sendable, Equatable {
    /// What a step is to the push.
    public enum StepKind: Sendable, Hashable {
        case canaries
        /// The first, second, … of `phases`.
        case subset(Int)
        /// All others but those held back.
        case everybody
        /// Those that were controls until the end of the watch.
        case heldBack
    }

    /// Hosts that are flipped together.
    public struct Step: Sendable, Hashable {
        public var kind: StepKind
        /// Their indices in the plan's hosts, ascending. May be empty for `everybody`: nobody is left.
        public var hosts: [Int]
    }

    /// The whole fleet, in the order of the host list.
    public let hosts: [Host]
    public let settings: CanarySettings
    /// What is judged. After staging it may be nothing, whatever was asked for: see ``settled(_:)``.
    public private(set) var mode: RolloutMode
    public private(set) var steps: [Step] = []
    /// How many hosts can be canaries or controls.
    public private(set) var comparable: Int
    /// Whether a judgement was asked for.
    let isMeantToJudge: Bool
    /// What commands are told to be typed with.
    package var words = FleetWords()

    /// The hosts in the order in which they are chosen; those held back are the last of it.
    private let order: [Int]
    /// How many are flipped after the canaries and after each phase, and with which of the phases.
    private let totals: [(kind: StepKind, total: Int)]
    private let heldBack: Int

    /// Without this many hosts that were not flipped there is nothing to compare with.
    public static let fewestControls = 2

    /// Chooses the hosts of each step.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`, for settings that cannot be used, if there is nothing to judge
    ///   by, if canaries that were listed are not among the hosts, if phases do not grow, and if a step leaves too few
    ///   controls.
    public init(hosts: [Host], settings: CanarySettings, mode: RolloutMode = .full) throws(SlotSyncError) {
        self.hosts = hosts
        self.settings = settings
        self.mode = mode
        isMeantToJudge = mode != .unjudged
        comparable = isMeantToJudge ? hosts.count : 0
        try settings.validate()
        guard isMeantToJudge else {
            (order, totals, heldBack) = (Array(hosts.indices), [], 0)
            steps = [Step(kind: .everybody, hosts: order)]
            return
        }
        guard !settings.metrics.isEmpty else {
            throw SlotSyncError(
                .badInput,
                "there are no metrics, so nothing would be judged: name some in the canary section of slotsync.yml, or "
                    + "push with --no-canary")
        }
        let named = try RolloutPlan.listed(settings.hosts, in: hosts)
        let isNamed = Set(named)
        order = named + HostSpread.order(of: hosts.count).filter { !isNamed.contains($0) }
        let isFull = mode == .full
        heldBack = isFull ? settings.holdBack.hosts(of: hosts.count) : 0
        totals = try RolloutPlan.totals(
            of: settings, fleet: hosts.count, named: named.count, phases: isFull ? settings.phases : [],
            heldBack: heldBack)
        steps = makeSteps(order, totals)
    }

    /// How many verdicts share the push's significance: one for each window, and the watch's with hosts held back.
    public var judgements: Int { totals.count + (heldBack > 0 ? 1 : 0) }

    /// How strict the judge of a window or of the watch is.
    public func judgeSettings(isWatch: Bool) -> JudgeSettings {
        JudgeSettings(
            significance: settings.significance / Double(max(judgements, 1)), tolerance: settings.tolerance,
            settle: settings.settle, window: isWatch ? settings.watch : settings.window)
    }

    /// What the canaries can detect, by usual noise; nil where nothing is judged.
    public var forecast: Detection? {
        guard mode != .unjudged, let canaries = steps.first?.hosts.count else { return nil }
        return Judge(judgeSettings(isWatch: false)).detection(
            of: settings.metrics.map(\.metric), canaries: canaries, controls: comparable - canaries,
            interval: settings.interval, baselineTime: settings.baseline)
    }

    /// The plan for what staging found, where some of the hosts can be compared.
    func judged(_ fleet: StagedFleet) throws(SlotSyncError) -> RolloutPlan {
        guard fleet != StagedFleet() else { return self }
        var plan = self
        let present = order.filter { !fleet.absent.contains($0) }
        let left = present.filter { !fleet.new.contains($0) }
        let fewest = max(heldBack, RolloutPlan.fewestControls)
        let most = left.count - fewest
        var canaries = totals[0].total
        if case .list = settings.hosts {
            let named = order.prefix(canaries)
            canaries = named.count(where: left.contains)
            if canaries == 0 { throw SlotSyncError(.notReady, whyNoCanary(of: Array(named), fleet)) }
        }
        guard most > 0 else {
            throw SlotSyncError(
                .notReady,
                NumberText.count(left.count, "host")
                    + "\(fleet.new.isEmpty ? "" : " on which another release is live") are too few to judge by: a "
                    + "canary, and \(fewest) that are not flipped, are needed; push with --no-canary"
            )
        }
        var clipped: [(kind: StepKind, total: Int)] = []
        for (kind, total) in [(StepKind.canaries, canaries)] + totals.dropFirst() {
            let total = min(total, most)
            if total > clipped.last?.total ?? 0 { clipped.append((kind, total)) }
        }
        plan.comparable = left.count
        plan.steps = makeSteps(left, clipped, joining: present.filter(fleet.new.contains))
        return plan
    }

    /// All but these are flipped at once, and nothing is judged.
    func unjudged(without absent: Set<Int>) -> RolloutPlan {
        var plan = self
        plan.mode = .unjudged
        plan.comparable = 0
        plan.steps = [Step(kind: .everybody, hosts: hosts.indices.filter { !absent.contains($0) })]
        return plan
    }

    /// - Parameter others: hosts that are flipped with everybody, besides those of `order`.
    private func makeSteps(
        _ order: [Int], _ totals: [(kind: StepKind, total: Int)], joining others: [Int] = []
    ) -> [Step] {
        var steps: [Step] = []
        var flipped = 0
        for (kind, total) in totals {
            steps.append(Step(kind: kind, hosts: order[flipped..<total].sorted()))
            flipped = total
        }
        guard mode == .full else { return steps }
        steps.append(Step(kind: .everybody, hosts: (order[flipped..<order.count - heldBack] + others).sorted()))
        if heldBack > 0 { steps.append(Step(kind: .heldBack, hosts: order.suffix(heldBack).sorted())) }
        return steps
    }

    /// The indices of canaries that were named.
    private static func listed(_ canaries: CanarySettings.Canaries, in hosts: [Host]) throws(SlotSyncError) -> [Int] {
        guard case .list(let list) = canaries else { return [] }
        // A canary is found by its name and port; who logs in there is the fleet's matter.
        var indices: [String: Int] = [:]
        for (index, host) in hosts.enumerated() { indices[label(host)] = index }
        var named: [Int] = []
        for canary in list {
            guard let index = indices[label(canary)] else {
                throw SlotSyncError(
                    .badInput, "canary.hosts: \(canary.label) is none of the \(hosts.count) hosts of this push")
            }
            guard !named.contains(index) else {
                throw SlotSyncError(.badInput, "canary.hosts: \(canary.label) is named more than once")
            }
            named.append(index)
        }
        return named
    }

    private static func label(_ host: Host) -> String { "\(host.comparedName) \(host.port ?? 22)" }

    private static func totals(
        of settings: CanarySettings, fleet: Int, named: Int, phases: [HostPortion], heldBack: Int
    ) throws(SlotSyncError) -> [(kind: StepKind, total: Int)] {
        func wrong(_ what: String) -> SlotSyncError { SlotSyncError(.badInput, "canary.\(what)") }
        guard heldBack == 0 || heldBack >= fewestControls else {
            throw wrong("hold_back: 1 host is too few to judge by: hold back at least \(fewestControls), or none")
        }
        guard heldBack < fleet else {
            throw wrong("hold_back: \(heldBack) of \(fleet) hosts held back leave none to flip: hold back fewer")
        }
        var totals: [(kind: StepKind, total: Int)] = []
        let canaries =
            if case .portion(let portion) = settings.hosts { max(portion.hosts(of: fleet), 1) } else { named }
        totals.append((.canaries, canaries))
        for (index, portion) in phases.enumerated() {
            let total = portion.hosts(of: fleet)
            let before = totals[totals.count - 1].total
            guard total >= before else {
                throw wrong(
                    "phases: \(portion) of \(fleet) hosts are \(total), fewer than the \(before) that are flipped already"
                )
            }
            // Shares of a small fleet round up to the same number now and then: such a phase has nothing to flip.
            if total > before { totals.append((.subset(index + 1), total)) }
        }
        for (kind, total) in totals {
            let controls = fleet - total
            let key = kind == .canaries ? "hosts" : "phases"
            guard controls >= max(heldBack, fewestControls) else {
                throw wrong(
                    "\(key): \(total) of \(fleet) hosts flipped leave \(max(controls, 0)) to compare with; at least "
                        + "\(max(heldBack, fewestControls)) are needed\(heldBack > 0 ? " with hold_back" : ""): choose "
                        + "fewer, or push with --no-canary")
            }
        }
        return totals
    }

    public static func == (one: RolloutPlan, other: RolloutPlan) -> Bool {
        one.hosts == other.hosts && one.settings == other.settings && one.mode == other.mode && one.steps == other.steps
            && one.judgements == other.judgements
    }
}
