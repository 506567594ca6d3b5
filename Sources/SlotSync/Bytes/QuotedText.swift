// How input is shown in an error message: in quotes, on one line, and so that no terminal obeys it.
// Used wherever a message quotes what a person or a peer wrote.

/// The most of a text that a message shows.
private let longestQuote = 200

/// `text` in quotes. What is invisible (controls, direction marks, line ends) is escaped, what is too
/// long is cut.
package func quoted(_ text: some StringProtocol) -> String {
    var shown = "\""
    for scalar in text.unicodeScalars.prefix(longestQuote) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            shown += scalar.escaped(asASCII: true)
        default:
            shown += scalar == "\"" || scalar == "\\" ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }
    return shown + (text.unicodeScalars.count > longestQuote ? "…\"" : "\"")
}
