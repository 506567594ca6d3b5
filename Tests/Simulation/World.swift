// The hosts, the clock and the dice of one trial, and what goes wrong in it: faults come at some moment, most of them while
// hosts get ready, flip, confirm or go back, since that is where it matters.

import SlotSync

/// A part of a command at which faults are aimed.
enum Moment: CaseIterable {
    case preparing, flipping, confirming, takingBack, marking, watching
}

final class World {
    let scenario: Scenario
    let broken: BrokenRule?
    let time = VirtualTime()
    var dice: Dice
    var faults: FaultRates
    private(set) var hosts: [SimulatedHost] = []
    private(set) var counts: [String: Int] = [:]
    private(set) var problems: [String] = []
    private let log: ((Double, String) -> Void)?
    private var aimed: [(Moment, Double, () -> Void)] = []
    private var sessions: [SimulatedSession] = []
    private var controllers: [Controller] = []

    init(_ scenario: Scenario, _ dice: Dice, breaking broken: BrokenRule?, log: ((Double, String) -> Void)?) throws {
        (self.scenario, self.dice, self.broken, self.log) = (scenario, dice, broken, log)
        faults = scenario.faults
        let slots = self.dice.pick([2, 3, 5])
        for index in 0..<scenario.hosts {
            hosts.append(SimulatedHost(index, try Host("web\(index + 1)"), slots: slots, world: self))
        }
    }

    func note(_ text: @autoclosure () -> String) { log?(time.now, text()) }
    /// Something that must not be.
    func problem(_ text: String) {
        note("PROBLEM: \(text)")
        problems.append(text)
    }
    func count(_ fault: String) { counts[fault, default: 0] += 1 }
    func names(_ some: [Int]) -> String { some.isEmpty ? "none" : HostList.fold(some.map { hosts[$0].label }) }

    /// Bodies hold on to those whom they are about.
    func clear() {
        time.clear()
        for controller in controllers { controller.clear() }
        (aimed, sessions, hosts, controllers) = ([], [], [], [])
    }

    /// Its sessions may outlast the command that it is for.
    func keep(_ controller: Controller) { controllers.append(controller) }

    // MARK: Faults

    /// Does something once: at any moment, or shortly after some part of the command began.
    private func plan(_ fault: String, _ body: @escaping () -> Void) {
        let strike = {
            self.count(fault)
            body()
        }
        if dice.chance(0.25) { return time.after(dice.seconds(0...80), strike) }
        let moments: [Moment] = [.preparing, .flipping, .flipping, .confirming, .confirming, .takingBack, .watching]
        aimed.append((dice.pick(moments), dice.seconds(0...(dice.chance(0.5) ? 0.12 : 1.5)), strike))
    }

    /// A part of the command under test begins.
    func entered(_ moment: Moment?) {
        guard let moment else { return }
        let due = aimed.filter { $0.0 == moment }
        aimed.removeAll { $0.0 == moment }
        for (_, delay, strike) in due { time.after(delay, strike) }
    }

    func opened(_ session: SimulatedSession) {
        sessions.append(session)
        if dice.chance(faults.cut) { plan("connection cut") { if session.agent != nil { session.cut() } } }
    }

    func planHostFaults() {
        for host in hosts {
            if dice.chance(faults.powerCut) {
                let seconds = dice.seconds(5...90)
                plan("power cut") { host.cutPower(for: seconds) }
            }
            if dice.chance(faults.agentKill) {
                plan("agent killed") { for agent in host.agents { agent.die(tellsController: true) } }
            }
            if dice.chance(faults.partition) {
                let seconds = dice.seconds(1...200)
                plan("host isolated") { self.isolate(host, seconds) }
            }
            if dice.chance(faults.hang) {
                let seconds = dice.pick([0.5, 5, 20, 100])
                plan("host hangs") { self.hang(host, seconds) }
            }
        }
    }

    private func isolate(_ host: SimulatedHost, _ seconds: Double) {
        note("\(host.label): nothing reaches it for \(Int(seconds)) s")
        host.isolatedUntil = time.now + seconds
        host.hadTrouble = true
        for session in sessions where session.host === host && session.agent != nil { session.cut() }
    }

    private func hang(_ host: SimulatedHost, _ seconds: Double) {
        guard host.isUp, host.hungUntil <= time.now else { return }
        note("\(host.label): hangs for \(Int(seconds)) s")
        host.hadTrouble = true
        (host.hungSince, host.hungUntil) = (time.now, time.now + seconds)
        for session in sessions where session.host === host && session.agent != nil {
            session.link.armSilence(session)
            // Who was silent meanwhile is heard first.
            time.after(seconds + 0.01) { session.agent?.armSilence() }
        }
    }

    func planControllerFaults(_ controller: Controller, interrupting interrupt: @escaping () -> Void) {
        if dice.chance(faults.controllerKill) {
            let silently = dice.chance(0.4)
            plan("controller killed") { controller.kill(silently: silently) }
        }
        if dice.chance(faults.controllerPause) {
            let seconds = dice.pick([0.5, 5, 15, 100])
            plan("controller stopped") { controller.pause(seconds) }
        }
        if dice.chance(faults.interruption) {
            plan("interruption", interrupt)
            if dice.chance(0.5) { plan("interruption", interrupt) }
        }
    }

    func planSecondController(_ begin: @escaping () -> Void) {
        if dice.chance(faults.secondController) { plan("second controller", begin) }
    }

    /// From here on all is well.
    func endFaults() {
        faults = FaultRates()
        aimed = []
        for host in hosts { (host.hungUntil, host.isolatedUntil) = (0, 0) }
    }
}
