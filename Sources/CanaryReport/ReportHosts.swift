// The hosts of the push, by what they were for: named in the short form that host lists have, each one on request. What went
// wrong stands first.

import Canary
import SlotSync

extension ReportPage {
    func writeHosts(into main: inout Markup) {
        guard !report.hosts.isEmpty else { return }
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
        var hosts: [String: [String]] = [:]
        for host in report.hosts where host.outcome == .failed || host.outcome == .lost || !host.error.isEmpty {
            let reason = host.error.isEmpty ? host.outcome.word : host.error
            if hosts[reason] == nil { reasons.append(reason) }
            hosts[reason, default: []].append(host.label)
        }
        guard !reasons.isEmpty else { return }
        section.element("ul", ["class": "troubles"]) { list in
            for reason in reasons {
                let names = hosts[reason, default: []]
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
        var hosts: [PushReport.Host] = []
    }

    /// Canaries, the further subsets in their order, everybody else, new hosts, those held back.
    private var groups: [Group] {
        var order: [PushReport.Host.Role] = []
        var members: [PushReport.Host.Role: [PushReport.Host]] = [:]
        for host in report.hosts {
            if members[host.role] == nil { order.append(host.role) }
            members[host.role, default: []].append(host)
        }
        if order == [.control] {
            return [Group(name: "All hosts", meaning: "There were no canaries.", hosts: report.hosts)]
        }
        let isAnyFlipped = report.hosts.contains { $0.flippedAt != nil }
        return order.sorted { $0.rank < $1.rank }.map { role in
            let hosts = members[role, default: []]
            let isFlipped = hosts.contains { $0.flippedAt != nil }
            let wasTheirTurn = role == .control ? isAnyFlipped : isFlipped
            let isWithoutCanaries = role == .control && !order.contains(.canary)
            let meaning = wasTheirTurn ? role.meaning : role.intention
            return Group(
                name: role.name, meaning: isWithoutCanaries ? "There were no canaries." : meaning, hosts: hosts)
        }
    }

    private func writeGroup(_ group: Group, into section: inout Markup) {
        section.element("div", ["class": "group"]) { div in
            div.element("h3") { title in
                title.text("\(group.name) ")
                title.element("span", ["class": "count"], NumberText.count(group.hosts.count))
            }
            div.element("p", ["class": "caption"], group.meaning)
            div.element("p", ["class": "names"], HostList.fold(group.hosts.map(\.label)))
            div.element("p") { $0.text(summary(of: group.hosts)) }
            div.element("details") { details in
                details.element("summary", "Host by host")
                writeTable(of: group.hosts, into: &details)
            }
        }
    }

    /// `95 run the new release; flipped 12:03:10 to 12:03:11; 1,240 files and 12.3 MB sent.`
    private func summary(of hosts: [PushReport.Host]) -> String {
        var parts = PushReport.Host.Outcome.allCases.compactMap { outcome -> String? in
            let count = hosts.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(NumberText.count(count)) \(outcome.word)"
        }
        let flips = hosts.compactMap(\.flippedAt)
        if let first = flips.min(), let last = flips.max() {
            let from = clock(first)
            let to = clock(last)
            parts.append(from == to ? "flipped \(from)" : "flipped \(from) to \(to)")
        }
        let files = hosts.compactMap(\.stagedFiles)
        let bytes = hosts.compactMap(\.stagedBytes)
        if !files.isEmpty, !bytes.isEmpty {
            parts.append("\(NumberText.count(sum(files), "file")) and \(byteText(sum(bytes))) sent while staging")
        }
        return parts.joined(separator: "; ")
    }

    private func sum(_ numbers: [UInt64]) -> UInt64 {
        numbers.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    }

    private func writeTable(of hosts: [PushReport.Host], into details: inout Markup) {
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
                        row.element("th", ["scope": "row"], host.label)
                        row.element("td", ["class": host.outcome.tone], host.outcome.word)
                        func cell(_ label: String, _ value: String?) {
                            row.element("td", ["class": "number", "data-label": label], value ?? NumberText.none)
                        }
                        cell("flipped", host.flippedAt.map(clock))
                        cell("files", host.stagedFiles.map { NumberText.count($0) })
                        cell("bytes", host.stagedBytes.map(byteText))
                    }
                }
            }
        }
    }
}

extension PushReport.Host.Role {
    /// The order in which they are flipped.
    var rank: Int {
        switch self {
        case .canary: .min
        case .phase(let number): min(number, .max - 3)
        case .control: .max - 2
        case .new: .max - 1
        case .heldBack: .max
        }
    }

    fileprivate var name: String {
        switch self {
        case .canary: "Canaries"
        case .phase(let number): "Phase \(number)"
        case .control: "Everybody else"
        case .new: "New"
        case .heldBack: "Held back"
        }
    }

    fileprivate var meaning: String {
        switch self {
        case .canary: "Flipped first, and watched."
        case .phase: "Flipped after the canaries and before everybody; controls until then."
        case .control: "Controls as long as they were not flipped."
        case .new: "Nothing was live there before: neither canaries nor controls."
        case .heldBack: "Controls until the end of the watch, and flipped then."
        }
    }

    /// What was meant for hosts whose turn did not come.
    fileprivate var intention: String {
        switch self {
        case .canary: "To be flipped first, and watched."
        case .phase: "To be flipped after the canaries and before everybody; controls until then."
        case .control: "To be flipped with everybody; controls until then."
        case .new: "Nothing is live there yet: to be flipped with everybody, without being judged."
        case .heldBack: "To be flipped at the end of the watch; controls until then."
        }
    }
}

extension PushReport.Host.Outcome {
    var word: String {
        switch self {
        case .live: "on the new release"
        case .rolledBack: "back on the previous release"
        case .unflipped: "not flipped"
        case .lost: "lost"
        case .failed: "failed"
        }
    }

    fileprivate var tone: String {
        switch self {
        case .live, .unflipped, .rolledBack: ""
        case .lost, .failed: "bad"
        }
    }
}
