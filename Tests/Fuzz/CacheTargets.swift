// Files of the controller's cache: digests, and packs of contents. Whoever can write there must not make the command do more than
// hash again. Checksums are put in here, so that the search gets beyond them.

import Glibc
import SystemPackage

@testable import SlotSync

let cacheTargets = [
    FuzzTarget(name: "hash-cache", words: ["SSC1", "SSC2"]) {
        let records = (1...3).map { number in
            KnownDigests.Record(
                tuple: StatTuple(
                    size: 5, modified: Timestamp(seconds: 1, nanoseconds: 2),
                    changed: Timestamp(seconds: 3, nanoseconds: 4),
                    inode: number, device: 7), digest: ContentDigest(high: 1, low: number))
        }
        guard let digests = KnownDigests(sorted: records) else { return [] }
        return [Array(HashCache.encode(digests).dropLast(16)), Array(HashCache.encode(KnownDigests()).dropLast(16))]
    } run: { bytes in
        var writer = ByteWriter()
        writer.append(bytes)
        writer.append(ContentDigest(of: bytes))
        guard let digests = accepted({ () throws(SlotSyncError) in try HashCache.decode(writer.bytes) }) else {
            return false
        }
        // A form with sums of which none is used is written without them.
        let again = accepted { () throws(SlotSyncError) in try HashCache.decode(HashCache.encode(digests)) }
        demand(again?.records == digests.records && again?.sums == digests.sums, "a cache reads as another one")
        _ = digests.content(for: FileStatus(.init()))
        return true
    },
    FuzzTarget(name: "attribute-mark", longest: 64, words: ["SSA1"]) {
        [AttributeMark.encode(ContentDigest(high: 1, low: 2), Timestamp(seconds: 3, nanoseconds: 4))]
    } run: { bytes in
        guard let mark = accepted({ () throws(SlotSyncError) in try AttributeMark.decode(bytes) }) else { return false }
        demand(AttributeMark.encode(mark.release, mark.moment) == bytes, "a mark reads as another one")
        return true
    },
    FuzzTarget(name: "content-pack", words: ["SSB1"]) {
        let content = Array("content".utf8)
        let record = ContentPack.Record(
            digest: ContentDigest(of: content), offset: UInt64(ContentPack.magic.count), length: UInt64(content.count))
        // Behind the contents: the index without its trailer.
        return [[7] + content + Array(ContentPack.end([record]).dropLast(24)), [0]]
    } run: { bytes in
        var input = FuzzInput(bytes)
        let contents = input.take(Int(input.byte()))
        var index = ByteWriter()
        index.append(input.rest)
        index.append(fixed: UInt64(input.rest.count / 32))
        let digest = ContentDigest(of: index.bytes)
        index.append(digest)
        let file = memoryFile(ContentPack.magic + contents + index.bytes)
        defer { try? file.close() }
        let size = UInt64(ContentPack.magic.count + contents.count + index.count)
        guard let records = acceptedAny({ try ContentPack.index(of: file, size: size) }) else { return false }
        for record in records {
            demand(record.offset + record.length <= size, "a content that ends behind its pack")
        }
        return true
    },
    FuzzTarget(name: "content-cache") {
        let content = Array("content".utf8)
        let record = ContentPack.Record(
            digest: ContentDigest(of: content), offset: UInt64(ContentPack.magic.count), length: UInt64(content.count))
        return [ContentPack.magic + content + ContentPack.end([record])]
    } run: { bytes in
        // The whole file as it stands, read through the cache; what it holds is verified.
        guard let cache = CacheScene.shared.open(bytes) else { return false }
        var reader = cache.reader()
        var isFound = false
        for digest in CacheScene.digests where cache.length(of: digest) != nil {
            if let content = reader.contents(of: digest) {
                demand(ContentDigest(of: content) == digest, "another content is found")
                isFound = true
            }
            _ = reader.signature(of: digest)
        }
        return isFound
    },
]

/// A cache with one pack.
private struct CacheScene {
    static let shared = CacheScene()
    static let digests = [ContentDigest(of: Array("content".utf8)), .empty]

    private let path: FilePath

    init() {
        do { path = try TemporaryFolder().path("") } catch { fatalError("\(error)") }
    }

    func open(_ pack: [UInt8]) -> BasisCache? {
        acceptedAny {
            let folder = try CacheFolder.open(path.appending("contents"))
            let file = try folder.openFile("\(ContentDigest.empty).pack", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            defer { try? file.close() }
            try pack.withUnsafeBytes { try file.writeFully($0, at: 0) }
            return try BasisCache(in: path, limit: 1 << 20)
        }
    }
}
