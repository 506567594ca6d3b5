// Says what is true of many hosts once, with all of their names.

import Canary
import SlotSync

/// Lines such as `web[1-3]: release 3f2a09bc is live`, in the order in which their sentences first appear.
func folded(_ sentences: [(host: Host, text: String)]) -> [String] {
    var order: [String] = []
    var members: [String: [String]] = [:]
    for (host, text) in sentences {
        if members[text] == nil { order.append(text) }
        members[text, default: []].append(host.label)
    }
    return order.map { "\(HostList.fold(members[$0] ?? [])): \($0)" }
}

/// The same for warnings, failures and news, where sentences of one kind are one: `{host}` in them stands for each
/// host's own name, and numbers are said from the least to the most.
///
/// - Parameter words: what commands are told to be typed with; nil: they stay as hosts say them.
func foldedByKind(
    _ sentences: [(host: Host, text: String)], root: String = "", words: FleetWords? = nil
) -> [String] {
    kinds(of: sentences, root: root, words: words).map { "\(HostList.fold($0.hosts)): \($0.text)" }
}
