// A host that went back by itself tells it in its greetings, until something is changed there or a rollback counts it: a
// rollback that names no release has nothing left to do there.

import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A host that went back by itself")
struct AgentReturnTests {
    private static func greeting(_ scene: FlipScene) async throws -> RingStatus? {
        let ring = Greeted()
        try await withAgent(root: scene.root) { agent in
            let status = try agent.greet()
            ring.status.withLock { $0 = status }
        }
        return ring.status.withLock { $0 }
    }

    /// What a session's body has found.
    private final class Greeted: Sendable {
        let status = Mutex<RingStatus?>(nil)
    }

    private static func rollback(to release: ContentDigest, settles: Bool) -> Request {
        var back = FlipRequest(.rollback, to: release, hooks: Hooks(), force: false)
        back.settlesReturn = settles
        return .prepare(back)
    }

    @Test(
        "a provisional flip whose controller is gone, and a flip whose controller goes amid its hook",
        arguments: [true, false])
    func told(isProvisional: Bool) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            if isProvisional {
                try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(600)))
            } else {
                try agent.greet()
                try agent.send(
                    scene.flip(to: scene.ready, after: "touch $SLOTSYNC_ROOT/../began; sleep 100000"), .commit)
                while !scene.exists("began") { usleep(10_000) }
            }
            agent.hangUp()
            while try agent.receive() != nil {}
        }
        #expect(try scene.current() == "slots/1")
        #expect(try await Self.greeting(scene)?.returned?.id == scene.ready)
        // A rollback that changes nothing leaves it so, and says it; one that is done with it settles it.
        for settles in [false, true] {
            try await withAgent(root: scene.root) { agent in
                #expect(try agent.greet()?.returned?.id == scene.ready)
                try agent.send(Self.rollback(to: scene.live, settles: settles), .commit)
                #expect(try agent.warning().contains("had gone back by itself from release \(scene.ready)"))
                #expect(try !agent.outcome().changed)
                #expect(try !agent.outcome().changed)
            }
        }
        #expect(try await Self.greeting(scene)?.returned == nil)
    }

    @Test("what was told to go back, or whose hook failed, has not gone back by itself", arguments: ["", "exit 1"])
    func ordered(hook: String) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            try agent.send(scene.flip(to: scene.ready, after: hook, provisionalLimit: .seconds(600)), .commit, .undo)
            agent.hangUp()
            while try agent.receive() != nil {}
        }
        #expect(try scene.current() == "slots/1")
        #expect(try await Self.greeting(scene)?.returned == nil)
    }

    @Test("what is changed afterwards is another matter")
    func changed() async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.flip(scene.flip(to: scene.ready, provisionalLimit: .seconds(600)))
            agent.hangUp()
            while try agent.receive() != nil {}
        }
        try await withAgent(root: scene.root) { agent in try agent.flip(scene.flip(to: scene.ready)) }
        #expect(try scene.current() == "slots/2")
        #expect(try await Self.greeting(scene)?.returned == nil)
    }
}
