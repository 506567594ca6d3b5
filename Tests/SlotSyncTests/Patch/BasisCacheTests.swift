// What is kept is found again, byte for byte, or not at all: whatever happens to the files in between.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("The cache of bases")
struct BasisCacheTests {
    /// A source of files of these contents, and a folder for caches beside it.
    private struct Scene {
        let folder: TemporaryFolder
        let source: ReleaseSource
        var caches: FilePath { folder.path("caches") }

        init(_ folder: TemporaryFolder, _ contents: [[UInt8]]) throws {
            self.folder = folder
            let top = try Directory(path: folder.path(""))
            try? top.removeTree("source")
            try top.makeDirectory("source")
            for (number, content) in contents.enumerated() {
                try folder.write(content, to: "source/\(100 + number)")
            }
            let root = try Directory(path: folder.path("source"))
            var tree = try TreeWalk.walk(root, name: "source", options: WalkOptions(parallelism: 1))
            try TreeHashing.hash(&tree, root: root, name: "source", known: { _, _ in nil }, parallelism: 1)
            source = ReleaseSource(root: root, name: "source", manifest: tree.manifest)
        }

        func cache(limit: UInt64 = 1 << 30) throws -> BasisCache { try BasisCache(in: caches, limit: limit) }

        @discardableResult
        func fill(limit: UInt64 = 1 << 30) throws -> BasisCache {
            try BasisCacheFilling(cache(limit: limit)).finish(source)
            return try cache(limit: limit)
        }

        /// The files of the cache, by name.
        var files: [String] {
            get throws {
                var names: [String] = []
                let directory = try Directory(path: caches.appending("contents"))
                try directory.forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
                return names.sorted()
            }
        }

        var size: Int { get throws { try files.map { try bytes(of: $0).count }.reduce(0, +) } }

        func bytes(of name: String) throws -> [UInt8] { try folder.read("caches/contents/\(name)") }
        func write(_ bytes: [UInt8], to name: String) throws { try folder.write(bytes, to: "caches/contents/\(name)") }

        func setAge(of name: String, seconds: Int64) throws {
            let time = Timestamp(seconds: Timestamp.now.seconds - seconds, nanoseconds: 0)
            try Directory(path: caches.appending("contents")).setModified(of: name, to: time)
        }
    }

    private func contents(_ count: Int, size: Int = 5000, seed: UInt64 = 1) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in random.bytes(size) }
    }

    private func kept(_ contents: [[UInt8]], in cache: BasisCache) -> [Bool] {
        var reader = cache.reader()
        return contents.map { reader.contents(of: ContentDigest(of: $0)) == $0 }
    }

    private func all(_ value: Bool, _ count: Int) -> [Bool] { [Bool](repeating: value, count: count) }

    @Test("a release's contents are kept in one file that only its owner can read, each once")
    func roundTrip() async throws {
        try await withFolder { folder in
            let contents = contents(20) + [[7], [UInt8](repeating: 3, count: 3 << 20)]
            let scene = try Scene(folder, contents + contents)
            let cache = try scene.fill()
            #expect(kept(contents, in: cache) == all(true, contents.count))
            #expect(cache.length(of: ContentDigest(of: contents[0])) == 5000)
            #expect(cache.length(of: ContentDigest(high: 1, low: 1)) == nil)
            let name = try #require(try scene.files.first)
            #expect(try scene.files.count == 1 && name.hasSuffix(".pack"))
            let directory = try Directory(path: scene.caches.appending("contents"))
            #expect(try directory.status(of: name).mode == 0o600)
            #expect(try directory.status().mode == 0o700)
            let size = try Int(directory.status(of: name).size)
            let bytes = contents.map(\.count).reduce(0, +)
            #expect(size < bytes + 22 * 32 + 100)
        }
    }

    @Test("the next release adds what is new, and what the encoder hands over is not read again")
    func additions() async throws {
        try await withFolder { folder in
            let old = contents(10)
            try Scene(folder, old).fill()
            let new = contents(4, seed: 2)
            let scene = try Scene(folder, Array(old.prefix(6)) + new)
            let filling = BasisCacheFilling(try scene.cache())
            for content in old + [new[0]] {
                content.withUnsafeBytes { filling.add($0, digest: ContentDigest(of: content)) }
            }
            // As if it were changed now: what was handed over is kept nevertheless.
            try folder.write([1], to: "source/106")
            try filling.finish(scene.source)
            #expect(kept(old + new, in: try scene.cache()) == all(true, 14))
            let sizes = try scene.files.map { try scene.bytes(of: $0).count }.sorted()
            #expect(sizes.count == 2 && sizes[0] < 4 * 5000 + 500)
            try scene.fill()
            #expect(try scene.files.count == 2, "what is all there needs no new pack")
        }
    }

    @Test("a signature of what is kept is that of its bytes")
    func signature() async throws {
        try await withFolder { folder in
            let contents = contents(2, size: 3_000_001)
            let cache = try Scene(folder, contents).fill()
            var reader = cache.reader()
            let signature = reader.signature(of: ContentDigest(of: contents[1]))
            let made = try #require(signature)
            var builder = Signature.Builder(basisLength: 3_000_001, seed: made.seed)
            contents[1].withUnsafeBytes { builder.update($0) }
            let expected = try builder.finish()
            #expect(made == expected)
            let none = reader.signature(of: ContentDigest(high: 1, low: 1))
            #expect(none == nil)
        }
    }

    @Test("a flipped bit is a miss, never other bytes; the next stage keeps the contents anew", arguments: 0..<60)
    func flippedBit(position: Int) async throws {
        try await withFolder { folder in
            let contents = contents(3, size: 300)
            let scene = try Scene(folder, contents)
            try scene.fill()
            let name = try scene.files[0]
            var bytes = try scene.bytes(of: name)
            // Spread over contents, index and trailer.
            bytes[position * bytes.count / 60] ^= 1 << UInt8(position % 8)
            try scene.write(bytes, to: name)
            let cache = try scene.cache()
            var reader = cache.reader()
            for content in contents {
                let found = reader.contents(of: ContentDigest(of: content))
                #expect(found == nil || found == content)
                let signature = reader.signature(of: ContentDigest(of: content))
                #expect(signature.map { $0.basisLength == 300 } ?? true)
            }
            try BasisCacheFilling(cache).finish(scene.source)
            #expect(kept(contents, in: try scene.cache()) == all(true, 3))
            #expect(try scene.files.count == 1)
        }
    }

    @Test("a pack that is cut short, before or after it was opened, is a miss", arguments: [false, true])
    func truncated(isOpen: Bool) async throws {
        try await withFolder { folder in
            let contents = contents(3)
            let scene = try Scene(folder, contents)
            var cache = try scene.fill()
            let name = try scene.files[0]
            for length in [9000, 3, 0] {
                try scene.write(Array(scene.bytes(of: name).prefix(length)), to: name)
                if !isOpen { cache = try scene.cache() }
                #expect(!kept(contents, in: cache).contains(true) || isOpen && length == 9000)
            }
            try BasisCacheFilling(cache).finish(scene.source)
            #expect(kept(contents, in: try scene.cache()) == all(true, 3))
        }
    }

    @Test("what is removed under way is a miss, and the stage's end puts it in again")
    func removed() async throws {
        try await withFolder { folder in
            let contents = contents(3)
            let scene = try Scene(folder, contents)
            let cache = try scene.fill()
            try Directory(path: scene.caches).removeTree("contents")
            #expect(kept(contents, in: cache) == all(false, 3))
            #expect(errorCode { try BasisCacheFilling(cache).finish(scene.source) } == .system)
            #expect(kept(contents, in: try scene.fill()) == all(true, 3))
        }
    }

    @Test("a content that changes while it is kept is not kept, and the others are")
    func changed() async throws {
        try await withFolder { folder in
            let contents = contents(4)
            let scene = try Scene(folder, contents)
            try folder.write(self.contents(1, seed: 9)[0], to: "source/101")
            try folder.write([1, 2, 3], to: "source/102")
            try Directory(path: folder.path("source")).remove("103")
            #expect(kept(contents, in: try scene.fill()) == [true, false, false, false])
        }
    }

    @Test("within its limit the cache lets the longest unused go, and keeps what this release is made of")
    func eviction() async throws {
        try await withFolder { folder in
            let releases = (0..<4).map { contents(10, seed: UInt64($0)) }
            let limit: UInt64 = 170_000
            var names: [String] = []
            for (number, release) in releases.prefix(3).enumerated() {
                let scene = try Scene(folder, release)
                try scene.fill(limit: limit)
                names += try scene.files.filter { !names.contains($0) }
                try scene.setAge(of: names[number], seconds: 1000 - Int64(number))
            }
            // The first is used again.
            try Scene(folder, releases[0]).fill(limit: limit)
            let scene = try Scene(folder, releases[3] + releases[0])
            let cache = try scene.fill(limit: limit)
            let expected = [all(true, 10), all(false, 10), all(true, 10), all(true, 10)]
            #expect(releases.map { kept($0, in: cache) } == expected)
            #expect(try scene.size <= Int(limit))
        }
    }

    @Test("what a pack that has to go holds of this release is kept anew")
    func evictedInPart() async throws {
        try await withFolder { folder in
            let old = contents(10)
            let limit: UInt64 = 70_000
            try Scene(folder, old).fill(limit: limit)
            let release = Array(old.prefix(2)) + contents(8, seed: 2)
            let scene = try Scene(folder, release)
            let cache = try scene.fill(limit: limit)
            #expect(kept(release, in: cache) == all(true, 10))
            #expect(kept(Array(old.dropFirst(2)), in: cache) == all(false, 8))
            #expect(try scene.size <= Int(limit))
        }
    }

    @Test("of two packs that hold the same, the one that was used last is read")
    func twice() async throws {
        try await withFolder { folder in
            let contents = contents(5)
            try Scene(folder, contents).fill()
            let scene = try Scene(folder, contents + self.contents(1, seed: 2))
            let first = try scene.files[0]
            // As if two stages had kept it at the same time.
            let pack = try scene.bytes(of: first)
            try Directory(path: scene.caches.appending("contents")).remove(first)
            try scene.fill()
            try scene.write(pack, to: first)
            try scene.setAge(of: first, seconds: 100)
            let cache = try scene.cache()
            #expect(cache.packs.count == 2 && cache.packs[1].name == first)
            #expect(contents.map { cache.pack(of: ContentDigest(of: $0))?.pack } == [0, 0, 0, 0, 0])
        }
    }

    @Test("what is encoded for a host that comes late is not kept, and does the pack no harm")
    func late() async throws {
        try await withFolder { folder in
            let contents = contents(3)
            let scene = try Scene(folder, Array(contents.prefix(2)))
            let filling = BasisCacheFilling(try scene.cache())
            try filling.finish(scene.source)
            contents[2].withUnsafeBytes { filling.add($0, digest: ContentDigest(of: contents[2])) }
            #expect(try scene.files.count == 1)
            #expect(kept(contents, in: try scene.cache()) == [true, true, false])
        }
    }

    @Test("a release that is larger than the limit is kept in part, and never more", arguments: [0, 1, 23_000, 60_000])
    func limit(limit: UInt64) async throws {
        try await withFolder { folder in
            let contents = contents(10)
            for _ in 0..<3 {
                let scene = try Scene(folder, contents)
                let cache = try scene.fill(limit: limit)
                #expect(kept(contents, in: cache).filter { $0 }.count == min(Int(limit) / 5000, 10))
                #expect(try scene.size <= Int(limit) + 1000)
            }
        }
    }

    @Test("two stages at a time leave a whole cache")
    func concurrent() async throws {
        try await withFolder { folder in
            let contents = contents(50)
            let scene = try Scene(folder, contents)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try scene.fill() } }
                try await group.waitForAll()
            }
            #expect(kept(contents, in: try scene.cache()) == all(true, 50))
            #expect(try scene.files.allSatisfy { $0.hasSuffix(".pack") })
        }
    }

    @Test("commands that begin at the same time make the folder together", arguments: 0..<20)
    func folders(round: Int) async throws {
        try await withFolder { folder in
            let path = folder.path("a/b/c/d/e/f")
            let errors = forEachConcurrently(Array(0..<8)) { _ in errorCode { _ = try CacheFolder.open(path) } }
            #expect(errors.allSatisfy { $0 == nil })
        }
    }

    @Test("contents handed over by several threads are all there")
    func parallel() async throws {
        try await withFolder { folder in
            let contents = contents(400, size: 700)
            let scene = try Scene(folder, [])
            let filling = BasisCacheFilling(try scene.cache())
            _ = forEachConcurrently(contents + contents) { content in
                content.withUnsafeBytes { filling.add($0, digest: ContentDigest(of: content)) }
            }
            try filling.finish(scene.source)
            #expect(kept(contents, in: try scene.cache()) == all(true, 400))
        }
    }

    @Test("a stage that is interrupted keeps nothing and leaves nothing")
    func cancelled() async throws {
        try await withFolder { folder in
            let scene = try Scene(folder, contents(5))
            let filling = BasisCacheFilling(try scene.cache())
            contents(1)[0].withUnsafeBytes { filling.add($0, digest: ContentDigest(of: contents(1)[0])) }
            #expect(try scene.files.count == 1)
            filling.cancel()
            #expect(try scene.files == [])
            try filling.finish(scene.source)
            #expect(try scene.files == [])
        }
    }

    @Test("what a killed stage left goes, once it is old enough; what another writes now stays")
    func abandoned() async throws {
        try await withFolder { folder in
            let scene = try Scene(folder, contents(1))
            try scene.fill()
            for name in ["1-1.new", "2-1.new", "notes"] { try scene.write(ContentPack.magic + [1], to: name) }
            for name in ["1-1.new", "notes"] { try scene.setAge(of: name, seconds: 4000) }
            try scene.fill()
            #expect(try scene.files.filter { !$0.hasSuffix(".pack") } == ["2-1.new", "notes"])
        }
    }

    @Test(
        "what is no pack of ours stays and counts for nothing, whatever it is called and however little room there is")
    func foreign() async throws {
        try await withFolder { folder in
            let scene = try Scene(folder, contents(3))
            try scene.fill()
            let others = ["\(ContentDigest(high: 1, low: 2)).pack", "objects.pack", "1-1.new", "x.new"]
            for name in others {
                try scene.write([UInt8](repeating: 7, count: 40_000), to: name)
                try scene.setAge(of: name, seconds: 90_000)
            }
            try Scene(folder, contents(3, seed: 2)).fill(limit: 20_000)
            #expect(Set(others).subtracting(try scene.files) == [])
            #expect(try scene.cache().packs.count == 1, "those of the first release made room")
        }
    }

    @Test("a place that cannot be written to is an error that says so", arguments: ["caches", "caches/contents"])
    func noFolder(name: String) async throws {
        try await withFolder { folder in
            let scene = try Scene(folder, contents(1))
            if name != "caches" { try Directory(path: folder.path("")).makeDirectory("caches") }
            try folder.write([1], to: name)
            #expect(throws: Errno.self) { try scene.cache() }
        }
    }

    @Test("a pack's index is refused unless it is whole")
    func damagedIndex() async throws {
        try await withFolder { folder in
            let records = (0..<5).map { (number: UInt64) -> ContentPack.Record in
                let digest = ContentDigest(high: 9 - number, low: 1)
                return ContentPack.Record(digest: digest, offset: 4 + 10 * number, length: 10)
            }
            let contents = ContentPack.magic + [UInt8](repeating: 7, count: 50)
            let pack = contents + ContentPack.end(records)
            func index(_ bytes: [UInt8]) throws -> [ContentPack.Record] {
                try folder.write(bytes, to: "pack")
                let file = try FileDescriptor.open(folder.path("pack"), .readOnly)
                return try file.closeAfter { try ContentPack.index(of: file, size: UInt64(bytes.count)) }
            }
            let whole = try index(pack)
            #expect(whole == Array(records.reversed()))
            for position in pack.indices where position < 4 || position >= 54 {
                var damaged = pack
                damaged[position] ^= 0x10
                #expect(throws: SlotSyncError.self) { try index(damaged) }
            }
            for length in 0..<pack.count {
                #expect(throws: SlotSyncError.self) { try index(Array(pack[..<length])) }
            }
            let outside = [ContentPack.Record(digest: ContentDigest(high: 1, low: 1), offset: 50, length: 10)]
            #expect(throws: SlotSyncError.self) {
                try index(contents + ContentPack.end(outside))
            }
        }
    }

    @Test(
        "packs that say that they have exabytes end no stage", .enabled("no file can be so large here") { canBeHuge() })
    func hugePacks() throws {
        try withMemoryFolder { path in
            let files = try TemporaryFolder()
            defer { files.remove() }
            let scene = try Scene(files, contents(3))
            _ = try BasisCache(in: path, limit: 1 << 30)
            let folder = try Directory(path: path.appending("contents"))
            for number in 0..<4 {
                let name = "\(ContentDigest(high: 0, low: UInt64(number))).pack"
                let file = try folder.openFile(name, O_RDWR | O_CREAT, mode: 0o600)
                try file.closeAfter {
                    try ContentPack.magic.withUnsafeBytes { try file.writeFully($0, at: 0) }
                    try file.setLength(.max)
                }
            }
            let cache = try BasisCache(in: path, limit: 1 << 30)
            try BasisCacheFilling(cache).finish(scene.source)
            let entry = try #require(scene.source.manifest.entries.first { $0.kind == .file })
            #expect(try BasisCache(in: path, limit: 1 << 30).length(of: entry.digest) == entry.size)
        }
    }
}

/// Runs `body` with a folder whose files may be as large as a number can say.
private func withMemoryFolder(_ body: (FilePath) throws -> Void) throws {
    let top = try Directory(path: "/dev/shm")
    let name = "slotsync-test-\(UInt64.random(in: .min ... .max))"
    try top.makeDirectory(name)
    defer { try? top.removeTree(name) }
    try body(FilePath("/dev/shm").appending(name))
}

private func canBeHuge() -> Bool {
    (try? withMemoryFolder { path in
        let file = try Directory(path: path).openFile("huge", O_RDWR | O_CREAT, mode: 0o600)
        try file.closeAfter { try file.setLength(.max) }
    }) != nil
}
