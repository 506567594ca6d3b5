// Quotes words for a shell, and splits words from a person. A remote command passes through whatever login shell the
// host's user has. So quoting uses only what sh, bash, zsh, fish and csh agree on. --rsh is split as rsync splits its
// -e.

package enum ShellWords {
    /// `word` as one word of a shell's command line.
    ///
    /// A backslash and an exclamation mark mean something between single quotes to fish and to csh, so they stand
    /// outside, escaped, like the quote itself.
    package static func quoted(_ word: String) -> String {
        guard word.isEmpty || !word.utf8.allSatisfy(isPlain) else { return word }
        var result = "'"
        for character in word.unicodeScalars {
            switch character {
            case "'", "\\", "!": result += "'\\\(character)'"
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "'"
    }

    /// The words that were quoted and joined by single spaces; nil for a text in which a shell would see anything else.
    static func unquoted(_ text: String) -> [String]? {
        var words = [""]
        var (isInQuotes, isEscaped) = (false, false)
        for scalar in text.unicodeScalars {
            switch scalar {
            case _ where isEscaped: isEscaped = false
            case "'":
                isInQuotes.toggle()
                continue
            case _ where isInQuotes: break
            case "\\":
                isEscaped = true
                continue
            case " ":
                words.append("")
                continue
            default: guard scalar.isASCII, isPlain(UInt8(scalar.value)) else { return nil }
            }
            words[words.count - 1].unicodeScalars.append(scalar)
        }
        return isInQuotes || isEscaped ? nil : words
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/._-:@%+,".utf8.contains(byte)
        }
    }

    /// Words as one command that ``split(_:option:)`` takes apart into the same words.
    package static func joined(_ words: [String]) -> String {
        words.map { word in
            let isPlain =
                !word.isEmpty && !word.unicodeScalars.contains { $0.properties.isWhitespace || $0 == "'" || $0 == "\"" }
            return isPlain ? word : "'" + word.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
        }.joined(separator: " ")
    }

    /// Splits a command at white space. Single and double quotes keep words together, and a doubled quote within
    /// quotes stands for itself; there are no other escapes.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`, for a quote that is not closed and for no word at all.
    ///
    /// - Parameter option: what the command was given with, for the error.
    package static func split(_ command: String, option: String? = nil) throws(SlotSyncError) -> [String] {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        var quote: UnicodeScalar?
        // By scalars, since a mark that combines with a quote or a space before it makes another character of that.
        var rest = command.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if let open = quote {
                if scalar != open {
                    word?.append(scalar)
                } else if rest.first == open {
                    word?.append(rest.removeFirst())
                } else {
                    quote = nil
                }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
                word = word ?? "".unicodeScalars
            } else if scalar.properties.isWhitespace {
                if let word { words.append(String(word)) }
                word = nil
            } else {
                word = word ?? "".unicodeScalars
                word?.append(scalar)
            }
        }
        let culprit = (option.map { "\($0) " } ?? "") + SlotSync.quoted(command)
        if let quote { throw SlotSyncError(.badInput, "\(culprit): a \(quote) is not closed") }
        if let word { words.append(String(word)) }
        guard let program = words.first, !program.isEmpty else {
            throw SlotSyncError(.badInput, "\(culprit) names no program")
        }
        return words
    }
}
