// Writes a comparison in the form that RecordingReader reads, for `slotsync push --record`.

public import Canary
import JSONCoding

extension Recording {
    /// The recording as one line of JSON, without the line's end. Numbers read back exactly; what is not finite is null.
    public var line: String {
        var line = "{\"case\":\(quotedAsJSON(name)),"
        if interval != Recording.usualInterval { line += "\"interval_s\":\(numberAsJSON(interval))," }
        if let gap { line += "\"gap_s\":\(numberAsJSON(gap))," }
        if let settle { line += "\"settle_s\":\(numberAsJSON(settle))," }
        if let window { line += "\"window_s\":\(numberAsJSON(window))," }
        if let significance { line += "\"significance\":\(numberAsJSON(significance))," }
        line += "\"metrics\":[\(metrics.map(\.recorded).joined(separator: ","))],\"hosts\":{"
        let keys = metrics.map { quotedAsJSON($0.name) + ":" }
        for (index, host) in hosts.enumerated() {
            line += index == 0 ? "" : ","
            line += "\(quotedAsJSON(host.host)):{\"role\":\"\(host.role.rawValue)\",\"baseline\":"
            Self.append(host.baseline, keys, to: &line)
            line += ",\"after\":"
            Self.append(host.after, keys, to: &line)
            line += "}"
        }
        return line + "}}"
    }

    private static func append(_ series: [[Double]], _ keys: [String], to line: inout String) {
        line += "{"
        for (index, key) in keys.enumerated() {
            line += index == 0 ? "" : ","
            line += key
            line += "["
            // A metric without a series has no samples.
            for (position, sample) in (index < series.count ? series[index] : []).enumerated() {
                line += position == 0 ? "" : ","
                line += numberAsJSON(sample)
            }
            line += "]"
        }
        line += "}"
    }
}

extension Metric {
    /// Only what is not as usual, beside name, kind and direction.
    fileprivate var recorded: String {
        var text = "{\"name\":\(quotedAsJSON(name)),\"kind\":\"\(kind.rawValue)\",\"worse\":\"\(worse.rawValue)\""
        if kind == .counter { text += ",\"from\":\"\(start.rawValue)\"" }
        if weight != 1 { text += ",\"weight\":\(numberAsJSON(weight))" }
        if let tolerance { text += ",\"tolerance\":\(numberAsJSON(tolerance))" }
        if isCritical { text += ",\"critical\":true" }
        return text + "}"
    }
}

extension PushResult {
    /// What was judged beside hosts that were not flipped, for `slotsync judge`: a line each. Empty where the push ended
    /// before any.
    public var record: String { comparisons.filter(\.hasControls).map { $0.recording.line + "\n" }.joined() }
}
