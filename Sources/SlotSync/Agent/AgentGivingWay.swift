// Giving way. A rollback that cannot wait asks whoever holds the ring's lock for it. The agent of the holder's session looks
// for that beside its work, and tells its controller, which ends what it does. The lock's file carries the request.

import Glibc
import Synchronization
import SystemPackage

/// Looks whether somebody asks for the lock that this session holds. Another thread than the session's calls it.
final class LockWatch: Sendable {
    private struct State {
        var lock: HeldLock?
        var isStaging = false
        var isTold = false
    }

    private let state = Mutex(State())

    func follow(_ lock: HeldLock?) { state.withLock { $0.lock = lock } }

    /// Whether the session fills a slot: an agent may end in the middle of that without a word.
    func note(isStaging: Bool) { state.withLock { $0.isStaging = isStaging } }

    /// Tells the controller, once, who asks for the lock. A stage may hash for minutes before it notices that its
    /// controller has given way: then the lock goes with the process, and the next stage goes on from there.
    func look(_ connection: AgentConnection) {
        let endsAtOnce = state.withLock { state in
            state.lock?.tellRequest { who in
                state.isTold = connection.sendWithoutWaiting(.giveWay(who))
                return state.isTold
            }
            return state.isTold && state.isStaging && connection.isControllerGone
        }
        if endsAtOnce { _exit(1) }
    }
}

extension AgentSession {
    /// Asks another session, which holds the lock, to give way.
    func askForWay() throws {
        let ring = try existingRing()
        var lock: RingLock?
        do { lock = try ring.askForWay("a rollback by \(peer)") } catch {
            lock = ring.lockOfOthers()
            if lock != nil {
                let path = quoted(ring.path + "/.slotsync/lock")
                try connection.send(
                    .warning("whoever holds the lock could not be asked to give way: cannot write \(path): \(error)"))
            }
        }
        try connection.send(lock.map { .lock($0) } ?? .unlocked(wayBack: ring.lastWayBack()))
    }
}
