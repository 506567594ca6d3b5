// Writes what `--json` prints: one object a line, with its members in the order in which they were given. It is
// written by hand, because a script wants null where nothing is known, and a person wants to read `event` first.

import JSONCoding

/// A JSON value.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case text(String)
    case list([JSONValue])
    case object([Member])

    struct Member: Sendable, Equatable {
        var key: String
        var value: JSONValue
    }

    static func number(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    /// Seconds, with as many decimal places (at most nine).
    static func seconds(_ duration: Duration, places: Int = 3) -> JSONValue {
        // Both have the sign.
        let (seconds, attoseconds) = duration.components
        let nanoseconds = String((attoseconds / 1_000_000_000).magnitude)
        let digits = String(repeating: "0", count: 9 - nanoseconds.count) + nanoseconds
        return .number("\(duration < .zero ? "-" : "")\(seconds.magnitude).\(digits.prefix(places))")
    }

    /// The shortest digits; null for nothing, and for what is not finite.
    static func number(_ value: Double?) -> JSONValue { value.map { .number(numberAsJSON($0)) } ?? .null }

    /// A relative change. One that rounding alone has made is none.
    static func effect(_ value: Double?) -> JSONValue { number(value.map { abs($0) < 1e-12 ? 0 : $0 }) }

    static func text(_ value: (some CustomStringConvertible)?) -> JSONValue {
        value.map { .text($0.description) } ?? .null
    }

    /// The value on one line.
    var line: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .text(let text): quotedAsJSON(text)
        case .list(let values): "[\(values.map(\.line).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { "\(quotedAsJSON($0.key)):\($0.value.line)" }.joined(separator: ","))}"
        }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member(key: $0, value: $1) })
    }
    init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    init(stringLiteral value: String) { self = .text(value) }
}
