// Where a Prometheus server is, and the account that asks it. Both come from the configuration's URL. The password is
// taken out of the address here, so that no message can show it.

public import SlotSync

/// A server that has Prometheus's HTTP API: Prometheus, or one of those that speak as it does.
///
/// ```swift
/// let server = try PrometheusServer("https://deploy:secret@metrics.example.com/prometheus/")
/// server.description   // "https://metrics.example.com/prometheus"
/// ```
public struct PrometheusServer: Sendable, Hashable, CustomStringConvertible {
    /// Scheme, host, port and path; without user and password, and without a slash at the end.
    public let base: String
    /// The header that says who asks (RFC 7617); nil where the URL has no user.
    let account: PrometheusAccess.Header?

    /// The longest URL that is taken, in bytes.
    static let longestURL = 2_000

    /// Reads `http[s]://[user[:password]@]host[:port][/path]`; in user and password `%40` stands for an `@`.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput`, saying what is wrong. It never quotes a password.
    public init(_ url: String) throws(SlotSyncError) {
        let shown = url.lastIndex(of: "@").map { "…\(url[$0...])" } ?? url
        func wrong(_ what: String) -> SlotSyncError { SlotSyncError(.badInput, "url \(quoted(shown)): \(what)") }

        guard url.utf8.count <= Self.longestURL else { throw wrong("it is longer than \(Self.longestURL) bytes") }
        guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !#""<>\^`{|}"#.utf8.contains($0) }) else {
            throw wrong("only what may stand in a URL is allowed; write other characters as %20")
        }
        guard let scheme = ["http://", "https://"].first(where: { url.lowercased().hasPrefix($0) }) else {
            throw wrong("it has to begin with http:// or https://")
        }
        let rest = url.dropFirst(scheme.count)
        guard !rest.contains("?"), !rest.contains("#") else {
            throw wrong("give the server's base URL alone, without ? and #")
        }
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.lastIndex(of: "@")
        let place = parts.map { authority[authority.index(after: $0)...] } ?? authority
        guard !place.isEmpty, place.first != ":" else { throw wrong("there is no host in it") }

        var path = rest.dropFirst(authority.count)
        while path.last == "/" { path.removeLast() }
        base = "\(scheme)\(place.lowercased())\(path)"
        account = try parts.map { end throws(SlotSyncError) in
            // The first colon parts user from password: a password may hold one.
            let user = authority[..<end]
            guard let credentials = percentDecoded(user.contains(":") ? user : user + ":") else {
                throw wrong("a % in user or password needs two hexadecimal digits after it; write % itself as %25")
            }
            return PrometheusAccess.Header(name: "Authorization", value: "Basic \(base64(credentials))")
        }
    }

    public var description: String { base }

    /// Where instant queries go (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries).
    var queryURL: String { "\(base)/api/v1/query" }
}

/// The bytes of a text in which `%41` stands for an A; nil if a % has no digits.
private func percentDecoded(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        let digits = rest.prefix(2)
        guard digits.count == 2, let text = String(digits), text.allSatisfy(\.isHexDigit),
            let decoded = UInt8(text, radix: 16)
        else { return nil }
        bytes.append(decoded)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// RFC 4648, section 4.
private func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[start + $1]) : 0) }
        for digit in 0..<4 {
            text.append(digit <= group.count ? alphabet[bits >> (18 - 6 * digit) & 63] : "=")
        }
    }
    return text
}
