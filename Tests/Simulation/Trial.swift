// One trial: a fleet with a past, a command that is disturbed, what must hold afterwards, and the commands with which a
// person brings the fleet to one release. The same seed makes the same trial.

import Canary
import SlotSync

/// What came of a trial.
public struct TrialResult: Sendable {
    /// What the trial was, and how its command ended: `push full: rolledBack`.
    public var ending: String
    /// How often each kind of fault happened.
    public var faults: [String: Int]
    /// What must not be; empty: all is well.
    public var problems: [String]
}

public enum Simulation {
    /// Runs the trial of a seed.
    ///
    /// - Parameters:
    ///   - broken: a rule to break.
    ///   - log: called with each step, at its second.
    public static func run(
        seed: UInt64, breaking broken: BrokenRule? = nil, log: ((Double, String) -> Void)? = nil
    ) throws -> TrialResult {
        var dice = Dice(seed: seed)
        let scenario = Scenario(&dice)
        let world = try World(scenario, dice, breaking: broken, log: log)
        defer { world.clear() }
        let trial = Trial(world)
        try trial.run()
        return TrialResult(ending: trial.ending, faults: world.counts, problems: trial.problems)
    }
}

final class Trial {
    let world: World
    private(set) var ending = ""
    private(set) var hasSecond = false
    /// Whether all hosts began alike, so that all can go back.
    private var isUniform = true

    /// No command takes longer, in seconds: somebody is asked for ten minutes at most.
    static let longestCommand = 2_000.0

    init(_ world: World) { self.world = world }

    var scenario: Scenario { world.scenario }
    var problems: [String] { world.problems }
    func problem(_ text: String) { world.problem(text) }

    func run() throws {
        for host in world.hosts { try makePast(of: host) }
        switch scenario.command {
        case .push(let mode): try runPush(mode)
        case .flip: runFlip(.flip)
        case .rollback: runFlip(.rollback)
        }
        guard problems.isEmpty else { return }
        try mend()
    }

    // MARK: The past

    private func makePast(of host: SimulatedHost) throws {
        var releases = [Scenario.older, Scenario.old]
        if world.dice.chance(scenario.unlikeHost) {
            isUniform = false
            releases = world.dice.pick([[], [Scenario.old], [Scenario.old, Scenario.new]])
        }
        for release in releases {
            seal(release, on: host)
            try flip(to: release, on: host)
        }
        if scenario.command == .flip, isUniform || world.dice.chance(0.8) { seal(Scenario.new, on: host) }
        host.before = host.served
        host.durable = host.disk
    }

    private func seal(_ release: ContentDigest, on host: SimulatedHost) {
        let status = host.disk.state.status
        guard !status.numbers.contains(where: { status[$0].holds(release) }) else { return }
        let slot = status.slotToFill(with: release)
        host.disk.state.beginStaging(ReleaseName(id: release), in: slot, at: 0)
        host.disk.state.noteSealed(ReleaseName(id: release), in: slot, at: 0)
        host.content[slot - 1] = release
    }

    private func flip(to release: ContentDigest, on host: SimulatedHost) throws {
        let status = host.disk.state.status
        let request = FlipRequest(.flip, to: release, hooks: Hooks(), force: false)
        let slot = try status.slot(for: request, whole: { $0 })
        host.disk.state.note(FlipChange(to: slot, in: status), as: .flip, at: 0)
        host.disk.current = slot
    }

    // MARK: The command

    private func planSecond() {
        guard world.faults.secondController > 0 else { return }
        hasSecond = true
        let world = world
        let kind = world.dice.number(0...2)
        world.planSecondController {
            world.note("a second controller begins, kind \(kind)")
            switch kind {
            case 0: FlipCommand(.rollback, to: .usual, by: "the second controller", in: world).begin()
            case 1:
                FlipCommand(.flip, to: .id(Scenario.new), by: "the second controller", in: world).begin()
            default:
                try? PushCommand(Scenario.other, mode: .unjudged, by: "the second controller", in: world).begin()
            }
        }
    }

    /// Lets time go on until nothing happens any more.
    func wait() -> Bool {
        let begin = world.time.now
        guard world.time.run(until: begin + Self.longestCommand) else {
            problem("it does not come to an end")
            return false
        }
        return true
    }

    private func runPush(_ mode: RolloutMode) throws {
        let push = try PushCommand(Scenario.new, mode: mode, in: world)
        world.planHostFaults()
        world.planControllerFaults(push.controller) { push.interrupt() }
        planSecond()
        push.begin()
        guard wait() else { return }
        let isKilled = !push.controller.isAlive
        ending = "push \(mode): \(push.outcome.map { "\($0.ending), \($0.status)" } ?? "killed")"
        if push.outcome == nil, !isKilled { problem("the push does not end") }
        takeStock()
        guard let outcome = push.outcome else { return checkKilled() }
        if !hasSecond { check(outcome) }
    }

    private func runFlip(_ direction: FlipRequest.Direction) {
        let command = FlipCommand(direction, to: direction == .flip ? .id(Scenario.new) : .usual, in: world)
        world.planHostFaults()
        world.planControllerFaults(command.controller) { command.interrupt() }
        planSecond()
        command.begin()
        guard wait() else { return }
        let isKilled = !command.controller.isAlive
        if command.result == nil, !isKilled { problem("the \(direction) does not end") }
        let told = command.result
        let isWhole = told.map { $0.failures.isEmpty && $0.refusal == nil } ?? false
        ending =
            "\(direction): "
            + (told == nil
                ? "killed"
                : told?.refusal != nil
                    ? "refused"
                    : isWhole ? "done" : told?.uncertain.isEmpty == false ? "uncertain" : "failed")
        takeStock()
        if let told, !hasSecond, direction == .flip || command.chosen != nil {
            check(told, of: command.chosen ?? Scenario.new)
        }
    }

    // MARK: The way out

    /// A person's next command brings the fleet to one release.
    private func mend() throws {
        // What went back by itself is not gone back from a second time.
        let someNew = world.hosts.contains { $0.served == Scenario.new || $0.disk.state.returned != nil }
        let isPush = if case .push = scenario.command { true } else { false }
        if isPush, isUniform, !hasSecond, someNew, world.dice.chance(0.5) {
            let rollback = FlipCommand(.rollback, to: .usual, by: "a person", in: world)
            world.note("a person rolls back")
            rollback.begin()
            guard wait() else { return }
            if world.hosts.contains(where: { $0.served != Scenario.old }) {
                problem("a rollback leaves \(world.hosts.map { name($0.served) })")
            }
            return
        }
        world.note("a person pushes another release")
        let push = try PushCommand(Scenario.other, mode: .unjudged, by: "a person", in: world)
        push.begin()
        guard wait() else { return }
        if world.hosts.contains(where: { $0.served != Scenario.other }) {
            problem("a push leaves \(world.hosts.map { name($0.served) }): \(push.outcome?.sentences ?? [])")
        }
    }
}
