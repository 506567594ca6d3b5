// How the hosts of a metric become HTTP requests. A query that names a host is asked for many hosts at once: each
// host's expression gets a label with the host's number, and `or` joins the expressions. Since `or` compares all
// labels, the new one included, no host is dropped, and any expression that gives an instant vector can be joined.

import SlotSync

/// One request about one metric.
struct PrometheusAsk: Sendable, Equatable {
    enum Form: Equatable {
        /// Many hosts' expressions in one; the label ``PrometheusAsk/number`` of each series tells the host.
        case joined
        /// One host's expression as it is.
        case alone
        /// One expression for all hosts; a label of the series' own tells the host.
        case labelled
    }

    /// The metric's index among the sampler's.
    var metric: Int
    var form: Form
    /// Indices in the sampler's list of hosts.
    var hosts: [Int]
    var query: String
    /// Whether it was asked by POST, and that was no answer of Prometheus's.
    var isRepeated = false

    /// The label that tells which of ``hosts`` a series belongs to.
    static let number = "slotsync_host"
    /// The most hosts of one request. What `or` costs the server grows with the square: 100 hosts take it 10 ms.
    static let mostHosts = 100
    /// The most bytes of a joined query. VictoriaMetrics takes 16 KiB unless told otherwise, Prometheus any length.
    static let longestQuery = 15_000

    /// Everything that has to be asked about a metric, in as few requests as the bounds allow.
    static func all(_ query: PrometheusQuery, metric: Int, hosts: [String], joining: Bool) -> [PrometheusAsk] {
        guard query.template.namesHost else {
            return [
                PrometheusAsk(
                    metric: metric, form: .labelled, hosts: Array(hosts.indices), query: query.template.query(for: ""))
            ]
        }
        guard joining else { return alone(query, metric: metric, hosts: hosts, hosts.indices) }
        return joined(query, metric: metric, hosts: hosts, hosts.indices)
    }

    /// Requests for many of these hosts each.
    static func joined(
        _ query: PrometheusQuery, metric: Int, hosts: [String], _ indices: some Sequence<Int>
    ) -> [PrometheusAsk] {
        var asks: [PrometheusAsk] = []
        var batch = PrometheusAsk(metric: metric, form: .joined, hosts: [], query: "")
        for index in indices {
            let text = query.template.query(for: hosts[index])
            let room = longestQuery - batch.query.utf8.count - text.utf8.count - longestWrapping
            if !batch.hosts.isEmpty, batch.hosts.count == mostHosts || room < 0 {
                asks.append(batch)
                batch = PrometheusAsk(metric: metric, form: .joined, hosts: [], query: "")
            }
            if !batch.hosts.isEmpty { batch.query += " or " }
            // The line end closes a comment that the query may end with.
            batch.query += #"label_replace(\#(text)\#n,"\#(number)","\#(batch.hosts.count)","","")"#
            batch.hosts.append(index)
        }
        return asks + (batch.hosts.isEmpty ? [] : [batch])
    }

    /// One request for each of these hosts.
    static func alone(
        _ query: PrometheusQuery, metric: Int, hosts: [String], _ indices: some Sequence<Int>
    ) -> [PrometheusAsk] {
        indices.map { index in
            PrometheusAsk(
                metric: metric, form: .alone, hosts: [index], query: query.template.query(for: hosts[index]))
        }
    }

    /// What `label_replace` and `or` add to a host's expression.
    private static let longestWrapping = 64

    /// The most bytes of a URL: servers and proxies take 8 KiB of a request's first line.
    static let longestURL = 7_500

    /// The request's body, or what follows the ? of its URL. It has no `time`: the server's now is meant. The server is told to give up when we do.
    func form(within limit: Duration) -> String {
        "query=\(Self.formEncoded(query))&timeout=\(max(1, limit.wholeMilliseconds))ms"
    }

    /// Text as a form or an address has it.
    static func formEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count * 2)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                encoded.append(byte)
            case UInt8(ascii: " "): encoded.append(UInt8(ascii: "+"))
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
