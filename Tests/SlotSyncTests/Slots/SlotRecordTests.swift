// What vouches for a slot's content.

import SystemPackage
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
        #expect(read.stamps == record.stamps)
        #expect(read.otherTimes == record.otherTimes)
        #expect(read.sealedAt == record.sealedAt)
    }

    @Test("what was kept beside the release is in it, by name")
    func kept() throws {
        var record = try record()
        record.kept = [0: [Array("uploads".utf8), [0xff, 0x0a]], 2: [[7]]]
        #expect(try SlotRecord(decoding: record.encoded(), name: "record").kept == record.kept)
    }

    @Test("a time that is not the manifest's is kept beside it")
    func otherTimes() throws {
        var (record, status) = try (record(), FileStatus(.init()))
        var copy = SlotRecord(manifest: record.manifest, sealedAt: record.sealedAt)
        for index in record.stamps.indices {
            status.modified = record.manifest.entries[index].modified
            if index == 1 { status.modified = status.modified.adding(nanoseconds: -1_500_000_000) }
            copy.append(status)
        }
        record = try SlotRecord(decoding: copy.encoded(), name: "record")
        #expect(record.otherTimes.count == 1)
        #expect(record.modified(of: 1) == copy.modified(of: 1))
        #expect(record.manifestAsFound().entries[1].modified == copy.modified(of: 1))
        #expect(record.manifest.entries[1].modified != copy.modified(of: 1))
    }

    @Test("what a slot holds is found in its record without the manifest being made", arguments: [true, false])
    func files(isKnown: Bool) throws {
        var random = SeededGenerator(seed: 5)
        let contents = [random.bytes(50), random.bytes(900), []]
        let bench = try FillBench(slotCount: 2)
        try bench.stage(bench.source(.random(contents: contents, hardLinks: true, using: &random), hardLinks: true))
        let records = SlotRecords(of: bench.ring)
        let manifest = try #require(try bench.ring.record(of: 1)).manifest
        if isKnown { _ = records.record(of: 1) }
        let some = try #require(manifest.entries.first { $0.kind == .file && $0.size > 0 })
        let wanted = some.digest
        let found = records.files(of: 1) { $0 == wanted && $1 == some.size }
        #expect(!found.isEmpty)
        #expect(found.map(\.entry) == manifest.entries.indices.filter { manifest.entries[$0].digest == wanted })
        #expect(
            try records.files(of: 1) { _, _ in true }.map(\.entry)
                == manifest.entries.indices.filter {
                    manifest.entries[$0].kind == .file && manifest.entries[$0].size > 0
                })
        #expect(try records.files(of: 2) { _, _ in true }.isEmpty, "an empty slot has no record")
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
    private func fileRecord(
        sealedAt: Timestamp = Timestamp(seconds: 100, nanoseconds: 0), _ change: (inout FileStatus) -> Void = { _ in }
    ) -> (SlotRecord, FileStatus) {
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
        change(&status)
        var record = SlotRecord(manifest: manifest, sealedAt: sealedAt)
        record.append(status)
        record.append(status)
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
        func vouches(sealedAt: Timestamp, changed: Timestamp) -> Bool {
            let (record, status) = fileRecord(sealedAt: sealedAt) { $0.changed = changed }
            return record.vouches(for: 1, status)
        }
        let changed = Timestamp(seconds: 99, nanoseconds: 500)
        let settled = changed.adding(nanoseconds: 2 * Timestamp.fileClockTick)
        #expect(!vouches(sealedAt: settled, changed: changed))
        #expect(vouches(sealedAt: settled.adding(nanoseconds: 1), changed: changed))
        // A file system that stamps whole seconds.
        let whole = Timestamp(seconds: 99, nanoseconds: 0)
        #expect(!vouches(sealedAt: Timestamp(seconds: 101, nanoseconds: 0), changed: whole))
        #expect(vouches(sealedAt: Timestamp(seconds: 101, nanoseconds: 1), changed: whole))
    }
}
