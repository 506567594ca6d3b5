// Replaces {host}, {root} and {release} in the texts of metrics. Their values come from host lists, options and agents.
// So that no value can end a word of a shell command or a query and begin something else, each place allows only
// certain characters. PushSources and CanaryPrometheus call it.

public import SlotSync

/// What the placeholders of a metric's source stand for on one host.
///
/// | text | a value there |
/// | --- | --- |
/// | a log's path | stands as it is; the path has to be absolute then |
/// | a command | may hold ASCII letters and digits and `/ . _ - : @ % + ,`, which mean nothing to a shell, quoted or not; anything else is refused. Quoting it would not do: the placeholder may stand in quotes already |
///
/// Nothing is replaced in a log's pattern. External metrics have their own rules. `${host}` in a command is a shell
/// variable and stays. What a value holds is not replaced again.
public struct Placeholders: Sendable, Hashable {
    /// What is replaced, as it stands in texts.
    public static let names = ["{host}", "{root}", "{release}"]

    /// The host's name, without user and port.
    public var host: String
    /// Its root, with the host's name in it already.
    public var root: String
    /// The release that is pushed: its ID.
    public var release: String

    /// `source` as it is on this host.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a value that may not stand where its placeholder does,
    ///   and for a log whose path is not absolute.
    public func replaced(in source: HostSource) throws(SlotSyncError) -> HostSource {
        let values = [("{host}", host), ("{root}", root), ("{release}", release)]
        switch source {
        case .loadAverage, .cpu: return source
        case .log(let path, let pattern):
            let path = try Placeholders.filled(path, values) { value, _ throws(SlotSyncError) in value }
            guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
                throw SlotSyncError(.badInput, "the path of a log has to be absolute, not \(quoted(path)) on \(host)")
            }
            return .log(path: path, pattern: pattern)
        case .command(let command):
            return .command(try Placeholders.filled(command, values, isShell: true, Placeholders.shellWord))
        }
    }

    /// `text` with each placeholder's value in its place, as `form` gives it.
    package static func filled(
        _ text: String, _ values: [(name: String, value: String)], isShell: Bool = false,
        _ form: (_ value: String, _ name: String) throws(SlotSyncError) -> String
    ) throws(SlotSyncError) -> String {
        var result = ""
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            result += rest[..<brace]
            let isVariable = isShell && result.last == "$"
            rest = rest[brace...]
            if !isVariable, let (name, value) = values.first(where: { rest.hasPrefix($0.name) }) {
                result += try form(value, name)
                rest = rest.dropFirst(name.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result + rest
    }

    private static func shellWord(_ value: String, _ name: String) throws(SlotSyncError) -> String {
        if let bad = value.unicodeScalars.first(where: { !isPlain($0) }) {
            throw refusal(of: value, name, bad, in: "a command")
        }
        return value
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: "-./_:@%+,".unicodeScalars.contains(scalar)
        }
    }

    package static func refusal(
        of value: String, _ name: String, _ bad: Unicode.Scalar, in place: String
    ) -> SlotSyncError {
        SlotSyncError(
            .badInput,
            "\(name) is \(quoted(value)) here, and '\(bad.escaped(asASCII: true))' may not stand in \(place) of a "
                + "metric: write the text out without \(name)")
    }
}
