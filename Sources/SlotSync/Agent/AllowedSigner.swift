// One line of a file that says who may sign, in the form of OpenSSH's allowed signers (ssh-keygen(1)), or of a `.pub` file. Signers
// reads the lines. What is not understood is an error: an option that was overlooked would let more count than root wrote.

import Glibc

/// A key whose signatures count, and when.
struct AllowedSigner: Hashable, Sendable {
    let key: SSHPublicKey
    /// Seconds since 1970; nil: without a beginning.
    var validAfter: Int64?
    /// Seconds since 1970; nil: without an end.
    var validBefore: Int64?

    /// Whether a signature counts at a moment, as ssh-keygen decides it: both ends are within.
    func isValid(at seconds: Int64) -> Bool {
        seconds >= validAfter ?? .min && seconds <= validBefore ?? .max
    }

    /// What became of a line.
    enum Line: Equatable {
        case signer(AllowedSigner)
        /// It is well-formed, and says nothing about releases: another namespace, another kind of key, an authority.
        case ofNoUse
        case wrong(String)
    }

    /// Reads `KEY`, `PRINCIPALS KEY` or `PRINCIPALS OPTIONS KEY`. Who the principals are does not matter here.
    static func read(_ line: Substring) -> Line {
        guard var words = Self.words(of: line) else { return .wrong("a quotation mark is missing") }
        var options: [Substring] = []
        if !isKeyType(words.first) {
            guard let principals = words.popFirst(), arePrincipals(principals) else { return .wrong(wrongPrincipals) }
            if let word = words.first, !isKeyType(word) {
                guard let split = pieces(of: word, at: { $0 == "," }) else { return .wrong(Signers.wrongKey) }
                options = split
                words = words.dropFirst()
            }
        }
        guard words.count >= 2, let type = words.popFirst(), isKeyType(type), let text = words.first,
            let blob = base64(text.utf8)
        else { return .wrong(Signers.wrongKey) }
        var (counts, after, before) = (true, Int64?.none, Int64?.none)
        var seen: Set<String> = []
        for option in options {
            let name = option.prefix { $0 != "=" }.lowercased()
            // Of two moments the later one would let more count.
            guard seen.insert(name).inserted else { return .wrong("the option \(quoted(name)) stands there twice") }
            if name == "cert-authority", option.utf8.count == name.utf8.count {
                counts = false
                continue
            }
            guard let value = Self.value(of: option) else { return .wrong("the option \(quoted(option)) is not known") }
            switch name {
            case "namespaces": counts = counts && matches(ReleaseStatement.namespace, list: value)
            case "valid-after":
                guard let moment = Self.moment(value) else { return .wrong(wrongMoment(option)) }
                after = moment
            case "valid-before":
                guard let moment = Self.moment(value) else { return .wrong(wrongMoment(option)) }
                before = moment
            default: return .wrong("the option \(quoted(option)) is not known")
            }
        }
        guard SSHPublicKey.types.contains(String(type)) else { return .ofNoUse }
        guard let key = SSHPublicKey(blob: blob), key.type == type else { return .wrong(Signers.wrongKey) }
        return counts ? .signer(AllowedSigner(key: key, validAfter: after, validBefore: before)) : .ofNoUse
    }

    /// Whether a word can be a list of principals, and counts for somebody. It may be options that somebody wrote without any:
    /// they would be passed over.
    private static func arePrincipals(_ word: Substring) -> Bool {
        let patterns = word.split(separator: ",")
        return patterns.contains { $0.first != "!" }
            && !patterns.contains { $0.contains("=") || isOptionWord($0.lowercased()) }
    }

    /// Options without a value, of allowed signers and of sshd's authorized keys.
    private static func isOptionWord(_ word: String) -> Bool {
        ["cert-authority", "restrict", "verify-required", "pty", "user-rc"].contains(word) || word.hasPrefix("no-")
            || word.hasSuffix("-forwarding")
    }

    private static let wrongPrincipals =
        "what stands before the key names nobody: write a key alone, or principals before its options (`* "
        + "valid-before=\"20270131\" ssh-ed25519 AAAA…`)"

    private static func isKeyType(_ word: Substring?) -> Bool {
        guard let word else { return false }
        return word.hasPrefix("ssh-") || word.hasPrefix("sk-") || word.hasPrefix("ecdsa-sha2-")
    }

    private static func wrongMoment(_ option: Substring) -> String {
        "\(quoted(option)) is no time: it is a date as 20270131, or with hours 202701311200, with a Z behind it for UTC"
    }

    // MARK: Words

    private static func words(of line: Substring) -> ArraySlice<Substring>? {
        pieces(of: line, at: \.isWhitespace).map { $0.filter { !$0.isEmpty }[...] }
    }

    /// Splits where nothing is quoted; nil: a quotation does not end.
    private static func pieces(of text: Substring, at isEnd: (Character) -> Bool) -> [Substring]? {
        var pieces: [Substring] = []
        var (start, isQuoted) = (text.startIndex, false)
        for index in text.indices {
            if text[index] == "\"" {
                isQuoted.toggle()
            } else if !isQuoted, isEnd(text[index]) {
                pieces.append(text[start..<index])
                start = text.index(after: index)
            }
        }
        return isQuoted ? nil : pieces + [text[start...]]
    }

    /// What stands between the quotation marks of `name="value"`; nil where they are not there, or something is escaped.
    private static func value(of option: Substring) -> Substring? {
        let rest = option.drop { $0 != "=" }.dropFirst()
        guard rest.utf8.count > 2, rest.first == "\"", rest.last == "\"" else { return nil }
        let value = rest.dropFirst().dropLast()
        return value.contains("\"") || value.contains("\\") ? nil : value
    }

    // MARK: Values

    /// Whether a name is in a list of patterns (ssh_config(5)): separated by commas, with `*` and `?`, and what a `!` stands
    /// before is not.
    static func matches(_ name: String, list: Substring) -> Bool {
        var isIn = false
        for pattern in list.split(separator: ",") {
            let isNegated = pattern.first == "!"
            guard matches(Array(name.utf8)[...], Array(pattern.utf8)[(isNegated ? 1 : 0)...]) else { continue }
            if isNegated { return false }
            isIn = true
        }
        return isIn
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        // For each number of bytes of the name, whether the pattern so far describes these.
        var open = [true] + [Bool](repeating: false, count: name.count)
        for token in pattern {
            var next = [Bool](repeating: false, count: open.count)
            for (count, isOpen) in open.enumerated() where isOpen {
                if token == UInt8(ascii: "*") {
                    for further in count..<open.count { next[further] = true }
                } else if count < name.count,
                    token == UInt8(ascii: "?") || token == name[name.startIndex + count]
                {
                    next[count + 1] = true
                }
            }
            open = next
        }
        return open[name.count]
    }

    /// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, of this host's time zone; with a `Z` of UTC.
    static func moment(_ text: Substring) -> Int64? {
        let isUTC = text.last == "Z" || text.last == "z"
        let digits = (isUTC ? text.dropLast() : text).utf8.map { Int32($0) - 48 }
        guard [8, 12, 14].contains(digits.count), digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        func number(_ range: Range<Int>) -> Int32 {
            range.upperBound <= digits.count ? digits[range].reduce(0) { $0 * 10 + $1 } : 0
        }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (number(0..<4) - 1900, number(4..<6) - 1, number(6..<8))
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (number(8..<10), number(10..<12), number(12..<14))
        parts.tm_isdst = -1
        let asked = parts
        let moment = isUTC ? timegm(&parts) : mktime(&parts)
        // What is no date comes back as another one.
        guard asked.tm_year == parts.tm_year, asked.tm_mon == parts.tm_mon, asked.tm_mday == parts.tm_mday,
            asked.tm_hour < 24, asked.tm_min < 60, asked.tm_sec < 60
        else { return nil }
        return Int64(moment)
    }
}
