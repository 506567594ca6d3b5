// What all hosts of a fleet's sessions have to tell whoever watches the operation under way: how logins go, that another
// command asks for a lock, and which hosts are one ring. FleetConnection has one for all of its hosts.

/// Who watches the operation under way over a fleet's sessions.
@FleetActor
final class OperationTeller {
    var tell: (@Sendable (FleetEvent) -> Void)?
    /// Called where another command asks for the lock of a root; which one it was is kept.
    var onGiveWay: (@Sendable (String) -> Void)?
    var preemptor: String? {
        didSet { preempted.wake() }
    }
    private let preempted = Wakeup()
    /// Which host had a ring first.
    private var owners: [ContentDigest: Host] = [:]

    nonisolated init() {}

    /// Waits until another command asks for a lock.
    ///
    /// - Throws: `CancellationError`.
    func whenPreempted() async throws {
        while preemptor == nil { try await preempted.wait() }
    }

    /// Notes whose a ring is.
    ///
    /// - Returns: the host that has the same one; nil: none.
    func note(_ ring: ContentDigest, of host: Host) -> Host? {
        let owner = owners[ring] ?? host
        owners[ring] = owner
        return owner == host ? nil : owner
    }
}
