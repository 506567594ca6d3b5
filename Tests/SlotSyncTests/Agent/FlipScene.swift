// A ring that is ready for a flip, for tests of what an agent does with it.

import SystemPackage

@testable import SlotSync

/// A ring of three slots: slot 1 is live, slot 2 is ready.
final class FlipScene: Sendable {
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
        to release: ContentDigest, before: String = "", after: String = "", undo: String = "",
        provisionalLimit limit: Duration? = nil, force: Bool = false
    ) -> Request {
        .prepare(
            FlipRequest(
                direction: .flip, release: release, beforeHook: before, afterHook: after, undoHook: undo,
                provisionalLimit: limit, force: force))
    }

    func current() throws -> String {
        String(decoding: try Directory(path: root).readLink("current"), as: UTF8.self)
    }

    func state() throws -> RingState {
        guard let ring = try Ring.open(root.string) else { throw SlotSyncError(.notARing, "the ring is gone") }
        return ring.state
    }

    /// Whether a hook has left this file beside the root.
    func exists(_ name: String) -> Bool { (try? folder.read(name)) != nil }
}

extension AgentBench {
    /// The next reply, which has to be how a flip stands.
    func outcome() throws -> FlipOutcome {
        let reply = try receive()
        switch reply {
        case .prepared(let outcome)?, .flipped(let outcome)?: return outcome
        default: throw SlotSyncError(.protocolViolation, "\(String(describing: reply)) in place of an outcome")
        }
    }

    /// Prepares and commits.
    func flip(_ prepare: Request) throws {
        try greet()
        try send(prepare, .commit)
        _ = try (outcome(), outcome())
    }

    /// The next reply, which has to be a warning.
    func warning() throws -> String {
        let reply = try receive()
        guard case .warning(let text)? = reply else {
            throw SlotSyncError(.protocolViolation, "\(String(describing: reply)) in place of a warning")
        }
        return text
    }
}
