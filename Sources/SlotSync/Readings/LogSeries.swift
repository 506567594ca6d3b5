// A log whose files have a date, or anything else, in their names: `app-*.log`. New lines of all files that are called so
// count, whichever of them is written to, so the change of day loses none. HostSampler has one for each such path.

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
    private var news = LogNews()
    private var chunk = [UInt8](repeating: 0, count: ReadingLimits.logChunk)

    private struct Follow {
        var path: String
        var size: UInt64
        var file: LogFile?
        /// It has something to be read, and is not open.
        var isDue = false
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
        var tokens: [NameGlob.Token] = []
        for byte in (whole.lastComponent?.string ?? "").utf8 {
            let token = byte == UInt8(ascii: "*") ? NameGlob.Token.anyBytes : .byte(byte)
            if token != .anyBytes || tokens.last != .anyBytes { tokens.append(token) }
        }
        name = NameGlob(tokens)
        showsHidden = tokens.first == .byte(UInt8(ascii: "."))
    }

    func begin() throws(SlotSyncError) {
        for (identity, path, size) in try matching() { known[identity] = Follow(path: path, size: size) }
        guard !known.isEmpty else { throw notThere }
    }

    func read(until deadline: ContinuousClock.Instant) -> [HostReadings.Outcome] {
        var tally = LineTally(patterns)
        do {
            try findFiles()
            guard !known.isEmpty else { throw notThere }
            do { try readFiles(until: deadline, &tally) } catch {
                throw error as? SlotSyncError
                    ?? SlotSyncError(.system, "cannot read the log \(quoted(path))", errno: error as? Errno)
            }
            letGo()
        } catch {
            return patterns.map { _ in .missing("\(error)") }
        }
        let behind = known.values.reduce(0) { $0 + ($1.file?.remaining ?? 0) }
        if behind > ReadingLimits.logChunk, ContinuousClock.now >= deadline { news.add(behind: behind, in: path) }
        return tally.outcomes(path: path)
    }

    func takeNews() -> [String] { news.take() }

    private var notThere: SlotSyncError {
        SlotSyncError(.notReady, "there is no log yet that is called \(quoted(path))")
    }

    /// The files that are called so now, each once, whatever links lead to it.
    private func matching() throws(SlotSyncError) -> [(identity: FileIdentity, path: String, size: UInt64)] {
        let names: [String]
        do { names = try Directory(path: folder).names() } catch {
            guard let errno = error as? Errno, errno == .noSuchFileOrDirectory else {
                throw SlotSyncError(
                    .system, "cannot read the folder \(quoted(folder.string)) of a log", errno: error as? Errno)
            }
            throw notThere
        }
        var found: [(identity: FileIdentity, path: String, size: UInt64)] = []
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
            found.append((FileIdentity(status), path, status.size))
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
        let found = try matching()
        there = Set(found.map(\.identity))
        for (identity, follow) in known where !there.contains(identity) && follow.file == nil { known[identity] = nil }
        for (identity, path, size) in found {
            var follow = known[identity] ?? Follow(path: path, size: 0)
            follow.path = path
            if follow.file == nil {
                follow.isDue = follow.size != size
                // Cut, or another file by now.
                if size < follow.size { follow.size = 0 }
            }
            known[identity] = follow
        }
    }

    private func readFiles(until deadline: ContinuousClock.Instant, _ tally: inout LineTally) throws {
        var open = known.values.count { $0.file != nil }
        for (identity, follow) in known where follow.file != nil || follow.isDue {
            let file: LogFile
            if let followed = follow.file {
                file = followed
                try file.noticeTruncation()
            } else {
                // Gone since the folder was read, perhaps.
                guard let opened = try opened(follow.path, from: follow.size) else { continue }
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
            known[identity] = Follow(path: follow.path, size: file.offset, file: isOneTooMany ? nil : file)
        }
    }

    private func opened(_ path: String, from start: UInt64) throws -> LogFile? {
        let file: LogFile
        do { file = try LogFile(path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
        if start > 0 { try file.skip(to: start) }
        return file
    }

    /// Closes files that nothing is written to any more.
    private func letGo() {
        for (identity, follow) in known {
            guard let file = follow.file, file.quietReadings >= Self.quietReadingsToTheEnd else { continue }
            // Of what is gone nothing can be read later.
            known[identity] = there.contains(identity) ? Follow(path: follow.path, size: file.offset) : nil
        }
    }
}
