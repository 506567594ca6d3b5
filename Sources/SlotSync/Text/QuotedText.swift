// How input is shown in an error message: in quotes, on one line, and so that no terminal obeys it.
// Used wherever a message quotes what a person or a peer wrote.

/// The most of a text that a message shows.
private let longestQuote = 200

/// `text` in quotes. What is invisible (controls, direction marks, line ends) is escaped, what is too
/// long is cut.
package func quoted(_ text: some StringProtocol) -> String {
    let shown = escapedForDisplay(text.unicodeScalars.prefix(longestQuote)) { $0 == "\"" || $0 == "\\" }
    return "\"" + shown + (text.unicodeScalars.count > longestQuote ? "…\"" : "\"")
}

/// `text` on one line, what is invisible in it escaped.
package func escapedForDisplay(_ text: String) -> String { escapedForDisplay(text.unicodeScalars) { _ in false } }

/// `text` where it has no more than so many bytes, else the beginning of it, cut at a character.
func cut(_ text: String, atMost bound: Int) -> String {
    guard text.utf8.count > bound else { return text }
    var length = 0
    let kept = text.unicodeScalars.prefix { scalar in
        length += UTF8.width(scalar)
        return length <= bound - 3
    }
    return String(String.UnicodeScalarView(kept)) + "…"
}

private func escapedForDisplay(
    _ scalars: some Sequence<Unicode.Scalar>, alsoEscaping isSpecial: (Unicode.Scalar) -> Bool
) -> String {
    var shown = ""
    for scalar in scalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            shown += scalar.escaped(asASCII: true)
        default:
            shown += isSpecial(scalar) ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }
    return shown
}

/// Paths as a message names them: the first ones, and how many more there are.
func namedPaths(_ paths: [[UInt8]], atMost most: Int = 3) -> String {
    let named = paths.prefix(most).map { quoted(String(decoding: $0, as: UTF8.self)) }.joined(separator: ", ")
    return paths.count > most ? "\(named) and \(NumberText.count(paths.count - most)) more" : named
}
