// The process that a command runs in: it may be killed, or stopped for a while, with all of its sessions.

final class Controller {
    let name: String
    let world: World
    private(set) var links: [HostLink] = []
    private(set) var isAlive = true
    private var pausedUntil = 0.0
    private var missed: [() -> Void] = []

    init(_ name: String, in world: World) {
        (self.name, self.world) = (name, world)
        links = world.hosts.map { HostLink($0, self) }
        world.keep(self)
    }

    /// Does something as soon as the process runs; never if it was killed.
    func awake(_ body: @escaping () -> Void) {
        guard isAlive else { return }
        if pausedUntil > world.time.now { missed.append(body) } else { body() }
    }

    func after(_ seconds: Double, _ body: @escaping () -> Void) {
        world.time.after(seconds) { self.awake(body) }
    }

    /// SIGKILL, or its machine loses its power: then no agent hears of it.
    func kill(silently: Bool) {
        guard isAlive else { return }
        world.note("\(name) is killed\(silently ? ", without a word" : "")")
        isAlive = false
        for link in links { link.abandon(silently: silently) }
    }

    func pause(_ seconds: Double) {
        guard isAlive, pausedUntil <= world.time.now else { return }
        world.note("\(name) is stopped for \(Int(seconds)) s")
        pausedUntil = world.time.now + seconds
        for link in links { link.session?.beSilent() }
        world.time.after(seconds) {
            guard self.isAlive else { return }
            for link in self.links { link.session?.hearAgain() }
            let missed = self.missed
            self.missed = []
            for body in missed { body() }
        }
    }

    func clear() {
        for link in links { link.clear() }
        (links, missed) = ([], [])
    }

    func close(isOrderly: Bool) { for link in links { link.shut(isOrderly: isOrderly) } }
}
