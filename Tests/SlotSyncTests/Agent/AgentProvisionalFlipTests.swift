// A provisional flip on a host: what confirms it, what takes it back, and what a later agent makes of one that was left.

import Dispatch
import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A provisional flip on a host")
struct AgentProvisionalFlipTests {
    private static let long = Duration.seconds(600)

    @Test(
        "an end of the session before the flip is confirmed takes it back, and all is as it was",
        arguments: [true, false])
    func unconfirmed(finishes: Bool) async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        let status = try await withAgent(root: scene.root) { agent in
            try agent.flip(
                scene.flip(to: scene.ready, undo: "touch $SLOTSYNC_ROOT/../undone", provisionalLimit: Self.long))
            #expect(try scene.current() == "slots/2")
            let during = try scene.state()
            #expect(during.status.live == 2 && during.status[1].state == .retired)
            let since = during.status.provisional?.since ?? 0
            #expect(
                during.status.provisional == ProvisionalFlip(slot: 2, from: 1, since: since, limit: Self.long))
            if finishes { try agent.send(.finish) } else { agent.hangUp() }
            try agent.expectFailure(.unreachable)
        }
        #expect(status == 1)
        #expect(try scene.current() == "slots/1")
        #expect(scene.exists("undone"))
        let after = try scene.state()
        #expect(after.status.slots == before.status.slots && after.wayBack == nil)
        #expect(after.history.map(\.kind) == [.flip, .undo])
        #expect(after.history.last?.reason.contains("before it confirmed") == true)
    }

    @Test("a confirmed flip stays when the session ends, however it ends")
    func confirmed() async throws {
        let scene = try FlipScene()
        let status = try await withAgent(root: scene.root) { agent in
            try agent.flip(
                scene.flip(to: scene.ready, undo: "touch $SLOTSYNC_ROOT/../undone", provisionalLimit: Self.long))
            try agent.send(.keepAlive, .confirm, .keepAlive)
            #expect(try agent.receive() == .confirmed)
            #expect(try scene.state().wayBack == nil)
        }
        #expect(status == 0)
        #expect(try scene.current() == "slots/2")
        #expect(!scene.exists("undone"))
        #expect(try scene.state().history.map(\.kind) == [.flip])
    }

    @Test(
        "what was confirmed, and what is still provisional, can be taken back in the session", arguments: [true, false])
    func undo(confirms: Bool) async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, undo: "echo no; exit 1", provisionalLimit: Self.long))
            if confirms {
                try agent.send(.confirm)
                #expect(try agent.receive() == .confirmed)
            }
            try agent.send(.undo)
            #expect(try agent.warning().contains("after_rollback"))
            #expect(try agent.outcome().changed)
            #expect(try scene.current() == "slots/1")
            #expect(try scene.state().status.slots == before.status.slots)
            try agent.send(.commit)
            try agent.expectFailure(.protocolViolation)
        }
        #expect(try scene.state().wayBack == nil)
        #expect(try scene.state().history.map(\.reason) == ["", ""])
    }

    @Test("a flip that changes nothing can be confirmed, one that is not made cannot")
    func confirmOutOfTurn() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.live, provisionalLimit: Self.long))
            try agent.send(.confirm)
            #expect(try agent.receive() == .confirmed)
        }
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, provisionalLimit: Self.long), .confirm)
            _ = try agent.outcome()
            try agent.expectFailure(.protocolViolation)
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("a controller that is silent is given up, also in the middle of a request", arguments: [true, false])
    func silence(cutsOff: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            let start = ContinuousClock.now
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(1)))
            if cutsOff { try agent.sendBeginning(of: .confirm) }
            try agent.expectFailure(.timedOut)
            #expect(ContinuousClock.now - start > .milliseconds(900))
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("a controller that says nothing but that it is there is not silent")
    func keptAlive() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(6)))
            for _ in 0..<35 {
                usleep(200_000)
                try agent.send(.keepAlive)
            }
            try agent.send(.confirm)
            #expect(try agent.receive() == .confirmed)
        }
        #expect(try scene.current() == "slots/2")
    }

    @Test("a hook may take longer than the limit, as long as the controller is heard of meanwhile")
    func ownWork() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "sleep 8", provisionalLimit: .seconds(5)), .commit)
            let stop = DispatchSemaphore(value: 0)
            let heartbeats = DispatchGroup()
            DispatchQueue.global().async(group: heartbeats) {
                while stop.wait(timeout: .now() + .milliseconds(100)) == .timedOut { try? agent.send(.keepAlive) }
            }
            defer { heartbeats.wait() }
            defer { stop.signal() }
            _ = try (agent.outcome(), agent.outcome())
            try agent.send(.confirm)
            #expect(try agent.receive() == .confirmed)
        }
        #expect(try scene.current() == "slots/2")
    }

    @Test("a controller that takes nothing more holds up nobody: the host goes back first")
    func stuckController() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(6)))
            // More answers than a pipe holds, none of them taken.
            for _ in 0..<4000 { try agent.send(.status) }
            let start = ContinuousClock.now
            while try scene.current() != "slots/1", ContinuousClock.now - start < .seconds(120) { usleep(20_000) }
            #expect(try scene.current() == "slots/1")
        }
        #expect(try scene.state().wayBack == nil)
    }

    @Test(
        "an after_flip hook that does not end is ended when the controller is gone, with what it started",
        .timeLimit(.minutes(10)), arguments: [Request.keepAlive, .sample(1)])
    func hangingHook(beforeTheEnd last: Request) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            let hook = "sleep 100000 & echo $! > $SLOTSYNC_ROOT/../child; wait; true"
            try agent.send(scene.flip(to: scene.ready, after: hook, provisionalLimit: Self.long), .commit, last)
            _ = try agent.outcome()
            while !scene.exists("child") { usleep(10_000) }
            #expect(try scene.current() == "slots/2")
            agent.hangUp()
            try agent.expectFailure(.unreachable)
        }
        #expect(try scene.current() == "slots/1")
        let text = String(decoding: try scene.folder.read("child"), as: UTF8.self).split(separator: "\n").joined()
        let child = try #require(pid_t(text))
        let limit = ContinuousClock.now + .seconds(60)
        while isRunning(child), ContinuousClock.now < limit { usleep(10_000) }
        #expect(!isRunning(child))
    }

    @Test("a controller that falls silent while a hook runs is gone: the hook is ended, and the host goes back")
    func silentDuringHook() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.ready, after: "sleep 100000", provisionalLimit: .seconds(1)), .commit, .sample(1))
            _ = try agent.outcome()
            try agent.expectFailure(.timedOut)
        }
        #expect(try scene.current() == "slots/1")
    }

    /// Whether a process lives; one that nobody has waited for yet does not.
    private func isRunning(_ process: pid_t) -> Bool {
        guard let text = try? contents(of: FilePath("/proc/\(process)/stat"), atMost: 4096, what: "process") else {
            return false
        }
        return !String(decoding: text, as: UTF8.self).contains(") Z ")
    }

    @Test("requests that were sent before the controller ended are still answered")
    func pipelined() async throws {
        let scene = try FlipScene()
        let status = try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.ready, after: "sleep 0.3", provisionalLimit: Self.long), .commit, .confirm, .finish
            )
            agent.hangUp()
            _ = try (agent.outcome(), agent.outcome())
            #expect(try agent.receive() == .confirmed)
        }
        #expect(status == 0)
        #expect(try scene.current() == "slots/2")
    }

    @Test("an after_flip hook that fails takes the flip back at once")
    func failingHook() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "exit 1", provisionalLimit: Self.long), .commit)
            _ = try agent.outcome()
            try agent.expectFailure(.hookFailed)
        }
        #expect(try scene.state().status.slots == before.status.slots)
        #expect(try scene.state().wayBack == nil)
    }

    @Test("no stage begins while the session's flip can still be taken back: it might fill the slot to go back to")
    func stageAfterFlip() async throws {
        let scene = try FlipScene()
        let request = StageRequest(
            release: ReleaseName(id: scene.live), slots: nil, base: nil, manifestLength: 0, checksum: false,
            ownership: false, sharedPaths: [], dryRun: false)
        for limit in [nil, Self.long] {
            try await withAgent(root: scene.root) { agent in
                try agent.flip(scene.flip(to: scene.ready, provisionalLimit: limit))
                try agent.send(.stage(request))
                try agent.expectFailure(.protocolViolation)
            }
            #expect(try scene.current() == (limit == nil ? "slots/2" : "slots/1"))
            if limit == nil {
                try await withAgent(root: scene.root) { agent in try agent.flip(scene.flip(to: scene.live)) }
            }
        }
    }

    @Test("anything that fails in the session takes the flip back")
    func failingSession() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            try agent.send(.framesEnd)
            try agent.expectFailure(.protocolViolation)
        }
        #expect(try scene.current() == "slots/1")
    }

    /// Puts folders where a new state would be written.
    private func blockState(_ scene: FlipScene) throws {
        let metadata = try Directory(path: scene.root.appending(".slotsync"))
        try? metadata.remove("state.next")
        for name in ["state.next", "state.tmp"] { try metadata.makeDirectory(name) }
    }

    @Test("a flip that cannot be noted is not made")
    func unwritable() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            _ = try agent.outcome()
            try blockState(scene)
            try agent.send(.commit)
            guard case .failure? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().wayBack == nil)
    }

    @Test("the first release of all goes live provisionally, and nothing is live again")
    func firstRelease() async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        _ = try ring.pointCurrent(at: nil)
        try ring.update { $0.status[1].state = .retired }
        ring.unlock()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(
                scene.flip(to: scene.ready, undo: "touch $SLOTSYNC_ROOT/../undone", provisionalLimit: Self.long))
        }
        #expect(throws: (any Error).self) { try scene.current() }
        #expect(try scene.state().status.live == nil && scene.state().status[2].state == .ready)
        #expect(!scene.exists("undone"))
    }

    // MARK: Recovery

    /// Leaves the scene as a crash does after so many steps of a flip that was then being taken back.
    private func leave(_ scene: FlipScene, after steps: Int) throws {
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        let change = FlipChange(to: 2, in: ring.status)
        let hook = "echo $SLOTSYNC_SLOT >> $SLOTSYNC_ROOT/../undone"
        if steps > 0 {
            try ring.update { $0.noteProvisional(change, since: 7, limit: Self.long, undoHook: hook) }
        }
        if steps > 1 { _ = try ring.pointCurrent(at: 2) }
        if steps > 2 { try ring.update { $0.note(change, as: .flip, at: 9) } }
        if steps > 3 { _ = try ring.pointCurrent(at: 1) }
        ring.unlock()
    }

    @Test("what a dead agent left is brought to its end by the next one, whatever it does", arguments: 1...4)
    func recovered(steps: Int) async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try leave(scene, after: steps)
        try await withAgent(root: scene.root) { agent in
            let ring = try agent.greet()
            #expect(ring?.live == 1 && ring?.provisional == nil && ring?.slots == before.status.slots)
            let warning = try agent.warning()
            #expect(warning.contains("\(scene.ready)") && warning.contains("1970-01-01"), "\(warning)")
            #expect(warning.contains(steps == 1 ? "nothing had to be taken back" : "flipped back"), "\(warning)")
            #expect(try scene.current() == "slots/1")
            let other = try #require(try Ring.open(scene.root.string))
            try other.acquireLock(for: "another command")
        }
        let after = try scene.state()
        #expect(after.status.slots == before.status.slots && after.wayBack == nil)
        #expect(after.history.map(\.kind) == [[], [.undo], [.flip, .undo], [.flip, .undo]][steps - 1])
        #expect(scene.exists("undone") == (steps > 1))
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(.status)
            let reply = try agent.receive()
            #expect(reply == .status(before.status), "\(String(describing: reply))")
        }
    }

    @Test("the greeting waits for no hook, and says what the host went back from; a rollback then has done its work")
    func greetedFirst() async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        let change = FlipChange(to: 2, in: ring.status)
        let hook = "while [ ! -e $SLOTSYNC_ROOT/../go ]; do sleep 0.01; done; touch $SLOTSYNC_ROOT/../undone"
        try ring.update { $0.noteProvisional(change, since: 7, limit: Self.long, undoHook: hook) }
        _ = try ring.pointCurrent(at: 2)
        try ring.update { $0.note(change, as: .flip, at: 9, owing: .afterFlip) }
        ring.unlock()
        try await withAgent(root: scene.root) { agent in
            let ring = try agent.greet()
            #expect(try scene.current() == "slots/1" && !scene.exists("undone"))
            #expect(ring?.live == 1 && ring?.provisional == nil && ring?.wentBack?.id == scene.ready)
            // Until the hook has run the flip is noted, so that whoever comes after a crash runs it.
            #expect(try scene.state().wayBack != nil)
            try scene.folder.write([1], to: "go")
            #expect(try agent.warning().contains("flipped back"))
            #expect(try scene.exists("undone") && scene.state().wayBack == nil)
            let back = FlipRequest(
                direction: .rollback, release: scene.live, beforeHook: "", afterHook: "", undoHook: "")
            try agent.send(.prepare(back), .commit)
            for _ in 1...2 {
                let outcome = try agent.outcome()
                #expect(outcome.changed && outcome.slot == 1 && outcome.previous?.id == scene.ready)
            }
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("what was owed before a flip is owed again when it was taken back", arguments: [nil, long], [true, false])
    func owedBefore(limit: Duration?, isHookAsked: Bool) async throws {
        let scene = try FlipScene()
        let debt = OwedHook(.afterFlip, release: scene.live, since: 3)
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        try ring.update { $0.status.owedHook = debt }
        ring.unlock()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.ready, after: isHookAsked ? "exit 1" : "", provisionalLimit: limit), .commit)
            _ = try agent.outcome()
            if isHookAsked { return try agent.expectFailure(.hookFailed) }
            _ = try agent.outcome()
            try agent.send(.undo)
            _ = try agent.outcome()
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.owedHook == debt)
    }

    @Test("what somebody else pointed `current` at meanwhile is left alone")
    func handMade() async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try leave(scene, after: 3)
        try ring.acquireLock(for: "a test")
        try ring.update { $0.status[3] = SlotStatus(state: .retired, release: ReleaseName(id: .empty)) }
        _ = try ring.pointCurrent(at: 3)
        ring.unlock()
        try await withAgent(root: scene.root) { agent in
            #expect(try agent.greet()?.live == 3)
            #expect(try agent.warning().contains("nothing had to be taken back"))
            try agent.send(.finish)
        }
        #expect(try scene.current() == "slots/3")
        #expect(!scene.exists("undone"))
    }

    @Test(
        "a flip whose agent lives is shown, and left alone; a command that comes when it has died takes it back first")
    func alive() async throws {
        let scene = try FlipScene()
        try leave(scene, after: 3)
        let lock = try FileDescriptor.open(
            scene.root.appending(".slotsync/lock"), .readWrite, options: .closeOnExec)
        defer { try? lock.close() }
        #expect(flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0)
        try await withAgent(root: scene.root) { agent in
            let ring = try agent.greet()
            #expect(ring?.live == 2)
            #expect(ring?.provisional == ProvisionalFlip(slot: 2, from: 1, since: 7, limit: Self.long))
            #expect(flock(lock.rawValue, LOCK_UN) == 0)
            try agent.send(scene.flip(to: scene.ready), .commit)
            #expect(try agent.warning().contains("flipped back"))
            #expect(try agent.outcome().previousSlot == 1)
            _ = try agent.outcome()
        }
        #expect(try scene.current() == "slots/2")
        #expect(try scene.state().history.map(\.kind) == [.flip, .undo, .flip])
    }

    @Test("a hook that nobody waits for is given a limit, and then ended", .timeLimit(.minutes(10)))
    func unattendedHook() async throws {
        let scene = try FlipScene()
        let (read, write) = try FileDescriptor.closeOnExecPipe()
        defer { for end in [read, write] { try? end.close() } }
        let ring = try #require(try Ring.open(scene.root.string))
        func said(_ hook: String, limit: Duration) async -> String? {
            let session = AgentSession(
                root: scene.root.string, connection: AgentConnection(input: read, output: write),
                unattendedHookLimit: limit)
            return await session.runUndoHook(hook, FlipChange(to: 2, in: ring.status), in: ring) { false }
        }
        #expect(await said("sleep 100000", limit: .milliseconds(200))?.contains("too long") == true)
        #expect(await said("true", limit: .seconds(60)) == nil)
    }

    @Test("a host goes back though its state cannot be written, says so, and can be looked at")
    func unwritableState() async throws {
        let scene = try FlipScene()
        try leave(scene, after: 3)
        try blockState(scene)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            let said = try agent.warning()
            #expect(said.contains("flipped back") && said.contains("could not be written"), "\(said)")
            try agent.send(.status)
            let reply = try agent.receive()
            guard case .status(let ring)? = reply else {
                throw SlotSyncError(.system, "no status: \(String(describing: reply))")
            }
            #expect(ring.live == 1 && ring.provisional == nil)
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("the end of a session takes a flip back though its state cannot be written")
    func unwritableAtEnd() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            try blockState(scene)
            agent.hangUp()
            try agent.expectFailure(.unreachable)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.live == 1)
    }

    @Test(
        "what somebody put in the place of current meanwhile stays, and the release before is what the ring holds for live",
        arguments: [true, false])
    func foreignCurrent(isLink: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            let root = try Directory(path: scene.root)
            try root.remove("current")
            if isLink {
                try root.makeSymbolicLink("current", to: "maintenance")
            } else {
                try root.makeDirectory("current")
            }
            agent.hangUp()
            try agent.expectFailure(.unreachable)
        }
        let ring = try #require(try Ring.open(scene.root.string))
        #expect(ring.status.live == 1 && ring.state.wayBack == nil)
        #expect(ring.handMade?.text.contains("ln -sfn slots/1 ") == true, "\(String(describing: ring.handMade))")
        #expect(ring.handMade?.isForeign == true)
    }

    @Test(
        "a flip is taken back to a slot that was edited meanwhile, and what differs is told", arguments: [true, false])
    func editedMeanwhile(confirms: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            if confirms {
                try agent.send(.confirm)
                #expect(try agent.receive() == .confirmed)
            }
            try Directory(path: scene.root.appending("slots")).removeTree("1")
            try Directory(path: scene.root.appending("slots")).makeDirectory("1", mode: 0o755)
            // With nothing at all in it, it would stay where it is.
            try Directory(path: scene.root.appending("slots/1")).makeDirectory("left", mode: 0o755)
            try agent.send(.undo)
            let said = try agent.warning()
            #expect(said.contains("slot 1 is not as it was sealed (missing: "), "\(said)")
            #expect(try agent.outcome().changed)
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("where current was taken away meanwhile, the way back is the release before")
    func currentIsGone() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: Self.long))
            try Directory(path: scene.root).remove("current")
            agent.hangUp()
            try agent.expectFailure(.unreachable)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.live == 1)
    }
}
