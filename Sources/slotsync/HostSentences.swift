// Says what is true of many hosts once, with all of their names.

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
