import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Scan of a source") struct SourceScanTests {
    private func scan(
        _ tree: TemporaryTree, cache: HashCache? = nil, checksum: Bool = false, parallelism: Int = 2,
        onWarning: (String) -> Void = { _ in }
    ) throws -> WalkedTree {
        try SourceScan.scan(
            path: tree.path, options: WalkOptions(parallelism: parallelism), cache: cache, checksum: checksum,
            onWarning: onWarning)
    }

    @Test("a source is walked and hashed, however new it is") func whole() throws {
        let tree = try TemporaryTree()
        try tree.fill()
        try tree.file("file", "content")
        let scanned = try scan(tree)
        #expect(scanned.entry("file")?.digest == ContentDigest(of: Array("content".utf8)))
        #expect(scanned.manifest.entries.allSatisfy { $0.kind != .file || $0.digest != ContentDigest(high: 0, low: 0) })
        #expect(try scan(tree, parallelism: 1).manifest.id == scanned.manifest.id)
    }

    @Test("a source that is missing, or a file, is refused by name") func badSource() throws {
        let tree = try TemporaryTree()
        try tree.file("file")
        for name in ["missing", "file", "file/below"] {
            let error = try #require(throws: SlotSyncError.self) {
                try SourceScan.scan(
                    path: tree.path.appending(name), options: WalkOptions(parallelism: 1), cache: nil)
            }
            #expect(error.code == .badInput && error.message.contains(name))
        }
    }

    @Test("what the cache knows is not read again, unless checksums were asked for") func cacheHit() throws {
        let (tree, caches) = (try TemporaryTree(), try TemporaryTree())
        try tree.file("file", "content")
        let cache = try #require(HashCache(source: tree.path, in: caches.path))
        let scanned = try scan(tree, cache: cache)
        #expect(cache.load().records.count == 1)

        // A lie in the cache shows whether it is believed.
        var lying = scanned
        let file = try #require(lying.manifest.entry(at: [Array("file".utf8)[...]]))
        lying.manifest.entries[file].digest = ContentDigest(high: 6, low: 6)
        try cache.store(KnownDigests(of: lying, walkedAt: .fileClock.adding(nanoseconds: 1_000_000_000)))
        #expect(try scan(tree, cache: cache).entry("file")?.digest == ContentDigest(high: 6, low: 6))
        #expect(try scan(tree, cache: cache, checksum: true).manifest.id == scanned.manifest.id)
        #expect(try scan(tree, cache: cache).manifest.id == scanned.manifest.id)
    }

    @Test("a SHA-256 that the cache knows is not computed again, unless checksums were asked for") func sumHit() throws
    {
        let (tree, caches) = (try TemporaryTree(), try TemporaryTree())
        try tree.file("file", "content")
        let cache = try #require(HashCache(source: tree.path, in: caches.path))
        func sum(checksum: Bool = false) throws -> SHA256Digest {
            let scanned = try SourceScan.scan(
                path: tree.path, options: WalkOptions(sha256: true, parallelism: 2), cache: cache, checksum: checksum)
            #expect(scanned.manifest.hasSHA256)
            return scanned.manifest.sha256[1]
        }
        let right = SHA256Digest(of: Array("content".utf8))
        // A scan that did not ask for it left none.
        _ = try scan(tree, cache: cache)
        #expect(try sum() == right)

        let records = cache.load().records
        try cache.store(#require(KnownDigests(sorted: records, sums: [SHA256Digest(of: [])])))
        #expect(try sum() == SHA256Digest(of: []))
        #expect(try sum(checksum: true) == right)
        #expect(try sum() == right)
    }

    @Test("a file that changed in place, with its size and time kept, is read again") func keptTime() throws {
        let (tree, caches) = (try TemporaryTree(), try TemporaryTree())
        try tree.file("file", "content")
        let cache = try #require(HashCache(source: tree.path, in: caches.path))
        let modified = try tree.root.status(of: "file").modified
        _ = try scan(tree, cache: cache)
        try tree.file("file", "CONTENT")
        try tree.root.setModified(of: "file", to: modified)
        #expect(try scan(tree, cache: cache).entry("file")?.digest == ContentDigest(of: Array("CONTENT".utf8)))
    }

    @Test("a cache that cannot be written is a warning") func unwritable() throws {
        let (tree, caches) = (try TemporaryTree(), try TemporaryTree())
        try tree.file("file", "content")
        try caches.file("file")
        let cache = try #require(HashCache(source: tree.path, in: caches.path.appending("file").appending("slotsync")))
        var warnings: [String] = []
        #expect(try scan(tree, cache: cache, onWarning: { warnings.append($0) }).manifest.count == 2)
        #expect(warnings.count == 1)
    }

    @Test("a source that changes all the time is refused, or released as it was at one moment")
    func neverAMixture() throws {
        let tree = try TemporaryTree()
        try tree.fill()
        // One after the other gets the next number: b is never ahead of a, nor more than one behind.
        let names = ["0/a", "9/b"]
        let numbers = Mutex<[ContentDigest: Int]>([:])
        let writer = Disturbance { number in
            let content = Array(String(repeating: "\(number)\n", count: 5000).utf8)
            numbers.withLock { $0[ContentDigest(of: content)] = number }
            for name in names {
                try tree.file(Array("next".utf8), content)
                try tree.rename("next", to: name)
            }
            usleep(UInt32(number % 7) * 3000)
        }
        var whole = 0
        for _ in 0..<150 {
            do {
                let scanned = try scan(tree)
                let (first, second) = numbers.withLock { numbers in
                    (
                        scanned.entry(names[0]).flatMap { numbers[$0.digest] },
                        scanned.entry(names[1]).flatMap { numbers[$0.digest] }
                    )
                }
                #expect(first != nil && (second == first || second == first! - 1))
                whole += 1
            } catch let error as SlotSyncError {
                #expect(error.code == .sourceChanged)
            }
        }
        writer.stop()
        #expect(whole > 0)
    }

    @Test("a source that changes all the time is refused with the names of what changed") func restless() throws {
        let tree = try TemporaryTree()
        for number in 0..<400 { try tree.file("folder/\(number)", "\(number)") }
        let writer = Disturbance { number in try tree.file("folder/\(number % 400)", "\(number)") }
        let error = #expect(throws: SlotSyncError.self) { while true { _ = try scan(tree) } }
        writer.stop()
        #expect(
            error?.code == .sourceChanged && error?.message.contains("\"folder/") == true, "\(error?.message ?? "")")
    }
}
