// What the sampler needs of an HTTP client. PrometheusClient is one. A program that has another gives that instead, and
// does not need libcurl.

/// Sends a question to a server and brings back what it answers.
public protocol PrometheusTransport: Sendable {
    /// Sends `call`: by POST its form as `application/x-www-form-urlencoded`, by GET nothing but its URL.
    ///
    /// A transport verifies certificates, follows a redirection only where ``PrometheusCall/redirected(to:)`` allows it,
    /// reads no more than ``PrometheusResponse/largestBody`` bytes, and returns at once when its task is cancelled.
    ///
    /// - Parameter limit: How long it may take, from looking up the name to the last byte.
    /// - Returns: the answer, whatever its status.
    /// - Throws: a gap of kind `unreachable`, `timedOut`, `malformed` (the answer is too large) or `cancelled`. Its
    ///   message does not change from call to call, so that one trouble is told once.
    func send(_ call: PrometheusCall, within limit: Duration) async throws(PrometheusGap) -> PrometheusResponse
}

/// One HTTP request.
public struct PrometheusCall: Sendable, Hashable {
    /// How a question is asked.
    public enum Method: String, Sendable, Hashable { case get = "GET", post = "POST" }

    public var method: Method
    /// Of a GET with the question in it.
    public var url: String
    /// The body of a POST; empty otherwise.
    public var form: String
    /// What is sent besides. Its values are nobody's business: they go to ``url``'s host alone.
    public var headers: [PrometheusAccess.Header]

    /// How many redirections in a row are followed.
    public static let mostRedirections = 3

    /// The request that a redirection asks for: the same question at another address of the same host. Nil for another
    /// host or port, which would learn the password, and for the way back from https. From http to https is allowed
    /// together with a change of port.
    public func redirected(to location: String) -> PrometheusCall? {
        guard let from = Origin(url), let to = Origin(location), from.host == to.host else { return nil }
        guard from == to || (from.scheme == "http" && to.scheme == "https") else { return nil }
        var call = self
        call.url = location
        // A GET has its question in the address, and a redirection may have lost it.
        if method == .get, !location.contains("?"), let question = url.firstIndex(of: "?") {
            call.url += url[question...]
        }
        return call
    }

    private struct Origin: Equatable {
        var scheme: String
        var host: Substring
        var port: Substring

        init?(_ url: String) {
            guard let end = url.firstRange(of: "://") else { return nil }
            scheme = url[..<end.lowerBound].lowercased()
            guard scheme == "http" || scheme == "https" else { return nil }
            // Whoever reads a backslash as a slash, or finds a user in it, sees another host than this.
            let authority = url[end.upperBound...].prefix { !"/?#".contains($0) }
            guard !authority.contains("@"), !authority.contains("\\") else { return nil }
            let place = authority.lowercased()[...]
            let colon = place.lastIndex(of: ":").flatMap { place[$0...].contains("]") ? nil : $0 }
            host = colon.map { place[..<$0] } ?? place
            port = colon.map { place[place.index(after: $0)...] } ?? (scheme == "https" ? "443" : "80")
        }
    }
}

/// What came back.
public struct PrometheusResponse: Sendable {
    /// The HTTP status.
    public var status: Int
    public var body: [UInt8]

    /// The most bytes of a body that are read. 100 hosts in one request take 7 kB, 10,000 series of a scrape 2 MB. To read
    /// one of brackets alone takes thirty times as much memory.
    public static let largestBody = 4 << 20

    /// Whether the body begins as Prometheus's do; another one may be shown to people.
    var isObject: Bool { body.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{") }

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}
