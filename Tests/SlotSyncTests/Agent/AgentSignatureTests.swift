// A host that wants releases signed: what it stages and makes live, and what it refuses before anything is touched.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A host that wants signatures")
struct AgentSignatureTests {
    /// A fresh root, a key, and an agent that wants its signature.
    private struct Scene: Sendable {
        let folder: TemporaryFolder
        var root: FilePath { folder.path("root") }
        var keys: String { folder.path("key.pub").string }

        init(_ folder: TemporaryFolder) throws {
            self.folder = folder
            try Directory(path: folder.path("")).makeDirectory("root", mode: 0o755)
            _ = try SigningKey(in: folder)
        }

        /// A release of one empty file of this name.
        func manifest(_ name: String, hasSHA256: Bool = true) -> Manifest {
            var manifest = Manifest(rootMode: 0o755)
            manifest.beginChildren(of: 0)
            var file = Entry(kind: .file, mode: 0o644, parent: 0)
            file.digest = .empty
            manifest.append(file, name: Array(name.utf8), linkText: [])
            if hasSHA256 {
                manifest.hasSHA256 = true
                manifest.sha256 = [.none, SHA256Digest(of: [])]
            }
            return manifest
        }

        func sign(_ manifest: Manifest, name: String = "", namespace: String = "slotsync", key: String = "key") throws
            -> [UInt8]
        {
            let text = try #require(ReleaseStatement(manifest, name: name)).text
            return try SigningKey.sign(text, in: folder, name: key, namespace: namespace)
        }

        func requests(
            _ manifest: Manifest, name: String = "", signature: [UInt8], dryRun: Bool = false, seeds: Manifest? = nil
        ) -> [Request] {
            let (bytes, seedBytes) = (manifest.encoded(), seeds?.encoded() ?? [])
            let stage = StageRequest(
                release: ReleaseName(id: manifest.id, name: name), slots: nil, base: nil, manifestLength: bytes.count,
                checksum: false, ownership: false, sharedPaths: [], dryRun: dryRun, seedsLength: seedBytes.count,
                signature: signature)
            return [.stage(stage)]
                + [bytes, seedBytes].filter { !$0.isEmpty }.map {
                    .manifest(DeflatedPart(length: $0.count, isDeflated: false, bytes: $0))
                }
        }

        /// Stages without a person's help, and expects that it is sealed.
        func stage(_ requests: [Request], verifyKey: String?) async throws {
            try await withAgent(root: root, verifyKey: verifyKey) { agent in
                try agent.greet()
                for request in requests { try agent.send(request) }
                try agent.send(.framesEnd, .finish)
                var replies: [Reply] = []
                while let reply = try agent.receive() { replies.append(reply) }
                guard replies.contains(where: { if case .staged = $0 { true } else { false } }) else {
                    throw SlotSyncError(.notReady, "not staged: \(replies)")
                }
            }
        }

        func expectRefusal(_ requests: [Request], saying word: String) async throws {
            try await withAgent(root: root, verifyKey: keys) { agent in
                try agent.greet()
                for request in requests { try agent.send(request) }
                let reply = try agent.receive()
                guard case .failure(let error)? = reply, error.code == .refused else {
                    throw SlotSyncError(.protocolViolation, "\(String(describing: reply)) in place of a refusal")
                }
                #expect(error.message.contains(word), "\(error)")
            }
        }
    }

    private func use(_ body: (Scene) async throws -> Void) async throws {
        try await withFolder { try await body(Scene($0)) }
    }

    @Test("a signed release is sealed and flipped to; its signature stays with the slot")
    func signed() async throws {
        try await use { scene in
            let release = scene.manifest("a")
            let signature = try scene.sign(release, name: "v1")
            try await scene.stage(scene.requests(release, name: "v1", signature: signature), verifyKey: scene.keys)
            #expect(try Ring.open(scene.root.string)?.signature(of: 1) == signature)
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.flip(
                    .prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: false)))
            }
            #expect(try Ring.open(scene.root.string)?.status.live == 1)
        }
    }

    @Test(
        "unsigned, of another key, namespace, release or name, without SHA-256: nothing is changed, in a dry run neither"
    )
    func refused() async throws {
        try await use { scene in
            let (release, other) = (scene.manifest("a"), scene.manifest("b"))
            _ = try SigningKey(in: scene.folder, name: "stranger")
            let good = try scene.sign(release, name: "v1")
            let cases: [(Manifest, String, [UInt8], String)] = [
                (release, "v1", [], "is not signed"),
                (release, "v1", try scene.sign(release, name: "v1", key: "stranger"), "another key"),
                (release, "v1", try scene.sign(release, name: "v1", namespace: "file"), "something else"),
                (other, "v1", good, "something else"), (release, "v2", good, "something else"),
                (release, "", good, "something else"), (release, "v1", Array(good.dropLast(60)), "OpenSSH's form"),
                (scene.manifest("a", hasSHA256: false), "v1", good, "has no SHA-256"),
            ]
            for (manifest, name, signature, word) in cases {
                for dryRun in [true, false] {
                    try await scene.expectRefusal(
                        scene.requests(manifest, name: name, signature: signature, dryRun: dryRun), saying: word)
                }
            }
            let seeds = scene.manifest("uploaded", hasSHA256: false)
            try await scene.expectRefusal(
                scene.requests(release, name: "v1", signature: good, seeds: seeds), saying: "\"uploaded\"")
            var links = Manifest(rootMode: 0o755)
            links.beginChildren(of: 0)
            links.append(
                Entry(kind: .symbolicLink, mode: 0o777, parent: 0), name: Array("passwd".utf8),
                linkText: Array("/etc/passwd".utf8))
            try await scene.expectRefusal(
                scene.requests(release, name: "v1", signature: good, seeds: links), saying: "\"passwd\"")
            #expect(try Directory(path: scene.root).names().isEmpty)
        }
    }

    @Test(
        "a key whose time is over, or has not come, counts no more: nothing is staged, nothing flipped to, and back it goes"
    )
    func outOfDate() async throws {
        try await use { scene in
            let releases = ["a", "b"].map { scene.manifest($0) }
            for release in releases {
                try await scene.stage(
                    scene.requests(release, signature: scene.sign(release)), verifyKey: scene.keys)
                guard release.id != releases[1].id else { break }
                try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                    try agent.flip(.prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: false)))
                }
            }
            let key = String(decoding: try scene.folder.read("key.pub"), as: UTF8.self)
            for option in ["valid-before=\"20200101Z\"", "valid-after=\"29990101Z\""] {
                try scene.folder.write(Array("me \(option) \(key)".utf8), to: "key.pub")
                let third = scene.manifest("c")
                try await scene.expectRefusal(
                    scene.requests(third, signature: scene.sign(third)), saying: "does not count now")
                try await scene.expectRefusal(
                    [.prepare(FlipRequest(.flip, to: releases[1].id, hooks: Hooks(), force: true))],
                    saying: "does not count now")
            }
            try scene.folder.write(Array(key.utf8), to: "key.pub")
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.flip(.prepare(FlipRequest(.flip, to: releases[1].id, hooks: Hooks(), force: false)))
            }
            // A list that cannot be read stops what is new, and not the way back.
            try scene.folder.write(Array("nonsense".utf8), to: "key.pub")
            let again = scene.requests(releases[0], signature: try scene.sign(releases[0]))
            try await scene.expectRefusal(again, saying: "line 1")
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.flip(.prepare(FlipRequest(.rollback, to: nil, hooks: Hooks(), force: false)))
            }
            #expect(try Ring.open(scene.root.string)?.status.live == 1)
        }
    }

    @Test("content that somebody changed in the slot of a signed release is not flipped to, by force neither")
    func changed() async throws {
        try await use { scene in
            let release = scene.manifest("a")
            try await scene.stage(scene.requests(release, signature: scene.sign(release)), verifyKey: scene.keys)
            try scene.folder.write(Array("else".utf8), to: "root/slots/1/a")
            for force in [false, true] {
                try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                    try agent.greet()
                    try agent.send(.prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: force)))
                    try agent.expectFailure(.notReady)
                }
            }
            #expect(try Ring.open(scene.root.string)?.status.live == nil)
            // Where nobody wants a signature it is as ever.
            try await withAgent(root: scene.root) { agent in
                try agent.greet()
                try agent.send(.prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: true)))
                #expect(try agent.warning().contains("is not as it was sealed"))
            }
        }
    }

    @Test("owners are set where the release has them, and there alone", .enabled(if: geteuid() == 0))
    func owners() async throws {
        try await use { scene in
            let release = scene.manifest("a")
            var requests = scene.requests(release, signature: try scene.sign(release))
            guard case .stage(var stage) = requests[0] else { return }
            stage.ownership = true
            requests[0] = .stage(stage)
            let changed = requests
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.greet()
                for request in changed { try agent.send(request) }
                try agent.expectFailure(.protocolViolation)
            }
            #expect(try Directory(path: scene.root).names().isEmpty)
        }
    }

    @Test("what was staged unsigned is not flipped to, by force neither; what was live before is gone back to")
    func flips() async throws {
        try await use { scene in
            let releases = ["a", "b", "c"].map { scene.manifest($0) }
            for release in releases {
                try await scene.stage(scene.requests(release, signature: []), verifyKey: nil)
                guard release.id != releases[2].id else { break }
                try await withAgent(root: scene.root) { agent in
                    try agent.flip(.prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: false)))
                }
            }
            func refuse(_ request: FlipRequest) async throws {
                try await scene.expectRefusal([.prepare(request)], saying: "is not signed")
                #expect(try Ring.open(scene.root.string)?.status.live == 2)
            }
            try await refuse(FlipRequest(.flip, to: releases[2].id, hooks: Hooks(), force: true))
            try await refuse(FlipRequest(.rollback, to: releases[2].id, hooks: Hooks(), force: true))
            try await refuse(FlipRequest(.flip, to: releases[0].id, hooks: Hooks(), force: true))
            // A signature that belongs to another release counts for nothing.
            let ring = try #require(try Ring.open(scene.root.string))
            try ring.keepSignature(scene.sign(releases[0]), of: 3)
            try await scene.expectRefusal(
                [.prepare(FlipRequest(.flip, to: releases[2].id, hooks: Hooks(), force: true))],
                saying: "something else")
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.flip(.prepare(FlipRequest(.rollback, to: nil, hooks: Hooks(), force: false)))
            }
            #expect(try Ring.open(scene.root.string)?.status.live == 1)
        }
    }

    @Test("a release that is there already gets the signature that it lacked")
    func late() async throws {
        try await use { scene in
            let release = scene.manifest("a")
            try await scene.stage(scene.requests(release, signature: []), verifyKey: nil)
            let signature = try scene.sign(release)
            let requests = scene.requests(release, signature: signature)
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.greet()
                for request in requests { try agent.send(request) }
                guard case .present? = try agent.receive() else { throw SlotSyncError(.system, "it was not there") }
            }
            try await withAgent(root: scene.root, verifyKey: scene.keys) { agent in
                try agent.flip(.prepare(FlipRequest(.flip, to: release.id, hooks: Hooks(), force: false)))
            }
        }
    }

    @Test("a slot that bears the ID of a signed release and holds another is not taken for it")
    func sameID() async throws {
        try await use { scene in
            let (release, other) = (scene.manifest("a"), scene.manifest("b"))
            try await scene.stage(scene.requests(other, signature: []), verifyKey: nil)
            // As though somebody had found two manifests with one XXH3.
            let ring = try #require(try Ring.open(scene.root.string))
            try ring.acquireLock(for: "a test")
            try ring.update { $0.status[1].release = ReleaseName(id: release.id) }
            ring.unlock()
            try await scene.stage(scene.requests(release, signature: scene.sign(release)), verifyKey: scene.keys)
            let after = try #require(try Ring.open(scene.root.string))
            let slot = try #require(after.status.newestReady(of: release.id))
            #expect(try after.record(of: slot)?.manifest.identity == release.identity)
        }
    }

    @Test("a policy's verify_key is as good as a file of keys")
    func byPolicy() async throws {
        try await use { scene in
            let key = String(decoding: try scene.folder.read("key.pub"), as: UTF8.self)
            try scene.folder.write(Array("verify_key \(key)".utf8), to: "policy")
            let policy = scene.folder.path("policy").string
            let requests = scene.requests(scene.manifest("a"), signature: [])
            try await withAgent(root: scene.root, policy: policy) { agent in
                try agent.greet()
                for request in requests { try agent.send(request) }
                try agent.expectFailure(.refused)
            }
            try scene.folder.write(Array("verify_key ssh-rsa AAAA".utf8), to: "policy")
            try await withAgent(root: scene.root, policy: policy) { agent in try agent.expectFailure(.refused) }
        }
    }
}
