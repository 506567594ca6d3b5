// A word in the place of a subcommand that is none. The parser of arguments calls it an unexpected argument, which helps
// nobody; here the nearest subcommand is named.

import ArgumentParser

enum UnknownCommand {
    /// Letters that may be wrong for a command still to be meant.
    private static let mostWrong = 2
    /// What others call it.
    private static let otherNames = [
        "deploy": "push", "release": "push", "publish": "stage", "upload": "stage", "sync": "stage", "copy": "stage",
        "activate": "flip", "switch": "flip", "live": "flip", "promote": "flip", "revert": "rollback",
        "undo": "rollback",
        "back": "rollback", "list": "status", "ls": "status", "check": "verify", "setup": "install",
    ]

    /// What to say of the program's arguments; nil: a subcommand, or an option, stands first.
    static func message(_ arguments: [String], of root: any ParsableCommand.Type) -> String? {
        guard let word = arguments.first, !word.isEmpty, !word.hasPrefix("-") else { return nil }
        let names = root.configuration.subcommands.map { $0.configuration.commandName ?? "" }
        guard !names.contains(word), word != "help" else { return nil }
        let nearest =
            names.first { $0.hasPrefix(word) }
            ?? names.min { word.editDistance(to: $0) < word.editDistance(to: $1) } ?? ""
        let meant =
            otherNames[word.lowercased()]
            ?? (word.lowercased().editDistance(to: nearest) <= mostWrong || nearest.hasPrefix(word) ? nearest : nil)
        let advice = meant.map { "; did you mean \($0)?" } ?? "."
        return "unknown command '\(word.prefix(60))'\(advice) Commands: \(names.joined(separator: ", "))"
    }
}
