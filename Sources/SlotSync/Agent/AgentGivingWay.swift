// Giving way. A rollback that cannot wait asks whoever holds the ring's lock for it. The agent of the holder's session looks
// for that beside its work, and tells its controller, which ends what it does. One whose controller says nothing then lets
// go by itself, as at the end of its input. The lock's file carries the request.

import Glibc
import Synchronization
import SystemPackage

/// How long nothing has come from a controller. A value: how much was heard, and when, goes in.
struct ControllerSilence {
    private var last: (bytes: UInt64, at: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - bytes: how many have come so far.
    ///   - now: when that was looked at.
    /// - Returns: whether none have come for `limit`, as far as was looked.
    mutating func lasts(_ limit: Duration, heard bytes: UInt64, at now: ContinuousClock.Instant) -> Bool {
        guard let last, last.bytes == bytes else {
            last = (bytes, now)
            return false
        }
        return now - last.at >= limit
    }
}

/// Looks whether somebody asks for the lock that this session holds. Another thread than the session's calls it.
final class LockWatch: Sendable {
    private struct State {
        var lock: HeldLock?
        var mayEndAtOnce = false
        var isTold = false
        var silence = ControllerSilence()
    }

    private let state = Mutex(State())
    /// How long the controller may say nothing while somebody asks for the lock.
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    func follow(_ lock: HeldLock?) { state.withLock { $0.lock = lock } }

    /// Whether the session fills a slot, or checks one: an agent may end in the middle of that without a word.
    func note(mayEndAtOnce: Bool) { state.withLock { $0.mayEndAtOnce = mayEndAtOnce } }

    private enum Step { case goOn, letGo(String), endAtOnce }

    /// Tells the controller, once, who asks for the lock. One that says nothing for too long is given up. A stage may hash
    /// for minutes before it notices that its controller has given way, or hangs: then the lock goes with the process, and
    /// the next stage goes on from there.
    func look(_ connection: AgentConnection) {
        let step = state.withLock { state -> Step in
            guard let who = state.lock?.request else {
                (state.isTold, state.silence) = (false, ControllerSilence())
                return .goOn
            }
            if !state.isTold { state.isTold = connection.sendWithoutWaiting(.giveWay(who)) }
            // Who cannot be told may be what hangs.
            var isSilent = false
            if let bytes = connection.bytesFromController {
                isSilent = state.silence.lasts(patience, heard: bytes, at: .now)
            }
            if state.mayEndAtOnce {
                return isSilent || (state.isTold && connection.isControllerGone) ? .endAtOnce : .goOn
            }
            return isSilent ? .letGo(who) : .goOn
        }
        switch step {
        case .goOn: break
        case .letGo(let who):
            connection.giveUp(
                SlotSyncError(
                    .timedOut,
                    "nothing came from the controller for \(TimeText.exact(patience)), and \(who) asks for the lock"))
        case .endAtOnce: _exit(1)
        }
    }
}

extension AgentSession {
    /// Asks another session, which holds the lock, to give way.
    func askForWay() throws {
        let ring = try existingRing()
        var lock: RingLock?
        var isAsked = true
        do { lock = try ring.askForWay("a rollback by \(peer)") } catch {
            lock = ring.lockOfOthers()
            isAsked = false
            if lock != nil {
                let path = quoted(ring.path + "/.slotsync/lock")
                try connection.send(
                    .warning("whoever holds the lock could not be asked to give way: cannot write \(path): \(error)"))
            }
        }
        try connection.send(lock.map { .lock($0, isAsked: isAsked) } ?? .unlocked(wayBack: ring.lastWayBack()))
    }
}
