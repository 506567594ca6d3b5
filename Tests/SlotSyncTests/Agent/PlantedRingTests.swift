// Somebody who can write to the root, or into `.slotsync`, plants a state that says to run a command. Nothing of it is
// believed, and nothing is run as another user than the one who wrote it.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A ring that somebody else may have written", .enabled(if: geteuid() == 0, "needs root"))
struct PlantedRingTests {
    private static let stranger: uid_t = 33

    /// A ring whose slot 2 is live by a flip that was never confirmed, with a hook that leaves a file.
    private func plant(in folder: TemporaryFolder) throws {
        let ring = try Ring.make(folder.path("").string, slotCount: 3)
        try ring.update { state in
            for slot in 1...2 {
                let release = ReleaseName(id: ContentDigest(high: 0, low: UInt64(slot)))
                state.status[slot] = SlotStatus(state: slot == 1 ? .live : .ready, release: release)
            }
        }
        for slot in ["1", "2"] { try folder.write([1], to: "slots/\(slot)/page") }
        let change = FlipChange(to: 2, in: ring.status)
        try ring.update {
            $0.noteProvisional(
                change, since: 1, limit: .seconds(1), undoHook: "touch '\(folder.path("ran").string)'")
        }
        _ = try ring.pointCurrent(at: 2)
        try ring.update { $0.note(change, as: .flip, at: 1) }
        ring.unlock()
    }

    private func give(_ names: [String], of folder: TemporaryFolder) {
        for name in names { #expect(lchown(folder.path(name).string, Self.stranger, Self.stranger) == 0) }
    }

    private func hasRun(_ folder: TemporaryFolder) -> Bool { access(folder.path("ran").string, F_OK) == 0 }

    @Test("root's own ring goes back by itself, and its hook runs")
    func own() async throws {
        try await withFolder { folder in
            try plant(in: folder)
            try await withAgent(root: folder.path("")) { agent in
                #expect(try agent.greet()?.live == 1)
                _ = try agent.receive()
            }
            #expect(hasRun(folder))
        }
    }

    @Test(
        "what belongs to another user is refused by its name, and nothing is done",
        arguments: [".slotsync", ".slotsync/state", ".slotsync/slots", ".slotsync/tmp", ".slotsync/lock"])
    func foreign(_ name: String) async throws {
        try await withFolder { folder in
            try plant(in: folder)
            give([name], of: folder)
            let status = try await withAgent(root: folder.path("")) { agent in
                try agent.send(.hello(Greeting(version: "test", peer: "anna@desk")), .status)
                let path = folder.path(name).string
                guard name.hasSuffix("lock") else {
                    guard case .failure(let error)? = try agent.receive() else { throw Errno.badAddress }
                    #expect(error.code == .notARing && error.message.contains("\"\(path)\" belongs to www-data"))
                    #expect(error.message.contains("www-data@HOST"))
                    return
                }
                guard case .hello? = try agent.receive(), case .warning(let text)? = try agent.receive() else {
                    throw Errno.badAddress
                }
                #expect(text.contains("\"\(path)\" belongs to www-data"))
            }
            #expect(status == (name.hasSuffix("lock") ? 0 : 1))
            #expect(!hasRun(folder))
            #expect(try Directory(path: folder.path("")).readLink("current") == Array("slots/2".utf8))
        }
    }

    @Test(
        "what others can write to is refused, with the command that mends it",
        arguments: [".slotsync", ".slotsync/state", ".slotsync/slots", ".slotsync/tmp"],
        [0o2775, 0o777, 0o602] as [mode_t])
    func open(_ name: String, _ mode: mode_t) async throws {
        try await withFolder { folder in
            try plant(in: folder)
            let path = folder.path(name).string
            #expect(chmod(path, mode) == 0)
            let message = errorMessage { _ = try Ring.open(folder.path("").string) }
            #expect(message.contains("\"\(path)\" can be written by others"), "\(message)")
            #expect(message.contains("chmod -R go-w \(path)"), "\(message)")
            #expect(chmod(path, mode & ~0o022) == 0)
            #expect(try Ring.open(folder.path("").string) != nil)
        }
    }

    @Test("root works in a ring of the root's owner, but runs no command that this user may have written")
    func ownersRing() async throws {
        try await withFolder { folder in
            try plant(in: folder)
            give(["", ".slotsync", ".slotsync/state", ".slotsync/slots", ".slotsync/tmp"], of: folder)
            try await withAgent(root: folder.path("")) { agent in
                #expect(try agent.greet()?.live == 1, "the link goes back all the same")
                guard case .warning(let text)? = try agent.receive() else { throw Errno.badAddress }
                #expect(text.contains("flipped back") && text.contains("the after_rollback hook was not run"))
            }
            #expect(!hasRun(folder))
            let state = try #require(try Ring.open(folder.path("").string)?.state)
            #expect(state.wayBack == nil && state.status.owedHook?.kind == .afterRollback)
        }
    }

    @Test("a record that somebody else wrote counts as none, and a reserve of theirs is not written over")
    func recordAndReserve() async throws {
        try await withFolder { folder in
            let ring = try Ring.make(folder.path("").string, slotCount: 2)
            try ring.update {
                $0.status[1] = SlotStatus(state: .ready, release: ReleaseName(id: ContentDigest(high: 0, low: 1)))
            }
            try folder.write([1], to: ".slotsync/slots/1")
            give([".slotsync/slots/1", ".slotsync/state.next"], of: folder)
            #expect(errorMessage { _ = try ring.recordBytes(of: 1) }.contains("belongs to www-data"))
            try ring.update { $0.status[1].since = 77 }
            ring.unlock()
            let metadata = try Directory(path: folder.path(".slotsync"))
            #expect(try metadata.status(of: "state").owner == 0 && metadata.status(of: "state.next").owner == 0)
            #expect(try Ring.open(folder.path("").string)?.status[1].since == 77)
        }
    }

    @Test("a folder that somebody made before the ring was is not used for it")
    func earlier() async throws {
        try await withFolder { folder in
            try Directory(path: folder.path("")).makeDirectory(".slotsync")
            give([".slotsync"], of: folder)
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
            #expect(errorCode { _ = try Ring.make(folder.path("").string, slotCount: 2) } == .notARing)
        }
    }
}
