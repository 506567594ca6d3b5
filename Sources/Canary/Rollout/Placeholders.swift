// {host}, {root} and {release} in a metric's texts, replaced for one host. Values come from host lists, options and
// agents, texts from slotsync.yml: what a value may hold depends on who reads the text, so that none can end a word of
// a shell command, a PromQL string or a part of a URL and begin something else.

public import SlotSync

/// What the placeholders of a metric's source stand for on one host.
///
/// | text | a value there |
/// | --- | --- |
/// | a log's path | stands as it is; the path has to be absolute then |
/// | a command | may hold ASCII letters and digits and `/ . _ - : @ % + ,`, which mean nothing to a shell, quoted or not; anything else is refused. Quoting it would not do: the placeholder may stand in quotes already |
/// | a URL | is percent-encoded, but for letters, digits and `- . _ ~ :` |
/// | a PromQL query | must not hold quotes, backslashes, braces, brackets, parentheses or control characters; refused |
///
/// `${host}` is left alone: that is a variable of the shell's. What a value holds is not replaced again.
public struct Placeholders: Sendable, Hashable {
    /// The host's name, without user and port.
    public var host: String
    /// Its root, with the host's name in it already.
    public var root: String
    /// The release that is pushed: its ID.
    public var release: String

    public init(host: String, root: String, release: String) {
        self.host = host
        self.root = root
        self.release = release
    }

    /// `source` as it is on this host.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a value that may not stand where its placeholder does,
    ///   and for a log whose path is not absolute.
    public func replaced(in source: MetricSource) throws(SlotSyncError) -> MetricSource {
        switch source {
        case .host(.log(let path, let pattern)):
            let path = try filled(path) { value, _ throws(SlotSyncError) in value }
            guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
                throw SlotSyncError(.badInput, "the path of a log has to be absolute, not \(quoted(path)) on \(host)")
            }
            return .host(.log(path: path, pattern: pattern))
        case .host(.command(let command)):
            return .host(.command(try filled(command, Placeholders.shellWord)))
        case .host(.loadAverage), .host(.cpu): return source
        case .prometheus(let url, let query, let label):
            return .prometheus(
                url: try filled(url) { value, _ throws(SlotSyncError) in Placeholders.percentEncoded(value) },
                query: try filled(query, Placeholders.promQLText), label: label)
        }
    }

    /// The sources of all metrics as they are on this host, in the order of the settings.
    ///
    /// - Throws: as ``replaced(in:)``, naming the metric and the host.
    public func sources(of settings: CanarySettings) throws(SlotSyncError) -> [MetricSource] {
        var sources: [MetricSource] = []
        for metric in settings.metrics {
            do {
                sources.append(try replaced(in: metric.source))
            } catch {
                throw SlotSyncError(error.code, "metric \(metric.metric.name) on \(host): \(error.message)")
            }
        }
        return sources
    }

    /// `text` with each placeholder's value in its place, as `form` gives it.
    private func filled(
        _ text: String, _ form: (_ value: String, _ name: String) throws(SlotSyncError) -> String
    ) throws(SlotSyncError) -> String {
        let values = [("{host}", host), ("{root}", root), ("{release}", release)]
        var result = ""
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            result += rest[..<brace]
            let isShellVariable = result.last == "$"
            rest = rest[brace...]
            if !isShellVariable, let (name, value) = values.first(where: { rest.hasPrefix($0.0) }) {
                result += try form(value, name)
                rest = rest.dropFirst(name.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result + rest
    }

    private static func shellWord(_ value: String, _ name: String) throws(SlotSyncError) -> String {
        if let bad = value.unicodeScalars.first(where: { !isPlain($0) && !"/_:@%+,".unicodeScalars.contains($0) }) {
            throw refusal(of: value, name, bad, in: "a command")
        }
        return value
    }

    private static func promQLText(_ value: String, _ name: String) throws(SlotSyncError) -> String {
        let bad = value.unicodeScalars.first { scalar in
            "\"'`\\{}[]()".unicodeScalars.contains(scalar) || scalar.properties.generalCategory == .control
        }
        if let bad { throw refusal(of: value, name, bad, in: "a query") }
        return value
    }

    private static func percentEncoded(_ value: String) -> String {
        var encoded = ""
        for byte in value.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80, isPlain(scalar) || "_~:".unicodeScalars.contains(scalar) {
                encoded.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".": true
        default: false
        }
    }

    private static func refusal(
        of value: String, _ name: String, _ bad: Unicode.Scalar, in place: String
    ) -> SlotSyncError {
        SlotSyncError(
            .badInput,
            "\(name) is \(quoted(value)) here, and '\(bad.escaped(asASCII: true))' may not stand in \(place) of a "
                + "metric: write the text out without \(name)")
    }
}
