// The commands that messages tell a person to type. Each reaches the hosts that it is for in the way in which the command
// reached them that says so: with the user and the port of each host, and with the options that stood on its line.

/// How the fleet of a command was named, so that others can be told to name it in the same way.
package struct FleetWords: Sendable, Hashable {
    /// Options that say which hosts, and their values; none: the configuration says it.
    package var selection: [String]
    /// Options that say how they are reached.
    package var options: [String]

    package init(selection: [String] = [], options: [String] = []) {
        self.selection = selection
        self.options = options
    }

    /// A command, such as `slotsync rollback --to 3f2a… --hosts 'web[1-3]' --root /srv/www`, to be typed as it is.
    ///
    /// - Parameters:
    ///   - words: the subcommand, and what follows it.
    ///   - hosts: whom it is for; nil: all hosts that were named.
    package func command(_ words: String..., on hosts: [Host]? = nil) -> String { command(words, on: hosts) }

    package func command(_ words: [String], on hosts: [Host]?) -> String {
        let selection = hosts.map { ["--hosts", HostList.fold($0.map(\.description))] } ?? selection
        return (["slotsync"] + words + selection + options).map(ShellWords.quoted).joined(separator: " ")
    }

    /// What hosts say, with the commands in it completed: a host knows neither its name nor how it was reached, and another
    /// host may be on another release. Whatever is told of hosts passes here, for people and for `--json`.
    package func completing(_ text: String, on hosts: [Host]) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstPlace(of: "`slotsync ") {
            let inner = rest[start.upperBound...].prefix { $0 != "`" }
            result += rest[..<start.upperBound]
            rest = rest[start.upperBound...]
            let isWhole = inner.endIndex < rest.endIndex && inner.firstPlace(of: "--hosts ") == nil
            guard isWhole, Self.isCommand(inner) else { continue }
            // Its own words are IDs and options, which need no quotes.
            result += command(inner.split(separator: " ").map(String.init), on: hosts).dropFirst("slotsync ".count)
            rest = rest[inner.endIndex...]
        }
        return result + rest
    }

    /// Whether it can be typed; else a subcommand is only spoken of: a stage and a push need to be told of what.
    private static func isCommand(_ words: Substring) -> Bool {
        let verb = words.prefix { $0 != " " }
        if ["rollback", "install"].contains(verb) { return true }
        return ["flip", "push", "stage"].contains(verb) && verb != words
    }
}
