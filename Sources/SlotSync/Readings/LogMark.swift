// How far a log was read, and by what its copy is known. logrotate's copytruncate copies a log beside it and cuts it: what
// was read in it stands in the copy once more. LogSeries asks this of every file that it did not know.

/// What is remembered of a log.
struct LogMark {
    /// How many of its bytes were read.
    var offset: UInt64 = 0
    /// Its first bytes, and those before `offset`; empty: nobody could look.
    var head: [UInt8] = []
    var tail: [UInt8] = []

    /// Two files with less in common than this may be so by chance.
    private static let fewestBytes = 32

    /// Whether a file begins with all that was read of the log, as far as the ends of that tell.
    func isBeginning(of file: LogFile) -> Bool {
        !head.isEmpty && file.size >= offset
            && (try? file.bytes(before: UInt64(head.count), atMost: head.count)) == head
            && (try? file.bytes(before: offset, atMost: tail.count)) == tail
    }

    /// What a file is to the log that was read so far.
    ///
    /// - Parameter log: the log as it is now; nil: it is gone.
    func relation(of file: LogFile, to log: LogFile?) -> Relation {
        guard offset >= Self.fewestBytes, !head.isEmpty else { return .other }
        let isWhole = log.map { isBeginning(of: $0) } ?? false
        // What both have is read in the log.
        if isBeginning(of: file) { return .copy(from: isWhole ? file.size : offset) }
        // The copy is being made.
        guard isWhole, let log, file.size < offset,
            (try? file.bytes(before: UInt64(head.count), atMost: head.count)) == head,
            (try? file.bytes(before: file.size)) == (try? log.bytes(before: file.size))
        else { return .other }
        return .unfinishedCopy
    }

    enum Relation {
        case other
        /// What comes from there on was not read in the log.
        case copy(from: UInt64)
        case unfinishedCopy
    }
}
