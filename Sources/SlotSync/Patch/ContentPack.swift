// Holds many contents in one file, with an index of their digests at its end. So the cache of bases keeps a release
// without making a file for each of its files. A pack is written once from start to end, then only read.
// docs/formats.md has the bytes.

import Glibc
import SystemPackage

/// The parts of a pack file.
enum ContentPack {
    /// Where a content stands in its pack.
    struct Record: Sendable, Hashable {
        var digest: ContentDigest
        var offset: UInt64
        var length: UInt64
    }

    static let magic = CacheFiles.packs.magic
    /// The most contents of one pack; bounds what an index makes us allocate.
    static let mostRecords = 1 << 20
    private static let recordSize = 32
    /// How many records there are, and the digest of the index.
    private static let trailerSize = 24

    /// What follows the contents: the index, sorted here, and the trailer.
    static func end(_ records: [Record]) -> [UInt8] {
        var writer = ByteWriter(reserving: records.count * recordSize + trailerSize)
        for record in records.sorted(by: { $0.digest < $1.digest }) {
            writer.append(record.digest)
            writer.append(fixed: record.offset)
            writer.append(fixed: record.length)
        }
        writer.append(fixed: UInt64(records.count))
        writer.append(ContentDigest(of: writer.bytes))
        return writer.bytes
    }

    /// Reads the index of a pack file of `size` bytes.
    ///
    /// - Throws: `corrupt` for a file that is no whole pack.
    static func index(of file: FileDescriptor, size: UInt64) throws -> [Record] {
        let smallest = UInt64(magic.count + trailerSize)
        guard size >= smallest, size <= UInt64(Int64.max), try bytes(of: file, at: 0, count: magic.count) == magic
        else { throw corrupt("it is none") }
        var trailer = ByteReader(
            try bytes(of: file, at: size - UInt64(trailerSize), count: trailerSize), name: "a pack of contents")
        let count: UInt64 = try trailer.fixed()
        guard count <= UInt64(mostRecords), count * UInt64(recordSize) <= size - smallest else {
            throw corrupt("an index of \(count) contents")
        }
        let indexEnd = size - UInt64(trailerSize)
        let start = indexEnd - count * UInt64(recordSize)
        let index = try bytes(of: file, at: start, count: Int(count) * recordSize + 8)
        guard try trailer.digest() == ContentDigest(of: index) else { throw corrupt("its index is another") }
        var reader = ByteReader(index, name: "a pack of contents")
        return try (0..<Int(count)).map { _ in
            let record = Record(digest: try reader.digest(), offset: try reader.fixed(), length: try reader.fixed())
            guard record.offset >= UInt64(magic.count), record.offset <= start, record.length <= start - record.offset
            else { throw corrupt("a content outside of it") }
            return record
        }
    }

    private static func bytes(of file: FileDescriptor, at offset: UInt64, count: Int) throws -> [UInt8] {
        let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try file.readFully(at: Int64(offset), into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard bytes.count == count else { throw corrupt("it ends too early") }
        return bytes
    }

    private static func corrupt(_ what: String) -> SlotSyncError {
        SlotSyncError(.corrupt, "a pack of contents is damaged: \(what)")
    }
}
