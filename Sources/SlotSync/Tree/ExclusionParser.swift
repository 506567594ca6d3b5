// Reads one pattern of the gitignore language into an ExclusionPattern: the only place that knows its
// syntax. What git takes without a word and then never matches (a [ that is not closed, an unknown
// class, a backslash at the end, ./ in front) is an error here: an exclusion that silently excludes nothing
// ships what it was written to keep back.

/// A cursor over one pattern.
struct ExclusionParser {
    private let pattern: [UInt8]
    private var position = 0
    private var end: Int

    static func parse(_ pattern: [UInt8]) throws(SlotSyncError) -> ExclusionPattern {
        var parser = ExclusionParser(pattern)
        return try parser.parse()
    }

    private init(_ pattern: [UInt8]) {
        self.pattern = pattern
        self.end = pattern.count
    }

    private func wrong(_ what: String) -> SlotSyncError {
        SlotSyncError(.badInput, "exclusion \(quoted(String(decoding: pattern, as: UTF8.self))): \(what)")
    }

    private mutating func parse() throws(SlotSyncError) -> ExclusionPattern {
        guard !pattern.contains(0) else { throw wrong("a pattern must not hold a NUL byte") }
        try checkLine()
        if isNegated { position = 1 }
        let isForDirectories = position < end && pattern[end - 1] == UInt8(ascii: "/")
        if isForDirectories { end -= 1 }
        guard position < end else { throw wrong("the pattern is empty, so it can match nothing") }

        // A slash anywhere, in brackets too, ties the pattern to the top of the tree.
        let isAnchored = pattern[position..<end].contains(UInt8(ascii: "/"))
        if pattern[position] == UInt8(ascii: "/") { position += 1 }
        var segments: [ExclusionPattern.Segment] = []
        repeat { segments.append(try segment()) } while consumeSlash()
        try check(segments)
        return ExclusionPattern(
            segments: segments, isNegated: isNegated, isForDirectories: isForDirectories, isAnchored: isAnchored)
    }

    // MARK: What could never match

    /// A pattern is one line: several in one text describe a name with line ends in it.
    private func checkLine() throws(SlotSyncError) {
        if pattern.contains(UInt8(ascii: "\n")) {
            throw wrong(
                "it holds a line end, so it can match nothing: write each pattern by itself (in slotsync.yml as a list, "
                    + "one - a line), or put the lines into a file for exclude_from; for a name with a line end write ?"
            )
        }
        if pattern.last == UInt8(ascii: "\r") {
            throw wrong("it ends in a carriage return, so it can match nothing: save the text with Unix line ends")
        }
        if let blank = pattern.last, blank == UInt8(ascii: " ") || blank == UInt8(ascii: "\t"),
            pattern.dropLast().last != UInt8(ascii: "\\")
        {
            throw wrong(
                "it ends in white space, so it matches no usual name: write \(quoted(trimmed())), or a \\ before what is "
                    + "part of the name")
        }
    }

    private func trimmed() -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var kept = pattern.drop(while: isBlank)
        while let last = kept.last, isBlank(last) { kept.removeLast() }
        return String(decoding: kept, as: UTF8.self)
    }

    /// No entry of a release is called `.` or `..`, and none has an empty name.
    private func check(_ segments: [ExclusionPattern.Segment]) throws(SlotSyncError) {
        let dot = UInt8(ascii: ".")
        let names = segments.compactMap { segment -> [UInt8]? in
            if case .name(let glob) = segment { glob.literal } else { nil }
        }
        let why: String
        if names.contains([dot, dot]) {
            why = "a path cannot lead out of the source, where every pattern begins"
        } else if names.contains([dot]) {
            why = "a path has no . in it: it begins at the top of the source"
        } else if names.contains([]) {
            why = "between two slashes has to be a name"
        } else {
            return
        }
        throw wrong("it can match nothing, for \(why)\(meant.map { ": write \(quoted($0))" } ?? "")")
    }

    /// The pattern without the steps that lead nowhere, and of one that leads upwards what follows; nil: nobody can tell.
    private var meant: String? {
        guard !pattern.contains(UInt8(ascii: "[")), !pattern.contains(UInt8(ascii: "\\")) else { return nil }
        let text = String(decoding: pattern, as: UTF8.self)
        var names = text.drop { $0 == "!" }.split(separator: "/")
        // What follows .. is the source's own folder, if more follows.
        if let last = names.lastIndex(of: "..") { names = Array(names[min(last + 2, names.count - 1)...]) }
        names.removeAll { $0 == ".." }
        names.removeAll { $0 == "." }
        return names.isEmpty
            ? nil : (isNegated ? "!/" : "/") + names.joined(separator: "/") + (text.last == "/" ? "/" : "")
    }

    private var isNegated: Bool { pattern.first == UInt8(ascii: "!") }

    private func byte(at index: Int) -> UInt8? { index < end ? pattern[index] : nil }

    private mutating func consumeSlash() -> Bool {
        if byte(at: position) == UInt8(ascii: "\\") { position += 1 }
        guard position < end else { return false }
        position += 1
        return true
    }

    /// What stands between two slashes; leaves `position` at the slash, or at its backslash.
    private mutating func segment() throws(SlotSyncError) -> ExclusionPattern.Segment {
        var afterStars = position
        while byte(at: afterStars) == UInt8(ascii: "*") { afterStars += 1 }
        if afterStars - position >= 2 {
            switch (byte(at: afterStars), byte(at: afterStars + 1)) {
            case (UInt8(ascii: "/"), _):
                position = afterStars
                return .directories(atLeast: 0)
            case (nil, _), (UInt8(ascii: "\\"), UInt8(ascii: "/")):
                position = afterStars
                return .directories(atLeast: 1)
            default: break
            }
        }

        var tokens: [NameGlob.Token] = []
        while let next = byte(at: position) {
            switch next {
            case UInt8(ascii: "/"):
                return .name(NameGlob(tokens))
            case UInt8(ascii: "\\"):
                guard let escaped = byte(at: position + 1) else {
                    throw wrong("it ends in a lone backslash; write \\\\ for a backslash itself")
                }
                if escaped == UInt8(ascii: "/") { return .name(NameGlob(tokens)) }
                tokens.append(.byte(escaped))
                position += 2
            case UInt8(ascii: "?"):
                tokens.append(.anyByte)
                position += 1
            case UInt8(ascii: "*"):
                if tokens.last != .anyBytes { tokens.append(.anyBytes) }
                position += 1
            case UInt8(ascii: "["):
                tokens.append(.oneOf(try set()))
            default:
                tokens.append(.byte(next))
                position += 1
            }
        }
        return .name(NameGlob(tokens))
    }

    /// `[a-z]`, `[!a]`, `[^a]`, `[[:alpha:]_]`, `[]a]`; leaves `position` behind the closing bracket.
    private mutating func set() throws(SlotSyncError) -> ByteSet {
        let open = position
        func unclosed() -> SlotSyncError {
            wrong("the [ at byte \(open + 1) is not closed by a ]; write \\[ for a bracket itself")
        }
        position += 1
        let isInverted = byte(at: position) == UInt8(ascii: "!") || byte(at: position) == UInt8(ascii: "^")
        if isInverted { position += 1 }

        var set = ByteSet()
        var isFirst = true
        // The byte that a following - would begin a range with.
        var previous: UInt8?
        while true {
            guard let next = byte(at: position) else { throw unclosed() }
            position += 1
            if next == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            if next == UInt8(ascii: "-"), let first = previous, let following = byte(at: position),
                following != UInt8(ascii: "]")
            {
                guard let last = escapedByte() else { throw unclosed() }
                if first <= last { for byte in first...last { set.insert(byte) } }
                previous = nil
            } else if next == UInt8(ascii: "["), byte(at: position) == UInt8(ascii: ":"), let name = className() {
                guard let test = ExclusionParser.classes[name] else {
                    throw wrong("there is no class [:\(name):]")
                }
                for byte in 0...UInt8(127) where test(byte) { set.insert(byte) }
                previous = nil
            } else {
                position -= 1
                guard let member = escapedByte() else { throw unclosed() }
                set.insert(member)
                previous = member
            }
        }
        if isInverted { set = set.inverted }
        set.remove(UInt8(ascii: "/"))
        return set
    }

    private mutating func escapedByte() -> UInt8? {
        if byte(at: position) == UInt8(ascii: "\\") { position += 1 }
        defer { position += 1 }
        return byte(at: position)
    }

    /// With `position` at the colon of `[:alpha:]`: the class's name, moving past it; nil, without
    /// moving, if what follows is no class but the members [ and :.
    private mutating func className() -> String? {
        guard let close = pattern[(position + 1)..<end].firstIndex(of: UInt8(ascii: "]")),
            close - 1 > position, pattern[close - 1] == UInt8(ascii: ":")
        else { return nil }
        defer { position = close + 1 }
        return String(decoding: pattern[(position + 1)..<(close - 1)], as: UTF8.self)
    }

    /// The classes as git has them: ASCII alone, and no vertical tab or form feed in [:space:].
    private static let classes: [String: @Sendable (UInt8) -> Bool] = [
        "alnum": { isLetter($0) || isDigit($0) },
        "alpha": { isLetter($0) },
        "blank": { $0 == 0x20 || $0 == 0x09 },
        "cntrl": { $0 < 0x20 || $0 == 0x7f },
        "digit": { isDigit($0) },
        "graph": { (0x21...0x7e).contains($0) },
        "lower": { (0x61...0x7a).contains($0) },
        "print": { (0x20...0x7e).contains($0) },
        "punct": { (0x21...0x7e).contains($0) && !isLetter($0) && !isDigit($0) },
        "space": { [0x20, 0x09, 0x0a, 0x0d].contains($0) },
        "upper": { (0x41...0x5a).contains($0) },
        "xdigit": { isDigit($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) },
    ]

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) && byte < 0x80 }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
