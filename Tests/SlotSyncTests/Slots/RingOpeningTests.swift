// Opening and making rings, the lock, and the switch of `current`.

import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A ring on a host")
struct RingOpeningTests {
    @Test("a root that is missing, or no folder, is refused")
    func missing() async throws {
        try await withFolder { folder in
            try folder.write([1], to: "file")
            #expect(errorCode { _ = try Ring.open(folder.path("none").string) } == .notARing)
            #expect(errorCode { _ = try Ring.open(folder.path("file").string) } == .notARing)
        }
    }

    @Test("an empty root becomes a ring, which is found again")
    func make() async throws {
        try await withFolder { folder in
            let path = folder.path("").string
            #expect(try Ring.open(path) == nil)
            let made = try Ring.make(path, slotCount: 3)
            #expect(made.status == RingStatus(slots: Array(repeating: SlotStatus(state: .empty), count: 3)))
            #expect(made.status.next == 1)
            #expect(try Ring.open(path)?.state == made.state)
        }
    }

    @Test("a making that was interrupted anywhere is begun again")
    func halfMade() async throws {
        for steps in [[], ["slots"], ["slots", "tmp"]] {
            try await withFolder { folder in
                let root = try Directory(path: folder.path(""))
                try root.makeDirectory(".slotsync")
                let metadata = try root.openDirectory(".slotsync")
                for step in steps { try metadata.makeDirectory(step) }
                if steps.count == 2 {
                    try root.makeDirectory("slots")
                    try root.openDirectory("slots").makeDirectory("1")
                    try root.makeDirectory("shared")
                }
                #expect(try Ring.open(folder.path("").string) == nil)
                #expect(try Ring.make(folder.path("").string, slotCount: 2).status.slots.count == 2)
            }
        }
    }

    @Test("a folder that SlotSync did not make is not adopted", arguments: ["index.html", "current", "slots/1/file"])
    func foreign(name: String) async throws {
        try await withFolder { folder in
            let root = try Directory(path: folder.path(""))
            if name.hasPrefix("slots") {
                try root.makeDirectory("slots")
                try root.openDirectory("slots").makeDirectory("1")
            }
            try folder.write([1], to: name)
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
            #expect(errorCode { _ = try Ring.make(folder.path("").string, slotCount: 2) } == .notARing)
            #expect((try? root.status(of: ".slotsync")) == nil)
        }
    }

    @Test(
        "a current that is no slot of the ring is refused", arguments: ["elsewhere", "slots/3", "slots/01", "/slots/1"])
    func foreignCurrent(target: String) async throws {
        try await withFolder { folder in
            _ = try Ring.make(folder.path("").string, slotCount: 2)
            try Directory(path: folder.path("")).makeSymbolicLink("current", to: target)
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
        }
    }

    @Test("a current that is a folder, or points at a slot without a whole release, is refused")
    func wrongCurrent() async throws {
        try await withFolder { folder in
            _ = try Ring.make(folder.path("").string, slotCount: 2)
            let root = try Directory(path: folder.path(""))
            try root.makeDirectory("current")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
            try root.removeDirectory("current")
            try root.makeSymbolicLink("current", to: "slots/2")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notReady)
        }
    }

    @Test("a ring that lacks a part, or whose state is damaged, is refused")
    func damaged() async throws {
        try await withFolder { folder in
            _ = try Ring.make(folder.path("").string, slotCount: 2)
            let metadata = try Directory(path: folder.path(".slotsync"))
            try metadata.removeDirectory("tmp")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
            try metadata.makeDirectory("tmp")
            try folder.write(folder.read(".slotsync/state").dropLast(), to: ".slotsync/state")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .corrupt)
        }
    }

    @Test("one writer: a second is told who and since when, and comes in afterwards")
    func lock() async throws {
        try await withFolder { folder in
            let first = try Ring.make(folder.path("").string, slotCount: 2)
            first.unlock()
            let second = try #require(try Ring.open(folder.path("").string))
            try first.acquireLock(for: "a stage by anna@desk")
            let error = #expect(throws: SlotSyncError.self) { try second.acquireLock(for: "a flip") }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("a stage by anna@desk, pid \(getpid())") == true)
            try first.acquireLock(for: "a push by anna@desk")
            #expect(errorMessage { try second.acquireLock(for: "a flip") }.contains("a push by anna@desk, pid"))
            try first.update { $0.status[1].since = 77 }
            first.unlock()
            first.noteHolder("nobody's")
            try second.acquireLock(for: "a flip")
            #expect(errorMessage { try first.acquireLock(for: "another") }.contains("a flip, pid"))
            #expect(second.status[1].since == 77, "the state is read again under the lock")
            #expect(errorCode { try first.acquireLock(for: "another") } == .locked)
        }
    }

    @Test("current resolves at every instant of a thousand flips")
    func pointCurrent() async throws {
        try await withFolder { folder in
            let ring = try Ring.make(folder.path("").string, slotCount: 2)
            for slot in 1...2 { try folder.write([UInt8(slot)], to: "slots/\(slot)/file") }
            _ = try ring.pointCurrent(at: 1)
            let reader = Reader()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !reader.isDone.load(ordering: .acquiring) {
                        let bytes = try? folder.read("current/file")
                        if bytes != [1] && bytes != [2] { reader.failures.add(1, ordering: .relaxed) }
                        reader.reads.add(1, ordering: .relaxed)
                    }
                }
                for flip in 0..<1000 { _ = try? ring.pointCurrent(at: 1 + flip % 2) }
                while reader.reads.load(ordering: .relaxed) == 0 { await Task.yield() }
                reader.isDone.store(true, ordering: .releasing)
            }
            #expect(reader.failures.load(ordering: .relaxed) == 0)
            #expect(try ring.slotOfCurrent() == 2)
            _ = try ring.pointCurrent(at: nil)
            #expect(try ring.slotOfCurrent() == nil)
        }
    }

    /// What the reader beside the flips has seen.
    private final class Reader: Sendable {
        let isDone = Atomic(false)
        let failures = Atomic(0)
        let reads = Atomic(0)
    }
}
