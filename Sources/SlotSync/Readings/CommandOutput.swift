// Reads numbers from what a command printed: one number, or lines `name value`. Anything else is no reading.

enum CommandOutput {
    static func outcome(_ output: [UInt8]) -> HostReadings.Outcome {
        let lines = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.split(whereSeparator: \.isWhitespace) }.filter { !$0.isEmpty }
        guard !lines.isEmpty else { return .missing("it printed nothing") }
        guard lines.count <= ReadingLimits.mostReadingsPerSource else {
            return .missing("it printed \(lines.count) lines, where \(ReadingLimits.mostReadingsPerSource) are allowed")
        }
        if lines.count == 1, lines[0].count == 1 {
            return number(lines[0][0]).map { .read([HostReading(value: $0)]) } ?? noNumber(lines[0][0])
        }
        var readings: [HostReading] = []
        var names: Set<Substring> = []
        for line in lines {
            guard line.count == 2 else {
                return .missing("it printed \(quoted(line.joined(separator: " "))), which is not `name value`")
            }
            guard HostReading.isUsable(name: String(line[0])) else {
                return .missing("it printed the name \(quoted(line[0])), which is too long")
            }
            guard names.insert(line[0]).inserted else {
                return .missing("it printed the name \(quoted(line[0])) twice")
            }
            guard let value = number(line[1]) else { return noNumber(line[1]) }
            readings.append(HostReading(name: String(line[0]), value: value))
        }
        return .read(readings)
    }

    /// A number that can be reckoned with: neither NaN nor infinite.
    private static func number(_ text: Substring) -> Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

    private static func noNumber(_ text: Substring) -> HostReadings.Outcome {
        .missing("it printed \(quoted(text)), which is no number")
    }
}
