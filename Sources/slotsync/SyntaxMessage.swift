// What is wrong with a configuration that is no YAML, in words for people who do not know how YAML is parsed: where, what,
// and what to write instead. ConfigurationNode calls it.

import SlotSync
import Yams

enum SyntaxMessage {
    /// The error about `text`, the contents of `file`.
    static func error(_ error: YamlError, in text: String, file: String) -> SlotSyncError {
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { quoted($0) }.joined(separator: ", ")
            return message("more than one key \(names); keep one", at: context.mark, in: text, file: file)
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            // What was begun and never ended is wrong where it begins.
            let isOpen =
                problem.contains("end of stream") || problem.contains("',' or") || problem.contains("expected ':'")
            let place = isOpen ? context?.mark ?? mark : mark
            let shown = lineText(place.line, of: text)
            return message(words(problem, line: shown, column: place.column), at: place, in: text, file: file)
        case .reader(let problem, _, let value, _):
            let character = value > 0 ? " (\(quoted(String(UnicodeScalar(UInt32(value)) ?? " "))))" : ""
            return SlotSyncError(
                .badInput, "\(file): not YAML: it holds a character that no text has\(character); \(problem)")
        default: return SlotSyncError(.badInput, "\(file): not YAML: \(error)")
        }
    }

    private static func message(_ what: String, at mark: Mark, in text: String, file: String) -> SlotSyncError {
        let shown = lineText(mark.line, of: text)
        let excerpt =
            shown.isEmpty || mayHoldSecret(mark.line, of: text) ? "" : " The line is \(quoted(shown))."
        return SlotSyncError(.badInput, "\(file):\(mark.line):\(mark.column): \(what).\(excerpt)")
    }

    private static func lineText(_ number: Int, of text: String) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.indices.contains(number - 1) ? String(lines[number - 1]) : ""
    }

    /// Whether a line, or one shortly before it, may be about what nobody is to see.
    private static func mayHoldSecret(_ number: Int, of text: String) -> Bool {
        (max(1, number - 8)...number).contains { number in
            let line = lineText(number, of: text).lowercased()
            return ["headers", "authorization", "bearer", "token", "password", "secret", "api-key"].contains {
                line.contains($0)
            } || (line.contains("://") && line.contains("@"))
        }
    }

    private static func words(_ problem: String, line: String, column: Int) -> String {
        // An exclusion such as *.log is the one thing that goes wrong here every day.
        if problem.contains("alphabetic") || problem.contains("alias") {
            return "YAML takes text that begins with * or & for something else; put it in quotes"
        }
        let scalars = Array(line.unicodeScalars)
        let character = scalars.indices.contains(column - 1) ? scalars[column - 1] : " "
        if character == "\t" || problem.contains("tab") { return "a tab cannot stand here; indent with blanks" }
        if problem.contains("cannot start any token") {
            return "text cannot begin with \(quoted(String(character))); put it in quotes"
        }
        return meanings.first { problem.contains($0.key) }?.value ?? "not YAML: \(problem)"
    }

    /// What libyaml says, by a part of it, and what is meant.
    private static let meanings: KeyValuePairs<String, String> = [
        "mapping values are not allowed":
            "a colon cannot stand here: indent all keys of one level alike, and put text with a colon in it in quotes",
        "',' or ']'": "a list that begins with [ lacks a comma, or its ]",
        "',' or '}'": "keys that begin with { lack a comma, or their }",
        "end of stream": "text that begins with a quotation mark has no end; close it",
        "expected ':'": "this is no key with a value: write KEY: VALUE, with a blank after the colon",
        "expected key":
            "a key is expected here: indent all keys of one level alike, and put text with a colon in it in quotes",
        "expected '-' indicator":
            "a list has each item on a line of its own, with - and a blank in front, all indented alike",
        "block sequence entries":
            "a list has each item on a line of its own, with - and a blank in front, all indented alike",
        "<document start>": "this belongs to nothing before it: write KEY: VALUE, with a blank after the colon",
        "escape character": "a \\ in double quotes has a meaning of its own; use single quotes",
        "node content": "a value is missing here",
        "another document": "a second document begins here; keep one, without ---",
    ]
}
