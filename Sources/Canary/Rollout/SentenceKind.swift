// What is to be said of many hosts, folded by kind: sentences that differ in the host's own name, in addresses, amounts,
// times and quoted texts alone are one sentence. ssh names the host in its words, a disk lacks another number of bytes on
// every host, and another file is in the way. RolloutOutcome says so at the end of a push; the command folds all that it
// says of hosts in this way.

package import SlotSync

/// Hosts with a sentence of one kind, and one sentence for all of them, in the order in which the kinds first appear.
///
/// - Parameters:
///   - root: the fleet's root. A host's own root is then the same text on all hosts, with `{host}` in it.
///   - words: what commands are told to be typed with; nil: they stay as hosts say them.
package func kinds(
    of sentences: [(host: Host, text: String)], root: String = "", words: FleetWords? = nil
) -> [(hosts: [String], text: String)] {
    var order: [String] = []
    var members: [String: [(host: Host, text: String, kind: SentenceKind)]] = [:]
    for (host, text) in sentences {
        let kind = SentenceKind(text, of: host, root: root)
        if members[kind.key] == nil { order.append(kind.key) }
        members[kind.key, default: []].append((host, text, kind))
    }
    return order.map { key in
        let members = members[key] ?? []
        // What is equal word for word, and what is of one host alone, is said as it is.
        let text = Set(members.map(\.text)).count == 1 ? members[0].text : SentenceKind.merged(members.map(\.kind))
        var seen: Set<Host> = []
        let hosts = members.map(\.host).filter { seen.insert($0).inserted }
        return (hosts.map(\.label), words?.completing(text, on: hosts) ?? text)
    }
}

/// A sentence taken apart into what makes its kind and what differs from host to host.
package struct SentenceKind: Sendable {
    private enum Part: Sendable, Hashable {
        case text(String)
        /// With its unit, if it has one.
        case number(String)
        case time(String)
        case address(String)
        /// A text in quotes, or some with commas between them: a path, or what somebody else says.
        case quote(String)
        /// A process, with the word before its number.
        case process(String)

        /// As it stands in the sentence.
        var shown: String {
            switch self {
            case .text(let text), .number(let text), .time(let text), .address(let text), .quote(let text),
                .process(let text):
                text
            }
        }

        /// What it is where sentences are compared.
        var key: String {
            switch self {
            case .text(let text): text
            case .number: "\u{1}"
            case .time: "\u{2}"
            case .address: "\u{3}"
            case .quote: "\u{4}"
            case .process: "\u{5}"
            }
        }
    }

    private let host: String
    private let parts: [Part]
    /// Equal for sentences of one kind.
    package let key: String

    /// Words before a number that says what kind it is: another slot or exit code is another sentence.
    private static let kinds: Set<String> = [
        "slot", "slots", "code", "HTTP", "version", "protocol", "signal", "release",
    ]
    /// More than the longest of these words.
    private static let longestKind = 16
    /// More than an address has characters.
    private static let longestAddress = 64
    private static let units: [String: Double] = [
        "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15, "ms": 1e-3, "s": 1, "min": 60, "h": 3600,
    ]

    /// - Parameters:
    ///   - sentence: about this host.
    ///   - root: the fleet's root, which may hold `{host}`.
    package init(_ sentence: String, of host: Host, root: String = "") {
        self.host = host.label
        var text = sentence
        let ownRoot = Transport.root(root, of: host)
        if ownRoot != root, !ownRoot.isEmpty { text = text.replacing(ownRoot, with: root) { _, _ in true } }
        for name in [host.description, host.destination, host.label, host.name] {
            text = text.replacingName(name, with: "{host}")
        }
        parts = Self.parts(of: text)
        key = parts.map(\.key).joined()
    }

    /// One sentence for all of these, which are of one kind: what is the same is said, of numbers the least and the most,
    /// of quoted texts those of one host, with its name; of processes which is on which host.
    package static func merged(_ sentences: [SentenceKind]) -> String {
        guard let first = sentences.first else { return "" }
        return first.parts.indices.map { index in
            let all = Set(sentences.map { $0.parts[index] })
            switch first.parts[index] {
            case .text(let text): return text
            case .number(let text): return all.count == 1 ? text : range(of: all, or: text)
            case .time(let text):
                return all.compactMap { if case .time(let time) = $0 { time } else { nil } }.min() ?? text
            case .address(let text): return all.count == 1 ? text : "{address}"
            case .quote(let text): return all.count == 1 ? text : "\(text) on \(first.host)"
            // The least and the most of them are no range of anything.
            case .process(let text): return all.count == 1 ? text : processes(of: sentences, at: index)
            }
        }.joined()
    }

    /// So many processes are told with their hosts.
    private static let mostProcesses = 4

    /// `pid 812 on web1, pid 77 on web2`, or of many one, and that the others are others.
    private static func processes(of sentences: [SentenceKind], at index: Int) -> String {
        let all = sentences.map { "\($0.parts[index].shown) on \($0.host)" }
        guard all.count > mostProcesses else { return all.joined(separator: ", ") }
        return "\(all[0]), another on each"
    }

    private static func range(of numbers: Set<Part>, or text: String) -> String {
        let known = numbers.compactMap { part -> (text: String, value: Double)? in
            guard case .number(let text) = part else { return nil }
            let words = text.split(separator: " ")
            guard let number = Double(words[0].filter { $0 != "," }) else { return nil }
            return (text, number * (words.count > 1 ? units[String(words[1])] ?? 1 : 1))
        }
        guard known.count == numbers.count, let least = known.min(by: { ($0.value, $0.text) < ($1.value, $1.text) }),
            let most = known.max(by: { ($0.value, $0.text) < ($1.value, $1.text) })
        else { return text }
        let unit = most.text.split(separator: " ").dropFirst().first.map { " \($0)" } ?? ""
        let isSameUnit = !unit.isEmpty && least.text.hasSuffix(unit)
        return "\(isSameUnit ? String(least.text.dropLast(unit.count)) : least.text) to \(most.text)"
    }

    // MARK: Parts

    /// Whoever looks for the end of a text in quotes reads all that follows: so often that is done in vain.
    private static let mostUnclosed = 4

    private static func parts(of sentence: String) -> [Part] {
        var parts: [Part] = []
        var text = ""
        var rest = sentence[...]
        func end() {
            if !text.isEmpty { parts.append(.text(text)) }
            text = ""
        }
        var unclosed = 0
        while let character = rest.first {
            if character == "\"", unclosed == mostUnclosed {
                text.append(character)
                rest.removeFirst()
            } else if let (quotes, after) = quotes(rest) {
                end()
                parts.append(.quote(quotes))
                rest = after
            } else if mayBeginWord(after: text), let (part, after) = special(rest, after: text) {
                end()
                parts.append(part)
                rest = after
            } else {
                if character == "\"" { unclosed += 1 }
                text.append(character)
                rest.removeFirst()
            }
        }
        end()
        return parts
    }

    /// Quoted texts at the beginning of `text`, with commas between them, and what follows.
    private static func quotes(_ text: Substring) -> (String, Substring)? {
        guard var end = endOfQuote(text) else { return nil }
        while text[end...].prefix(2) == ", ", let next = endOfQuote(text[end...].dropFirst(2)) { end = next }
        return (String(text[..<end]), text[end...])
    }

    /// Where a text in quotes ends with which `text` begins; a quote within it is escaped.
    private static func endOfQuote(_ text: Substring) -> Substring.Index? {
        guard text.first == "\"" else { return nil }
        var isEscaped = false
        for index in text.indices.dropFirst() {
            if text[index] == "\"", !isEscaped { return text.index(after: index) }
            isEscaped = text[index] == "\\" && !isEscaped
        }
        return nil
    }

    private static let processWord = "pid "
    private static let timeForm = "0000-00-00 00:00:00 UTC"

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    /// Whether what follows begins a word; not the 1 of 0.1.0, which has been taken for text.
    private static func mayBeginWord(after text: String) -> Bool {
        guard let last = text.last else { return true }
        return !isWord(last) && !(last == "." && (text.dropLast().last.map(isWord) ?? false))
    }

    /// A time, an address, a process or a number at the beginning of `text`, where a word may begin, and what follows it.
    private static func special(_ text: Substring, after before: String) -> (Part, Substring)? {
        let time = text.prefix(timeForm.count)
        if time.count == timeForm.count, zip(time, timeForm).allSatisfy({ $1 == "0" ? isDigit($0) : $0 == $1 }) {
            return (.time(String(time)), text[time.endIndex...])
        }
        let word = text.prefix(longestAddress).prefix { isWord($0) || $0 == "." || $0 == ":" }
        if word.count < longestAddress, let address = try? Host(String(trimmedEnd(word))), isAddress(address.name) {
            return (.address(String(trimmedEnd(word))), text[trimmedEnd(word).endIndex...])
        }
        if text.hasPrefix(processWord) {
            let number = text.dropFirst(processWord.count).prefix(while: isDigit)
            if !number.isEmpty { return (.process(String(text[..<number.endIndex])), text[number.endIndex...]) }
        }
        guard let digit = text.first, isDigit(digit) else { return nil }
        var end = text.prefix { isDigit($0) || $0 == "," }.endIndex
        if text[end...].first == "." {
            let places = text[end...].dropFirst().prefix(while: isDigit)
            if !places.isEmpty { end = places.endIndex }
        }
        // 3f2a09bc is a release, and no number; /srv/2026/a-7.jpg is a path, and 12:30 a time.
        guard !isPartOfName(before.last, before.dropLast().last), !goesOn(text[end...]) else { return nil }
        if end > text.startIndex, text[text.index(before: end)] == "," { end = text.index(before: end) }
        // From the end: a host may say a line of nothing but numbers.
        let previous = before.reversed().drop { !isWord($0) }.prefix(longestKind).prefix(while: isWord)
        guard !kinds.contains(String(previous.reversed())) else { return nil }
        if end < text.endIndex, text[end] == " " {
            let unit = text[text.index(after: end)...].prefix(while: isWord)
            if units[String(unit)] != nil { end = unit.endIndex }
        }
        return (.number(String(text[..<end])), text[end...])
    }

    /// Whether a number that follows these characters goes on with a path, a name or a time.
    private static func isPartOfName(_ last: Character?, _ beforeLast: Character?) -> Bool {
        last.map { "/-@".contains($0) || $0 == ":" && (beforeLast.map(isDigit) ?? false) } ?? false
    }

    /// Whether a number is only the beginning of such a thing.
    private static func goesOn(_ rest: Substring) -> Bool {
        guard let next = rest.first else { return false }
        return isWord(next) || "/-@.:".contains(next) && (rest.dropFirst().first.map(isWord) ?? false)
    }

    private static func trimmedEnd(_ word: Substring) -> Substring {
        var word = word
        while let last = word.last, last == "." || last == ":" { word.removeLast() }
        return word
    }

    private static func isAddress(_ name: String) -> Bool {
        if name.contains(":") { return true }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
    }
}

extension String {
    /// This text with a name replaced where it stands by itself: `h1`, but not the one in `h12` or in `/srv/h1.old`.
    fileprivate func replacingName(_ name: String, with text: String) -> String {
        func isPartOfName(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || "-_".contains(character)
        }
        return replacing(name, with: text) { before, after in
            // A dot that ends a sentence does not go on with the name.
            let goesOn =
                after.first.map {
                    isPartOfName($0) || ($0 == "." && after.dropFirst().first.map(isPartOfName) ?? false)
                }
                ?? false
            return !(before.map { isPartOfName($0) || $0 == "." } ?? false) && !goesOn
        }
    }

    /// This text with another in place of a word.
    ///
    /// - Parameter isMeant: by the character before the word, and all that follows it.
    fileprivate func replacing(
        _ word: String, with text: String, where isMeant: (Character?, Substring) -> Bool
    ) -> String {
        guard !word.isEmpty else { return self }
        var result = ""
        var rest = self[...]
        while let place = rest.firstPlace(of: word) {
            let before = rest[..<place.lowerBound].last ?? result.last
            let after = rest[place.upperBound...]
            result += rest[..<place.lowerBound] + (isMeant(before, after) ? text : word)
            rest = after
        }
        return result + rest
    }
}
