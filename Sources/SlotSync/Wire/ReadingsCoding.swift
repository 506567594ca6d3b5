// The bytes of readings: the sources that the controller asks for, and what they gave. RequestCoding and ReplyCoding
// have the messages around them.

extension WatchRequest {
    private enum Kind: UInt8 { case loadAverage = 0, cpu, log, command }

    func encode(into writer: inout ByteWriter) {
        writer.append(varint: interval.wholeMilliseconds)
        writer.append(varint: sources.count)
        for source in sources {
            switch source {
            case .loadAverage: writer.append(Kind.loadAverage.rawValue)
            case .cpu: writer.append(Kind.cpu.rawValue)
            case .log(let path, let pattern):
                writer.append(Kind.log.rawValue)
                writer.append(counted: path)
                writer.append(counted: pattern)
            case .command(let command):
                writer.append(Kind.command.rawValue)
                writer.append(counted: command)
            }
        }
    }

    init(from reader: inout ByteReader) throws(SlotSyncError) {
        let interval = Duration.milliseconds(
            try reader.count(atMost: WireLimits.longestIntervalInMilliseconds, of: "an interval"))
        guard ReadingLimits.intervals.contains(interval) else { throw reader.corrupt("an interval of \(interval)") }
        let count = try reader.count(atMost: ReadingLimits.mostSources, of: "sources")
        var sources: [HostSource] = []
        for _ in 0..<count {
            let raw = try reader.byte()
            guard let kind = Kind(rawValue: raw) else { throw reader.corrupt("a source of the kind \(raw)") }
            sources.append(try Self.source(of: kind, from: &reader))
        }
        self.init(interval: interval, sources: sources)
    }

    private static func source(of kind: Kind, from reader: inout ByteReader) throws(SlotSyncError) -> HostSource {
        switch kind {
        case .loadAverage: return .loadAverage
        case .cpu: return .cpu
        case .log:
            let path = try reader.text(atMost: ReadingLimits.longestPath, of: "the length of a log's path")
            return .log(
                path: path, pattern: try reader.text(atMost: ReadingLimits.longestPattern, of: "a pattern's length"))
        case .command:
            return .command(try reader.text(atMost: ReadingLimits.longestCommand, of: "a command's length"))
        }
    }
}

extension HostReadings {
    func encode(into writer: inout ByteWriter) {
        writer.append(varint: outcomes.count)
        for outcome in outcomes {
            switch outcome {
            case .read(let readings):
                writer.append(true)
                writer.append(varint: readings.count)
                for reading in readings {
                    writer.append(counted: reading.name)
                    writer.append(fixed: reading.value.bitPattern)
                }
            case .missing(let reason):
                writer.append(false)
                writer.append(text: reason, atMost: ReadingLimits.longestReason)
            }
        }
    }

    init(from reader: inout ByteReader) throws(SlotSyncError) {
        let count = try reader.count(atMost: ReadingLimits.mostSources, of: "sources")
        var outcomes: [Outcome] = []
        for _ in 0..<count {
            outcomes.append(try reader.flag() ? .read(reader.readings()) : .missing(reader.reason()))
        }
        self.init(outcomes)
    }
}

extension ByteWriter {
    /// Why each source could not be set up, where one could not.
    mutating func append(problems: [String?]) {
        append(varint: problems.count)
        for problem in problems {
            append(optional: problem) { $0.append(text: $1, atMost: ReadingLimits.longestReason) }
        }
    }
}

extension ByteReader {
    mutating func problems() throws(SlotSyncError) -> [String?] {
        let count = try count(atMost: ReadingLimits.mostSources, of: "sources")
        var problems: [String?] = []
        for _ in 0..<count {
            problems.append(try optional { (reader) throws(SlotSyncError) in try reader.reason() })
        }
        return problems
    }

    fileprivate mutating func reason() throws(SlotSyncError) -> String {
        try shownText(atMost: ReadingLimits.longestReason, of: "a reason's length")
    }

    fileprivate mutating func readings() throws(SlotSyncError) -> [HostReading] {
        let count = try count(atMost: ReadingLimits.mostReadingsPerSource, of: "readings of a source")
        var readings: [HostReading] = []
        var names: Set<String> = []
        for _ in 0..<count {
            let name = try text(atMost: ReadingLimits.longestName, of: "a reading's name")
            guard HostReading.isUsable(name: name) else { throw corrupt("a reading's name holds control characters") }
            guard names.insert(name).inserted else { throw corrupt("two readings of a source have one name") }
            let value = Double(bitPattern: try fixed())
            guard value.isFinite else { throw corrupt("a reading that is no number") }
            readings.append(HostReading(name: name, value: value))
        }
        // Nothing at all is missing, and has a reason.
        guard !readings.isEmpty else { throw corrupt("a source that gave nothing, and no reason for it") }
        return readings
    }
}
