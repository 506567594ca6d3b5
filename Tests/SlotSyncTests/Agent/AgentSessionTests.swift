// What an agent does when a controller does not keep to the protocol: it fails with the right code, and nothing
// on the disk has changed.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("An agent's session")
struct AgentSessionTests {
    private func stageRequest(_ manifest: Manifest, length: Int? = nil, base: ContentDigest? = nil) -> Request {
        .stage(
            StageRequest(
                release: ReleaseName(id: manifest.id), slots: nil, base: base,
                manifestLength: length ?? manifest.encoded().count, checksum: false, ownership: false, sharedPaths: [],
                dryRun: false))
    }

    private func part(_ bytes: [UInt8]) -> Request {
        .manifest(DeflatedPart(length: bytes.count, isDeflated: false, bytes: bytes))
    }

    /// Runs `body` against an agent on an empty root, and expects the root to be empty afterwards.
    private func onFreshRoot(_ body: @escaping @Sendable (AgentBench) throws -> Void) async throws {
        try await withFolder { folder in
            try await withAgent(root: folder.path(""), body)
            #expect(try ReleaseModel(reading: folder.path("")).nodes.keys.sorted() == [""])
        }
    }

    @Test("a root without a ring says so in its greeting, and has no status")
    func fresh() async throws {
        try await onFreshRoot { agent in
            #expect(try agent.greet() == nil)
            try agent.send(.status)
            try agent.expectFailure(.notReady)
        }
    }

    @Test("a root that is missing fails after the greeting")
    func missing() async throws {
        try await withFolder { folder in
            let status = try await withAgent(root: folder.path("none")) { agent in
                try agent.send(.hello(Greeting(version: "test", peer: "p")))
                while let reply = try agent.receive() {
                    if case .failure(let error) = reply { #expect(error.code == .notARing) }
                }
            }
            #expect(status == 1)
        }
    }

    @Test("another major version is told ours, and nothing more happens")
    func otherVersion() async throws {
        try await onFreshRoot { agent in
            try agent.send(.hello(Greeting(major: Greeting.protocolMajor + 1, version: "9", peer: "p")), .status)
            guard case .hello(let own, nil)? = try agent.receive() else { throw SlotSyncError(.system, "no greeting") }
            #expect(own.major == Greeting.protocolMajor)
            #expect(try agent.receive() == nil)
        }
    }

    @Test(
        "a request out of turn is refused",
        arguments: [
            Request.hello(Greeting(version: "again", peer: "p")), .framesEnd, .signatures([]),
            .frame(DeflatedPart(length: 1, isDeflated: false, bytes: [0])),
            .manifest(DeflatedPart(length: 1, isDeflated: false, bytes: [0])), .runBeforeHook, .commit, .undo,
        ])
    func outOfTurn(request: Request) async throws {
        try await onFreshRoot { agent in
            try agent.greet()
            try agent.send(request)
            try agent.expectFailure(.protocolViolation)
        }
    }

    @Test("a manifest of another length than announced is refused")
    func wrongLength() async throws {
        let manifest = Manifest(rootMode: 0o755)
        let bytes = manifest.encoded()
        let request = stageRequest(manifest)
        let (all, nothing) = (part(bytes + [0]), part([]))
        try await onFreshRoot { agent in
            try agent.greet()
            try agent.send(request, all)
            try agent.expectFailure(.protocolViolation)
        }
        try await onFreshRoot { agent in
            try agent.greet()
            try agent.send(request, nothing)
            try agent.expectFailure(.protocolViolation)
        }
        try await onFreshRoot { agent in
            try agent.greet()
            try agent.send(request, .framesEnd)
            try agent.expectFailure(.protocolViolation)
        }
    }

    @Test("a manifest that is cut off, damaged, or of another release is refused")
    func wrongManifest() async throws {
        let (manifest, other) = (Manifest(rootMode: 0o755), Manifest(rootMode: 0o700))
        let bytes = manifest.encoded()
        for (request, body) in [
            (stageRequest(manifest, length: bytes.count - 1), Array(bytes.dropLast())),
            (stageRequest(manifest), [bytes[0] ^ 1] + bytes.dropFirst()),
            (stageRequest(other, length: bytes.count), bytes),
        ] {
            let manifestPart = part(body)
            try await onFreshRoot { agent in
                try agent.greet()
                try agent.send(request, manifestPart)
                try agent.expectFailure(.corrupt)
            }
        }
    }

    @Test("more content than any disk holds, or a digest of nothing, is refused")
    func impossible() async throws {
        for (size, digest) in [
            (UInt64(Int64.max), ContentDigest(high: 1, low: 1)), (0, ContentDigest(high: 1, low: 1)),
        ] {
            var manifest = Manifest(rootMode: 0o755)
            manifest.beginChildren(of: 0)
            for name in ["a", "b", "c"] {
                var entry = Entry(kind: .file, mode: 0o644, parent: 0)
                (entry.size, entry.digest) = (size, digest)
                manifest.append(entry, name: Array(name.utf8), linkText: [])
            }
            let (request, manifestPart) = (stageRequest(manifest), part(manifest.encoded()))
            try await onFreshRoot { agent in
                try agent.greet()
                try agent.send(request, manifestPart)
                try agent.expectFailure(.corrupt)
            }
        }
    }

    @Test("a manifest that counts on what the host lacks is asked for as a whole")
    func manifestNeeded() async throws {
        let manifest = Manifest(rootMode: 0o755)
        let onUnknown = stageRequest(manifest, base: ContentDigest(high: 5, low: 5))
        let leftOut = stageRequest(manifest, length: 0)
        let manifestPart = part(manifest.encoded())
        try await onFreshRoot { agent in
            try agent.greet()
            try agent.send(onUnknown, manifestPart)
            #expect(try agent.receive() == .manifestNeeded)
            try agent.send(leftOut)
            #expect(try agent.receive() == .manifestNeeded)
            try agent.send(.finish)
            #expect(try agent.receive() == nil)
        }
    }

    @Test("a controller that goes away leaves the live release, and the slot as staging")
    func interrupted() async throws {
        let bench = try FillBench(slotCount: 2)
        var random = SeededGenerator(seed: 4)
        let model = ReleaseModel.random(contents: [random.bytes(100)], using: &random)
        try bench.stage(bench.source(model))
        try bench.flip()
        bench.ring.unlock()
        let next = try bench.source(.random(contents: [random.bytes(2000), random.bytes(3000)], using: &random))
            .manifest
        let (request, manifestPart) = (stageRequest(next), part(next.encoded()))
        let status = try await withAgent(root: bench.folder.path("root")) { agent in
            #expect(try agent.greet()?.live == 1)
            try agent.send(request, manifestPart)
            var reply = try agent.receive()
            // Of modes, which are any.
            while case .warning? = reply { reply = try agent.receive() }
            guard case .needs(let needs, isLast: true)? = reply else { throw SlotSyncError(.system, "no needs") }
            #expect(!needs.isEmpty)
            agent.hangUp()
            guard case .failure(let error)? = try agent.receive() else { throw SlotSyncError(.system, "no failure") }
            #expect(error.code == .unreachable)
        }
        #expect(status == 1)
        try bench.reopen()
        #expect(bench.ring.status[2].state == .staging)
        #expect(try ReleaseModel(reading: bench.folder.path("root/current")).differences(from: model) == [])
    }
}
