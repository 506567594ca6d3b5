// Reads recorded comparisons, one line of JSON each. `slotsync judge` may get files from anywhere: what could change a
// verdict unseen (an unknown kind, a repeated name, a misspelt key) is an error that names the field.

public import Canary
import JSONCoding
public import SlotSync

/// Reads recordings in the form of docs/canary-format.md. Keeps memory from one line to the next, so it belongs to one task.
public final class RecordingReader {
    private let parser: JSONParser

    /// - Throws: `system` when there is no memory.
    public init() throws(SlotSyncError) {
        parser = try JSONParser(
            maximumLength: RecordingFormat.maximumLineLength, maximumDepth: RecordingFormat.maximumDepth)
    }

    /// The comparison that a line describes, without the line's end.
    ///
    /// - Throws: `bad-input`; its message names the field, but neither file nor line, which the caller knows.
    public func read(_ line: UnsafeRawBufferPointer) throws(SlotSyncError) -> Recording {
        guard line.count <= RecordingFormat.maximumLineLength else {
            throw wrong("", "is longer than \(RecordingFormat.maximumLineLength) bytes")
        }
        return try parser.read(line) { (root) throws(SlotSyncError) in try Self.recording(root) }
    }

    /// The comparison that a line describes, without the line's end. Errors as above.
    public func read(_ line: [UInt8]) throws(SlotSyncError) -> Recording {
        let recording = line.withUnsafeBytes { bytes in
            Result { () throws(SlotSyncError) in try read(bytes) }
        }
        return try recording.get()
    }

    private static func recording(_ root: JSONElement) throws(SlotSyncError) -> Recording {
        guard root.isObject else { throw wrong("", "is not a JSON object") }
        let members = try Members(
            root, at: "", ["case", "interval_s", "gap_s", "settle_s", "window_s", "significance", "metrics", "hosts"])
        let name = try text(try members.required("case"), "case")
        let metrics = try metrics(try members.required("metrics"))
        let hosts = try RecordedHosts(metrics: metrics).read(try members.required("hosts"))
        var recording = Recording(name: name, metrics: metrics, hosts: hosts)
        let longest = recording.samplesBefore + recording.samplesAfter
        guard hosts.count * metrics.count * longest <= RecordingFormat.maximumCells else {
            throw wrong(
                "hosts",
                "has series of \(longest) samples for \(hosts.count) hosts and \(metrics.count) metrics, each as long as "
                    + "the longest; \(RecordingFormat.maximumCells) samples are the most")
        }
        let interval = try members.number("interval_s", "a number of seconds above 0, and a day at most") {
            $0 > 0 && $0 <= RecordingFormat.longestTime
        }
        if let interval { recording.interval = interval }
        func seconds(_ name: String) throws(SlotSyncError) -> Double? {
            try members.number(name, "a number of seconds from 0 to a day") {
                (0...RecordingFormat.longestTime).contains($0)
            }
        }
        recording.gap = try seconds("gap_s")
        recording.settle = try seconds("settle_s")
        recording.window = try seconds("window_s")
        recording.significance = try members.number("significance", "a number between 0 and 1") { $0 > 0 && $0 < 1 }
        return recording
    }

    // MARK: Metrics

    private static func metrics(_ list: JSONElement) throws(SlotSyncError) -> [Metric] {
        guard list.isArray, list.count > 0 else { throw wrong("metrics", "is not a list with a metric in it") }
        guard list.count <= RecordingFormat.maximumMetrics else {
            throw wrong("metrics", "has \(list.count) metrics; \(RecordingFormat.maximumMetrics) are the most")
        }
        var metrics: [Metric] = []
        var names: Set<String> = []
        try list.forEachElement { (index, element) throws(SlotSyncError) in
            let metric = try metric(element, at: "metrics[\(index)]")
            guard names.insert(metric.name).inserted else {
                throw wrong("metrics[\(index)].name", "is \(quoted(metric.name)), as that of a metric before it")
            }
            metrics.append(metric)
        }
        return metrics
    }

    private static func metric(_ element: JSONElement, at path: String) throws(SlotSyncError) -> Metric {
        guard element.isObject else { throw wrong(path, "is not an object") }
        let members = try Members(
            element, at: path, ["name", "kind", "worse", "from", "weight", "tolerance", "critical"],
            ignoring: ["source", "unit", "description"])
        let name = try text(try members.required("name"), "\(path).name")
        let kind: Metric.Kind = try choice(try members.required("kind"), "\(path).kind")
        var metric = Metric(name: name, kind: kind)
        if let worse = members["worse"] { metric.worse = try choice(worse, "\(path).worse") }
        // Files from before there was this key had counters from the flip on, and are judged as then.
        if kind == .counter { metric.start = .flip }
        if let start = members["from"] { metric.start = try choice(start, "\(path).from") }
        let weight = try members.number("weight", "a number above 0") {
            $0 > 0 && $0 <= RecordingFormat.maximumFactor
        }
        if let weight { metric.weight = weight }
        metric.tolerance = try members.number("tolerance", "a number from 0 on, such as 0.1 for 10 %") {
            (0...RecordingFormat.maximumFactor).contains($0)
        }
        if let critical = members["critical"] {
            guard let isCritical = critical.boolean else { throw wrong("\(path).critical", "is not true or false") }
            metric.isCritical = isCritical
        }
        return metric
    }
}

// MARK: -

/// The members of an object by their names, each at most once.
struct Members {
    private let path: String
    private let known: [String]
    private var elements: [JSONElement?]

    /// Takes the members named in `known`. Others are an error unless they are `ignoring`; without a list of these, all are ignored.
    init(
        _ object: JSONElement, at path: String, _ known: [String], ignoring: [String]? = nil
    ) throws(SlotSyncError) {
        self.path = path
        self.known = known
        var elements = [JSONElement?](repeating: nil, count: known.count)
        try object.forEachMember { (name, element) throws(SlotSyncError) in
            if let index = known.firstIndex(of: name) {
                guard elements[index] == nil else { throw wrong(joined(path, name), "stands there twice") }
                elements[index] = element
            } else if let ignoring, !ignoring.contains(name) {
                throw wrong(
                    path, "has a key \(quoted(name)) that is not known; there are \(known.joined(separator: ", "))")
            }
        }
        self.elements = elements
    }

    subscript(name: String) -> JSONElement? { known.firstIndex(of: name).flatMap { elements[$0] } }

    func required(_ name: String) throws(SlotSyncError) -> JSONElement {
        guard let element = self[name] else { throw wrong(joined(path, name), "is missing") }
        return element
    }

    /// A number, and what it has to be; nil where the member is missing.
    func number(
        _ name: String, _ what: String, where isAllowed: (Double) -> Bool
    ) throws(SlotSyncError) -> Double? {
        guard let element = self[name] else { return nil }
        guard let number = element.number, isAllowed(number) else { throw wrong(joined(path, name), "is not \(what)") }
        return number
    }
}

/// A path of fields with one more.
func joined(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

/// An error about a field; no path: about the line.
func wrong(_ path: String, _ problem: String) -> SlotSyncError {
    SlotSyncError(.badInput, path.isEmpty ? problem : "\(path) \(problem)")
}

/// A name: of a case, a metric or a host.
private func text(_ element: JSONElement, _ path: String) throws(SlotSyncError) -> String {
    guard let text = element.text, !text.isEmpty, text.utf8.count <= RecordingFormat.maximumNameLength else {
        throw wrong(path, "is not a text of 1 to \(RecordingFormat.maximumNameLength) bytes")
    }
    return text
}

/// One of a few words.
func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ element: JSONElement, _ path: String
) throws(SlotSyncError) -> Choice {
    guard let choice = element.text.flatMap(Choice.init(rawValue:)) else {
        let found = element.text.map { "is \(quoted($0)), not" } ?? "is not a text:"
        throw wrong(path, "\(found) \(Choice.allCases.map(\.rawValue).joined(separator: " or "))")
    }
    return choice
}
