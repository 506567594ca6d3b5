// What the path of a log may be: one file, or with a * in its name all files that are called so. Checked before any host is
// asked, and on the host once more.

/// The path of a log on a host.
package enum LogPath {
    /// Why a path cannot be that of a log, and what to write instead; nil: it can.
    package static func problem(_ path: String) -> String? {
        guard !path.hasPrefix("~") else {
            return
                "the path of a log has to be absolute, without ~, not \(quoted(path)): `ssh HOST pwd` tells which home a "
                + "login has there"
        }
        guard path.hasPrefix("/") else {
            return "the path of a log has to be absolute, not \(quoted(path))"
        }
        let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.index(after: $0)...] } ?? ""
        if path.dropLast(name.count).contains("*") {
            return "in the path \(quoted(path)) a * can stand in the file's name alone, not in a folder's"
        }
        if hasDateFormat(path) || hasPattern(name) {
            return
                "in the path \(quoted(path)) no date is put in, and no pattern but * is known: write * for what changes, as "
                + "in app-*.log, and all files that are called so are followed, those of the next day, too"
        }
        return nil
    }

    /// `{date}`, `?`, `[0-9]` and `{a,b}` in a file's name, which shells and loggers know. What is replaced later has been a
    /// word of its own: `{host}`.
    private static func hasPattern(_ name: Substring) -> Bool {
        var rest = name
        for known in ["{host}", "{root}", "{release}"] {
            while let place = rest.firstPlace(of: known) {
                rest = rest[..<place.lowerBound] + rest[place.upperBound...]
            }
        }
        if rest.utf8.contains(UInt8(ascii: "?")) { return true }
        for (open, close) in [("[", "]"), ("{", "}")] as [(Character, Character)] {
            guard let start = rest.firstIndex(of: open), rest[start...].dropFirst(2).contains(close) else { continue }
            // `${name}` is a variable, which has a message of its own where it is one of these words.
            if rest[..<start].last != "$" { return true }
        }
        return false
    }

    /// Whether the name in a path stands for many.
    static func isPattern(_ path: String) -> Bool { path.utf8.contains(UInt8(ascii: "*")) }

    /// Whether a path is one of those that `pattern` stands for, with its `*` in the file's name.
    static func covers(_ pattern: String, _ path: String) -> Bool {
        let (folder, name) = parts(pattern)
        let (otherFolder, otherName) = parts(path)
        guard isPattern(pattern), folder.elementsEqual(otherFolder) else { return false }
        let isHidden = otherName.first == UInt8(ascii: ".") && name.first != UInt8(ascii: ".")
        return !isHidden && NameGlob(starring: name).matches(Array(otherName).span, in: 0..<otherName.count)
    }

    private static func parts(_ path: String) -> (folder: ArraySlice<UInt8>, name: ArraySlice<UInt8>) {
        let bytes = Array(path.utf8)
        let start = (bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
        return (bytes[..<start], bytes[start...])
    }

    /// `%Y-%m-%d`, as strftime and date have it.
    private static func hasDateFormat(_ path: String) -> Bool {
        var isAfterPercent = false
        for byte in path.utf8 {
            if isAfterPercent, "YmdyjHMSFGgVuUWwbBaAeT".utf8.contains(byte) { return true }
            isAfterPercent = byte == UInt8(ascii: "%")
        }
        return false
    }
}

extension NameGlob {
    /// A name in which `*` alone stands for anything.
    init(starring name: some Sequence<UInt8>) {
        var tokens: [Token] = []
        for byte in name {
            let token = byte == UInt8(ascii: "*") ? Token.anyBytes : .byte(byte)
            if token != .anyBytes || tokens.last != .anyBytes { tokens.append(token) }
        }
        self.init(tokens)
    }
}
