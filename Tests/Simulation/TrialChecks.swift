// What must hold when a command has ended and all is quiet: whole releases, nothing left that only a person could mend, and
// that what the command told of each host is true.

import Canary
import SlotSync

extension Trial {
    /// All is quiet. Looks at the disks, and then asks every host for its status, which takes back what was left.
    func takeStock() {
        for host in world.hosts {
            if !host.agents.isEmpty || host.holder != nil { problem("\(host.label): an agent is left") }
            if host.isBroken { problem("\(host.label): current leads to no whole release") }
        }
        world.endFaults()
        status()
        for host in world.hosts {
            if host.isBroken { problem("\(host.label): current leads to no whole release after a status") }
            if host.disk.state.status.provisional != nil {
                problem("\(host.label): a flip is provisional after a status")
            }
            let known = host.disk.state.reconciled(with: host.disk.current, at: 0).status.live
            if known != host.disk.current { problem("\(host.label): the state does not know what is live") }
        }
    }

    private func status() {
        let person = Controller("a person", in: world)
        for link in person.links {
            link.ask(closing: true, { link.open($0) }) { result in
                if case .failure(let error) = result { self.problem("\(link.host.label): no status: \(error)") }
            }
        }
        _ = wait()
    }

    func checkKilled() {
        guard !hasSecond else { return }
        for host in world.hosts where host.served != host.before {
            if host.served != Scenario.new || !host.wasConfirmed {
                problem("\(host.label): is on \(name(host.served)), which was not confirmed there")
            }
        }
    }

    func name(_ release: ContentDigest?) -> String { release.map { "release \($0.low)" } ?? "nothing" }

    func check(_ outcome: RolloutOutcome) {
        for (host, told) in zip(world.hosts, outcome.hosts) {
            let isNew = host.served == Scenario.new
            switch told.standing {
            case .live, .alreadyLive:
                if !isNew { problem("\(host.label): is told \(told.standing), and has \(name(host.served))") }
            case .notFlipped, .takenBack, .takesItselfBack:
                if host.served != host.before {
                    problem("\(host.label): is told \(told.standing), and has \(name(host.served))")
                }
            case .unknown:
                if !host.hadTrouble, outcome.ending != .abandoned {
                    problem("\(host.label): is told \(told.standing), and was never lost")
                }
                if !isNew, host.served != host.before { problem("\(host.label): has \(name(host.served))") }
            case .provisional: problem("\(host.label): is told provisional")
            }
            if told.standing == .takesItselfBack, !host.hadTrouble, outcome.ending != .abandoned {
                problem("\(host.label): is told \(told.standing), and was never lost")
            }
        }
        for (host, told) in zip(world.hosts, outcome.hosts) where [.live, .watchCutShort].contains(outcome.ending) {
            if told.failure == nil, [.notFlipped, .takenBack].contains(told.standing) {
                problem("\(host.label): is not on the release as the others are, and is not named")
            }
        }
        let new = world.hosts.filter { $0.served == Scenario.new && $0.before != Scenario.new }
        switch outcome.status {
        case .failed, .rolledBack:
            if !new.isEmpty { problem("exit \(outcome.status), and \(new.map(\.label)) are new") }
        case .done:
            let meant = scenario.command == .push(.canaryOnly) ? new.count : world.hosts.count
            let all = world.hosts.count { $0.served == Scenario.new }
            if all < meant || all == 0 { problem("exit done, and \(all) hosts are on the release") }
        case .partlyDone: break
        }
    }

    func check(_ told: FlipCommand.Told, of release: ContentDigest) {
        for host in world.hosts {
            let isThere = host.served == told.releases[host.index] ?? release
            if told.flipped.contains(host.index) {
                if !isThere { problem("\(host.label): is told flipped, and has \(name(host.served))") }
            } else if told.uncertain.contains(host.index) {
                if !host.hadTrouble { problem("\(host.label): is uncertain, and was never lost") }
            } else if host.served != host.before {
                problem("\(host.label): is told not flipped, and has \(name(host.served))")
            }
        }
        for host in world.hosts where told.refusal == nil {
            let isNamed = told.failures[host.index] != nil
            if told.isGivenUp, told.flipped.contains(host.index), !isNamed {
                problem("\(host.label): is left flipped by a flip that was given up, and not named")
            }
            if !told.isGivenUp, !told.flipped.contains(host.index), !isNamed {
                problem("\(host.label): is neither flipped nor named")
            }
        }
        if told.refusal != nil, world.hosts.contains(where: { $0.served != $0.before }) {
            problem("refused, and yet something was done")
        }
    }
}
