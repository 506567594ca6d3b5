// An agent whose lock somebody asks for, and whose controller hangs: it lets go as at the end of its input.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("An agent that is asked to give way")
struct AgentGivingWayTests {
    /// Asks the agent of a session for the root's lock, in a session of its own.
    private static func ask(_ scene: FlipScene) throws -> Ring {
        let asker = try #require(try Ring.open(scene.root.string))
        #expect(try asker.askForWay("a rollback by eva@desk: checkout is down") != nil)
        return asker
    }

    private static func expectGivenUp(_ agent: AgentBench, _ asker: Ring) throws {
        var replies: [Reply] = []
        while let reply = try agent.receive() { replies.append(reply) }
        #expect(replies.contains(.giveWay("a rollback by eva@desk: checkout is down")), "\(replies)")
        guard case .failure(let error)? = replies.last else {
            Issue.record("\(replies)")
            return
        }
        #expect(error.code == .timedOut && error.message.contains("and a rollback by eva@desk"), "\(error)")
        #expect(asker.lockOfOthers() == nil)
    }

    @Test(
        "it lets go of a flip that was prepared, and of one that stands, and what is live stays",
        arguments: [false, true])
    func letsGo(isConfirmed: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root, askedSilenceLimit: .milliseconds(100)) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, provisionalLimit: .seconds(600)))
            _ = try agent.outcome()
            if isConfirmed {
                try agent.send(.commit, .confirm)
                _ = try agent.outcome()
                #expect(try agent.receive() == .confirmed)
            }
            try Self.expectGivenUp(agent, Self.ask(scene))
        }
        #expect(try scene.current() == (isConfirmed ? "slots/2" : "slots/1"))
    }

    @Test("it takes back what is provisional, however long its controller could be silent else")
    func takesBack() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root, askedSilenceLimit: .milliseconds(100)) { agent in
            try agent.flip(
                scene.flip(to: scene.ready, undo: "touch $SLOTSYNC_ROOT/../undone", provisionalLimit: .seconds(600)))
            try Self.expectGivenUp(agent, Self.ask(scene))
        }
        #expect(try scene.current() == "slots/1" && scene.exists("undone"))
    }

    @Test("it ends a hook that runs, and takes a flip back whose hook that was")
    func endsHook() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root, askedSilenceLimit: .milliseconds(100)) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: "touch $SLOTSYNC_ROOT/../began; sleep 100000"), .commit)
            while !scene.exists("began") { usleep(10_000) }
            try Self.expectGivenUp(agent, Self.ask(scene))
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("it waits for no controller that takes nothing, and could not even be told", .timeLimit(.minutes(2)))
    func fullPipe() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root, askedSilenceLimit: .milliseconds(100)) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready))
            _ = try agent.outcome()
            // Answers that nobody takes, more than the pipe holds.
            for _ in 0..<3000 { try agent.send(.status) }
            let asker = try Self.ask(scene)
            while asker.lockOfOthers() != nil { usleep(10_000) }
        }
        #expect(try scene.current() == "slots/1")
    }

    @Test("a controller is silent when so long nothing has come; what comes begins the time anew")
    func silence() {
        let start = ContinuousClock.now
        var silence = ControllerSilence()
        func lasts(_ seconds: Int, heard bytes: UInt64) -> Bool {
            silence.lasts(.seconds(10), heard: bytes, at: start + .seconds(seconds))
        }
        #expect(!lasts(100, heard: 5), "it was not looked at before")
        #expect(!lasts(109, heard: 5) && lasts(110, heard: 5))
        #expect(!lasts(111, heard: 6) && !lasts(120, heard: 6) && lasts(121, heard: 6))
    }

    @Test("between a prepare and the end of its flip no stage is taken")
    func stageInFlip() async throws {
        let scene = try FlipScene()
        let stage = Request.stage(
            StageRequest(
                release: ReleaseName(id: scene.live), slots: nil, base: nil, manifestLength: 0, checksum: false,
                ownership: false, sharedPaths: [], dryRun: false))
        for ends in [[], [Request.commit]] {
            try await withAgent(root: scene.root) { agent in
                try agent.greet()
                try agent.send(scene.flip(to: scene.ready))
                _ = try agent.outcome()
                for request in ends {
                    try agent.send(request)
                    _ = try agent.outcome()
                }
                try agent.send(stage)
                try agent.expectFailure(.protocolViolation)
            }
        }
        // It is the flip that is in the way.
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(stage)
            guard case .present? = try agent.receive() else { throw SlotSyncError(.system, "not staged") }
        }
    }
}
