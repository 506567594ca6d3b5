// A log whose files have a date, or anything else, in their names: `app-*.log`. New lines of all files that are called so
// count, whichever of them is written to, so the change of day loses none. Old lines that come to stand in a file of that
// name do not count: a copy's, or those of a file that was moved there. HostSampler has one for each such path.

import SystemPackage

/// The new lines of all files that match a pattern.
final class LogSeries: LogSource {
    let path: String
    private let folder: FilePath
    private let name: NameGlob
    private let showsHidden: Bool
    private let patterns: [LinePattern]
    /// What is known of each file: how far it was read, and the file where it is being followed.
    private var known: [FileIdentity: Follow] = [:]
    /// What was called so at the last look.
    private var there: Set<FileIdentity> = []
    /// When the folder was last looked at: the starting point as well. Nil: it never could be.
    private var lastLook: Timestamp?
    private var news = LogNews()
    private var chunk = [UInt8](repeating: 0, count: ReadingLimits.logChunk)

    private struct Follow {
        var found: Found
        /// How far it was read.
        var mark = LogMark()
        var file: LogFile?
        /// It has something to be read, and is not open.
        var isDue = false
        /// Whether it was not there at the look before.
        var isNew = false
    }

    private struct Found {
        var identity: FileIdentity
        var path: String
        var size: UInt64
        var modified: Timestamp
        /// Nil where the file system does not keep it.
        var birth: Timestamp?

        /// Whether this is another file than `earlier`, which was removed: file systems give its inode to the next one.
        func tookInode(of earlier: Found) -> Bool { birth != nil && earlier.birth != nil && birth != earlier.birth }
    }

    /// Readings without news after which a file is closed; it is opened again when it grows.
    private static let quietReadingsToTheEnd = 12
    /// What cannot be searched as lines.
    private static let compressed = [".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip"]

    init(path: String, patterns: [LinePattern]) {
        self.path = path
        self.patterns = patterns
        let whole = FilePath(path)
        folder = whole.removingLastComponent()
        let name = whole.lastComponent?.string ?? ""
        self.name = NameGlob(starring: name.utf8)
        showsHidden = name.utf8.first == UInt8(ascii: ".")
    }

    func begin() throws(SlotSyncError) {
        let now = Timestamp.fileClock
        let found: [Found]
        do { found = try matching() } catch {
            // What comes into a folder that can be looked at is new.
            if error.code == .notReady { lastLook = now }
            throw error
        }
        lastLook = now
        for file in found { known[file.identity] = Follow(found: file, mark: Self.end(of: file)) }
        guard !known.isEmpty else { throw notThere }
    }

    /// All that stands in a file is old.
    private static func end(of found: Found) -> LogMark {
        guard let file = try? LogFile(found.path) else { return LogMark(offset: found.size) }
        let size = file.size
        return LogMark(
            offset: size, head: (try? file.bytes(before: min(size, UInt64(LogFile.memoryLength)))) ?? [],
            tail: (try? file.bytes(before: size)) ?? [])
    }

    func read(until deadline: ContinuousClock.Instant) -> [HostReadings.Outcome] {
        var tally = LineTally(patterns)
        do {
            // A folder that could not be read before: what stands in it by now is no news.
            if lastLook == nil { try begin() }
            let before = known
            try findFiles()
            guard !known.isEmpty else { throw notThere }
            do { try readFiles(since: before, until: deadline, &tally) } catch {
                throw error as? SlotSyncError
                    ?? SlotSyncError(.system, "cannot read the log \(quoted(path))", errno: error as? Errno)
            }
            letGo()
        } catch {
            return patterns.map { _ in .missing("\(error)") }
        }
        let behind = known.values.saturatedSum { $0.file?.remaining ?? 0 }
        if behind > ReadingLimits.logChunk, ContinuousClock.now >= deadline { news.add(behind: behind, in: path) }
        return tally.outcomes(path: path)
    }

    func takeNews() -> [String] { news.take() }

    private var notThere: SlotSyncError {
        SlotSyncError(.notReady, "there is no log yet that is called \(quoted(path))")
    }

    /// The files that are called so now, each once, whatever links lead to it.
    private func matching() throws(SlotSyncError) -> [Found] {
        let names: [String]
        do { names = try Directory(path: folder).names() } catch {
            guard let errno = error as? Errno, errno == .noSuchFileOrDirectory else {
                throw SlotSyncError(
                    .system, "cannot read the folder \(quoted(folder.string)) of a log", errno: error as? Errno)
            }
            throw notThere
        }
        var found: [Found] = []
        var seen: Set<FileIdentity> = []
        for other in names where isCalledSo(other) {
            let path = folder.appending(other).string
            guard let status = try? FileStatus(following: path), status.kind == .file,
                seen.insert(FileIdentity(status)).inserted
            else { continue }
            guard found.count < ReadingLimits.mostFilesOfSeries else {
                throw SlotSyncError(
                    .badInput,
                    "more than \(ReadingLimits.mostFilesOfSeries) files are called \(quoted(self.path)): give a longer name"
                )
            }
            found.append(
                Found(
                    identity: FileIdentity(status), path: path, size: status.size, modified: status.modified,
                    birth: FileStatus.birth(following: path)))
        }
        return found
    }

    private func isCalledSo(_ other: String) -> Bool {
        let bytes = Array(other.utf8)
        guard showsHidden || bytes.first != UInt8(ascii: "."), !Self.compressed.contains(where: other.hasSuffix) else {
            return false
        }
        return name.matches(bytes.span, in: 0..<bytes.count)
    }

    /// Notes what is new and what grew or was cut; forgets what is gone.
    private func findFiles() throws(SlotSyncError) {
        let now = Timestamp.fileClock
        let found = try matching()
        there = Set(found.map(\.identity))
        for (identity, follow) in known where !there.contains(identity) && follow.file == nil { known[identity] = nil }
        for file in found {
            // The inode of a file that is open goes to no other.
            if var follow = known[file.identity], follow.file != nil || !file.tookInode(of: follow.found) {
                let isAsFound = follow.mark.offset == file.size && follow.found.modified == file.modified
                if follow.file == nil { follow.isDue = follow.isNew || !isAsFound }
                follow.found = file
                known[file.identity] = follow
            } else if let lastLook, file.modified < lastLook {
                // Moved here: nothing was written to it since.
                known[file.identity] = Follow(found: file, mark: Self.end(of: file))
            } else {
                known[file.identity] = Follow(found: file, isDue: true, isNew: true)
            }
        }
        lastLook = now
    }

    /// - Parameter before: what was known before this look.
    private func readFiles(
        since before: [FileIdentity: Follow], until deadline: ContinuousClock.Instant, _ tally: inout LineTally
    ) throws {
        var open = known.values.count { $0.file != nil }
        for (identity, follow) in known where follow.file != nil || follow.isDue {
            let file: LogFile
            if let followed = follow.file {
                file = followed
                if try file.noticeTruncation(), case .copy(let start) = relation(of: file, identity, since: before) {
                    try file.skip(to: start)
                }
            } else {
                // Gone since the folder was read, perhaps.
                guard let opened = try opened(follow, identity, since: before) else { continue }
                file = opened
                open += 1
            }
            let count = try chunk.withUnsafeMutableBytes { buffer in
                try file.read(until: deadline, through: buffer) { tally.count($0) }
            }
            file.quietReadings = count > 0 ? 0 : file.quietReadings + 1
            if file.hasCutLine { news.addLongLine(in: path) }
            let isOneTooMany = follow.file == nil && open > ReadingLimits.mostRotatedFiles
            if isOneTooMany { open -= 1 }
            known[identity] = Follow(found: follow.found, mark: file.mark, file: isOneTooMany ? nil : file)
        }
    }

    /// - Returns: nil where it is gone, or is a copy that is being made: it is opened when that is whole.
    private func opened(
        _ follow: Follow, _ identity: FileIdentity, since before: [FileIdentity: Follow]
    ) throws -> LogFile? {
        let file: LogFile
        do { file = try LogFile(follow.found.path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
        // Another one since the folder was read: the next look finds it.
        guard file.identity == identity else { return nil }
        var start = follow.mark.offset
        // Where nobody could look at its beginning, its length has to do.
        let isWhole = follow.mark.head.isEmpty ? file.size >= start : follow.mark.isBeginning(of: file)
        if follow.isNew || !isWhole {
            start = 0
            switch relation(of: file, identity, since: before) {
            case .other: break
            case .copy(let end): start = end
            case .unfinishedCopy: return nil
            }
        }
        if start > 0 { try file.skip(to: start) }
        return file
    }

    /// What a file whose content is new is to the logs that were known before.
    private func relation(
        of file: LogFile, _ identity: FileIdentity, since before: [FileIdentity: Follow]
    ) -> LogMark.Relation {
        var copy: UInt64?
        for (other, follow) in before where other != identity {
            let log = known[other].flatMap { $0.file ?? (try? LogFile($0.found.path)) }
            switch follow.mark.relation(of: file, to: log?.identity == other ? log : nil) {
            case .other: break
            case .copy(let start): copy = max(start, copy ?? 0)
            case .unfinishedCopy: return .unfinishedCopy
            }
        }
        return copy.map { .copy(from: $0) } ?? .other
    }

    /// Closes files that nothing is written to any more.
    private func letGo() {
        for (identity, follow) in known {
            guard let file = follow.file, file.quietReadings >= Self.quietReadingsToTheEnd else { continue }
            // Of what is gone nothing can be read later.
            known[identity] = there.contains(identity) ? Follow(found: follow.found, mark: file.mark) : nil
        }
    }
}
