// A slot's record as bytes, with a digest over all of them: a record that a crash or a bad disk damaged counts as none.
// docs/formats.md has the form. Both directions work in one buffer of about the manifest's size.

import Glibc

extension SlotRecord {
    /// No record is larger; bounds what is read.
    static let largestFile = 4 << 30
    private static let magic = Array("SSL2".utf8)
    /// An end of a list, a mode and two numbers of a time in the manifest, five numbers behind it.
    private static let shortestEntry = 8

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: manifest.count * 56 + manifest.text.count)
        writer.append(Self.magic)
        writer.append(zigzag: sealedAt.seconds)
        writer.append(varint: UInt64(sealedAt.nanoseconds))
        writer.append(varint: manifest.count)
        writer.append(varint: manifest.text.count)
        manifest.encode(to: &writer)
        for (index, stamp) in stamps.enumerated() {
            let (set, found) = (manifest.entries[index].modified, modified(of: index))
            writer.append(varint: stamp.inode)
            writer.append(zigzag: stamp.changed.seconds &- sealedAt.seconds)
            writer.append(varint: UInt64(stamp.changed.nanoseconds))
            writer.append(zigzag: found.seconds &- set.seconds)
            writer.append(varint: UInt64(found.nanoseconds ^ set.nanoseconds))
        }
        for (folder, names) in kept.sorted(by: { $0.key < $1.key }) {
            for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                writer.append(varint: folder)
                writer.append(counted: name)
            }
        }
        writer.append(ContentDigest(of: writer.bytes))
        return writer.bytes
    }

    init(decoding bytes: [UInt8], name: String) throws(SlotSyncError) {
        var reader = try Self.checked(bytes, name: name)
        let sealedAt = try reader.timestamp(from: reader.zigzag())
        // Room is made for so many; no entry takes less than this here, nor its text less than it will take there.
        let count = try reader.count(atMost: reader.remaining / Self.shortestEntry, of: "entries")
        let textBytes = try reader.count(atMost: reader.remaining, of: "text")
        let manifest = try Manifest(from: &reader, expecting: (count, textBytes))
        guard manifest.count == count else { throw reader.corrupt("it has \(manifest.count) entries, not \(count)") }
        self.init(manifest: manifest, sealedAt: sealedAt)
        for entry in manifest.entries {
            let inode = try reader.varint()
            let changed = try reader.timestamp(from: sealedAt.seconds &+ reader.zigzag())
            let seconds = entry.modified.seconds &+ (try reader.zigzag())
            let nanoseconds = try reader.count(atMost: Int(UInt32.max), of: "nanoseconds")
            append(
                Stamp(inode: inode, changed: changed),
                modified: Timestamp(
                    seconds: seconds, nanoseconds: UInt32(nanoseconds) ^ entry.modified.nanoseconds))
        }
        while !reader.isAtEnd {
            let folder = try reader.count(atMost: count - 1, of: "folders")
            kept[folder, default: []].insert(Array(try reader.counted(atMost: Int(NAME_MAX), of: "a name's bytes")))
        }
    }

    /// A reader that stands where the record's manifest begins.
    static func manifestReader(of bytes: [UInt8], name: String) throws(SlotSyncError) -> ByteReader {
        var reader = try checked(bytes, name: name)
        for _ in 0..<4 { _ = try reader.varint() }
        return reader
    }

    /// What follows the magic and stands before the checksum, both of which are right.
    private static func checked(_ bytes: [UInt8], name: String) throws(SlotSyncError) -> ByteReader {
        let end = bytes.count - 16
        guard end >= magic.count else { throw SlotSyncError(.corrupt, "\(name) is damaged: it is too short") }
        var trailer = ByteReader(bytes, in: end..<bytes.count, name: name)
        let sum = bytes.withUnsafeBytes { ContentDigest(of: UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        guard try trailer.digest() == sum else { throw trailer.corrupt("its checksum is wrong") }
        var reader = ByteReader(bytes, in: 0..<end, name: name)
        guard try Array(reader.take(magic.count)) == magic else {
            throw reader.corrupt("it is not a slot record of version 2")
        }
        return reader
    }
}

extension ByteReader {
    fileprivate mutating func timestamp(from seconds: Int64) throws(SlotSyncError) -> Timestamp {
        Timestamp(seconds: seconds, nanoseconds: UInt32(try count(atMost: 999_999_999, of: "nanoseconds")))
    }
}
