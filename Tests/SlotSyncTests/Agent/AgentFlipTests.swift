// A flip on a host, request by request: what is live afterwards, and what is not done.

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

    @Test("a slot that was edited by hand, or a release that is nowhere, is not flipped to")
    func notReady() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: ContentDigest(high: 3, low: 3)))
            try agent.expectFailure(.notReady)
        }
        try scene.folder.write([1], to: "root/slots/2/added")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            try agent.expectFailure(.notReady)
        }
        #expect(try scene.current() == "slots/1")
    }

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

    @Test("a flip whose state cannot be written is taken back")
    func stateFails() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try agent.outcome()
            // Where the new state would be written stands a folder.
            try Directory(path: scene.root.appending(".slotsync")).makeDirectory("state.tmp")
            try agent.send(.commit)
            try agent.expectFailure(.system)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().status.live == 1)
    }

    @Test("a rollback goes to what was live before, and not on to what it left")
    func rollback() async throws {
        let scene = try FlipScene()
        let back = Request.prepare(
            FlipRequest(direction: .rollback, release: nil, beforeHook: "", afterHook: "", undoHook: ""))
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready), .commit, .finish)
            _ = try (agent.outcome(), agent.outcome())
        }
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(back, .commit, .finish)
            _ = try (agent.outcome(), agent.outcome())
        }
        #expect(try scene.current() == "slots/1")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(back)
            try agent.expectFailure(.notReady)
        }
    }
}
