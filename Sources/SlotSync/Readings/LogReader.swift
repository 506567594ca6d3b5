// A log that is written while it is read: finds the files that it consists of as they are rotated, and counts new
// lines that match. Each byte is read once for all patterns. HostSampler has one of these for each path.

import SystemPackage

/// The new lines of one log.
final class LogReader: LogSource {
    let path: String
    private let patterns: [LinePattern]
    /// The last one is what `path` led to when it last led anywhere; those before it were rotated away.
    private var files: [LogFile] = []
    /// A program may write into the old file until it is told to open the new one.
    private static let quietReadingsToTheEnd = 2
    private var lastLook = Timestamp.fileClock
    /// Whether there is a starting point: what `path` led to, or that there was nothing.
    private var hasBegun = false
    /// Files that were read to their end and let go of since the last look, or in the same tick of the file clock: by
    /// when they were made alone they could be taken for files that were never seen. The time is the finer clock's, as
    /// Linux since 6.13 may stamp a file later than the file clock says.
    private var finished: [(identity: FileIdentity, birth: Timestamp?, at: Timestamp)] = []
    private var news = LogNews()
    private var chunk = [UInt8](repeating: 0, count: ReadingLimits.logChunk)

    init(path: String, patterns: [LinePattern]) {
        self.path = path
        self.patterns = patterns
    }

    /// Sets the starting point: the end of what there is. A file that is not there yet is read from its start.
    ///
    /// - Throws: ``SlotSyncError``: why nothing can be read now; later it may.
    func begin() throws(SlotSyncError) {
        lastLook = .fileClock
        let file: LogFile
        do { file = try LogFile(path) } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            hasBegun = true
            throw notThere
        }
        do { try file.skipToEnd() } catch { throw unreadable(error as? Errno) }
        files = [file]
        hasBegun = true
    }

    /// For each pattern, how many lines that match were written since the reading before.
    ///
    /// - Parameter deadline: what is not read by then is left to the next reading.
    func read(until deadline: ContinuousClock.Instant) -> [HostReadings.Outcome] {
        var tally = LineTally(patterns)
        do {
            // A log that could not be read before: what stands in it by now is no news.
            if !hasBegun { try begin() }
            try findFiles()
            guard !files.isEmpty else { throw notThere }
            do { try readFiles(until: deadline, &tally) } catch { throw unreadable(error as? Errno) }
        } catch {
            return patterns.map { _ in .missing("\(error)") }
        }
        if files.contains(where: \.hasCutLine) {
            news.addLongLine(in: path)
        }
        let behind = files.saturatedSum(\.remaining)
        if behind > ReadingLimits.logChunk, ContinuousClock.now >= deadline {
            news.add(behind: behind, in: path)
        }
        return tally.outcomes(path: path)
    }

    /// What a person should know and was not told yet.
    func takeNews() -> [String] { news.take() }

    private var notThere: SlotSyncError { SlotSyncError(.notReady, "there is no log \(quoted(path)) yet") }

    private func unreadable(_ error: Errno?) -> SlotSyncError {
        SlotSyncError(.system, "cannot read the log \(quoted(path))", errno: error)
    }

    // MARK: Files

    /// Looks what `path` leads to, and takes up what is new.
    private func findFiles() throws(SlotSyncError) {
        let now = Timestamp.fileClock
        let identity: FileIdentity
        do { identity = FileIdentity(try FileStatus(following: path)) } catch {
            // Rotated away a moment ago, and not made again yet.
            if error == .noSuchFileOrDirectory { return }
            throw SlotSyncError(.system, "cannot look at the log \(quoted(path))", errno: error)
        }
        if files.last?.identity != identity {
            if let known = files.firstIndex(where: { $0.identity == identity }) {
                // A link that leads back to where it led before.
                files.append(files.remove(at: known))
            } else {
                let new = try LogFile(path)
                if !files.isEmpty { takeUpRotatedFiles(besides: new.identity) }
                files.append(new)
            }
        }
        lastLook = now
        finished.removeAll { $0.at < now }
        while files.count > ReadingLimits.mostRotatedFiles {
            let dropped = files.removeFirst()
            news.add(
                .dropped,
                "the log \(quoted(path)) is rotated faster than it is searched: \(byteText(dropped.remaining)) were left out"
            )
        }
    }

    /// Where a log was rotated more than once since the last look, the files between: made since then, and named like
    /// it.
    private func takeUpRotatedFiles(besides current: FileIdentity) {
        for name in RotatedNames.made(since: lastLook, from: path) {
            guard let file = try? LogFile(name), file.identity != current,
                !files.contains(where: { $0.identity == file.identity }),
                !finished.contains(where: { $0.identity == file.identity && $0.birth == file.birth })
            else { continue }
            files.append(file)
        }
    }

    private func readFiles(until deadline: ContinuousClock.Instant, _ tally: inout LineTally) throws {
        let current = files.last?.identity
        for file in files {
            try file.noticeTruncation()
            let count = try chunk.withUnsafeMutableBytes { buffer in
                try file.read(until: deadline, through: buffer) { tally.count($0) }
            }
            file.quietReadings = count > 0 || file.identity == current ? 0 : file.quietReadings + 1
        }
        files.removeAll { file in
            guard file.quietReadings >= Self.quietReadingsToTheEnd else { return false }
            file.finish { tally.count($0) }
            finished.append((file.identity, file.birth, .now))
            return true
        }
    }
}
