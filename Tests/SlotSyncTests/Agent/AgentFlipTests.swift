// A flip on a host, request by request: what is live afterwards, and what is not done.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("A flip on a host")
struct AgentFlipTests {
    /// A ring whose slot 1 is live and whose slot 2 is ready.
    private final class Scene: Sendable {
        let root: FilePath
        let folder: TemporaryFolder
        let live: ContentDigest
        let ready: ContentDigest

        init() throws {
            let bench = try FillBench(slotCount: 3)
            var random = SeededGenerator(seed: 2)
            var ids: [ContentDigest] = []
            for number in 0..<2 {
                let source = try bench.source(.random(contents: [random.bytes(50)], using: &random))
                try bench.stage(source)
                ids.append(source.manifest.id)
                if number == 0 { try bench.flip() }
            }
            bench.ring.unlock()
            (live, ready) = (ids[0], ids[1])
            folder = try TemporaryFolder()
            root = folder.path("root")
            // The bench goes, its ring stays.
            try Directory(path: bench.folder.path("")).rename("root", to: "root", in: Directory(path: folder.path("")))
        }

        deinit { folder.remove() }

        func flip(
            to release: ContentDigest, before: String = "", after: String = "", undo: String = ""
        ) -> Request {
            .prepare(
                FlipRequest(direction: .flip, release: release, beforeHook: before, afterHook: after, undoHook: undo))
        }

        func current() throws -> String {
            String(decoding: try Directory(path: root).readLink("current"), as: UTF8.self)
        }

        func state() throws -> RingState { try #require(try Ring.open(root.string)).state }
    }

    private func outcome(_ reply: Reply?) throws -> FlipOutcome {
        switch reply {
        case .prepared(let outcome)?, .flipped(let outcome)?: return outcome
        default: throw SlotSyncError(.protocolViolation, "\(String(describing: reply)) in place of an outcome")
        }
    }

    @Test("prepare changes nothing, commit renames, undo takes it back")
    func phases() async throws {
        let scene = try Scene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            let prepared = try outcome(agent.receive())
            #expect(prepared.slot == 2 && prepared.previousSlot == 1 && prepared.changed && prepared.renamedAt == 0)
            #expect(try scene.current() == "slots/1")
            #expect(try scene.state() == before)
            try agent.send(.commit)
            #expect(try outcome(agent.receive()).renamedAt > 0)
            #expect(try scene.current() == "slots/2")
            #expect(try scene.state()[2].previous == 1)
            try agent.send(.undo)
            #expect(try outcome(agent.receive()).changed)
            #expect(try scene.current() == "slots/1")
        }
        let after = try scene.state()
        #expect(after.slots == before.slots)
        #expect(after.history.map(\.kind) == [.flip, .undo])
    }

    @Test("a release that is live already is a success that does nothing")
    func live() async throws {
        let scene = try Scene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(
                scene.flip(to: scene.live, before: "exit 1", after: "exit 1"), .runBeforeHook, .commit, .undo)
            #expect(try !outcome(agent.receive()).changed)
            #expect(try agent.receive() == .hookDone)
            #expect(try !outcome(agent.receive()).changed)
            #expect(try !outcome(agent.receive()).changed)
        }
        #expect(try scene.state() == before)
    }

    @Test("a slot that was edited by hand, or a release that is nowhere, is not flipped to")
    func notReady() async throws {
        let scene = try Scene()
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
        let scene = try Scene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try outcome(agent.receive())
            let other = try #require(try Ring.open(scene.root.string))
            #expect(errorCode { try other.acquireLock(for: "a test") } == .locked)
        }
        try Ring.open(scene.root.string)?.acquireLock(for: "a test")
    }

    @Test("a before_flip hook that fails leaves everything as it was")
    func beforeHook() async throws {
        let scene = try Scene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, before: "echo not now; exit 3"), .runBeforeHook)
            _ = try outcome(agent.receive())
            guard case .failure(let error)? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
            #expect(error.code == .hookFailed && error.message.contains("not now"))
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("an after_flip hook that fails flips the host back, and a failing after_rollback hook only warns")
    func afterHook() async throws {
        let scene = try Scene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "exit 1", undo: "echo $SLOTSYNC_SLOT; exit 1"), .commit)
            _ = try outcome(agent.receive())
            guard case .warning(let text)? = try agent.receive() else { throw SlotSyncError(.system, "no warning") }
            #expect(text.contains("after_rollback") && text.contains("\"1\""))
            try agent.expectFailure(.hookFailed)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().slots == before.slots)
    }

    @Test("a flip whose state cannot be written is taken back")
    func stateFails() async throws {
        let scene = try Scene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try outcome(agent.receive())
            // Where the new state would be written stands a folder.
            try Directory(path: scene.root.appending(".slotsync")).makeDirectory("state.tmp")
            try agent.send(.commit)
            try agent.expectFailure(.system)
        }
        #expect(try scene.current() == "slots/1")
        #expect(try scene.state().live == 1)
    }

    @Test("a rollback goes to what was live before, and not on to what it left")
    func rollback() async throws {
        let scene = try Scene()
        let back = Request.prepare(
            FlipRequest(direction: .rollback, release: nil, beforeHook: "", afterHook: "", undoHook: ""))
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready), .commit, .finish)
            _ = try (outcome(agent.receive()), outcome(agent.receive()))
        }
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(back, .commit, .finish)
            _ = try (outcome(agent.receive()), outcome(agent.receive()))
        }
        #expect(try scene.current() == "slots/1")
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(back)
            try agent.expectFailure(.notReady)
        }
    }
}
