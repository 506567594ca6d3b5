// Finds the host that a series belongs to by a label. Prometheus calls what it scrapes `web1.example.com:9100`; the
// fleet calls it `web1.example.com`, or `web1.example.com:2222` where ssh has another port.

import SlotSync

/// Finds hosts of the fleet by a label's value.
struct PrometheusHosts: Sendable {
    /// The names that queries are filled in with.
    let names: [String]
    /// The names that people are told.
    let labels: [String]
    private var byLabel: [String: Int] = [:]
    /// Without a port. Nil where several hosts share a name: then the port has to tell them apart.
    private var byName: [String: Int?] = [:]

    init(_ hosts: [Host]) {
        names = hosts.map(\.name)
        labels = hosts.map(\.label)
        for (index, host) in hosts.enumerated() {
            byLabel[host.label.lowercased()] = index
            byName[host.comparedName] = byName[host.comparedName] == nil ? .some(index) : .some(nil)
        }
    }

    var count: Int { names.count }

    /// The host's index in the list; nil if the value names none of them.
    func index(of value: String) -> Int? {
        byLabel[value.lowercased()] ?? byName[Host.comparedName(of: Self.withoutPort(value)[...])] ?? nil
    }

    /// `web1` of `web1:9100`, `2001:db8::7` of `[2001:db8::7]:9100`; an address without brackets has no port.
    private static func withoutPort(_ value: String) -> String {
        if value.first == "[", let end = value.firstIndex(of: "]") {
            return String(value[value.index(after: value.startIndex)..<end])
        }
        guard let colon = value.firstIndex(of: ":"), colon == value.lastIndex(of: ":") else { return value }
        return String(value[..<colon])
    }
}
