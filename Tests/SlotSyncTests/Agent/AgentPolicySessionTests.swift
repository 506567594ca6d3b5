// An agent with a policy, request by request: what it refuses is refused before anything is touched.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("An agent with a policy")
struct AgentPolicySessionTests {
    /// A ring that is ready for a flip, and an agent with this policy on it.
    private func use(
        _ policy: String, _ scene: FlipScene, _ body: @escaping @Sendable (AgentBench) throws -> Void
    ) async throws {
        try scene.folder.write(Array(policy.utf8), to: "policy")
        try await withAgent(root: scene.root, policy: scene.folder.path("policy").string, body)
    }

    /// Expects a failure that names the policy's file and this.
    private func expectRefusal(_ agent: AgentBench, _ scene: FlipScene, naming words: String...) throws {
        let reply = try agent.receive()
        guard case .failure(let error)? = reply else {
            throw SlotSyncError(.protocolViolation, "\(String(describing: reply)) in place of a failure")
        }
        #expect(error.code == .refused, "\(error)")
        for word in [scene.folder.path("policy").string] + words {
            #expect(error.message.contains(word), "\(error)")
        }
        #expect(try agent.receive() == nil)
    }

    @Test(
        "a hook that the policy lacks is refused before anything happens, whichever of the three it is",
        arguments: 0..<3)
    func foreignHook(which: Int) async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        var hooks = ["", "", ""]
        hooks[which] = "touch $SLOTSYNC_ROOT/../ran"
        let request = scene.flip(to: scene.ready, before: hooks[0], after: hooks[1], undo: hooks[2])
        try await use("hook known true", scene) { agent in
            try agent.greet()
            try agent.send(request, .runBeforeHook, .commit, .undo)
            try self.expectRefusal(agent, scene, naming: "hook NAME touch $SLOTSYNC_ROOT/../ran")
        }
        #expect(try scene.state() == before && scene.current() == "slots/1" && !scene.exists("ran"))
    }

    @Test("a hook that is asked for by its name runs as the policy has it")
    func namedHook() async throws {
        let scene = try FlipScene()
        try await use("hook mark echo $SLOTSYNC_SLOT > $SLOTSYNC_ROOT/../ran", scene) { agent in
            try agent.flip(scene.flip(to: scene.ready, after: "mark"))
        }
        #expect(try scene.folder.read("ran") == Array("2\n".utf8))
        #expect(try scene.state().status.owedHook == nil)
    }

    @Test("a flip that is provisional notes the policy's hook, which runs on the way back")
    func provisionalHook() async throws {
        let scene = try FlipScene()
        try await use("hook back touch $SLOTSYNC_ROOT/../undone", scene) { agent in
            try agent.flip(scene.flip(to: scene.ready, undo: "back", provisionalLimit: .seconds(600)))
            #expect(try scene.state().wayBack?.undoHook == "touch $SLOTSYNC_ROOT/../undone")
        }
        #expect(try scene.current() == "slots/1" && scene.exists("undone"))
    }

    @Test(
        "a hook that the state owes runs only if the policy has it; the link goes back all the same",
        arguments: [true, false])
    func owedHook(isAllowed: Bool) async throws {
        let scene = try FlipScene()
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        let (change, hook) = (FlipChange(to: 2, in: ring.status), "touch $SLOTSYNC_ROOT/../undone")
        try ring.update { $0.noteProvisional(change, since: 7, limit: .seconds(600), undoHook: hook) }
        _ = try ring.pointCurrent(at: 2)
        try ring.update { $0.note(change, as: .flip, at: 9) }
        ring.unlock()
        try await use(isAllowed ? "hook back \(hook)" : "hook back true", scene) { agent in
            try agent.greet()
            let said = try agent.warning()
            #expect(said.contains("flipped back"))
            #expect(said.contains("add the line `hook NAME \(hook)`") == !isAllowed, "\(said)")
        }
        #expect(try scene.current() == "slots/1" && scene.exists("undone") == isAllowed)
        #expect(try (scene.state().status.owedHook == nil) == isAllowed)
    }

    @Test("`flip no` refuses flips, rollbacks and marks, and changes nothing")
    func stageOnly() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        var back = FlipRequest(
            direction: .rollback, release: nil, beforeHook: "", afterHook: "", undoHook: "", provisionalLimit: nil)
        back.force = true
        for request in [
            scene.flip(to: scene.ready), scene.flip(to: scene.ready, force: true), .prepare(back),
            .markBad(release: scene.ready, reason: "x"),
        ] {
            try await use("flip no", scene) { agent in
                try agent.greet()
                try agent.send(request)
                try self.expectRefusal(agent, scene, naming: "flip yes")
            }
        }
        #expect(try scene.state() == before && scene.current() == "slots/1")
    }

    @Test("a stage is refused by `stage no`, by its number of slots, and where the flip that is to follow would be")
    func stages() async throws {
        let scene = try FlipScene()
        let before = try scene.state()
        func request(_ slots: Int? = nil, hooks: [String]? = nil) -> Request {
            .stage(
                StageRequest(
                    release: ReleaseName(id: .empty), slots: slots, base: nil, manifestLength: 0, checksum: false,
                    ownership: false, sharedPaths: [], dryRun: hooks != nil, hooksToCome: hooks))
        }
        for (policy, asked, word) in [
            ("stage no", request(), "stage yes"), ("flip no", request(hooks: ["", "", ""]), "flip yes"),
            ("hook a true", request(hooks: ["a", "b c", ""]), "hook NAME b c"),
        ] {
            try await use(policy, scene) { agent in
                try agent.greet()
                try agent.send(asked)
                try self.expectRefusal(agent, scene, naming: word)
            }
        }
        #expect(try scene.state() == before)
        let (fresh, usual) = (scene.folder.path("fresh"), request())
        try Directory(path: scene.folder.path("")).makeDirectory("fresh", mode: 0o755)
        try scene.folder.write(Array("slots 3".utf8), to: "policy")
        try await withAgent(root: fresh, policy: scene.folder.path("policy").string) { agent in
            try agent.greet()
            try agent.send(usual)
            try self.expectRefusal(agent, scene, naming: "--slots 3")
        }
        #expect(try Directory(path: fresh).names().isEmpty)
    }

    @Test("a metric that the policy lacks is missing with that reason, and its command never runs")
    func readings() async throws {
        let scene = try FlipScene()
        let (log, ran) = (scene.folder.path("app.log").string, scene.folder.path("ran").string)
        try scene.folder.write([UInt8](), to: "app.log")
        try scene.folder.write([UInt8](), to: "secret")
        let sources: [HostSource] = [
            .command("five"), .command("touch \(ran); echo 6"), .log(path: log, pattern: "x"),
            .log(path: scene.folder.path("secret").string, pattern: "x"), .loadAverage,
        ]
        try await use("command five echo 5\nlog \(log)", scene) { agent in
            try agent.greet()
            try agent.send(.watch(WatchRequest(interval: .seconds(5), sources: sources)), .sample(1))
            guard case .watching(let problems)? = try agent.receive() else {
                throw SlotSyncError(.system, "no answer to watch")
            }
            #expect(problems.map { $0 == nil } == [true, false, true, false, true], "\(problems)")
            guard case .sample(1, let readings)? = try agent.receive() else {
                throw SlotSyncError(.system, "no sample")
            }
            #expect(readings.outcomes[0] == .read([HostReading(value: 5)]))
            #expect(readings.outcomes[2] == .read([HostReading(value: 0)]))
            for (index, word) in [(1, "command NAME touch"), (3, "`log ")] {
                guard case .missing(let reason) = readings.outcomes[index] else {
                    Issue.record("source \(index) was read")
                    continue
                }
                #expect(reason.contains(word) && reason.contains("policy"), "\(reason)")
            }
        }
        #expect(!scene.exists("ran"))
    }

    @Test("a policy that cannot be read, or is not for this root, lets nothing be asked, not even recovery's hooks")
    func unreadable() async throws {
        let scene = try FlipScene()
        for policy in ["hooks x", "root /elsewhere"] {
            try await use(policy, scene) { agent in try self.expectRefusal(agent, scene) }
        }
        try await withAgent(root: scene.root, policy: scene.folder.path("none").string) { agent in
            try agent.expectFailure(.system)
        }
    }
}
