// What must not be shown although a server repeats it: the values of headers, and what they stand for. Whatever a server
// says is hidden when its answer has been read, before it is quoted and cut, and every message once more at the end.

/// The secrets of one metric's requests.
struct PrometheusSecrets {
    /// The longest first, so that no part of one is left.
    private var values: [String]
    /// A tenant called 1 is no secret, and stands in many a message.
    private static let shortest = 4
    private static let schemes: Set<Substring> = ["Basic", "Bearer", "Digest", "Token"]

    init(_ headers: [PrometheusAccess.Header]) {
        var secrets: Set<String> = []
        for header in headers {
            secrets.insert(header.value)
            let words = header.value.split(separator: " ")
            // Of `Bearer abc` the token by itself, too; of `Basic …` the user with the password, and the password.
            secrets.formUnion(words.filter { !Self.schemes.contains($0) }.map(String.init))
            guard words.count == 2, words[0].lowercased() == "basic", let account = base64Decoded(words[1]) else {
                continue
            }
            let text = String(decoding: account, as: UTF8.self)
            secrets.insert(text)
            if let colon = text.firstIndex(of: ":") { secrets.insert(String(text[text.index(after: colon)...])) }
        }
        let long = secrets.filter { $0.utf8.count >= Self.shortest }
        values = Set(long.flatMap(Self.spellings)).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// A value as servers write it: as it is, in JSON, in HTML, in an address.
    private static func spellings(_ value: String) -> [String] {
        let json = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let html = value.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
        return [
            value, json, json.replacing("/", with: "\\/"), html, html.replacing("'", with: "&#39;"),
            html.replacing("'", with: "&#x27;"), PrometheusAsk.formEncoded(value),
            PrometheusAsk.formEncoded(value).replacing("+", with: "%20"),
        ]
    }

    /// A text with … in place of secrets.
    func hidden(in text: String) -> String {
        var text = text
        for value in values { text = text.replacing(value, with: "…") }
        return text
    }
}

/// RFC 4648, section 4; nil for anything else.
private func base64Decoded(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var (bits, count): (UInt32, Int) = (0, 0)
    for byte in text.utf8 {
        let digit: UInt8
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): digit = 62
        case UInt8(ascii: "/"): digit = 63
        case UInt8(ascii: "="): continue
        default: return nil
        }
        bits = bits << 6 | UInt32(digit)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return bytes
}
