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

    @Test("a folder is made durable where its file system can synchronize files alone, as /proc")
    func synchronize() throws {
        let folder = try Directory(path: "/proc/self")
        try #require(fsync(folder.raw) != 0 && errno == EINVAL)
        try folder.synchronize()
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

    /// A ring whose slots hold a release each, the second one live.
    private func ring(in folder: TemporaryFolder) throws -> Ring {
        let ring = try Ring.make(folder.path("").string, slotCount: 3)
        try ring.update { state in
            for slot in 1...2 {
                let release = ReleaseName(id: ContentDigest(high: 0, low: UInt64(slot)))
                state.status[slot] = SlotStatus(state: slot == 2 ? .live : .retired, release: release)
            }
        }
        ring.prepareSwitch()
        _ = try ring.pointCurrent(at: 2)
        ring.unlock()
        return try #require(try Ring.open(folder.path("").string))
    }

    /// What a hand may do to `current`.
    enum Hand: CaseIterable {
        case elsewhere, dangling, unknownSlot, wrongNumber, absolute, emptySlot, folder, file, gone

        func replaceCurrent(in folder: TemporaryFolder) throws {
            let root = try Directory(path: folder.path(""))
            try root.remove("current")
            switch self {
            case .elsewhere: try root.makeSymbolicLink("current", to: "/usr")
            case .dangling: try root.makeSymbolicLink("current", to: "elsewhere")
            case .unknownSlot: try root.makeSymbolicLink("current", to: "slots/4")
            case .wrongNumber: try root.makeSymbolicLink("current", to: "slots/02")
            case .absolute: try root.makeSymbolicLink("current", to: folder.path("slots/1").string)
            case .emptySlot: try root.makeSymbolicLink("current", to: "slots/3")
            case .folder:
                try root.makeDirectory("current")
                try folder.write([1], to: "current/page")
            case .file: try folder.write([1], to: "current")
            case .gone: break
            }
        }
    }

    @Test(
        "a current that was made by hand is told of, with what is live by the state, and goes when it is pointed",
        arguments: Hand.allCases)
    func handMade(_ hand: Hand) async throws {
        try await withFolder { folder in
            _ = try ring(in: folder)
            try hand.replaceCurrent(in: folder)
            let ring = try #require(try Ring.open(folder.path("").string))
            let found = try #require(ring.handMade)
            #expect(ring.status.live == (hand == .absolute ? 1 : 2))
            let slot = hand == .absolute ? 1 : 2
            #expect(found.text.contains("ln -sfn slots/\(slot) \(folder.path("current").string)"), "\(found.text)")
            #expect(found.isMisleading == (hand != .absolute))
            let isForeign = [.elsewhere, .dangling, .unknownSlot, .wrongNumber, .folder, .file].contains(hand)
            #expect(found.isForeign == isForeign)
            try ring.acquireLock(for: "a test")
            let said = try ring.pointCurrent(at: 1).warnings.joined()
            #expect(try ring.slotOfCurrent() == 1 && ring.handMade == nil)
            switch hand {
            case .folder: #expect(try folder.read("current.replaced-1/page") == [1] && said.contains("replaced-1"))
            case .file: #expect(try folder.read("current.replaced-1") == [1] && said.contains("replaced-1"))
            case .elsewhere: #expect(said.contains("\"/usr\""))
            default: break
            }
        }
    }

    @Test("a root whose ring was never made has no current to be told of")
    func foreignRoot() async throws {
        try await withFolder { folder in
            try Directory(path: folder.path("")).makeSymbolicLink("current", to: "elsewhere")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
        }
    }

    @Test("a switch needs no new inode: the links lie ready, and the old one is the way back")
    func links() async throws {
        try await withFolder { folder in
            let ring = try ring(in: folder)
            try ring.acquireLock(for: "a test")
            let metadata = try Directory(path: folder.path(".slotsync"))
            func inode(_ directory: Directory, _ name: String) throws -> UInt64 { try directory.status(of: name).inode }
            let root = try Directory(path: folder.path(""))
            let (ready, live) = (try inode(metadata, "current.1"), try inode(root, "current"))
            _ = try ring.pointCurrent(at: 1)
            #expect(try inode(root, "current") == ready && inode(metadata, "current.2") == live)
            #expect((try? metadata.status(of: "current.1")) == nil)
            _ = try ring.pointCurrent(at: 2)
            #expect(try inode(root, "current") == live)
            // Something else in the place of the link that lies ready is no help, and no harm.
            try metadata.remove("current.1")
            try metadata.makeDirectory("current.1")
            _ = try ring.pointCurrent(at: 1)
            #expect(try ring.slotOfCurrent() == 1)
        }
    }

    @Test(
        "what stood at current when a switch was killed between its two steps is moved beside it by the next command",
        arguments: [Hand.file, .folder, .elsewhere], [".slotsync/current.1", ".current.slotsync"])
    func killedSwitch(_ hand: Hand, _ name: String) async throws {
        try await withFolder { folder in
            _ = try ring(in: folder)
            try hand.replaceCurrent(in: folder)
            let root = try Directory(path: folder.path(""))
            // The link has come into its place, and what it replaced is where the link was.
            if name == ".current.slotsync" {
                try root.makeSymbolicLink(name, to: "slots/1")
            }
            #expect(renameat2(folder.path("current"), folder.path(name)))
            let ring = try #require(try Ring.open(folder.path("").string))
            #expect(ring.status.live == 1)
            try ring.acquireLock(for: "a test")
            var said = ring.takeWarnings().joined()
            for slot in [2, 1] { said += try ring.pointCurrent(at: slot).warnings.joined() }
            switch hand {
            case .folder: #expect(try folder.read("current.replaced-1/page") == [1] && said.contains("replaced-1"))
            case .file: #expect(try folder.read("current.replaced-1") == [1] && said.contains("replaced-1"))
            default: #expect(said.contains("\"/usr\""), "\(said)")
            }
            #expect(try ring.slotOfCurrent() == 1 && (try? root.status(of: ".current.slotsync")) == nil)
        }
    }

    private func renameat2(_ one: FilePath, _ other: FilePath) -> Bool {
        guard let top = try? Directory(path: "/") else { return false }
        let (one, other) = (String(one.string.dropFirst()), String(other.string.dropFirst()))
        return (try? top.exchange(one, with: other, in: top)) != nil
    }

    @Test("current is taken away where nothing was live before, unless it is somebody's own", arguments: Hand.allCases)
    func removed(_ hand: Hand) async throws {
        try await withFolder { folder in
            _ = try ring(in: folder)
            try hand.replaceCurrent(in: folder)
            let ring = try #require(try Ring.open(folder.path("").string))
            let isForeign = ring.handMade?.isForeign ?? false
            try ring.acquireLock(for: "a test")
            let said = try ring.pointCurrent(at: nil).warnings
            #expect(said.isEmpty == !isForeign)
            let root = try Directory(path: folder.path(""))
            #expect(((try? root.status(of: "current")) != nil) == isForeign)
        }
    }

    @Test("a state is written over its reserve, which has the blocks, and needs no more room")
    func reserve() async throws {
        try await withFolder { folder in
            let ring = try ring(in: folder)
            try ring.acquireLock(for: "a test")
            let metadata = try Directory(path: folder.path(".slotsync"))
            let before = try (metadata.status(of: "state"), metadata.status(of: "state.next"))
            #expect(before.0.size == before.1.size && before.1.blocks * 512 >= before.1.size)
            try ring.update { $0.status[1].since = 77 }
            let after = try (metadata.status(of: "state"), metadata.status(of: "state.next"))
            #expect(after.0.inode == before.1.inode && after.1.inode == before.0.inode)
            #expect(after.0.size == before.0.size)
            #expect(try Ring.open(folder.path("").string)?.status[1].since == 77)
            for number in 0..<300 {
                try ring.update {
                    $0.note(FlipRecord(kind: .flip, at: Int64(number), fromSlot: 1, toSlot: 2, release: .empty))
                }
            }
            #expect(try Ring.open(folder.path("").string)?.state == ring.state)
        }
    }

    @Test("a ring that lacks its slots, or whose state is damaged, is refused; what holds nothing is made again")
    func damaged() async throws {
        try await withFolder { folder in
            _ = try Ring.make(folder.path("").string, slotCount: 2)
            let metadata = try Directory(path: folder.path(".slotsync"))
            try metadata.removeDirectory("tmp")
            _ = try Ring.open(folder.path("").string)
            #expect(try metadata.status(of: "tmp").kind == .directory)
            try Directory(path: folder.path("")).rename("slots", to: "gone")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .notARing)
            try Directory(path: folder.path("")).rename("gone", to: "slots")
            try folder.write(folder.read(".slotsync/state").dropLast(), to: ".slotsync/state")
            #expect(errorCode { _ = try Ring.open(folder.path("").string) } == .corrupt)
        }
    }

    @Test("the state before the last change is offered for one that is lost, unless a flip was not confirmed in it")
    func lost() throws {
        let scene = try FlipScene()
        let path = scene.root.string
        func told() throws -> String {
            let ring = try #require(try Ring.open(path))
            ring.unlock()
            let state = try scene.folder.read("root/.slotsync/state")
            defer { try? scene.folder.write(state, to: "root/.slotsync/state") }
            try scene.folder.write(state.dropLast(), to: "root/.slotsync/state")
            return errorMessage { _ = try Ring.open(path) }
        }
        let offer = "(cp -p \(path)/.slotsync/state.next \(path)/.slotsync/state)"
        let before = try told()
        #expect(before.contains(offer), "\(before)")
        let ring = try #require(try Ring.open(path))
        try ring.acquireLock(for: "a test")
        let change = FlipChange(to: 2, in: ring.status)
        try ring.update { $0.noteProvisional(change, since: 1, limit: .seconds(60), undoHook: "") }
        try ring.update { $0.noteNoneProvisional() }
        ring.unlock()
        let after = try told()
        #expect(!after.contains("cp -p") && after.contains("Restore the file from a backup"), "\(after)")
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

    @Test("the holder of the lock hears who asks for it; a new holder does not hear what the one before was asked")
    func askForWay() async throws {
        try await withFolder { folder in
            let holder = try Ring.make(folder.path("").string, slotCount: 2)
            let asker = try #require(try Ring.open(folder.path("").string))
            try holder.acquireLock(for: "a push by anna@desk")
            #expect(holder.lock.request == nil)
            let since = asker.lockOfOthers()?.since
            let held = try asker.askForWay("a rollback by eva@desk: \(String(repeating: "ü", count: 600))")
            #expect(held?.holder == "a push by anna@desk, pid \(getpid())" && held?.since == since)
            holder.noteHolder("a push by anna@desk that watches this host")
            holder.noteWayBack(ContentDigest(of: [1]))
            #expect(holder.lock.request?.hasPrefix("a rollback by eva@desk: üü") == true)
            #expect(asker.lockOfOthers()?.holder == "a push by anna@desk that watches this host, pid \(getpid())")
            holder.unlock()
            #expect(asker.lastWayBack() == ContentDigest(of: [1]), "the last word of a holder stays")
            #expect(try asker.askForWay("a rollback") == nil)
            #expect(holder.lock.request == nil, "it is not held")
            try holder.acquireLock(for: "a stage")
            #expect(holder.lock.request == nil && asker.lastWayBack() == nil)
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
