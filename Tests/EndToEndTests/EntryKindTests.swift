// Every kind of entry, with every awkward name, mode and time that a file system can hold, arrives as it is.

import Foundation
import SystemPackage
import Testing

extension EndToEnd {
    @Suite("Entries")
    struct EntryKindTests {
        @Test("symlinks keep their text, whatever it points at")
        func symlinks() async throws {
            try await expectArrival { tree in
                try tree.file("target", "here")
                try tree.symlink("plain", to: "target")
                try tree.symlink("dangling", to: "nowhere/at/all")
                try tree.symlink("absolute", to: "/etc/passwd")
                try tree.symlink("upwards", to: "../../../../etc/passwd")
                try tree.symlink("itself", to: "itself")
                try tree.symlink("folder", to: "/")
                try tree.symlink("bytes", to: FilePath(bytes: [0xff, 0x0a, 0x1b, 0x20]))
                try tree.symlink("long", to: FilePath(bytes: Array(repeating: 0x61, count: 4000)))
            }
        }

        @Test("names are bytes")
        func names() async throws {
            try await expectArrival { tree in
                let names: [[UInt8]] = [
                    Array("line\nbreak".utf8), Array("\u{1b}[31mred".utf8), [0xff, 0xfe, 0x80], [0x01],
                    Array("-rf".utf8), Array("--help".utf8), Array("trailing ".utf8), Array(" leading".utf8),
                    Array("back\\slash".utf8), Array("*".utf8), Array("quote'\"`$x".utf8), Array("{host}".utf8),
                    Array("...".utf8), Array("e\u{301}".utf8), Array("\u{e9}".utf8), Array("caf\u{e9}".utf8),
                    Array(repeating: 0x6e, count: 255), [0xc3, 0x28],
                ]
                for (index, name) in names.enumerated() {
                    try tree.file(FilePath(bytes: name), "content \(index)")
                    let folder = try tree.folder(FilePath(bytes: Array("in ".utf8) + name.prefix(250)))
                    try folder.file(FilePath(bytes: name), "deeper \(index)")
                }
            }
        }

        @Test("modes are kept, setuid, setgid and sticky too")
        func modes() async throws {
            try await expectArrival { tree in
                let modes: [mode_t] = [0o400, 0o644, 0o755, 0o777, 0o4755, 0o2755, 0o1644, 0o7777]
                for mode in modes + (Machine.isRoot ? [0o000, 0o6111] : []) {
                    try tree.file(FilePath("file-\(mode)"), "\(mode)", mode: mode)
                    try tree.folder(FilePath("folder-\(mode)"), mode: mode | 0o500)
                }
            }
        }

        @Test("times are kept to the nanosecond, before 1970 and after 2100")
        func times() async throws {
            try await expectArrival { tree in
                let times = [
                    timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 1),
                    timespec(tv_sec: -1, tv_nsec: 999_999_999), timespec(tv_sec: -1_000_000_000, tv_nsec: 123_456_789),
                    timespec(tv_sec: 4_102_444_801, tv_nsec: 5), timespec(tv_sec: 1_700_000_000, tv_nsec: 999_999_999),
                ]
                for (index, time) in times.enumerated() {
                    try tree.file(FilePath("file-\(index)"), "x", modified: time)
                    try tree.symlink(FilePath("link-\(index)"), to: "file-0")
                    try tree.touch(FilePath("link-\(index)"), time)
                    try tree.folder(FilePath("folder-\(index)"))
                    try tree.touch(FilePath("folder-\(index)"), time)
                }
            }
        }

        @Test("empty files and empty folders are entries too")
        func empties() async throws {
            try await expectArrival { tree in
                try tree.file("empty", "")
                try tree.folder("hollow").folder("hollower").folder("hollowest")
            }
        }

        @Test("files of every size around the limits of blocks and frames arrive")
        func sizes() async throws {
            try await expectArrival { tree in
                let sizes = [1, 511, 512, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1 << 20, 1 << 20 + 1, 9_000_001]
                for (index, size) in sizes.enumerated() {
                    try tree.file(FilePath("\(size)"), Content.random(size, seed: UInt64(index)))
                }
                try tree.file("zeros", Array(repeating: 0, count: 3_000_000))
            }
        }

        @Test("a tree deeper than PATH_MAX arrives to its last leaf")
        func deep() async throws {
            try await Workbench.use { bench in
                let source = try bench.tree("source")
                let name = FilePath(bytes: Array(repeating: 0x64, count: 200))
                var deepest = source
                for _ in 0..<40 { deepest = try deepest.folder(name) }
                try deepest.file("leaf", "at the bottom")
                let fleet = try Fleet(bench)
                try await fleet.release(source)
                var copy = try TreeMaker(at: fleet.slot(1))
                for _ in 0..<40 { copy = try copy.inside(name) }
                #expect(try copy.content("leaf") == Array("at the bottom".utf8))
            }
        }

        @Test("a sparse file stays sparse")
        func sparse() async throws {
            try await Workbench.use { bench in
                let source = try bench.tree("source")
                try source.sparse("image", size: 1 << 30, data: Content.random(10_000, seed: 3), at: 700_000_000)
                let fleet = try Fleet(bench)
                try await fleet.release(source)
                #expect(try await fleet.differences(source, slot: 1) == "")
                let status = try TreeMaker(at: fleet.slot(1)).status("image")
                #expect(status.st_size == 1 << 30)
                #expect(status.st_blocks * 512 < 16 << 20)
            }
        }

        @Test("FIFOs, sockets and devices are left out, and a warning names them")
        func specials() async throws {
            try await Workbench.use { bench in
                let source = try bench.tree("source")
                try source.file("page", "x")
                try source.special("queue.fifo", S_IFIFO)
                try source.special("door.sock", S_IFSOCK)
                if Machine.isRoot { try source.special("null.device", S_IFCHR, device: 0x103) }
                let fleet = try Fleet(bench)
                let outcome = try await fleet.done("stage", source.path)
                for name in ["queue.fifo", "door.sock"] + (Machine.isRoot ? ["null.device"] : []) {
                    #expect(outcome.errors.contains(name), "\(outcome)")
                    #expect(!exists("\(fleet.slot(1))/\(name)"))
                }
                #expect(try TreeMaker(at: fleet.slot(1)).content("page") == Array("x".utf8))
            }
        }
    }
}

/// Stages a tree on one host and expects rsync to find no difference, then the same once more round a ring of two, so
/// that it is copied from slot to slot as well.
private func expectArrival(_ make: (TreeMaker) throws -> Void) async throws {
    try await Workbench.use { bench in
        let source = try bench.tree("source")
        try make(source)
        let fleet = try Fleet(bench, slots: 2)
        try await fleet.release(source)
        #expect(try await fleet.differences(source, slot: 1) == "")
        try source.file("a-small-change", "x")
        try await fleet.release(source)
        #expect(try await fleet.differences(source, slot: 2) == "")
    }
}
