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

/// The same for warnings, failures and news, where sentences of one kind are one: `{host}` in them stands for each
/// host's own name, and numbers are said from the least to the most.
///
/// - Parameter words: what commands are told to be typed with.
func foldedByKind(
    _ sentences: [(host: Host, text: String)], root: String = "", words: FleetWords = FleetWords()
) -> [String] {
    let hosts = Dictionary(sentences.map { ($0.host.label, $0.host) }) { first, _ in first }
    return kinds(of: sentences, root: root).map { kind in
        "\(HostList.fold(kind.hosts)): \(words.completing(kind.text, on: kind.hosts.compactMap { hosts[$0] }))"
    }
}

/// Hosts with a sentence of one kind, and one sentence for all of them.
func kinds(of sentences: [(host: Host, text: String)], root: String) -> [(hosts: [String], text: String)] {
    var order: [String] = []
    var members: [String: [(host: Host, text: String, kind: SentenceKind)]] = [:]
    for (host, text) in sentences {
        let kind = SentenceKind(text, of: host, root: root)
        if members[kind.key] == nil { order.append(kind.key) }
        members[kind.key, default: []].append((host, text, kind))
    }
    return order.map { key in
        let members = members[key] ?? []
        // What is equal word for word, and what is of one host alone, is said as it is.
        let text = Set(members.map(\.text)).count == 1 ? members[0].text : SentenceKind.merged(members.map(\.kind))
        var seen: Set<Host> = []
        return (members.filter { seen.insert($0.host).inserted }.map(\.host.label), text)
    }
}
