import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Hash cache") struct HashCacheTests {
    /// - Parameter sums: whether every other one has a SHA-256.
    private func digests(_ count: Int, sums: Bool = false) -> KnownDigests {
        let records = (0..<UInt64(count)).map { number in
            KnownDigests.Record(
                tuple: StatTuple(
                    size: number, modified: Timestamp(seconds: -1, nanoseconds: 5),
                    changed: Timestamp(seconds: 1, nanoseconds: UInt32(number)), inode: number * 3, device: 7),
                digest: ContentDigest(high: number, low: 1),
                sum: sums && number % 2 == 1 ? UInt32(number / 2 + 1) : 0)
        }
        let known = sums ? (0..<count / 2).map { SHA256Digest(of: [UInt8(truncatingIfNeeded: $0)]) } : []
        return KnownDigests(sorted: records, sums: known)!
    }

    @Test("what was stored is loaded, by a file that only its owner can read") func roundTrip() throws {
        let folder = try TemporaryTree()
        let caches = folder.path.appending("a").appending("b")
        let cache = try #require(HashCache(source: folder.path, in: caches))
        #expect(cache.load().records.isEmpty)
        try cache.store(digests(1000))
        #expect(cache.load().records == digests(1000).records)
        try cache.store(digests(11, sums: true))
        let (loaded, stored) = (cache.load(), digests(11, sums: true))
        #expect(loaded.records == stored.records && loaded.sums == stored.sums && stored.sums.count == 5)
        try cache.store(digests(10))
        #expect(cache.load().records == digests(10).records)
        let walked = try TreeWalk.walk(Directory(path: caches), name: "caches", options: WalkOptions(parallelism: 1))
        #expect(walked.manifest.count == 3 && walked.manifest.entries.dropFirst().allSatisfy { $0.mode == 0o600 })
    }

    @Test("commands that store at the same time do not disturb each other", arguments: 0..<20)
    func concurrent(round: Int) throws {
        let folder = try TemporaryTree()
        let cache = try #require(HashCache(source: folder.path, in: folder.path.appending("caches")))
        let errors = forEachConcurrently(Array(0..<8)) { _ in errorCode { try cache.store(digests(500)) } }
        #expect(errors.allSatisfy { $0 == nil })
        #expect(cache.load().records == digests(500).records)
    }

    @Test("each source has its own file, whatever path leads to it") func onePerSource() throws {
        let folder = try TemporaryTree()
        try folder.folder("x")
        try folder.folder("y")
        try folder.link("z", to: "x")
        let caches = folder.path.appending("caches")
        func cache(_ name: String) throws -> HashCache {
            try #require(HashCache(source: folder.path.appending(name), in: caches))
        }
        try cache("x").store(digests(1))
        #expect(try cache("z").load().records.count == 1)
        #expect(try cache("y/../x").load().records.count == 1)
        #expect(try cache("y").load().records.isEmpty)
        #expect(HashCache(source: folder.path.appending("missing"), in: caches) == nil)
    }

    @Test("a damaged file counts as none", arguments: [false, true]) func damaged(sums: Bool) throws {
        let bytes = HashCache.encode(digests(20, sums: sums))
        #expect(try HashCache.decode(bytes).records.count == 20)
        for position in stride(from: 0, to: bytes.count, by: 11) {
            var damaged = bytes
            damaged[position] ^= 0x10
            #expect(throws: SlotSyncError.self) { try HashCache.decode(damaged) }
            #expect(throws: SlotSyncError.self) { try HashCache.decode(Array(bytes[..<position])) }
        }
        let folder = try TemporaryTree()
        let cache = try #require(HashCache(source: folder.path, in: folder.path))
        try cache.store(digests(3))
        let name = try #require(try folder.walk().paths.first { $0 != "CACHEDIR.TAG" })
        try folder.file(name, "not a cache")
        #expect(cache.load().records.isEmpty)
    }

    @Test("a digest is found by its whole stat tuple") func lookUp() throws {
        let tree = try TemporaryTree()
        for number in 0..<50 { try tree.file("\(number)", "\(number)") }
        var walked = try tree.walk()
        try TreeHashing.hash(&walked, root: tree.root, name: "the tree", known: { _, _ in nil }, parallelism: 1)
        let known = KnownDigests(of: walked, walkedAt: .fileClock.adding(nanoseconds: 1_000_000_000))
        for (index, entry) in walked.manifest.entries.enumerated().dropFirst() {
            var status = walked.statuses[index]
            #expect(known.content(for: status)?.digest == entry.digest)
            status.changed = status.changed.adding(nanoseconds: 1)
            #expect(known.content(for: status) == nil)
        }
    }

    @Test("a SHA-256 that is known stays known when a scan does not ask for it, as long as the file is the same")
    func keptSums() throws {
        let tree = try TemporaryTree()
        for number in 0..<5 { try tree.file("\(number)", "\(number)") }
        let late = Timestamp.fileClock.adding(nanoseconds: 3_000_000_000)
        func scan(_ options: WalkOptions, after known: KnownDigests = KnownDigests()) throws -> KnownDigests {
            var walked = try TreeWalk.walk(tree.root, name: "the tree", options: options)
            try TreeHashing.hash(
                &walked, root: tree.root, name: "the tree", known: { known.content(for: $1) }, parallelism: 1)
            return KnownDigests(of: walked, walkedAt: late, after: known)
        }
        let first = try scan(WalkOptions(sha256: true, parallelism: 1))
        #expect(first.records.count == 5 && first.records.allSatisfy { $0.sum > 0 })
        try tree.file("3", "other")
        let second = try scan(WalkOptions(parallelism: 1), after: first)
        #expect(second.records.count == 5 && second.records.count { $0.sum == 0 } == 1)
        let third = try scan(WalkOptions(sha256: true, parallelism: 1), after: second)
        #expect(third.records.allSatisfy { $0.sum > 0 })
    }

    @Test("a file that changed in the tick of the scan's start is not remembered") func racilyClean() throws {
        let tree = try TemporaryTree()
        try tree.file("file", "content")
        let walked = try tree.walk()
        let changed = walked.statuses[1].changed
        #expect(KnownDigests(of: walked, walkedAt: changed).records.isEmpty)
        #expect(
            KnownDigests(of: walked, walkedAt: changed.adding(nanoseconds: Timestamp.fileClockTick)).records.isEmpty)
        #expect(KnownDigests(of: walked, walkedAt: changed.adding(nanoseconds: 3_000_000_000)).records.count == 1)
    }

    @Test("hard links are remembered once") func hardLinks() throws {
        let tree = try TemporaryTree()
        try tree.file("a", "content")
        try tree.hardLink("b", to: "a")
        let walked = try tree.walk()
        let known = KnownDigests(of: walked, walkedAt: .fileClock.adding(nanoseconds: 3_000_000_000))
        #expect(known.records.count == 1)
    }

    @Test("records that are not sorted are refused") func unsorted() {
        #expect(KnownDigests(sorted: digests(3).records.reversed()) == nil)
        #expect(KnownDigests(sorted: digests(3).records + digests(1).records) == nil)
    }
}
