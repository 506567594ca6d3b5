// A metric that a Prometheus server knows, as the configuration has it. The sampler asks for it.

public import SlotSync

/// What is asked of a Prometheus server, for each host.
///
/// A query that holds `{host}` gives one number for the host whose name is put in. A query without it gives a series for
/// each host, and a label says which.
///
/// ```swift
/// let errors = try PrometheusQuery(
///     url: "http://prometheus:9090",
///     query: #"sum(rate(http_requests_total{code=~"5..",instance="{host}:9100"}[30s])) or vector(0)"#)
/// let load = try PrometheusQuery(url: "http://prometheus:9090", query: "node_load1")
/// ```
public struct PrometheusQuery: Sendable, Hashable {
    /// What the query's result is.
    public enum Reading: String, Sendable, Hashable, CaseIterable {
        /// The sample itself: a level, or a rate.
        case level
        /// A total since some start. The sample is how much it grew since the sampler's call before; without that, or if
        /// it shrank because something began anew, the sample is missing.
        case total
    }

    public let server: PrometheusServer
    /// What is sent with each request besides the question.
    public let access: PrometheusAccess
    public let reading: Reading
    /// The label that names the host, where the query has no `{host}`.
    public let label: String
    let template: PrometheusTemplate
    /// As they were given, for ``filled(root:release:reading:)``.
    let url: String
    let text: String
    let chosenLabel: String?

    /// The label that Prometheus itself gives to what it scrapes: the target's host and port.
    public static let usualLabel = "instance"
    /// The longest query that is taken, in bytes.
    static let longestText = 8_000

    /// - Parameters:
    ///   - url: The server's base URL, see ``PrometheusServer``.
    ///   - query: PromQL. `{host}` becomes the host's name, and `{root}` and `{release}` become what they are in the push.
    ///   - label: The label that names the host in a query without `{host}`; nil: `instance`.
    ///   - access: What the server wants to see besides.
    /// - Throws: ``SlotSyncError`` with code `badInput`.
    public init(
        url: String, query: String, label: String? = nil, reading: Reading = .level, access: PrometheusAccess = .none
    ) throws(SlotSyncError) {
        guard query.contains(where: { !$0.isWhitespace }) else {
            throw SlotSyncError(.badInput, "the query is empty; write what Prometheus shall compute")
        }
        guard query.utf8.count <= Self.longestText, !query.utf8.contains(0) else {
            throw SlotSyncError(
                .badInput, "query \(quoted(query)): at most \(Self.longestText) bytes of text are taken")
        }
        server = try PrometheusServer(url)
        self.access = access
        template = try PrometheusTemplate(query)
        (self.url, text, chosenLabel) = (url, query, label)
        self.label = label ?? Self.usualLabel
        self.reading = reading
        guard Self.isLabelName(self.label) else {
            throw SlotSyncError(
                .badInput, "label \(quoted(self.label)): a label's name is of letters, digits and _, no digit first")
        }
        guard label == nil || !template.namesHost else {
            throw SlotSyncError(
                .badInput,
                "query \(quoted(query)): it names the host by {host} already; leave out the label, or the {host}")
        }
    }

    /// What is sent besides the question, as files have it now.
    func headers() throws(SlotSyncError) -> [PrometheusAccess.Header] {
        let headers = try access.current()
        guard let account = server.account else { return headers }
        guard !headers.contains(where: { $0.name.lowercased() == "authorization" }) else {
            throw SlotSyncError(
                .badInput, "a user in the url and a header Authorization, or a token, are one too many; keep one")
        }
        return [account] + headers
    }

    private static func isLabelName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
