// One host of a fleet, as a person writes it: [user@]name[:port]. The name goes to ssh as an argument, and into the
// root's path for {host}. So it has only characters that mean nothing to either: no leading dash (ssh would take it for
// an option), no slash, nothing that a shell would look at.

import Glibc

/// A host of the fleet: where a session goes.
///
/// ```swift
/// let host = try Host("root@db1.example.com:2222")
/// host.name         // "db1.example.com"
/// host.destination  // "root@db1.example.com", for `ssh -p 2222`
/// ```
public struct Host: Hashable, Sendable, CustomStringConvertible {
    /// The name as the user knows it, without user and port; an IPv6 address without its brackets.
    /// This is what `{host}` becomes in a root's path.
    public let name: String
    /// The user to log in as; nil leaves it to ssh_config.
    public let user: String?
    /// The port, 1 to 65535; nil leaves it to ssh_config.
    public let port: Int?

    /// The longest name that DNS and the kernel know.
    static let longestName = 255

    /// Reads `name`, `user@name`, `name:port`, `[IPv6]`, `[IPv6]:port` or a bare IPv6 address.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput`, quoting the text and saying what is wrong with it.
    public init(_ text: String) throws(SlotSyncError) {
        func wrong(_ what: String) -> SlotSyncError { SlotSyncError(.badInput, "host \(quoted(text)): \(what)") }

        guard text.firstPlace(of: "://") == nil else { throw wrong("name the host alone, without https:// and paths") }
        // The last @ parts user from host, as in ssh: a user name may hold one, a host name never does.
        var rest = text[...]
        if let at = text.lastIndex(of: "@") {
            let user = text[..<at]
            guard !user.isEmpty else { throw wrong("there is no user name before the @") }
            guard user.first != "-" else { throw wrong("a user name must not begin with a dash") }
            if let bad = user.unicodeScalars.first(where: { !Host.mayStandInName($0) && $0 != "@" }) {
                throw wrong("a user name must not hold \(spoken(bad))")
            }
            self.user = String(user)
            rest = text[text.index(after: at)...]
        } else {
            self.user = nil
        }

        let name: Substring
        let portText: Substring?
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { throw wrong("the [ is not closed by a ]") }
            name = rest[rest.index(after: rest.startIndex)..<close]
            guard Host.isIPv6(name) else { throw wrong("\(quoted(name)) is not an IPv6 address") }
            let tail = rest[rest.index(after: close)...]
            guard tail.isEmpty || tail.first == ":" else {
                throw wrong("after the address in brackets only :PORT may follow, not \(quoted(tail))")
            }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else if Host.isIPv6(rest) {
            name = rest
            portText = nil
        } else if let colon = rest.firstIndex(of: ":") {
            name = rest[..<colon]
            portText = rest[rest.index(after: colon)...]
            guard !portText!.contains(":") else {
                throw wrong("more than one colon; write an IPv6 address with a port as [ADDRESS]:PORT")
            }
        } else {
            name = rest
            portText = nil
        }

        guard !name.isEmpty else { throw wrong("there is no host name") }
        guard name.utf8.count <= Host.longestName else {
            throw wrong("the name is \(name.utf8.count) bytes long; at most \(Host.longestName) are allowed")
        }
        guard name.first != "-" else {
            throw wrong("a host name must not begin with a dash (ssh would take it for an option)")
        }
        guard name != ".", name != ".." else { throw wrong("this is a folder, not a host name") }
        if !Host.isIPv6(name), let bad = name.unicodeScalars.first(where: { !Host.mayStandInName($0) }) {
            throw wrong("a host name must not hold \(spoken(bad))\(Host.advice(on: bad, in: text))")
        }
        self.name = String(name)

        if let portText {
            guard !portText.isEmpty else { throw wrong("there is no port after the colon") }
            guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(portText),
                (1...65535).contains(port)
            else { throw wrong("\(quoted(portText)) is not a port (1 to 65535)") }
            self.port = port
        } else {
            self.port = nil
        }
    }

    /// What ssh is given as its destination: `user@name`, or the name alone.
    public var destination: String { user.map { "\($0)@\(name)" } ?? name }

    /// How reports name the host: the name, and the port where one was given, since two hosts may
    /// share a name and differ by it.
    public var label: String {
        guard let port else { return name }
        return name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
    }

    /// What stands for a shell's patterns in a host list.
    private static func advice(on bad: Unicode.Scalar, in text: String) -> String {
        switch bad {
        case "{", "}":
            // web{1..3} is a shell's, if it had not been quoted.
            let parts = text.split(omittingEmptySubsequences: false) { $0 == "{" || $0 == "}" }
            let ends = parts.count == 3 ? parts[1].split(separator: ".") : []
            let isRange = ends.count == 2 && ends.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
            return isRange
                ? ": a range is written \(parts[0])[\(ends[0])-\(ends[1])]\(parts[2])"
                : ": a range is written web[1-3], and several names with commas between them, web1,db1"
        case "*", "?": return ": no hosts are known but those that are named; a range is written web[1-9]"
        case "!": return ""
        case "/": return ": name the host alone, without https:// and paths"
        default: return ""
        }
    }

    /// The name as it is compared; see ``comparedName(of:)``.
    package var comparedName: String { Self.comparedName(of: name[...]) }

    /// A name as it is compared: DNS and ssh know no case, nor the dot at the end of a full name, and an IPv6 address has
    /// many spellings.
    package static func comparedName(of name: Substring) -> String {
        let parts = name.split(separator: "%", maxSplits: 1)
        var address = in6_addr()
        guard let first = parts.first, isIPv6(name), inet_pton(AF_INET6, String(first), &address) == 1 else {
            return (name.last == "." ? name.dropLast() : name).lowercased()
        }
        let bytes = withUnsafeBytes(of: &address) { Array($0) }
        // ::ffff:192.0.2.1 is 192.0.2.1.
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
            return bytes.suffix(4).map(String.init).joined(separator: ".")
        }
        return "\(bytes)" + (parts.count == 2 ? "%\(parts[1])" : "")
    }

    /// The host in the form that `init(_:)` reads.
    public var description: String {
        let place = port == nil && name.contains(":") ? "[\(name)]" : label
        return user.map { "\($0)@\(place)" } ?? place
    }

    /// Letters and digits of any script and `.`, `-`, `_`, `+`, `=`: what names and ssh_config aliases hold.
    private static func mayStandInName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_", "+", "=": true
        case _ where scalar.isASCII: false
        default:
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
                .nonspacingMark, .spacingMark, .decimalNumber:
                true
            default: false
            }
        }
    }

    /// Whether the text is an IPv6 address, with or without a zone (`fe80::1%eth0`).
    static func isIPv6(_ text: Substring) -> Bool {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].unicodeScalars.allSatisfy(mayStandInName) else { return false }
        }
        var address = in6_addr()
        return !text.utf8.contains(0) && inet_pton(AF_INET6, String(parts[0]), &address) == 1
    }
}

/// A character as an error message names it.
private func spoken(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case " ": "a space (commas separate hosts)"
    case "[", "]": "a bracket here"
    case _ where scalar.properties.isWhitespace: "white space (\(scalar.escaped(asASCII: true)))"
    case _ where scalar.properties.generalCategory == .control:
        "the control character \(scalar.escaped(asASCII: true))"
    default: "'\(scalar.escaped(asASCII: true))'"
    }
}
