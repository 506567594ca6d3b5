// The section on hosts: failures first, then each group (canaries, phases, everybody, held back) as a folded list
// that opens to a row for each host.

import Canary
import SlotSync

extension ReportPage {
    func writeHosts(into main: inout Markup) {
        guard !hosts.isEmpty else { return }
        main.element("section", ["class": "hosts"]) { section in
            section.element("h2", "Hosts")
            writeTroubles(into: &section)
            for group in groups { writeGroup(group, into: &section) }
        }
    }

    // MARK: What went wrong

    /// Hosts that failed for the same reason stand together.
    private func writeTroubles(into section: inout Markup) {
        var reasons: [String] = []
        var names: [String: [String]] = [:]
        for host in hosts where host.end.isTrouble || host.failure != nil {
            let reason = host.failure ?? host.end.word
            if names[reason] == nil { reasons.append(reason) }
            names[reason, default: []].append(host.host.label)
        }
        guard !reasons.isEmpty else { return }
        section.element("ul", ["class": "troubles"]) { list in
            for reason in reasons {
                let names = names[reason, default: []]
                list.element("li") { item in
                    ReportIcon.cross.draw(into: &item)
                    item.element("div") { text in
                        text.element("b") { $0.text("\(NumberText.count(names.count, "host")): ") }
                        text.element("span", ["class": "names"], HostList.fold(names))
                        text.element("p") { $0.lines(reason) }
                    }
                }
            }
        }
    }

    // MARK: Groups

    private struct Group {
        var name: String
        var meaning: String
        var hosts: [RolloutOutcome.HostOutcome] = []
    }

    /// Canaries, the further subsets in their order, everybody else, new hosts, those held back.
    private var groups: [Group] {
        let members = Dictionary(grouping: hosts, by: \.group)
        if members.keys.elementsEqual([.step(.everybody)]) {
            return [Group(name: "All hosts", meaning: "There were no canaries.", hosts: hosts)]
        }
        let isAnyFlipped = outcome.firstFlip != nil
        return members.sorted { $0.key.rank < $1.key.rank }.map { group, hosts in
            let isFlipped = hosts.contains { $0.flippedAt != nil }
            let wasTheirTurn = group == .step(.everybody) ? isAnyFlipped : isFlipped
            let isWithoutCanaries = group == .step(.everybody) && members[.step(.canaries)] == nil
            let meaning = wasTheirTurn ? group.meaning : group.intention
            return Group(
                name: group.name, meaning: isWithoutCanaries ? "There were no canaries." : meaning, hosts: hosts)
        }
    }

    private func writeGroup(_ group: Group, into section: inout Markup) {
        section.element("div", ["class": "group"]) { div in
            div.element("h3") { title in
                title.text("\(group.name) ")
                title.element("span", ["class": "count"], NumberText.count(group.hosts.count))
            }
            div.element("p", ["class": "caption"], group.meaning)
            div.element("p", ["class": "names"], HostList.fold(group.hosts.map(\.host.label)))
            div.element("p") { $0.text(summary(of: group.hosts)) }
            div.element("details") { details in
                details.element("summary", "Host by host")
                writeTable(of: group.hosts, into: &details)
            }
        }
    }

    /// `95 run the new release; flipped 12:03:10 to 12:03:11; 1,240 files and 12.3 MB sent.`
    private func summary(of hosts: [RolloutOutcome.HostOutcome]) -> String {
        var parts = ReportEnd.allCases.compactMap { end -> String? in
            let count = hosts.count { $0.end == end }
            return count == 0 ? nil : "\(NumberText.count(count)) \(end.word)"
        }
        let flips = hosts.compactMap(\.flippedAt)
        if let first = flips.min(), let last = flips.max() {
            let from = clock(first)
            let to = clock(last)
            parts.append(from == to ? "flipped \(from)" : "flipped \(from) to \(to)")
        }
        let sent = hosts.compactMap { staged[$0.host] }
        if !sent.isEmpty {
            let files = sent.saturatedSum { UInt64(clamping: $0.outcome.received) }
            let bytes = sent.saturatedSum(\.sentBytes)
            parts.append("\(NumberText.count(files, "file")) and \(byteText(bytes)) sent while staging")
        }
        return parts.joined(separator: "; ")
    }

    private func writeTable(of hosts: [RolloutOutcome.HostOutcome], into details: inout Markup) {
        details.element("table", ["class": "host-table"]) { table in
            table.element("thead") { head in
                head.element("tr") { row in
                    row.element("th", ["scope": "col"], "Host")
                    row.element("th", ["scope": "col"], "At the end")
                    row.element("th", ["scope": "col", "class": "number"], "Flipped")
                    row.element("th", ["scope": "col", "class": "number"], "Files")
                    row.element("th", ["scope": "col", "class": "number"], "Bytes")
                }
            }
            table.element("tbody") { body in
                for host in hosts {
                    body.element("tr") { row in
                        row.element("th", ["scope": "row"], host.host.label)
                        row.element("td", ["class": host.end.isTrouble ? "bad" : ""], host.end.word)
                        func cell(_ label: String, _ value: String?) {
                            row.element("td", ["class": "number", "data-label": label], value ?? NumberText.none)
                        }
                        cell("flipped", host.flippedAt.map(clock))
                        cell("files", staged[host.host].map { NumberText.count($0.outcome.received) })
                        cell("bytes", staged[host.host].map { byteText($0.sentBytes) })
                    }
                }
            }
        }
    }
}

extension ReportGroup {
    fileprivate var name: String {
        switch self {
        case .step(.canaries): "Canaries"
        case .step(.subset(let number)): "Phase \(number)"
        case .step(.everybody): "Everybody else"
        case .new: "New"
        case .step(.heldBack): "Held back"
        }
    }

    fileprivate var meaning: String {
        switch self {
        case .step(.canaries): "Flipped first, and watched."
        case .step(.subset): "Flipped after the canaries and before everybody; controls until then."
        case .step(.everybody): "Controls as long as they were not flipped."
        case .new: "Nothing was live there before: neither canaries nor controls."
        case .step(.heldBack): "Controls until the end of the watch, and flipped then."
        }
    }

    /// What was meant for hosts whose turn did not come.
    fileprivate var intention: String {
        switch self {
        case .step(.canaries): "To be flipped first, and watched."
        case .step(.subset): "To be flipped after the canaries and before everybody; controls until then."
        case .step(.everybody): "To be flipped with everybody; controls until then."
        case .new: "Nothing is live there yet: to be flipped with everybody, without being judged."
        case .step(.heldBack): "To be flipped at the end of the watch; controls until then."
        }
    }
}
