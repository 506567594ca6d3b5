// A flip on a host, request by request: what is live afterwards, and what is not done.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A flip on a host")
struct AgentFlipTests {
    @Test("prepare changes nothing, commit renames, undo takes it back")
    func phases() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            let prepared = try agent.outcome()
            #expect(prepared.slot == 2 && prepared.previousSlot == 1 && prepared.changed && prepared.renamedAt == 0)
            #expect(try scene.current() == "slots/1")
            #expect(try scene.state() == before)
            try agent.send(.commit)
            #expect(try agent.outcome().renamedAt > 0)
            #expect(try scene.current() == "slots/2")
            #expect(try scene.state().status[2].previous == 1)
            try agent.send(.undo)
            #expect(try agent.outcome().changed)
            #expect(try scene.current() == "slots/1")
        }
        let after = try scene.state()
        #expect(after.status.slots == before.status.slots)
        #expect(after.history.map(\.kind) == [.flip, .undo])
    }

    @Test("a release that is live already is a success that does nothing")
    func live() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.live, before: "exit 1", after: "exit 1"), .runBeforeHook, .commit, .undo)
            #expect(try !agent.outcome().changed)
            #expect(try agent.receive() == .hookDone)
            #expect(try !agent.outcome().changed)
            #expect(try !agent.outcome().changed)
        }
        #expect(try scene.state() == before)
    }

    @Test("a release that is nowhere is not flipped to")
    func nowhere() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: ContentDigest(high: 3, low: 3)))
            try agent.expectFailure(.notReady)
        }
        #expect(try scene.current() == "slots/1")
    }

    /// What happens to a slot behind SlotSync's back.
    enum Edit: CaseIterable {
        case addition, addedFolder, mode, content, sameSize, missing, record

        var isOfContent: Bool { ![.addition, .addedFolder, .mode].contains(self) }

        func make(in slot: Int, of scene: FlipScene) throws {
            let tree = try Directory(path: scene.root.appending("slots/\(slot)"))
            let file = try #require(
                try tree.names().first { try tree.status(of: $0).kind == .file && tree.status(of: $0).size > 0 })
            let bytes = try scene.folder.read("root/slots/\(slot)/\(file)")
            switch self {
            case .addition: try scene.folder.write([1], to: "root/slots/\(slot)/added")
            case .addedFolder:
                try tree.makeDirectory("added", mode: 0o000)
            case .mode: try tree.setMode(of: file, to: 0o640)
            case .content: try scene.folder.write(bytes + [1], to: "root/slots/\(slot)/\(file)")
            case .sameSize: try scene.folder.write(bytes.map { ~$0 }, to: "root/slots/\(slot)/\(file)")
            case .missing: try tree.remove(file)
            case .record: try scene.folder.write([1], to: "root/.slotsync/slots/\(slot)")
            }
        }
    }

    @Test(
        "what was added to a slot is told of in a flip, changed content refuses it unless it is forced",
        arguments: Edit.allCases)
    func edited(_ edit: Edit) async throws {
        let scene = try FlipScene()
        try edit.make(in: 2, of: scene)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready), .commit)
            if edit.isOfContent {
                try agent.expectFailure(.notReady)
            } else {
                #expect(try agent.warning().contains("slot 2 is not as it was sealed"))
                #expect(try agent.outcome().changed)
                _ = try agent.outcome()
            }
        }
        #expect(try scene.current() == (edit.isOfContent ? "slots/1" : "slots/2"))
        guard edit.isOfContent else { return }
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, force: true), .commit)
            #expect(try agent.warning().contains("slot 2"))
            _ = try (agent.outcome(), agent.outcome())
        }
        #expect(try scene.current() == "slots/2")
    }

    @Test("no edit keeps a host from going back: it is told", arguments: Edit.allCases)
    func editedBefore(_ edit: Edit) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in try agent.flip(scene.flip(to: scene.ready)) }
        try edit.make(in: 1, of: scene)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(Self.back, .commit)
            let said = try agent.warning()
            #expect(said.contains("slot 1") && said.contains("flip --force") == edit.isOfContent, "\(said)")
            #expect(try agent.outcome().changed)
            _ = try agent.outcome()
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("a slot whose folder is gone is no way back: nothing would be live")
    func slotIsGone() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in try agent.flip(scene.flip(to: scene.ready)) }
        try Directory(path: scene.root.appending("slots")).removeTree("1")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(Self.back)
            try agent.expectFailure(.notReady)
        }
        #expect(try scene.current() == "slots/2")
    }

    private static let back = Request.prepare(
        FlipRequest(direction: .rollback, release: nil, beforeHook: "", afterHook: "", undoHook: ""))

    @Test("while one session has prepared a flip, another gets nothing done")
    func locked() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try agent.outcome()
            let other = try #require(try Ring.open(scene.root.string))
            #expect(errorCode { try other.acquireLock(for: "a test") } == .locked)
        }
        try Ring.open(scene.root.string)?.acquireLock(for: "a test")
    }

    @Test("a before_flip hook that fails leaves everything as it was")
    func beforeHook() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, before: "echo not now; exit 3"), .runBeforeHook)
            _ = try agent.outcome()
            guard case .failure(let error)? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
            #expect(error.code == .hookFailed && error.message.contains("not now"))
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("an after_flip hook that fails flips the host back, and a failing after_rollback hook only warns")
    func afterHook() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "exit 1", undo: "echo $SLOTSYNC_SLOT; exit 1"), .commit)
            _ = try agent.outcome()
            guard case .warning(let text)? = try agent.receive() else { throw SlotSyncError(.system, "no warning") }
            #expect(text.contains("after_rollback") && text.contains("\"1\""))
            try agent.expectFailure(.hookFailed)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.slots == before.status.slots)
    }

    /// Puts folders where a new state would be written.
    private func blockState(_ scene: FlipScene) throws {
        let metadata = try Directory(path: scene.root.appending(".slotsync"))
        try metadata.remove("state.next")
        for name in ["state.next", "state.tmp"] { try metadata.makeDirectory(name) }
    }

    @Test("a flip whose state cannot be written stays, with a warning, and the next command puts the state right")
    func stateFails() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try agent.outcome()
            try blockState(scene)
            try agent.send(.commit)
            #expect(try agent.warning().contains("could not be written"))
            #expect(try agent.outcome().renamedAt > 0)
        }
        #expect(try scene.current() == "slots/2")
        let state = try scene.state()
        #expect(state.status.live == 2 && state.status.previous == 1)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(Self.back, .commit)
            _ = try agent.outcome()
            #expect(try agent.warning().contains("could not be written"))
            _ = try agent.outcome()
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("an undo whose state cannot be written leaves the release before live")
    func stateFailsAtUndo() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready))
            try blockState(scene)
            try agent.send(.undo)
            #expect(try agent.warning().contains("could not be written"))
            #expect(try agent.outcome().changed)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.live == 1)
    }

    @Test("a hook that was killed or failed is owed until a flip to its release has run it")
    func owedHook() async throws {
        let scene = try FlipScene()
        let note = "echo x >> $SLOTSYNC_ROOT/../ran"
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                .prepare(
                    FlipRequest(
                        direction: .rollback, release: scene.ready, beforeHook: "", afterHook: "exit 1", undoHook: "")),
                .commit)
            _ = try agent.outcome()
            #expect(try agent.warning().contains("flip \(scene.ready)"))
            _ = try agent.outcome()
        }
        #expect(try scene.state().status.owedHook?.kind == .afterRollback)
        try await withAgent(root: scene.root) { agent in
            #expect(try agent.greet()?.owedHook?.release == scene.ready)
            try agent.send(.status)
            #expect(try agent.warning().contains("after_rollback"))
            _ = try agent.receive()
            try agent.send(scene.flip(to: scene.ready), .commit)
            _ = try agent.outcome()
            #expect(try agent.warning().contains("has none to run"))
            let outcome = try agent.outcome()
            #expect(!outcome.hasRunHook && outcome.owesHook)
        }
        // The hook of the way that was taken.
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "exit 1", undo: note), .commit)
            _ = try agent.outcome()
            #expect(try agent.warning().contains("has run now"))
            let outcome = try agent.outcome()
            #expect(outcome.hasRunHook && !outcome.changed)
        }
        #expect(try scene.exists("ran") && scene.state().status.owedHook == nil)
    }

    @Test("a flip that puts a hand-made current right says of no release that it was live before itself")
    func repaired() async throws {
        let scene = try FlipScene()
        let root = try Directory(path: scene.root)
        try root.remove("current")
        try root.makeSymbolicLink("current", to: "/elsewhere")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.live, force: true), .commit)
            _ = try agent.warning()
            let prepared = try agent.outcome()
            _ = try agent.warning()
            let flipped = try agent.outcome()
            for outcome in [prepared, flipped] {
                #expect(outcome.changed && outcome.release.id == scene.live && outcome.previous == nil, "\(outcome)")
            }
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("an agent that is killed in its after_flip hook leaves it owed")
    func hookKilled() async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        // As `commit` leaves it between the rename and the end of the hook, the state unwritten or written.
        #expect(
            ring.note { $0.status.owedHook = OwedHook(.afterFlip, release: scene.ready, since: 1) } == nil)
        _ = try ring.pointCurrent(at: 2)
        ring.unlock()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "touch $SLOTSYNC_ROOT/../ran"), .commit)
            _ = try agent.outcome()
            _ = try agent.warning()
            #expect(try agent.outcome().hasRunHook)
        }
        #expect(scene.exists("ran"))
    }

    /// A hook that does not end, whatever it is asked, and whose child tells who it is.
    private static let endless = "trap '' TERM; sleep 100000 & echo $! > $SLOTSYNC_ROOT/../child; wait; wait"

    /// Sends what begins a hook that does not end, and leaves the agent when it runs.
    private func leave(_ scene: FlipScene, _ requests: Request...) async throws {
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            for request in requests { try agent.send(request) }
            while !scene.exists("child") { usleep(10_000) }
            agent.hangUp()
            while let reply = try agent.receive() {
                guard case .failure(let error) = reply else { continue }
                #expect(error.code == .unreachable, "\(error)")
            }
        }
        let text = String(decoding: try scene.folder.read("child"), as: UTF8.self).filter(\.isNumber)
        let child = try #require(pid_t(text))
        // What it started was killed with it, and waits to be reaped by whoever got it.
        // A process that is killed is on its way for a moment. The test's limit of time ends this.
        while let stat = try? contents(of: FilePath("/proc/\(child)/stat"), atMost: 4096, what: "process"),
            !String(decoding: stat, as: UTF8.self).contains(") Z ")
        { usleep(10_000) }
        // The lock is free.
        try Ring.open(scene.root.string)?.acquireLock(for: "a test")
    }

    @Test(
        "a hook of a flip that does not end is ended when its controller is gone, and the flip taken back",
        .timeLimit(.minutes(2)))
    func leftInHook() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await leave(
            scene, scene.flip(to: scene.ready, after: Self.endless, undo: "touch $SLOTSYNC_ROOT/../back"), .commit)
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.slots == before.status.slots)
        #expect(scene.exists("back"))
    }

    @Test("so is one before a flip, and nothing was flipped", .timeLimit(.minutes(2)))
    func leftBeforeFlip() async throws {
        let scene = try FlipScene()
        try await leave(scene, scene.flip(to: scene.ready, before: Self.endless), .runBeforeHook)
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().history.isEmpty)
    }

    @Test("so is that of a rollback, which stays, and owes its hook", .timeLimit(.minutes(2)))
    func leftInRollback() async throws {
        let scene = try FlipScene()
        let back = FlipRequest(
            direction: .rollback, release: scene.ready, beforeHook: "", afterHook: Self.endless, undoHook: "")
        try await leave(scene, .prepare(back), .commit)
        #expect(try scene.current() == "slots/2")
        #expect(try scene.state().status.owedHook?.kind == .afterRollback)
    }

    @Test("after_rollback has a limit, too, when a flip is taken back that nobody waits for", .timeLimit(.minutes(2)))
    func leftInUndo() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root, unattendedHookLimit: .seconds(1)) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.ready, after: "exit 1", undo: "touch $SLOTSYNC_ROOT/../child; sleep 100000"),
                .commit)
            while !scene.exists("child") { usleep(10_000) }
            agent.hangUp()
            while try agent.receive() != nil {}
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.owedHook?.kind == .afterRollback)
    }

    @Test("a rollback goes to what was live before, and not on to what it left")
    func rollback() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready), .commit, .finish)
            _ = try (agent.outcome(), agent.outcome())
        }
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(Self.back, .commit, .finish)
            _ = try (agent.outcome(), agent.outcome())
        }
        #expect(try scene.current() == "slots/1")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(Self.back)
            try agent.expectFailure(.notReady)
        }
    }
}
