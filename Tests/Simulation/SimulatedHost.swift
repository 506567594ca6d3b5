// A host: its disk, what of that outlasts a power cut, who holds the ring's lock, and its agents. The disk is a model;
// what is written to it, and when, are the steps of the product (FlipRing).

import SlotSync
import SystemPackage

final class SimulatedHost {
    struct Disk {
        var state: RingState
        /// The slot that `current` points at.
        var current: Int?
    }

    let index: Int
    let host: Host
    unowned let world: World
    /// What a process sees, and what a power cut leaves for sure. Where they differ, it may leave either.
    var disk: Disk
    var durable: Disk
    /// The whole release in each slot; nil: none is.
    var content: [ContentDigest?]
    var holder: SimulatedAgent?
    var agents: [SimulatedAgent] = []
    var isUp = true
    /// Until then nothing runs on it, or nothing reaches it.
    var hungSince = 0.0
    var hungUntil = 0.0
    var isolatedUntil = 0.0
    /// A session was lost, or something happened to the host.
    var hadTrouble = false
    /// A confirmation was sent to it.
    var wasConfirmed = false
    /// What was live when the trial began.
    var before: ContentDigest?

    init(_ index: Int, _ host: Host, slots: Int, world: World) {
        (self.index, self.host, self.world) = (index, host, world)
        disk = Disk(state: RingState(slotCount: slots), current: nil)
        durable = disk
        content = Array(repeating: nil, count: slots)
    }

    var label: String { host.label }

    /// What a web server would serve; nil: nothing.
    var served: ContentDigest? { disk.current.flatMap { content[$0 - 1] } }

    /// Whether `current` leads to nothing whole.
    var isBroken: Bool { disk.current != nil && served == nil }

    /// The power goes; what was not flushed is there or not.
    func cutPower(for seconds: Double) {
        guard isUp else { return }
        world.note("\(label): the power goes")
        hadTrouble = true
        isUp = false
        for agent in agents { agent.die(tellsController: false) }
        if world.dice.chance(0.5) { disk.state = durable.state }
        if world.dice.chance(0.5) { disk.current = durable.current }
        durable = disk
        world.time.after(seconds) {
            self.isUp = true
            self.world.note("\(self.label): is up again")
        }
    }
}

/// A ring as one agent holds it.
final class SimulatedRing: FlipRing {
    let host: SimulatedHost
    unowned let agent: SimulatedAgent
    private(set) var state: RingState

    init(_ host: SimulatedHost, _ agent: SimulatedAgent) {
        (self.host, self.agent) = (host, agent)
        state = host.disk.state
        read()
    }

    /// What is read is made durable, as a ring that is opened does.
    func read() {
        state = host.disk.state.reconciled(with: host.disk.current, at: 0)
        host.durable = host.disk
    }

    var handMade: HandMadeCurrent? { nil }
    func lack(of slot: Int) -> SlotLack? { host.content[slot - 1] == nil ? .content(at: "slots/\(slot)") : nil }
    func slotOfCurrent() -> Int? { host.disk.current }
    func switchFailure(_ what: (String) -> String, _ error: Errno) -> SlotSyncError {
        SlotSyncError(.system, "cannot \(what("current"))", errno: error)
    }

    func pointCurrent(at slot: Int?, isWayBack: Bool) throws(Errno) -> (moment: Timestamp, warnings: [String]) {
        agent.step("a rename")
        guard !agent.isDead, !hasDiskError("a rename") else { throw .ioError }
        host.disk.current = slot
        host.world.note("\(host.label): current -> \(slot.map(String.init) ?? "nothing")")
        agent.step("a rename that is not durable yet")
        guard !agent.isDead else { throw .ioError }
        host.durable.current = slot
        agent.step("after a rename")
        guard !agent.isDead else { throw .ioError }
        return (Timestamp(seconds: Int64(host.world.time.now), nanoseconds: 0), [])
    }

    func update(_ change: (inout RingState) -> Void) throws {
        var changed = state
        change(&changed)
        try write(changed)
        state = changed
    }

    func note(_ change: (inout RingState) -> Void) -> String? {
        change(&state)
        do {
            try write(state)
            return nil
        } catch { return "the state could not be written" }
    }

    /// Whether a state is written without waiting for the disk.
    var isHasty = false

    private func write(_ changed: RingState) throws(Errno) {
        agent.step("writing the state")
        guard !agent.isDead else { throw .ioError }
        if hasDiskError("writing the state") {
            // Where only its directory could not be synchronized, it is the new one.
            if host.world.dice.chance(0.3) { host.disk.state = changed }
            throw .noSpace
        }
        host.disk.state = changed
        if isHasty { return }
        agent.step("a state that is not durable yet")
        guard !agent.isDead else { throw .ioError }
        host.durable.state = changed
        agent.step("after writing the state")
        if agent.isDead { throw .ioError }
    }

    private func hasDiskError(_ what: String) -> Bool {
        guard host.world.dice.chance(host.world.faults.diskError) else { return false }
        host.hadTrouble = true
        host.world.count("disk error")
        host.world.note("\(host.label): \(what) fails")
        return true
    }
}
