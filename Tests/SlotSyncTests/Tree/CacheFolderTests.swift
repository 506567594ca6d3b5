// A person may name any folder for the cache: nothing that the cache did not put there is removed, and a folder is marked
// as a cache only where nothing else stands in it.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("The folder of caches")
struct CacheFolderTests {
    private let tag = "CACHEDIR.TAG"

    private func store(_ manifests: Range<UInt16>, in folder: FilePath) throws {
        let archive = try #require(ManifestArchive(in: folder))
        for mode in manifests {
            let manifest = Manifest(rootMode: mode)
            try archive.store(manifest, id: manifest.id)
        }
    }

    private func tagText(in folder: FilePath) throws -> String {
        let bytes = try Directory(path: folder).contents(of: tag, atMost: 1 << 20)
        return String(decoding: try #require(bytes), as: UTF8.self)
    }

    @Test("a new folder is marked with the tag that backup programs know")
    func marked() throws {
        let tree = try TemporaryTree()
        try store(0o700..<0o702, in: tree.path.appending("caches"))
        let text = try tagText(in: tree.path.appending("caches"))
        #expect(text.hasPrefix("Signature: 8a477f597d28d172789f06886806bc55\n"))
        #expect(CacheFolder.standing(of: tree.path.appending("caches")) == .own)
        #expect(CacheFolder.standing(of: tree.path.appending("missing")) == .own)
    }

    @Test("a cache that was made before there was a mark is one, and is marked by the next command")
    func unmarked() throws {
        let tree = try TemporaryTree()
        try store(0o700..<0o702, in: tree.path)
        try tree.remove(tag)
        #expect(CacheFolder.standing(of: tree.path) == .own)
        try store(0o702..<0o703, in: tree.path)
        #expect(try tagText(in: tree.path).hasPrefix("Signature"))
    }

    @Test("a folder of other things is no cache, and is never marked", arguments: ["a/file", "manifests/deploy.yaml"])
    func foreign(path: String) throws {
        let tree = try TemporaryTree()
        try tree.folder(String(path.prefix { $0 != "/" }))
        try tree.file(path, "x")
        guard case .foreign = CacheFolder.standing(of: tree.path) else {
            Issue.record("\(CacheFolder.standing(of: tree.path))")
            return
        }
        // As older versions did.
        try store(0o700..<0o702, in: tree.path)
        guard case .shared(let example) = CacheFolder.standing(of: tree.path) else {
            Issue.record("\(CacheFolder.standing(of: tree.path))")
            return
        }
        #expect(path.hasPrefix(example))
        #expect(throws: Errno.noSuchFileOrDirectory) { try tree.root.status(of: tag) }
    }

    @Test(
        "what a working copy or a disk has at its top does not keep a cache from it",
        arguments: [".gitkeep", "lost+found"])
    func ofNoConcern(name: String) throws {
        let tree = try TemporaryTree()
        try tree.file(name, "")
        #expect(CacheFolder.standing(of: tree.path) == .own)
        try store(0o700..<0o702, in: tree.path)
        #expect(throws: Errno.noSuchFileOrDirectory) { try tree.root.status(of: tag) }
    }

    @Test("another program's tag is not taken for ours, and stays")
    func otherTag() throws {
        let tree = try TemporaryTree()
        let text = "Signature: 8a477f597d28d172789f06886806bc55\n# by cargo\n"
        try tree.file(tag, text)
        #expect(CacheFolder.standing(of: tree.path) == .foreign(example: tag))
        try store(0o700..<0o702, in: tree.path)
        #expect(try tagText(in: tree.path) == text)
    }

    @Test("of manifests the oldest go; what is none stays, whatever it is called")
    func manifests() throws {
        let tree = try TemporaryTree()
        try tree.folder("manifests")
        var others = (0..<70).map { "manifests/\(ContentDigest(high: 7, low: UInt64($0)))" }
        others += (0..<70).map { "manifests/deploy-\($0).yaml" } + ["manifests/1-1.tmp", "manifests/x.1-1.tmp"]
        for name in others { try tree.file(name, "kind: Deployment") }
        for name in others { try tree.root.setModified(of: name, to: Timestamp(seconds: 5, nanoseconds: 0)) }
        try store(0o400..<0o520, in: tree.path)
        let left = try Directory(path: tree.path.appending("manifests")).names()
        #expect(Set(others.map { String($0.dropFirst(10)) }).subtracting(left).isEmpty)
        #expect(left.count == others.count + 64)
        let newest = Manifest(rootMode: 0o517)
        #expect(ManifestArchive(in: tree.path)?.manifest(of: newest.id)?.id == newest.id)
    }

    @Test("what a killed command left half-made goes when it is old")
    func abandoned() throws {
        let tree = try TemporaryTree()
        try store(0o700..<0o701, in: tree.path)
        let name = "manifests/\(ContentDigest(high: 1, low: 1)).12-34.tmp"
        try tree.file(name, "SSM1")
        try store(0o701..<0o702, in: tree.path)
        #expect(try tree.root.status(of: name).kind == .file)
        try tree.root.setModified(of: name, to: Timestamp(seconds: 5, nanoseconds: 0))
        try store(0o702..<0o703, in: tree.path)
        #expect(throws: Errno.noSuchFileOrDirectory) { try tree.root.status(of: name) }
    }
}
