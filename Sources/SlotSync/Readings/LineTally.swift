// What a log gives: for each pattern how many new lines match, and what a person should know besides. LogReader and
// LogSeries count with these; HostSampler asks either of them.

/// New lines of what a metric calls a log.
protocol LogSource: AnyObject {
    /// Sets the starting point: the end of what there is.
    ///
    /// - Throws: ``SlotSyncError``: why nothing can be read now; later it may.
    func begin() throws(SlotSyncError)

    /// For each pattern, how many lines that match were written since the reading before.
    ///
    /// - Parameter deadline: what is not read by then is left to the next reading.
    func read(until deadline: ContinuousClock.Instant) -> [HostReadings.Outcome]

    /// What a person should know and was not told yet.
    func takeNews() -> [String]
}

/// How many lines matched, of one reading.
struct LineTally {
    private let patterns: [LinePattern]
    private var counts: [Int]
    /// The patterns that the matcher gave up on. They are not tried again in this reading: each try takes long.
    private var gaveUp: [Bool]

    init(_ patterns: [LinePattern]) {
        self.patterns = patterns
        counts = patterns.map { _ in 0 }
        gaveUp = patterns.map { _ in false }
    }

    mutating func count(_ line: UnsafeRawBufferPointer) {
        for index in patterns.indices where !gaveUp[index] {
            switch patterns[index].answer(in: line) {
            case .found: counts[index] += 1
            case .notFound: break
            case .gaveUp: gaveUp[index] = true
            }
        }
    }

    func outcomes(path: String) -> [HostReadings.Outcome] {
        patterns.indices.map { index in
            gaveUp[index]
                ? .missing(
                    "the pattern takes too many steps on a line of \(quoted(path)): make it simpler, without repetitions "
                        + "inside of repetitions")
                : .read([HostReading(value: Double(counts[index]))])
        }
    }
}

/// What is told of a log, each kind once in a session.
struct LogNews {
    enum Kind { case longLine, behind, dropped }
    private var told: Set<Kind> = []
    private var waiting: [String] = []

    mutating func add(_ kind: Kind, _ text: @autoclosure () -> String) {
        if told.insert(kind).inserted { waiting.append(text()) }
    }

    mutating func addLongLine(in path: String) {
        add(
            .longLine,
            "the log \(quoted(path)) has a line that is longer than \(byteText(UInt64(ReadingLimits.longestLine))): "
                + "only its beginning is searched")
    }

    mutating func add(behind bytes: UInt64, in path: String) {
        add(
            .behind,
            "the log \(quoted(path)) is written faster than it is searched: \(byteText(bytes)) are left, and counted with "
                + "the next samples")
    }

    mutating func take() -> [String] {
        defer { waiting = [] }
        return waiting
    }
}
