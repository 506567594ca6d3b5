// Logs with a date in their names: whichever file is written to, each new line counts once, over the change of day, too.

import Foundation
import Testing

@testable import SlotSync

@Suite struct LogSeriesTests {
    /// A folder of logs and what follows those that are called `app-*.log`.
    private final class Scene {
        let folder: String
        let reader: LogSeries

        init(_ name: String = "app-*.log") throws {
            folder = NSTemporaryDirectory() + "series-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            reader = LogSeries(path: "\(folder)/\(name)", patterns: [try LinePattern("error")])
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func write(_ text: String, to name: String) {
            let file = fopen("\(folder)/\(name)", "a")
            fputs(text, file)
            fclose(file)
        }

        func copy(_ name: String, _ other: String) {
            let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
            let file = fopen("\(folder)/\(other)", "w")
            _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }

        func rename(_ name: String, _ other: String) { Glibc.rename("\(folder)/\(name)", "\(folder)/\(other)") }

        /// Lines counted since the reading before; nil: missing.
        var count: Int? {
            guard case .read(let readings) = reader.read(until: .now + .seconds(10))[0] else { return nil }
            return readings.first.map { Int($0.value) }
        }
    }

    @Test func theNextDaysFileIsFollowedAndNoLineIsLost() throws {
        let scene = try Scene()
        scene.write("error of last week\n", to: "app-2026-11-23.log")
        scene.write("error before\n", to: "app-2026-11-30.log")
        try scene.reader.begin()
        #expect(scene.count == 0)
        scene.write("error 1\nfine\n", to: "app-2026-11-30.log")
        #expect(scene.count == 1)
        scene.write("error 2\n", to: "app-2026-11-30.log")
        scene.write("error 3\nerror 4\n", to: "app-2026-12-01.log")
        #expect(scene.count == 3)
        scene.write("error 5, late\n", to: "app-2026-11-30.log")
        scene.write("error 6\n", to: "app-2026-12-01.log")
        #expect(scene.count == 2)
        #expect(scene.count == 0)
    }

    @Test func aFileThatWasQuietForLongIsTakenUpWhereItWas() throws {
        let scene = try Scene()
        scene.write("error\nhalf an err", to: "app-a.log")
        try scene.reader.begin()
        for _ in 0..<20 { #expect(scene.count == 0) }
        scene.write("or\nerror\n", to: "app-a.log")
        #expect(scene.count == 2)
        for _ in 0..<20 { #expect(scene.count == 0) }
        scene.write("error\n", to: "app-a.log")
        #expect(scene.count == 1)
    }

    @Test func filesThatCameAndWentBetweenTwoLooksAreReadWhenTheyAreStillThere() throws {
        let scene = try Scene()
        scene.write("", to: "app-0.log")
        try scene.reader.begin()
        for day in 1...40 { scene.write("error\n", to: "app-\(day).log") }
        #expect(scene.count == 40)
        // Renamed, it is the same file.
        scene.rename("app-7.log", "app-old-7.log")
        #expect(scene.count == 0)
        scene.write("error\n", to: "app-old-7.log")
        #expect(scene.count == 1)
    }

    @Test func whatWasRotatedAwayIsReadToItsEnd() throws {
        let scene = try Scene()
        scene.write("", to: "app-1.log")
        try scene.reader.begin()
        scene.write("error\n", to: "app-1.log")
        #expect(scene.count == 1)
        scene.rename("app-1.log", "app-1.log.1")
        scene.write("error\n", to: "app-1.log.1")
        scene.write("error\n", to: "app-1.log")
        #expect(scene.count == 2)
    }

    @Test func aFileThatIsCutIsReadFromItsBeginning() throws {
        let scene = try Scene()
        scene.write("error\nerror\nerror\n", to: "app-1.log")
        try scene.reader.begin()
        truncate("\(scene.folder)/app-1.log", 0)
        scene.write("error\n", to: "app-1.log")
        #expect(scene.count == 1)
    }

    /// Ten lines that match, each with a number.
    /// File systems give the inode of a file that was removed to the next one: ext4 at once.
    @Test(.enabled("the file system gives no inode a second time") { tookInode() }, arguments: [1, 10, 30])
    func aFileThatTakesTheInodeOfARemovedOneIsReadFromItsBeginning(lines: Int) throws {
        let line = "an error like all others\n"
        for _ in 0..<200 {
            let scene = try Scene()
            scene.write(String(repeating: line, count: 10), to: "app-1.log")
            try scene.reader.begin()
            #expect(scene.count == 0)
            guard try Self.replace("\(scene.folder)/app-1.log", by: "\(scene.folder)/app-2.log") else { continue }
            scene.write(String(repeating: line, count: lines), to: "app-2.log")
            #expect(scene.count == lines)
            #expect(scene.count == 0)
            return
        }
        Issue.record("the inode went to another file each time")
    }

    /// - Returns: whether the new file has the old one's inode, and can be told from it.
    private static func replace(_ old: String, by new: String) throws -> Bool {
        let before = FileIdentity(try FileStatus(following: old))
        unlink(old)
        fclose(fopen(new, "w"))
        return try before == FileIdentity(FileStatus(following: new)) && FileStatus.birth(following: new) != nil
    }

    private static func tookInode() -> Bool {
        guard let scene = try? Scene() else { return false }
        return (0..<200).contains { _ in
            scene.write("", to: "app-1.log")
            return (try? replace("\(scene.folder)/app-1.log", by: "\(scene.folder)/app-2.log")) == true
        }
    }

    private func old(_ from: Int = 0) -> String { (from..<from + 10).map { "error number \($0)\n" }.joined() }

    @Test func whatIsCopiedAwayAndCutCountsOnceHoweverOftenThatHappens() throws {
        let scene = try Scene("app.log*")
        scene.write(old(), to: "app.log")
        try scene.reader.begin()
        for round in 1...3 {
            scene.write("error \(round), before the copy\n", to: "app.log")
            if round == 2 { #expect(scene.count == 1) }
            // Into the copy of the round before, as cp does.
            scene.copy("app.log", "app.log.1")
            truncate("\(scene.folder)/app.log", 0)
            scene.write("error \(round), after it\n" + old(round * 100), to: "app.log")
            #expect(scene.count == (round == 2 ? 11 : 12))
            #expect(scene.count == 0)
        }
    }

    @Test func aCopyOfALogThatGoesOnCountsInTheLogAlone() throws {
        let scene = try Scene("app.log*")
        scene.write(old(), to: "app.log")
        try scene.reader.begin()
        scene.write("error 1\n", to: "app.log")
        scene.copy("app.log", "app.log.backup")
        #expect(scene.count == 1)
        scene.write("error 2\n", to: "app.log")
        #expect(scene.count == 1)
    }

    @Test func aCopyThatIsBeingMadeIsWaitedFor() throws {
        let scene = try Scene("app.log*")
        scene.write(old(), to: "app.log")
        try scene.reader.begin()
        scene.write(String(old().prefix(100)), to: "app.log.1")
        #expect(scene.count == 0)
        scene.write(String(old().dropFirst(100)), to: "app.log.1")
        #expect(scene.count == 0)
        scene.write("error, of its own\n", to: "app.log.1")
        #expect(scene.count == 1)
    }

    @Test func aFileThatIsMovedThereHasNothingNew() throws {
        let scene = try Scene()
        scene.write(old(), to: "app-1.log")
        scene.write(old(50), to: "elsewhere")
        usleep(30_000)
        try scene.reader.begin()
        scene.rename("elsewhere", "app-2.log")
        #expect(scene.count == 0)
        scene.write("error\n", to: "app-2.log")
        #expect(scene.count == 1)
    }

    @Test func aFolderThatCouldNotBeReadBeginsWithTheFirstLook() throws {
        let scene = try Scene()
        scene.write(old(), to: "app-1.log")
        let away = scene.folder + ".away"
        defer { try? FileManager.default.removeItem(atPath: away) }
        try #require(rename(scene.folder, away) == 0 && symlink("/proc/self/comm", scene.folder) == 0)
        #expect(throws: SlotSyncError.self) { try scene.reader.begin() }
        #expect(scene.count == nil)
        try #require(unlink(scene.folder) == 0 && rename(away, scene.folder) == 0)
        #expect(scene.count == 0)
        scene.write("error\n", to: "app-1.log")
        #expect(scene.count == 1)
    }

    @Test func whatIsNoneOfTheSeriesDoesNotCount() throws {
        let scene = try Scene()
        try scene.reader.begin(orMissing: ())
        scene.write("error\n", to: "other.log")
        scene.write("error\n", to: "app-1.log.gz")
        scene.write("error\n", to: ".app-1.log")
        #expect(scene.count == nil)
        scene.write("error\n", to: "app-1.log")
        symlink("app-1.log", "\(scene.folder)/app-current.log")
        mkdir("\(scene.folder)/app-folder.log", 0o755)
        #expect(scene.count == 1)
        #expect(scene.count == 0)
    }

    @Test(arguments: [
        ("/var/log/app-%Y-%m-%d.log", "write *"), ("/var/log/app-%F.log", "write *"),
        ("/var/log/app-{date}.log", "write *"), ("/var/log/app-?.log", "write *"),
        ("/var/log/app-[0-9].log", "write *"), ("/shared/{web,db}.log", "write *"),
        ("/var/*/app.log", "file's name alone"),
        ("~/app.log", "without ~"), ("{root}/app.log", "absolute"),
    ])
    func whatNoPathCanBeIsRefusedWithAdvice(path: String, part: String) {
        let error = #expect(throws: SlotSyncError.self) { try HostSource.log(path: path, pattern: "x").check() }
        #expect(error?.code == .badInput)
        #expect(LogPath.problem(path)?.contains(part) == true)
    }

    @Test(arguments: [
        "/var/log/app-*.log", "/var/log/100%.log", "/var/log/{host}-{release}.log",
        "/var/log/a].log",
    ])
    func otherPathsAreTaken(path: String) { #expect(LogPath.problem(path) == nil) }
}

extension LogSeries {
    /// Begins where there may be no file yet.
    fileprivate func begin(orMissing: Void) throws {
        do throws(SlotSyncError) { try begin() } catch { #expect(error.code == .notReady) }
    }
}
