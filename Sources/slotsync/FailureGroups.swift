// Groups failures for the summary: reasons of one kind stand there once, with all hosts that have them.

import Canary
import SlotSync

/// Hosts that failed for one reason.
struct FailureGroup: Equatable {
    var hosts: [String]
    var code: SlotSyncError.Code
    var reason: String

    /// `web[003,017-019]: disk full: needs 1.2 GB, 300 MB free`
    var line: String { "\(HostList.fold(hosts)): \(reason)" }

    var json: JSONValue {
        [
            "event": "error", "hosts": .list(hosts.map { .text($0) }), "code": .text(code.rawValue),
            "message": .text(reason),
        ]
    }

    /// Groups `failures` by the kind of their reasons, in the order in which these first appear.
    ///
    /// - Parameter root: the fleet's root. Where it holds `{host}`, a reason that names a host's root is
    ///   the same reason on another host, and is told with `{host}` in it.
    static func groups(of failures: [HostFailure], root: String) -> [FailureGroup] {
        var order: [SlotSyncError.Code] = []
        for failure in failures where !order.contains(failure.error.code) { order.append(failure.error.code) }
        let groups = order.flatMap { code in
            kinds(
                of: failures.filter { $0.error.code == code }.map { ($0.host, $0.error.description) }, root: root
            ).map { FailureGroup(hosts: $0.hosts, code: code, reason: $0.text) }
        }
        var places: [String: Int] = [:]
        for (place, failure) in failures.enumerated() where places[failure.host.label] == nil {
            places[failure.host.label] = place
        }
        return groups.sorted { places[$0.hosts[0]] ?? 0 < places[$1.hosts[0]] ?? 0 }
    }
}
