// Keeps the digests of a source's files from one command to the next, so that an unchanged tree costs a walk. Each
// source has one file in the user's cache directory. The cache only ever helps: whatever is wrong with the file, the
// scan hashes again.

import Glibc
import SystemPackage

/// Where a source's digests are kept.
struct HashCache: Sendable {
    /// The cache's file.
    private let folder: FilePath
    private let name: String

    private static let magic = Array("SSC1".utf8)
    /// Of a file whose records have a SHA-256 each.
    private static let magicOfSums = Array("SSC2".utf8)
    /// Both begin with the same three bytes.
    static let files = CacheFiles(suffix: "", magic: Array(magic.prefix(3)), temporarySuffix: ".tmp")
    private static let recordSize = 64
    /// The largest file that is read: some 16 million files, 11 million with their SHA-256.
    private static let largestFile = 1 << 30

    /// The cache of the source at `source`; nil if there is no place for caches or no such source.
    ///
    /// - Parameter directory: where caches are; `$XDG_CACHE_HOME/slotsync` or `~/.cache/slotsync` by default.
    init?(source: FilePath, in directory: FilePath? = CacheFolder.usual) {
        guard let directory, let name = CacheFolder.name(of: source) else { return nil }
        folder = directory
        self.name = name
    }

    /// What is known; nothing if the file is missing, unreadable or damaged.
    func load() -> KnownDigests {
        guard let folder = try? Directory(named: folder),
            let bytes = try? folder.contents(of: name, atMost: Self.largestFile)
        else { return KnownDigests() }
        return (try? Self.decode(bytes)) ?? KnownDigests()
    }

    /// Replaces what is known.
    func store(_ digests: KnownDigests) throws(SlotSyncError) {
        do {
            let folder = try CacheFolder.open(folder)
            try folder.replaceContents(of: name, by: Self.encode(digests), isShared: true)
            Self.files.removeAbandoned(in: folder)
        } catch let error as SlotSyncError where error.code == .badInput {
            throw error
        } catch {
            let path = quoted(folder.appending(name).string)
            throw SlotSyncError(
                .system, "the hash cache \(path) cannot be written",
                errno: error as? Errno ?? (error as? SlotSyncError)?.errno)
        }
    }

    // MARK: The file

    static func encode(_ digests: KnownDigests) -> [UInt8] {
        let hasSHA256 = !digests.sums.isEmpty
        let size = recordSize + (hasSHA256 ? SHA256Digest.length : 0)
        var writer = ByteWriter(reserving: digests.records.count * size + 32)
        writer.append(hasSHA256 ? magicOfSums : magic)
        writer.append(fixed: UInt64(digests.records.count))
        for record in digests.records {
            writer.append(fixed: record.tuple.device)
            writer.append(fixed: record.tuple.inode)
            writer.append(fixed: record.tuple.size)
            writer.append(record.tuple.modified)
            writer.append(record.tuple.changed)
            writer.append(record.digest)
            if hasSHA256 { writer.append(digests.sha256(of: record) ?? .none) }
        }
        writer.append(ContentDigest(of: writer.bytes))
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(SlotSyncError) -> KnownDigests {
        let end = max(0, bytes.count - 16)
        var trailer = ByteReader(bytes, in: end..<bytes.count, name: "the hash cache")
        let digest = bytes.withUnsafeBytes { ContentDigest(of: UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        guard try trailer.digest() == digest else { throw trailer.corrupt("its digest is another") }
        var reader = ByteReader(bytes, in: 0..<end, name: "the hash cache")
        let found = Array(try reader.take(magic.count))
        guard found == magic || found == magicOfSums else { throw reader.corrupt("it is none") }
        let hasSHA256 = found == magicOfSums
        let size = recordSize + (hasSHA256 ? SHA256Digest.length : 0)
        let count = try reader.fixed(UInt64.self)
        guard reader.remaining % size == 0, count == UInt64(reader.remaining / size) else {
            throw reader.corrupt("its length is wrong")
        }
        var records: [KnownDigests.Record] = []
        records.reserveCapacity(Int(count))
        var sums: [SHA256Digest] = []
        while !reader.isAtEnd {
            let (device, inode, size) = (
                try reader.fixed(UInt64.self), try reader.fixed(UInt64.self), try reader.fixed(UInt64.self)
            )
            let tuple = StatTuple(
                size: size, modified: try reader.timestamp(), changed: try reader.timestamp(), inode: inode,
                device: device)
            let digest = try reader.digest()
            let sum = hasSHA256 ? try reader.sha256() : .none
            if sum != .none { sums.append(sum) }
            records.append(
                KnownDigests.Record(tuple: tuple, digest: digest, sum: sum == .none ? 0 : UInt32(sums.count)))
        }
        guard let digests = KnownDigests(sorted: records, sums: sums) else { throw reader.corrupt("it is not sorted") }
        return digests
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ time: Timestamp) {
        append(fixed: time.seconds)
        append(fixed: time.nanoseconds)
    }
}

extension ByteReader {
    fileprivate mutating func timestamp() throws(SlotSyncError) -> Timestamp {
        Timestamp(seconds: try fixed(), nanoseconds: try fixed())
    }
}
