// Real files, rotated as logrotate and others do it. Every line that is written has to be counted once.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Reading a log")
struct LogReaderTests {
    /// A log in a folder of its own, written by hand.
    private final class Bench {
        let folder: TemporaryFolder
        let reader: LogReader
        var path: String { folder.path("app.log").string }

        init(_ folder: TemporaryFolder, patterns: [String] = ["E"]) throws {
            self.folder = folder
            reader = LogReader(
                path: folder.path("app.log").string, patterns: try patterns.map { try LinePattern($0) })
        }

        func append(_ text: String, to name: String = "app.log") throws {
            let file = try FileDescriptor.open(
                folder.path(name), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
            _ = try file.closeAfter { try file.writeAll(text.utf8) }
        }

        func move(_ from: String, _ to: String) throws {
            try #require(rename(folder.path(from).string, folder.path(to).string) == 0)
        }

        func read(for time: Duration = .seconds(60)) -> [HostReadings.Outcome] {
            reader.read(until: ContinuousClock.now + time)
        }

        /// The first pattern's count; nil if it is missing.
        func count(for time: Duration = .seconds(60)) -> Int? {
            guard case .read(let readings)? = read(for: time).first else { return nil }
            return readings.first.map { Int($0.value) }
        }

        func reason() -> String? {
            guard case .missing(let reason)? = read().first else { return nil }
            return reason
        }
    }

    @Test("what stood in it before is not counted, what comes then is, once")
    func starting() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("E old\nE old\n")
            try log.reader.begin()
            #expect(log.count() == 0)
            try log.append("E 1\nfine\nE 2\n")
            #expect(log.count() == 2)
            #expect(log.count() == 0)
        }
    }

    @Test("a line is counted when it is complete, with what stood there before the start", arguments: [true, false])
    func unfinished(startsInside: Bool) async throws {
        try await withFolder { folder in
            let log = try Bench(folder, patterns: ["^E.*end$"])
            try log.append("old\n" + (startsInside ? "E begun " : ""))
            try log.reader.begin()
            if !startsInside { try log.append("E begun ") }
            #expect(log.count() == 0)
            try log.append("and its end")
            #expect(log.count() == 0)
            try log.append("\n")
            #expect(log.count() == 1)
            #expect(log.count() == 0)
        }
    }

    @Test("patterns on one path share the reader and count each for itself")
    func patterns() async throws {
        try await withFolder { folder in
            let log = try Bench(folder, patterns: ["E", "W", "E|W"])
            try log.append("")
            try log.reader.begin()
            try log.append("E\nW\nE W\nx\n")
            #expect(
                log.read() == [2, 2, 3].map { .read([HostReading(value: $0)]) })
        }
    }

    @Test("a log that is not there yet is missing, never zero, and counted from its start when it comes")
    func later() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            #expect(throws: SlotSyncError.self) { try log.reader.begin() }
            #expect(log.reason()?.firstPlace(of: "there is no log") != nil)
            try log.append("E 1\nE 2\n")
            #expect(log.count() == 2)
            #expect(log.count() == 0)
        }
    }

    @Test("a log that could not be read at first begins with the first look that succeeds")
    func unreadableAtFirst() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try #require(mkdir(log.path, 0o755) == 0)
            #expect(throws: SlotSyncError.self) { try log.reader.begin() }
            #expect(log.count() == nil)
            try #require(rmdir(log.path) == 0)
            try log.append("E old\nE older\n")
            #expect(log.count() == 0)
            try log.append("E 1\n")
            #expect(log.count() == 1)
        }
    }

    @Test("rotation by renaming: the old file is read to its end, also when it is still written to, then the new one")
    func renamed() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("E old\n")
            try log.reader.begin()
            try log.append("E 1\n")
            try log.move("app.log", "app.log.1")
            // The program has not been told yet, and nobody has made the new file.
            try log.append("E 2\n", to: "app.log.1")
            #expect(log.count() == 2)
            try log.append("E 3\n", to: "app.log.1")
            try log.append("E 4\nE 5\n")
            #expect(log.count() == 3)
            try log.append("E 6\n", to: "app.log.1")
            try log.append("E 7\n")
            #expect(log.count() == 2)
            for _ in 0..<4 { #expect(log.count() == 0) }
            try log.append("E 8\n")
            #expect(log.count() == 1)
        }
    }

    @Test("a last line without an end in a file that was rotated away is counted once, when nothing more comes")
    func lastLine() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("")
            try log.reader.begin()
            try log.append("E last")
            try log.move("app.log", "app.log.1")
            try log.append("fine\n")
            let counts = (0..<5).map { _ in log.count() ?? -1 }
            #expect(counts.reduce(0, +) == 1, "\(counts)")
        }
    }

    @Test("several rotations between two readings lose nothing that is still there")
    func severalRotations() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("E old\n", to: "app.log.1")
            try log.append("E old\n")
            try #require((try? Directory(path: folder.path("")).birth(of: "app.log")) != nil)
            try log.reader.begin()
            // Else what is made now could be of the same tick of the file clock as what stood there before.
            usleep(20_000)
            #expect(log.count() == 0)
            for round in 1...3 {
                try log.append("E \(round)\n")
                for number in stride(from: 4, to: 0, by: -1) where exists(folder, "app.log.\(number)") {
                    try log.move("app.log.\(number)", "app.log.\(number + 1)")
                }
                try log.move("app.log", "app.log.1")
                try log.append("")
            }
            try log.append("E now\n")
            #expect(log.count() == 4)
            for _ in 0..<4 { #expect(log.count() == 0) }
        }
    }

    @Test("copytruncate: the cut file is read from its start, also when it has grown beyond where it was")
    func copyTruncate() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("E old\n")
            try log.reader.begin()
            try log.append("E 1\n")
            #expect(log.count() == 1)
            try folder.write(Array("E 2\n".utf8), to: "app.log")
            #expect(log.count() == 1)
            try folder.write(Array("E 3\nsomething else\nE 4 is longer than all before\n".utf8), to: "app.log")
            #expect(log.count() == 2)
            try folder.write([UInt8](), to: "app.log")
            #expect(log.count() == 0)
            try log.append("E 5\n")
            #expect(log.count() == 1)
        }
    }

    @Test("a writer that does not append leaves a hole when its file is cut: it costs nothing")
    func hole() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("")
            try log.reader.begin()
            try log.append("E 1\n")
            #expect(log.count() == 1)
            let file = try FileDescriptor.open(folder.path("app.log"), .writeOnly)
            defer { try? file.close() }
            try file.setLength(0)
            // 256 GB of zeros, which nobody may read.
            let text = Array("\nE 2\nE 3\n".utf8)
            try text.withUnsafeBytes { try file.writeFully($0, at: 1 << 38) }
            #expect(log.count(for: .seconds(5)) == 2)
            #expect(log.count() == 0)
        }
    }

    @Test("what is not read within the time is left to the next reading, and told once")
    func bounded() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("")
            try log.reader.begin()
            let lines = 100_000
            try log.append(String(repeating: "E and some text behind it\n", count: lines))
            var counts: [Int] = []
            while counts.reduce(0, +) < lines, counts.count < 1000 {
                counts.append(try #require(log.count(for: .zero)))
            }
            #expect(counts.reduce(0, +) == lines)
            // A piece of 64 kB has 2,520 lines of 26 bytes.
            #expect(counts.count > 30 && counts.allSatisfy { $0 <= 2521 })
            #expect(log.count() == 0)
            let news = log.reader.takeNews()
            #expect(news.count == 1 && news[0].firstPlace(of: "written faster") != nil, "\(news)")
            #expect(log.reader.takeNews().isEmpty)
        }
    }

    @Test("a line that is too long is searched at its beginning, and told")
    func longLine() async throws {
        try await withFolder { folder in
            let log = try Bench(folder, patterns: ["begin", "late"])
            try log.append("")
            try log.reader.begin()
            try log.append("begin" + String(repeating: "x", count: 200_000) + "late\nlate\n")
            #expect(log.read() == [.read([HostReading(value: 1)]), .read([HostReading(value: 1)])])
            #expect(log.reader.takeNews().first?.firstPlace(of: "longer than") != nil)
        }
    }

    @Test("a pattern that is given up makes its reading missing, not that of others")
    func givenUp() async throws {
        try await withFolder { folder in
            let log = try Bench(folder, patterns: ["(a+)+$", "b"])
            try log.append("")
            try log.reader.begin()
            try log.append(String(repeating: "a", count: 10_000) + "b\n")
            let outcomes = log.read()
            guard case .missing(let reason) = outcomes[0] else { return #expect(Bool(false), "\(outcomes)") }
            #expect(reason.firstPlace(of: "too many steps") != nil)
            #expect(outcomes[1] == .read([HostReading(value: 1)]))
            try log.append("a\n")
            #expect(log.count() == 1)
        }
    }

    @Test("what is no regular file is refused, and nobody waits for it", arguments: ["fifo", "folder", "device"])
    func notAFile(kind: String) async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            switch kind {
            case "fifo": try #require(mkfifo(log.path, 0o600) == 0)
            case "folder": try #require(mkdir(log.path, 0o700) == 0)
            default: try #require(symlink("/dev/zero", log.path) == 0)
            }
            let error = #expect(throws: SlotSyncError.self) { try log.reader.begin() }
            #expect(error?.message.firstPlace(of: "only a regular file") != nil, "\(error?.message ?? "")")
            #expect(log.reason()?.firstPlace(of: "only a regular file") != nil)
        }
    }

    @Test("a link is followed to where it leads now, and back without reading anything twice")
    func link() async throws {
        try await withFolder { folder in
            let log = try Bench(folder)
            try log.append("", to: "monday")
            try log.append("E old\n", to: "tuesday")
            try #require(symlink("monday", log.path) == 0)
            try log.reader.begin()
            try log.append("E 1\n", to: "monday")
            #expect(log.count() == 1)
            try #require(unlink(log.path) == 0 && symlink("tuesday", log.path) == 0)
            #expect(log.count() == 1)
            try #require(unlink(log.path) == 0 && symlink("monday", log.path) == 0)
            try log.append("E 2\n", to: "monday")
            #expect(log.count() == 1)
        }
    }

    @Test("whatever happens to a log, every line is counted once", arguments: 0..<40 as Range<UInt64>)
    func anyOrder(seed: UInt64) async throws {
        try await withFolder { folder in
            var random = SeededGenerator(seed: seed)
            let log = try Bench(folder)
            try log.append("E old\n")
            try log.reader.begin()
            var (written, counted, old) = (0, 0, 0)
            for _ in 0..<60 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0...4:
                    // No two lines are alike: a file that was cut and grew to the same bytes cannot be told from one that grew.
                    let lines = Int.random(in: 1...50, using: &random)
                    try log.append((written..<written + lines).map { "E line \($0)\nfine\n" }.joined())
                    written += lines
                case 5:
                    // Half a line, and its rest.
                    try log.append("E \(written) be")
                    if Bool.random(using: &random) { counted += try #require(log.count()) }
                    try log.append("gun\n")
                    written += 1
                case 6:
                    // A reading follows, as several rotations at once are another test's.
                    old += 1
                    try log.move("app.log", "app.log-\(old)")
                    if Bool.random(using: &random) {
                        try log.append("E late\n", to: "app.log-\(old)")
                        written += 1
                    }
                    try log.append("")
                    counted += try #require(log.count())
                case 7:
                    // A cut loses what was not read; here all was.
                    counted += try #require(log.count())
                    try folder.write([UInt8](), to: "app.log")
                default: counted += try #require(log.count())
                }
            }
            counted += try #require(log.count())
            #expect(counted == written)
        }
    }

    private func exists(_ folder: TemporaryFolder, _ name: String) -> Bool {
        access(folder.path(name).string, F_OK) == 0
    }
}

@Suite("How rotated logs are called")
struct RotatedNamesTests {
    @Test(arguments: ["app.log.1", "app.log.12", "app.log-20261124", "app.log-2026-11-24T10:00", "app.log.old"])
    func rotated(name: String) { #expect(RotatedNames.isRotated(name, from: "app.log")) }

    @Test(arguments: ["app.log", "app.log.1.gz", "app.log.audit", "app.log1", "app.logs", "other.log.1", "app.log."])
    func others(name: String) { #expect(!RotatedNames.isRotated(name, from: "app.log")) }
}
