// Groups failures for the summary: each reason stands there once, with all hosts that have it.

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

    /// Groups `failures` in the order in which their reasons first appear.
    ///
    /// - Parameter root: the fleet's root. Where it holds `{host}`, a reason that names a host's root is
    ///   the same reason on another host, and is told with `{host}` in it.
    static func groups(of failures: [HostFailure], root: String) -> [FailureGroup] {
        struct Key: Hashable {
            var code: SlotSyncError.Code
            var reason: String
        }
        var order: [Key] = []
        var members: [Key: [HostFailure]] = [:]
        for failure in failures {
            var reason = failure.error.description
            let ownRoot = root.replacing("{host}", with: failure.host.name)
            if ownRoot != root, !ownRoot.isEmpty { reason = reason.replacing(ownRoot, with: root) }
            let key = Key(code: failure.error.code, reason: reason)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(failure)
        }
        return order.map { key in
            let failures = members[key] ?? []
            return FailureGroup(
                hosts: failures.map(\.host.label), code: key.code,
                reason: failures.count == 1 ? failures[0].error.description : key.reason)
        }
    }
}
