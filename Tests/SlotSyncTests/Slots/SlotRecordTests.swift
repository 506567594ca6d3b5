// What vouches for a slot's content.

import Testing

@testable import SlotSync

@Suite("A slot's record")
struct SlotRecordTests {
    private func record() throws -> SlotRecord {
        var random = SeededGenerator(seed: 3)
        let contents = [random.bytes(50), random.bytes(900)]
        let bench = try FillBench(slotCount: 2)
        try bench.stage(bench.source(.random(contents: contents, using: &random)))
        return try #require(try bench.ring.record(of: 1))
    }

    @Test("what is written is read again")
    func roundTrip() throws {
        let record = try record()
        let read = try SlotRecord(decoding: record.encoded(), name: "record")
        #expect(read.manifest.encoded() == record.manifest.encoded())
        #expect(read.tuples == record.tuples)
        #expect(read.sealedAt == record.sealedAt)
    }

    @Test("a record that was cut off or changed in any byte is refused")
    func damage() throws {
        var random = SeededGenerator(seed: 4)
        let bytes = try record().encoded()
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(errorCode { _ = try SlotRecord(decoding: Array(bytes.prefix(length)), name: "record") } == .corrupt)
        }
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(random.below(8))
            #expect(errorCode { _ = try SlotRecord(decoding: changed, name: "record") } == .corrupt)
        }
    }

    /// A file that changed last a second before the record was made.
    private func fileRecord() -> (SlotRecord, FileStatus) {
        var manifest = Manifest(rootMode: 0o755)
        manifest.beginChildren(of: 0)
        var entry = Entry(kind: .file, mode: 0o644, parent: 0)
        entry.size = 10
        manifest.append(entry, name: Array("f".utf8), linkText: [])
        var status = FileStatus(.init())
        status.kind = .file
        status.mode = 0o644
        status.size = 10
        status.inode = 5
        status.changed = Timestamp(seconds: 99, nanoseconds: 500)
        status.modified = Timestamp(seconds: 50, nanoseconds: 1)
        let tuple = StatTuple(status)
        let record = SlotRecord(
            manifest: manifest, tuples: [tuple, tuple], sealedAt: Timestamp(seconds: 100, nanoseconds: 0))
        return (record, status)
    }

    @Test("a tuple vouches only if nothing of it differs")
    func vouches() {
        let (record, status) = fileRecord()
        #expect(record.vouches(for: 1, status))
        var rebooted = status
        rebooted.device = 99
        #expect(record.vouches(for: 1, rebooted), "a device's number is none of it")
        let changes: [(inout FileStatus) -> Void] = [
            { $0.size = 11 }, { $0.inode = 6 }, { $0.mode = 0o600 }, { $0.kind = .symbolicLink },
            { $0.changed.nanoseconds = 501 }, { $0.modified.nanoseconds = 2 }, { $0.modified.seconds = 51 },
        ]
        for change in changes {
            var other = status
            change(&other)
            #expect(!record.vouches(for: 1, other))
        }
    }

    @Test("a racily clean tuple vouches for nothing")
    func racilyClean() {
        var (record, status) = fileRecord()
        record.sealedAt = status.changed.adding(nanoseconds: 2 * Timestamp.fileClockTick)
        #expect(!record.vouches(for: 1, status))
        record.sealedAt = record.sealedAt.adding(nanoseconds: 1)
        #expect(record.vouches(for: 1, status))
        // A file system that stamps whole seconds.
        status.changed.nanoseconds = 0
        record.tuples[1] = StatTuple(status)
        record.sealedAt = Timestamp(seconds: 101, nanoseconds: 0)
        #expect(!record.vouches(for: 1, status))
        record.sealedAt = Timestamp(seconds: 101, nanoseconds: 1)
        #expect(record.vouches(for: 1, status))
    }
}
