// The sources that a host can be asked to read while a release goes live, and what they gave. Modules above this
// library decide what the numbers mean, and whether they are good.

/// A source of numbers on a host.
public enum HostSource: Hashable, Sendable {
    /// The load average of the last minute, from /proc/loadavg.
    case loadAverage
    /// The share of processor time spent on work since the reading before, in percent of all processors, from
    /// /proc/stat.
    case cpu
    /// How many lines that match were written to a log since the reading before.
    ///
    /// - Parameters:
    ///   - path: an absolute path on the host; with a `*` in the file's name all files that are called so, those that are
    ///     made later, too.
    ///   - pattern: a regular expression as PCRE2 has them; it is looked for in each line by itself, and in its bytes:
    ///     `.` is one byte, and what is not ASCII stands as its UTF-8 outside of brackets (`(ä|ö)`, not `[äö]`).
    case log(path: String, pattern: String)
    /// What a shell command prints: one number, or lines `name value`.
    case command(String)

    /// Checks what can be checked before any host is asked.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`: a path that is not absolute, a pattern that is no regular
    ///   expression (with PCRE2's message and the place), a command that is empty, or what is too long.
    public func check() throws(SlotSyncError) {
        switch self {
        case .loadAverage, .cpu: break
        case .log(let path, let pattern):
            guard path.hasPrefix("/") else {
                throw SlotSyncError(.badInput, "the log \(quoted(path)) is no absolute path: it has to begin with /")
            }
            if let problem = LogPath.problem(path) { throw SlotSyncError(.badInput, problem) }
            try Self.check(path, atMost: ReadingLimits.longestPath, what: "a log's path")
            try Self.check(pattern, atMost: ReadingLimits.longestPattern, what: "a log's pattern")
            _ = try LinePattern(pattern)
        case .command(let command):
            guard command.contains(where: { !$0.isWhitespace }) else {
                throw SlotSyncError(.badInput, "a command to read a number from is empty")
            }
            try Self.check(command, atMost: ReadingLimits.longestCommand, what: "a command")
        }
    }

    /// Checks all that one host shall read, and how often, before any host is asked.
    ///
    /// - Parameters:
    ///   - sources: at most 64.
    ///   - interval: from one sample to the next: 100 ms to an hour.
    /// - Throws: ``SlotSyncError`` with the code `badInput`.
    public static func check(_ sources: [HostSource], interval: Duration) throws(SlotSyncError) {
        guard sources.count <= ReadingLimits.mostSources else {
            throw SlotSyncError(
                .badInput, "\(sources.count) sources on one host, where \(ReadingLimits.mostSources) are allowed")
        }
        guard ReadingLimits.intervals.contains(interval) else {
            let (shortest, longest) = (ReadingLimits.intervals.lowerBound, ReadingLimits.intervals.upperBound)
            throw SlotSyncError(
                .badInput, "\(interval) from one sample to the next: it has to be \(shortest) to \(longest)")
        }
        for source in sources { try source.check() }
    }

    private static func check(_ text: String, atMost bound: Int, what: String) throws(SlotSyncError) {
        guard text.utf8.count <= bound else {
            throw SlotSyncError(.badInput, "\(what) is longer than \(bound) bytes: \(quoted(text))")
        }
        guard !text.utf8.contains(0) else { throw SlotSyncError(.badInput, "\(what) holds a NUL: \(quoted(text))") }
    }
}

/// A number that a source gave.
public struct HostReading: Hashable, Sendable {
    /// Which of the command's lines it is; empty for a source that gives one number.
    public var name: String
    /// Finite; in the unit of its source.
    public var value: Double

    /// A number by itself, or one of several by its name.
    public init(name: String = "", value: Double) {
        self.name = name
        self.value = value
    }

    /// Whether a reading may have such a name: short, and without control characters.
    static func isUsable(name: String) -> Bool {
        name.utf8.count <= ReadingLimits.longestName && name == escapedForDisplay(name)
    }
}

/// What all sources of a host read at one moment.
public struct HostReadings: Hashable, Sendable {
    /// What one source gave.
    public enum Outcome: Hashable, Sendable {
        /// One number, or one for each name.
        case read([HostReading])
        /// Nothing, which is not zero: the reason, for a person.
        case missing(String)
    }

    /// One for each source, in the order in which they were asked for.
    public var outcomes: [Outcome]

    /// One outcome a source, in the order in which they were asked for.
    public init(_ outcomes: [Outcome]) { self.outcomes = outcomes }
}
