// When a source is looked at for attributes once more, and when it is not.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("The mark of a source that was looked at")
struct AttributeMarkTests {
    private let release = ContentDigest(high: 1, low: 2)

    @Test("it holds for the same release of a source in which nothing changed since")
    func holds() throws {
        func holds(_ mark: AttributeMark, for release: ContentDigest, lastChange: Timestamp?) -> Bool {
            mark.holds(for: release) { moment in lastChange.map { !$0.isUnsettled(at: moment) } ?? false }
        }
        let folder = try TemporaryTree()
        let mark = try #require(AttributeMark(source: folder.path, in: folder.path.appending("caches")))
        let earlier = Timestamp(seconds: 1000, nanoseconds: 1)
        #expect(!holds(mark, for: release, lastChange: earlier))
        let moment = Timestamp(seconds: 2000, nanoseconds: 1)
        mark.set(for: release, at: moment)
        #expect(holds(mark, for: release, lastChange: earlier))
        #expect(!holds(mark, for: ContentDigest(high: 1, low: 3), lastChange: earlier))
        #expect(!holds(mark, for: release, lastChange: nil))
        #expect(!holds(mark, for: release, lastChange: moment))
        #expect(!holds(mark, for: release, lastChange: Timestamp(seconds: 3000, nanoseconds: 1)))
        let other = try #require(AttributeMark(source: "/", in: folder.path.appending("caches")))
        #expect(!holds(other, for: release, lastChange: earlier))
        // A clock that was put back tells nothing.
        mark.set(for: release, at: Timestamp.now.adding(nanoseconds: 3_600_000_000_000))
        #expect(!holds(mark, for: release, lastChange: earlier))
    }

    @Test("an attribute that an entry gets, or one that is moved in, is a change of the source")
    func lastChange() throws {
        let folder = try TemporaryTree()
        for name in ["source", "source/a", "elsewhere"] { try folder.folder(name) }
        try folder.file("elsewhere/file", "x")
        let root = try Directory(path: folder.path.appending("source"))
        func walk() throws -> WalkedTree {
            try TreeWalk.walk(root, name: "source", options: WalkOptions(parallelism: 1))
        }
        guard root.isStampedByThisClock else { return }
        func isChanged(by change: () throws -> Void) throws -> Bool {
            if let last = try walk().statuses.map(\.changed).max() { waitUntilSettled(last) }
            let moment = Timestamp.fileClock
            #expect(try walk().isSettled(at: moment, below: root))
            try change()
            return try !walk().isSettled(at: moment, below: root)
        }
        #expect(try isChanged { try folder.set("user.test", [1], of: "source/a") })
        #expect(
            try isChanged {
                let (old, new) = (folder.path.appending("elsewhere/file"), folder.path.appending("source/a/file"))
                try systemCall { rename(old.string, new.string) }
            })
        #expect(try !isChanged {})
    }

    @Test("what is no mark holds for nothing")
    func damaged() throws {
        let bytes = AttributeMark.encode(release, Timestamp(seconds: 5, nanoseconds: 6))
        let mark = try AttributeMark.decode(bytes)
        #expect(mark.release == release && mark.moment == Timestamp(seconds: 5, nanoseconds: 6))
        for damaged in [bytes.dropLast(), bytes + [0], [0] + bytes.dropFirst(), []] {
            #expect(errorCode { _ = try AttributeMark.decode(Array(damaged)) } == .corrupt)
        }
    }
}
