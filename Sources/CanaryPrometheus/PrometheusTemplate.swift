// A query with places for a host's name. To put a name into a string so that it cannot become a part of the language,
// this file knows some of PromQL's lexical form: strings, their three quotes, comments, and which strings are regular
// expressions (https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals).

import SlotSync

/// A PromQL query in which `{host}` stands for a host's name.
struct PrometheusTemplate: Sendable, Hashable {
    private enum Piece: Hashable {
        case text(String)
        /// A name in a string: with escapes, unless the string is raw; as a regular expression after `=~` and `!~`.
        case host(isRaw: Bool, isPattern: Bool)
    }

    private let pieces: [Piece]

    /// Whether there is a place for a host's name.
    let namesHost: Bool

    private static let place = "{host}"

    /// - Throws: ``SlotSyncError`` with code `badInput` if `{host}` stands outside a string.
    init(_ query: String) throws(SlotSyncError) {
        var pieces: [Piece] = []
        var text = ""
        var lexer = Lexer()
        var rest = query[...]
        while let next = rest.first {
            guard rest.hasPrefix(Self.place), !lexer.isInComment else {
                lexer.take(next)
                text.append(next)
                rest.removeFirst()
                continue
            }
            guard let quote = lexer.quote else {
                throw SlotSyncError(
                    .badInput,
                    "query \(quoted(query)): {host} has to stand in quotes, as in up{instance=\"{host}:9100\"}")
            }
            pieces += [.text(text), .host(isRaw: quote == "`", isPattern: lexer.isPattern)]
            text = ""
            rest.removeFirst(Self.place.count)
        }
        namesHost = !pieces.isEmpty
        self.pieces = pieces + [.text(text)]
    }

    /// The query for one host.
    ///
    /// - Parameter name: The host's name as ``Host`` has it: without quotes, backslashes and control characters.
    func query(for name: String) -> String {
        var query = ""
        for piece in pieces {
            switch piece {
            case .text(let text): query += text
            case .host(let isRaw, let isPattern):
                let wanted = isPattern ? Self.escaped(name, #"\.+*?()|[]{}^$"#) : name
                query += isRaw ? wanted : Self.escaped(wanted, #"\"'"#)
            }
        }
        return query
    }

    private static func escaped(_ text: String, _ special: String) -> String {
        text.reduce(into: "") { $0 += special.contains($1) ? "\\\($1)" : "\($1)" }
    }
}

/// Knows of each place in a query whether it is in a string, and in which.
private struct Lexer {
    private(set) var quote: Character?
    private(set) var isPattern = false
    private(set) var isInComment = false
    private var isEscaped = false
    private var isAfterMatcher = false
    private var before: Character?

    mutating func take(_ next: Character) {
        if isInComment {
            isInComment = !next.isNewline
        } else if let open = quote {
            if isEscaped {
                isEscaped = false
            } else if next == "\\", open != "`" {
                isEscaped = true
            } else if next == open {
                quote = nil
            }
        } else {
            takeOutside(next)
        }
    }

    private mutating func takeOutside(_ next: Character) {
        switch next {
        case "\"", "'", "`":
            quote = next
            isPattern = isAfterMatcher
        case "#": isInComment = true
        case _ where next.isWhitespace: return
        default:
            isAfterMatcher = next == "~" && (before == "=" || before == "!")
            before = next
        }
    }
}
