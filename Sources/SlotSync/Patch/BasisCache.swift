// Keeps contents of the releases that were staged from this machine, by digest, so that a changed file is compared
// with what hosts have without asking any of them. The cache only ever helps: what is read is verified, and a content
// that is damaged, cut short or gone counts as not kept. PatchLibrary asks it, PairEncoder reads from it,
// BasisCacheFilling adds to it.

import Glibc
import Synchronization
import SystemPackage

/// The packs of one cache as they were when the stage began.
final class BasisCache: Sendable {
    /// How many contents are known at most, those of the packs used last: some 60 bytes of memory each.
    private static let mostContents = 1 << 20
    static let files = CacheFiles.packs

    /// A file of contents.
    struct Pack: Sendable {
        var name: String
        var size: UInt64
        var lastUsed: Timestamp
    }

    private struct Location {
        var pack: UInt32
        var length: UInt32
        var offset: UInt64
    }

    let folder: Directory
    /// The folder's path, for messages.
    let path: FilePath
    /// How many bytes all packs may have together.
    let limit: UInt64
    /// The last used first.
    let packs: [Pack]
    private let locations: [ContentDigest: Location]
    private let states: Mutex<(used: Set<Int>, damaged: Set<Int>)>

    /// Opens the cache in a folder of caches, made if it is missing.
    ///
    /// - Parameter limit: how many bytes it may have; of the room that is left for it, it takes no more than a quarter.
    init(in caches: FilePath, limit: UInt64) throws {
        path = caches.appending(CacheFiles.packFolder)
        folder = try CacheFolder.open(caches, CacheFiles.packFolder)
        var found = try Self.files.all(in: folder).map {
            Pack(name: $0.name, size: $0.status.size, lastUsed: $0.status.modified)
        }
        found.sort { ($1.lastUsed, $0.name) < ($0.lastUsed, $1.name) }
        var locations: [ContentDigest: Location] = [:]
        var damaged: Set<Int> = []
        for (number, pack) in found.enumerated() {
            guard let records = try? Self.index(of: pack, in: folder),
                locations.count + records.count <= Self.mostContents
            else {
                damaged.insert(number)
                continue
            }
            // Of a content that two stages kept at the same time, the pack that was used last is the one that stays.
            for record in records where record.length <= UInt64(UInt32.max) && locations[record.digest] == nil {
                locations[record.digest] = Location(
                    pack: UInt32(number), length: UInt32(record.length), offset: record.offset)
            }
        }
        packs = found
        self.locations = locations
        states = Mutex(([], damaged))
        let free = try FileSystemSpace(of: folder.descriptor).freeBytes
        let held = found.saturatedSum(\.size)
        self.limit = min(limit, free.addingSaturated(held) / 4)
    }

    private static func index(of pack: Pack, in folder: Directory) throws -> [ContentPack.Record] {
        let file = try folder.openFile(pack.name, O_RDONLY | O_NONBLOCK)
        defer { try? file.close() }
        return try ContentPack.index(of: file, size: pack.size)
    }

    /// The length of a content that is kept; nil if it is not.
    func length(of digest: ContentDigest) -> UInt64? { pack(of: digest)?.length }

    /// In which of `packs` a content is, and its length.
    func pack(of digest: ContentDigest) -> (pack: Int, length: UInt64)? {
        guard let location = locations[digest] else { return nil }
        let pack = Int(location.pack)
        guard !states.withLock({ $0.damaged.contains(pack) }) else { return nil }
        return (pack, UInt64(location.length))
    }

    /// The packs that were read from, and those that are worth nothing.
    var usage: (used: Set<Int>, damaged: Set<Int>) { states.withLock { $0 } }

    /// A reader; each thread has its own.
    func reader() -> Reader { Reader(self) }

    /// Reads contents, with the pack of the last one held open.
    struct Reader: ~Copyable {
        private let cache: BasisCache
        private var open: (pack: Int, file: FileDescriptor)?

        fileprivate init(_ cache: BasisCache) { self.cache = cache }

        deinit { try? open?.file.close() }

        /// A content's bytes, verified; nil if they are not there any more. The whole pack then counts as damaged.
        mutating func contents(of digest: ContentDigest) -> [UInt8]? {
            guard let (location, file) = find(digest) else { return nil }
            let bytes = try? [UInt8](unsafeUninitializedCapacity: Int(location.length)) { buffer, filled in
                filled = try file.readFully(
                    at: Int64(location.offset), into: UnsafeMutableRawBufferPointer(buffer))
            }
            guard let bytes, ContentDigest(of: bytes) == digest else { return cache.giveUp(location.pack) }
            return bytes
        }

        /// The signature of a content that is too long to be held in memory.
        mutating func signature(of digest: ContentDigest) -> Signature? {
            guard let (location, file) = find(digest) else { return nil }
            var hasher = ContentDigest.Hasher()
            var done = 0
            let signature = try? Signature(
                basisLength: UInt64(location.length), seed: UInt64.random(in: .min ... .max)
            ) { buffer in
                let piece = UnsafeMutableRawBufferPointer(
                    rebasing: buffer[..<min(buffer.count, Int(location.length) - done)])
                // What cannot be read makes it shorter than it is, and no signature.
                let count = (try? file.readFully(at: Int64(location.offset) + Int64(done), into: piece)) ?? 0
                hasher.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                done += count
                return count
            }
            guard let signature, hasher.digest() == digest else { return cache.giveUp(location.pack) }
            return signature
        }

        private mutating func find(_ digest: ContentDigest) -> (Location, FileDescriptor)? {
            guard let location = cache.locations[digest], cache.pack(of: digest) != nil else { return nil }
            let pack = Int(location.pack)
            if let open, open.pack == pack { return (location, open.file) }
            try? open?.file.close()
            open = nil
            guard let file = try? cache.folder.openFile(cache.packs[pack].name, O_RDONLY | O_NONBLOCK) else {
                return cache.giveUp(location.pack)
            }
            cache.states.withLock { _ = $0.used.insert(pack) }
            open = (pack, file)
            return (location, file)
        }
    }

    private func giveUp<T>(_ pack: UInt32) -> T? {
        giveUp(Int(pack))
        return nil
    }

    /// None of a pack's contents is kept any more.
    func giveUp(_ pack: Int) { states.withLock { _ = $0.damaged.insert(pack) } }
}
