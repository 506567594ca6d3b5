// Host lists as people write them, on the command line and in hosts files: commas, ranges in brackets, comments. Every
// fleet command reads its hosts here. So a typo, a host named twice and an empty list are found before any session is
// opened.

public import SystemPackage

/// Reads lists of hosts.
public enum HostList {
    /// The most hosts of one fleet; held against a list's length before any range is expanded.
    public static let mostHosts = 100_000
    /// The largest hosts file that is read, in bytes.
    static let largestFile = 16 << 20

    /// The hosts of a list such as `web[001-120].example.com,root@db1:2222,[::1]:22`.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` for a typo (quoting the item and pointing at
    ///   what is wrong), for a host that stands there twice, for an empty list and for more than
    ///   ``mostHosts`` hosts.
    public static func parse(_ list: String) throws(SlotSyncError) -> [Host] {
        try joining([try hosts(in: list[...])])
    }

    /// The hosts of a file: one or more a line, commas between them, `#` begins a comment, blank
    /// lines count for nothing.
    ///
    /// - Throws: as ``parse(_:)``, naming file and line; the system's error if the file cannot be read.
    public static func read(file: FilePath) throws(SlotSyncError) -> [Host] {
        let bytes = try contents(of: file, atMost: largestFile, what: "hosts file")
        do throws(SlotSyncError) { return try parse(fileContents: bytes, name: file.string) } catch {
            let text = String(decoding: bytes, as: UTF8.self)
            guard let advice = AnsibleInventory.advice(on: text, file: file.string) else { throw error }
            throw SlotSyncError(.badInput, "hosts file \(file): \(advice)")
        }
    }

    /// Several lists (each `--hosts` and `--hosts-file`) as one fleet.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` if a host is named twice, if nobody is, or if
    ///   they are too many.
    public static func joining(_ lists: [[Host]]) throws(SlotSyncError) -> [Host] {
        let hosts = Array(lists.joined())
        guard !hosts.isEmpty else { throw SlotSyncError(.badInput, "the host list is empty: name at least one host") }
        guard hosts.count <= mostHosts else { throw tooMany(hosts.count) }

        // A host is one name and one port, whoever logs in: two sessions to it would fight for one root.
        struct Place: Hashable {
            var name: String
            var port: Int
        }
        var seen: Set<Place> = []
        var twice: [String] = []
        var reported: Set<Place> = []
        for host in hosts {
            let place = Place(name: host.name, port: host.port ?? 22)
            if !seen.insert(place).inserted, reported.insert(place).inserted { twice.append(host.label) }
        }
        guard twice.isEmpty else {
            throw SlotSyncError(.badInput, "named more than once in the host list: \(fold(twice)); name each host once")
        }
        return hosts
    }

    static func parse(fileContents: [UInt8], name: String) throws(SlotSyncError) -> [Host] {
        guard let text = String(validating: fileContents, as: UTF8.self) else {
            throw SlotSyncError(.badInput, "hosts file \(name) is not UTF-8 text")
        }
        var all: [[Host]] = []
        var total = 0
        // A byte-order mark is what some editors put first; it is no part of a name.
        let lines = text.drop { $0 == "\u{FEFF}" }.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let items = line.prefix { $0 != "#" }
            guard !items.allSatisfy(\.isWhitespace) else { continue }
            do {
                all.append(try hosts(in: items, alreadyThere: total))
                total += all[all.count - 1].count
            } catch {
                throw SlotSyncError(error.code, "\(name):\(index + 1): \(error.message)")
            }
        }
        do {
            return try joining(all)
        } catch {
            throw SlotSyncError(error.code, "\(name): \(error.message)")
        }
    }

    /// Expands one comma-separated text; the count is known, and bounded, before the first host is made.
    private static func hosts(in list: Substring, alreadyThere: Int = 0) throws(SlotSyncError) -> [Host] {
        var patterns: [HostPattern] = []
        var total = alreadyThere
        let items = split(list)
        guard items.count > 1 || !trimmed(list).isEmpty else { return [] }
        for item in items {
            let item = trimmed(item)
            guard !item.isEmpty else {
                throw SlotSyncError(
                    .badInput, "host list \(quoted(list)): there is nothing between two commas")
            }
            let pattern = try HostPattern(item)
            let (sum, overflow) = total.addingReportingOverflow(pattern.count ?? .max)
            guard !overflow, sum <= mostHosts else { throw tooMany(overflow ? nil : sum, item) }
            total = sum
            patterns.append(pattern)
        }
        var hosts: [Host] = []
        hosts.reserveCapacity(total - alreadyThere)
        for pattern in patterns {
            for text in pattern.expanded() { hosts.append(try Host(text)) }
        }
        return hosts
    }

    /// Splits at the commas that do not stand in brackets. A bracket that is never closed swallows the
    /// rest, and HostPattern points at it.
    private static func split(_ list: Substring) -> [Substring] {
        var items: [Substring] = []
        var start = list.startIndex
        var isInBracket = false
        for index in list.indices {
            switch list[index] {
            case "[": isInBracket = true
            case "]": isInBracket = false
            case "," where !isInBracket:
                items.append(list[start..<index])
                start = list.index(after: index)
            default: break
            }
        }
        items.append(list[start...])
        return items
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    private static func tooMany(_ count: Int?, _ item: Substring? = nil) -> SlotSyncError {
        let culprit = item.map { " (with \(quoted($0)))" } ?? ""
        let how = count.map(String.init) ?? "more hosts than can be counted"
        return SlotSyncError(.badInput, "the host list names \(how)\(culprit); at most \(mostHosts) are allowed")
    }
}
