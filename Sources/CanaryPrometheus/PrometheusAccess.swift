// What a server or the proxy in front of it wants to see besides the question: a tenant, a token. It comes from the
// configuration or from files. No message, description or report ever shows a value of it.

public import SlotSync
public import SystemPackage

/// Headers that are sent with each request.
///
/// Files are read anew for each round of requests, so that a token that is rotated is the new one.
public struct PrometheusAccess: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// One header. Its description has the name alone.
    public struct Header: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        public let name: String
        public let value: String

        public var description: String { "\(name): …" }
        public var customMirror: Mirror { Mirror(self, children: [("name", name)]) }
    }

    private let headers: [Header]
    private let headersFile: FilePath?
    private let tokenFile: FilePath?

    /// The files that headers and tokens are read from.
    public var files: [FilePath] { [headersFile, tokenFile].compactMap(\.self) }

    /// Nothing besides the question.
    public static let none = PrometheusAccess()

    /// The most headers, the longest one, and the largest file.
    static let mostHeaders = 32
    static let longestHeader = 8_000
    static let largestFile = 64 << 10
    /// What belongs to the request itself.
    private static let own = [
        "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private init() { (headers, headersFile, tokenFile) = ([], nil, nil) }

    /// - Parameters:
    ///   - headers: names and values, such as `X-Scope-OrgID` and a tenant.
    ///   - headersFile: a file with one `Name: value` a line; what begins with `#` is a comment.
    ///   - bearerTokenFile: a file with a token, sent as `Authorization: Bearer …`.
    /// - Throws: ``SlotSyncError`` with code `badInput`, naming the header, never its value.
    public init(
        headers: [(name: String, value: String)] = [], headersFile: FilePath? = nil, bearerTokenFile: FilePath? = nil
    ) throws(SlotSyncError) {
        var checked: [Header] = []
        for (name, value) in headers { checked.append(try Self.header(name, value)) }
        try Self.check(checked)
        self.headers = checked
        self.headersFile = headersFile
        tokenFile = bearerTokenFile
        if tokenFile != nil, checked.contains(where: { $0.name.lowercased() == "authorization" }) {
            throw SlotSyncError(.badInput, "a header Authorization and bearer_token_file are one too many; keep one")
        }
    }

    /// The headers as the files have them now.
    ///
    /// - Throws: ``SlotSyncError``: a file that cannot be read, or holds something else.
    func current() throws(SlotSyncError) -> [Header] {
        var current = headers
        if let headersFile { current += try Self.headers(in: headersFile) }
        if let tokenFile {
            let text = try Self.text(of: tokenFile, what: "bearer_token_file")
            let token = text.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
            guard token.count == 1 else {
                throw SlotSyncError(.badInput, "the bearer_token_file \(tokenFile) has to hold a token on one line")
            }
            do throws(SlotSyncError) { current.append(try Self.header("Authorization", "Bearer \(token[0])")) } catch {
                throw SlotSyncError(.badInput, "the bearer_token_file \(tokenFile) holds what no token may hold")
            }
        }
        try Self.check(current)
        return current
    }

    public var description: String { self == .none ? "nothing" : "headers that are not shown" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    private static func headers(in file: FilePath) throws(SlotSyncError) -> [Header] {
        var headers: [Header] = []
        let lines = try text(of: file, what: "headers_file")
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            guard !line.isEmpty, line.first != "#" else { continue }
            guard let colon = line.firstIndex(of: ":") else {
                throw SlotSyncError(.badInput, "\(file):\(index + 1): a header is written Name: value")
            }
            do throws(SlotSyncError) {
                headers.append(
                    try header(String(line[..<colon].trimmed), String(line[line.index(after: colon)...].trimmed)))
            } catch {
                throw SlotSyncError(.badInput, "\(file):\(index + 1): \(error.message)")
            }
        }
        return headers
    }

    private static func text(of file: FilePath, what: String) throws(SlotSyncError) -> String {
        let bytes = withoutByteOrderMark(try contents(of: file, atMost: largestFile, what: what))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SlotSyncError(.badInput, "the \(what) \(file) is not UTF-8 text")
        }
        return text
    }

    private static func header(_ name: String, _ value: String) throws(SlotSyncError) -> Header {
        // RFC 9110, 5.6.2 and 5.5: what is more could end a header and begin another.
        let isName = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        guard !name.isEmpty, name.utf8.allSatisfy(isName) else {
            throw SlotSyncError(.badInput, "a header's name is of letters, digits and -, as in X-Scope-OrgID")
        }
        guard !own.contains(name.lowercased()) else {
            throw SlotSyncError(.badInput, "the header \(name) belongs to the request itself; leave it out")
        }
        guard !value.isEmpty, value.utf8.allSatisfy({ $0 == 0x09 || (0x20...0x7e).contains($0) }) else {
            throw SlotSyncError(
                .badInput, "the header \(name) needs a value of visible ASCII characters, on one line (it is not shown)"
            )
        }
        guard name.utf8.count + value.utf8.count <= longestHeader else {
            throw SlotSyncError(.badInput, "the header \(name) is longer than \(longestHeader) bytes")
        }
        return Header(name: name, value: value)
    }

    private static func check(_ headers: [Header]) throws(SlotSyncError) {
        guard headers.count <= mostHeaders else {
            throw SlotSyncError(.badInput, "\(headers.count) headers; at most \(mostHeaders) are allowed")
        }
        var names: Set<String> = []
        for header in headers where !names.insert(header.name.lowercased()).inserted {
            throw SlotSyncError(.badInput, "the header \(header.name) stands there twice; keep one")
        }
    }
}
