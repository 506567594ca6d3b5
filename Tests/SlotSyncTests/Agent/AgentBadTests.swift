// Releases that are bad on a host: how they get there, and what keeps them from going live.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("A bad release on a host")
struct AgentBadTests {
    private func markReadyBad(_ scene: FlipScene, _ reason: String = "errors rose") async throws {
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(.markBad(release: scene.ready, reason: reason))
            guard case .status(let ring)? = try agent.receive() else { throw SlotSyncError(.system, "no status") }
            #expect(ring.slots[1].state == .bad && ring.slots[1].reason == reason)
        }
    }

    @Test("it is marked in every slot that holds it, others are left alone")
    func everySlot() async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        try ring.update { state in
            state.status[3] = SlotStatus(state: .staging, release: state.status[2].release)
        }
        ring.unlock()
        try await markReadyBad(scene)
        let state = try scene.state()
        #expect(state.status.slots.map(\.state) == [.live, .bad, .staging])
        #expect(state.status.slots.map(\.reason) == ["", "errors rose", "errors rose"])
    }

    @Test("a release that no slot holds is no error, one that is live is")
    func liveOrNowhere() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(.markBad(release: ContentDigest(high: 9, low: 9), reason: "r"))
            #expect(try agent.receive() == .status(before.status))
            try agent.send(.markBad(release: scene.live, reason: "r"))
            try agent.expectFailure(.notReady)
        }
        #expect(try scene.state() == before)
    }

    @Test("a provisional flip that was taken back can be marked in the same session")
    func afterUndo() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(60)))
            try agent.send(.undo, .markBad(release: scene.ready, reason: "p95 rose"), .finish)
            _ = try agent.outcome()
            guard case .status(let ring)? = try agent.receive() else { throw SlotSyncError(.system, "no status") }
            #expect(ring.slots[1].state == .bad)
            #expect(try agent.receive() == nil)
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("a flip to it is refused with the reason, and with force makes it live and no longer bad")
    func flip() async throws {
        let scene = try FlipScene()
        try await markReadyBad(scene)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            guard case .failure(let error)? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
            #expect(error.code == .notReady && error.message.contains("errors rose"))
            #expect(error.message.contains("flip --force"))
        }
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, force: true))
        }
        #expect(try scene.current() == "slots/2")
        #expect(try scene.state().status[2].state == .live && scene.state().status[2].reason.isEmpty)
    }

    @Test("a forced flip that is taken back leaves the release bad")
    func forcedAndBack() async throws {
        let scene = try FlipScene()
        try await markReadyBad(scene)
        let before = try scene.state()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(60), force: true))
        }
        #expect(try scene.state().status.slots == before.status.slots)
    }

    @Test("a rollback to what was live before is refused where that is bad", arguments: [true, false])
    func rollback(byName: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in try agent.flip(scene.flip(to: scene.ready)) }
        func back(force: Bool) -> Request {
            .prepare(
                FlipRequest(
                    direction: .rollback, release: byName ? scene.live : nil, beforeHook: "", afterHook: "",
                    undoHook: "", force: force))
        }
        let (refused, forced) = (back(force: false), back(force: true))
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(.markBad(release: scene.live, reason: "it leaks"))
            _ = try agent.receive()
            try agent.send(refused)
            guard case .failure(let error)? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
            #expect(error.message.contains("it leaks") && error.message.contains("--force"))
        }
        try await withAgent(root: scene.root) { agent in try agent.flip(forced) }
        #expect(try scene.current() == "slots/1")
    }

    @Test("staged again it is there already, and stays bad")
    func stagedAgain() async throws {
        let scene = try FlipScene()
        try await markReadyBad(scene)
        let before = try scene.state()
        let request = Request.stage(
            StageRequest(
                release: ReleaseName(id: scene.ready), slots: nil, base: nil, manifestLength: 0, checksum: false,
                ownership: false, sharedPaths: [], dryRun: false))
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(request)
            let warning = try agent.warning()
            #expect(warning.contains("errors rose") && warning.contains("--force"))
            #expect(
                try agent.receive()
                    == .present(StageOutcome(kind: .alreadyBad, slot: 2)))
        }
        #expect(try scene.state() == before)
    }

    @Test("staged anew over a copy that was damaged it is bad again; another release is not")
    func stagedAnew() throws {
        let bench = try FillBench(slotCount: 2)
        var random = SeededGenerator(seed: 3)
        let good = try bench.source(.random(contents: [random.bytes(50)], using: &random))
        let bad = try bench.source(.random(contents: [random.bytes(60)], using: &random))
        try bench.stage(good)
        try bench.flip()
        try bench.stage(bad)
        try bench.ring.update { $0.markBad(bad.manifest.id, because: "slow", at: 5) }
        try bench.folder.write([1], to: "root/slots/2/added")
        try bench.stage(bad)
        #expect(bench.ring.status[2].state == .bad && bench.ring.status[2].reason == "slow")
        let other = try bench.source(.random(contents: [random.bytes(70)], using: &random))
        try bench.stage(other)
        #expect(bench.ring.status[2].state == .ready && bench.ring.status[2].reason.isEmpty)
    }

    @Test("it is verified as any other sealed slot")
    func verified() async throws {
        let scene = try FlipScene()
        try await markReadyBad(scene)
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(.verify(slot: nil))
            for slot in 1...2 {
                guard case .verified(let found)? = try agent.receive() else { throw SlotSyncError(.system, "none") }
                #expect(found.slot == slot && found.differences == 0)
            }
        }
    }
}
