import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Hashing a tree") struct TreeHashingTests {
    @discardableResult
    private func hash(
        _ walked: inout WalkedTree, of tree: TemporaryTree, parallelism: Int = 1,
        known: (Int, FileStatus) -> KnownContent? = { _, _ in nil },
        onProgress: @escaping @Sendable (Int, UInt64) -> Void = { _, _ in }
    ) throws -> Bool {
        try TreeHashing.hash(
            &walked, root: tree.root, name: "the tree", known: known, parallelism: parallelism, onProgress: onProgress)
    }

    private func content(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<(count + 7) / 8).flatMap { _ in withUnsafeBytes(of: random.next(), Array.init) }.prefix(count) + []
    }

    @Test("a file's digest is its content's, whatever its size", arguments: [1, 3])
    func sizes(parallelism: Int) throws {
        let piece = FileHasher.pieceSize
        let tree = try TemporaryTree()
        let sizes = [0, 1, 4096, piece - 1, piece, piece + 1, 2 * piece + 5]
        for size in sizes { try tree.file(Array("\(size)".utf8), content(size, seed: UInt64(size))) }
        var walked = try tree.walk()
        #expect(try hash(&walked, of: tree, parallelism: parallelism))
        for size in sizes {
            #expect(walked.entry("\(size)")?.digest == ContentDigest(of: content(size, seed: UInt64(size))))
        }
    }

    @Test("holes are hashed as zeros without being read") func sparse() throws {
        let (size, offset) = (16 << 20, 5 << 20)
        let tree = try TemporaryTree()
        let data = content(3 << 20, seed: 1)
        try tree.sparse("holes", size: Int64(size), data, at: Int64(offset))
        try tree.sparse("nothing", size: Int64(size), [], at: 0)
        var walked = try tree.walk()
        try hash(&walked, of: tree)
        var whole = [UInt8](repeating: 0, count: size)
        #expect(walked.entry("nothing")?.digest == ContentDigest(of: whole))
        #expect(walked.entry("nothing")?.isSparse == true)
        whole.replaceSubrange(offset..<offset + data.count, with: data)
        #expect(walked.entry("holes")?.digest == ContentDigest(of: whole))
    }

    @Test("progress ends at the sum of all files, and never goes back", arguments: [1, 4])
    func progress(parallelism: Int) throws {
        let tree = try TemporaryTree()
        try tree.fill()
        try tree.file(Array("large".utf8), [UInt8](repeating: 1, count: 9 << 20))
        var walked = try tree.walk()
        let reports = Mutex<[(Int, UInt64)]>([])
        try hash(
            &walked, of: tree, parallelism: parallelism,
            onProgress: { files, bytes in reports.withLock { $0.append((files, bytes)) } })
        let seen = reports.withLock { $0 }
        #expect(seen.last?.0 == walked.manifest.entries.count { $0.kind == .file })
        #expect(seen.last?.1 == walked.manifest.contentBytes)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.0 <= $1.0 && $0.1 <= $1.1 })
    }

    @Test("what is known is not read") func known() throws {
        let tree = try TemporaryTree()
        try tree.file("file", "content")
        var walked = try tree.walk()
        try tree.remove("file")
        let digest = ContentDigest(high: 1, low: 2)
        #expect(try hash(&walked, of: tree, known: { _, _ in KnownContent(digest: digest) }))
        #expect(walked.entry("file")?.digest == digest)
    }

    @Test("where it is wanted every file gets its SHA-256 as well, whatever its size; further names get it too")
    func sha256() throws {
        let tree = try TemporaryTree()
        let sizes = [0, 1, FileHasher.pieceSize, 2 * FileHasher.pieceSize + 5]
        for size in sizes { try tree.file(Array("\(size)".utf8), content(size, seed: UInt64(size))) }
        try tree.hardLink("name", to: "1")
        try tree.folder("folder")
        var walked = try TreeWalk.walk(tree.root, name: "the tree", options: WalkOptions(sha256: true, parallelism: 1))
        #expect(try hash(&walked, of: tree, parallelism: 2))
        func sum(_ path: String) throws -> SHA256Digest {
            walked.manifest.sha256[try #require(walked.manifest.entry(at: [Array(path.utf8)[...]]))]
        }
        for size in sizes { #expect(try sum("\(size)") == SHA256Digest(of: content(size, seed: UInt64(size)))) }
        #expect(try sum("name") == sum("1"))
        #expect(try sum("folder") == .none)
    }

    @Test("a file whose digest is known without its SHA-256 is read for that") func sumUnknown() throws {
        let tree = try TemporaryTree()
        try tree.file("file", "content")
        var walked = try TreeWalk.walk(tree.root, name: "the tree", options: WalkOptions(sha256: true, parallelism: 1))
        let bytes = Array("content".utf8)
        let known = KnownContent(digest: ContentDigest(of: bytes))
        #expect(try hash(&walked, of: tree, known: { _, _ in known }))
        #expect(walked.manifest.sha256[1] == SHA256Digest(of: bytes))
    }

    @Test("a group of hard links is read once") func hardLinks() throws {
        let tree = try TemporaryTree()
        try tree.file("a/x", "content")
        try tree.hardLink("b", to: "a/x")
        var walked = try tree.walk()
        let asked = Mutex(0)
        try hash(
            &walked, of: tree,
            known: { _, _ in
                asked.withLock { $0 += 1 }
                return nil
            })
        #expect(asked.withLock { $0 } == 1)
        let digest = ContentDigest(of: Array("content".utf8))
        #expect(walked.entry("b")?.digest == digest && walked.entry("a/x")?.digest == digest)
    }

    @Test("a file that changed since the walk is entered as it was read") func changedSinceWalk() throws {
        let tree = try TemporaryTree()
        try tree.file("a/file", "old")
        try tree.hardLink("b", to: "a/file")
        var walked = try tree.walk()
        try tree.file("a/file", "longer than before", mode: 0o755)
        #expect(try !hash(&walked, of: tree))
        for path in ["a/file", "b"] {
            let entry = try #require(walked.entry(path))
            #expect(entry.digest == ContentDigest(of: Array("longer than before".utf8)))
            #expect(entry.size == 18 && entry.mode == 0o755)
        }
        let index = try #require(walked.manifest.entry(at: [Array("b".utf8)[...]]))
        #expect(try walked.statuses[index] == tree.root.status(of: "b"))
    }

    static let replacements: [(String, @Sendable (TemporaryTree) throws -> Void)] = [
        ("nothing", { _ in }), ("a FIFO", { try $0.fifo("a/file") }), ("a folder", { try $0.folder("a/file") }),
        ("a link", { try $0.link("a/file", to: "other") }), ("another parent", { try $0.remove("a") }),
        (
            "a link for its parent",
            {
                try $0.rename("a", to: "c"); try $0.link("a", to: "c")
            }
        ),
    ]

    @Test("a file that gave way to something else is named", arguments: replacements.indices)
    func replaced(replacement: Int) throws {
        let tree = try TemporaryTree()
        try tree.file("a/file", "content")
        try tree.file("a/other", "content")
        var walked = try tree.walk()
        try tree.remove("a/file")
        try Self.replacements[replacement].1(tree)
        let error = try #require(throws: SlotSyncError.self, "\(Self.replacements[replacement].0)") {
            try hash(&walked, of: tree)
        }
        #expect(error.code == .sourceChanged && error.message.contains("\"a/"), "\(error.message)")
    }

    @Test("a file that never holds still is named", arguments: [1, 2]) func restless(parallelism: Int) throws {
        let tree = try TemporaryTree()
        try tree.sparse("restless", size: 16 << 20, [1], at: 0)
        try tree.file("quiet", "x")
        var walked = try tree.walk()
        let file = try tree.root.openFile("restless", O_WRONLY | O_APPEND)
        defer { try? file.close() }
        // Progress is told in the middle of reading: the file grows with every piece that was read.
        let error = #expect(throws: SlotSyncError.self) {
            try hash(&walked, of: tree, parallelism: parallelism, onProgress: { _, _ in _ = try? file.writeAll([2]) })
        }
        #expect(error?.code == .sourceChanged && error?.message.contains("\"restless\"") == true)
    }

    @Test("a second look finds every change") func secondLook() throws {
        let tree = try TemporaryTree()
        try tree.fill()
        for path in ["x/file", "x/mode", "x/gone", "x/kind", "y/a", "z/a"] { try tree.file(path, "content") }
        try tree.link("x/link", to: "file")
        let walked = try tree.walk()
        for parallelism in [1, 4] {
            #expect(try TreeWalk.changes(since: walked, root: tree.root, name: "tree", parallelism: parallelism) == [])
        }
        waitUntilSettled(.fileClock)
        try tree.file("x/file", "CONTENT")
        try tree.root.openDirectory("x").setMode(of: "mode", to: 0o600)
        try tree.remove("x/gone")
        try tree.remove("x/kind")
        try tree.folder("x/kind")
        try tree.remove("x/link")
        try tree.link("x/link", to: "mode")
        try tree.file("y/new")
        try tree.remove("z")
        for parallelism in [1, 4] {
            let changed = try TreeWalk.changes(since: walked, root: tree.root, name: "tree", parallelism: parallelism)
            let paths = changed.map { String(decoding: walked.manifest.path(of: $0), as: UTF8.self) }
            #expect(paths == ["", "x", "y", "z", "x/file", "x/gone", "x/kind", "x/link", "x/mode"])
        }
    }
}
