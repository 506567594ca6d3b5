// Writes HTML that is also well-formed XML. Elements nest by construction. All text is escaped in one function;
// names of elements and attributes are literals of this program.

import SlotSync

/// A page, or a part of one.
struct Markup {
    typealias Attributes = KeyValuePairs<StaticString, String>

    private(set) var html = ""

    /// The most characters of one text: a hook may have said a megabyte.
    static let longestText = 4_000

    mutating func element(
        _ name: StaticString, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void
    ) {
        begin(name, attributes)
        html += ">"
        content(&self)
        html += "</\(name)>"
    }

    /// An element with text in it alone.
    mutating func element(_ name: StaticString, _ attributes: Attributes, _ text: String) {
        element(name, attributes) { $0.text(text) }
    }

    mutating func element(_ name: StaticString, _ text: String) { element(name, [:], text) }

    /// An element without content.
    mutating func empty(_ name: StaticString, _ attributes: Attributes = [:]) {
        begin(name, attributes)
        html += "/>"
    }

    mutating func text(_ text: String) { html += Markup.escaped(text) }

    /// A number in an attribute: at most two places, and a minus as CSS has it.
    static func number(_ value: Double) -> String { DecimalNumber(value)?.rounded(places: 2).description ?? "0" }

    /// Text of several lines, each on a line of its own.
    mutating func lines(_ text: String) {
        let lines = text.prefix(Markup.longestText).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            if index > 0 { empty("br") }
            self.text(String(line))
        }
    }

    /// Markup that this program is made of.
    mutating func literal(_ markup: StaticString) { html += "\(markup)" }

    private mutating func begin(_ name: StaticString, _ attributes: Attributes) {
        html += "<\(name)"
        for (attribute, value) in attributes { html += " \(attribute)=\"\(Markup.escaped(value))\"" }
    }

    /// `text` so that it is text wherever it stands, in an element or in an attribute's quotes: on one line, what is
    /// invisible shown by its number, what is too long cut.
    static func escaped(_ text: String) -> String {
        let bytes = text.utf8
        if bytes.count <= longestText, bytes.allSatisfy(isPlain) { return text }
        var result = ""
        for scalar in escapedForDisplay(String(text.unicodeScalars.prefix(longestText))).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.count > longestText ? result + "…" : result
    }

    /// Letters, digits and the signs that mean nothing in HTML: nearly all there is, and most of it numbers.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ">"): false
        default: (0x20...0x7e).contains(byte)
        }
    }
}
