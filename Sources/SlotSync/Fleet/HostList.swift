// Host lists as people write them, on the command line and in hosts files: commas, ranges in brackets, `!` before what
// is left out, comments. Every fleet command reads its hosts here, and HostSelection puts lists together. So a typo, a
// host named twice and an empty list are found before any session is opened.

public import SystemPackage

/// Reads lists of hosts.
public enum HostList {
    /// The most hosts of one fleet; held against a list's length before any range is expanded.
    public static let mostHosts = 100_000
    /// The largest hosts file that is read, in bytes.
    static let largestFile = 16 << 20

    /// The hosts of a list such as `web[001-120].example.com,root@db1:2222,[::1]:22,!web007.example.com`.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` for a typo (quoting the item and pointing at
    ///   what is wrong), for a host that stands there twice, for one that is left out and not there, for an empty list
    ///   and for more than ``mostHosts`` hosts.
    public static func parse(_ list: String) throws(SlotSyncError) -> [Host] { try HostSelection(list).hosts() }

    /// The hosts of a file: one or more a line, commas between them, `#` begins a comment, blank
    /// lines count for nothing.
    ///
    /// - Throws: as ``parse(_:)``, naming file and line; the system's error if the file cannot be read.
    public static func read(file: FilePath) throws(SlotSyncError) -> [Host] {
        let selection = try HostSelection(file: file)
        return try named(file.string) { () throws(SlotSyncError) in try selection.hosts() }
    }

    static func parse(fileContents: [UInt8], name: String) throws(SlotSyncError) -> [Host] {
        let selection = try HostSelection(fileContents: fileContents, name: name)
        return try named(name) { () throws(SlotSyncError) in try selection.hosts() }
    }

    /// Several lists as one fleet.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` if a host is named twice, if nobody is, or if
    ///   they are too many.
    public static func joining(_ lists: [[Host]]) throws(SlotSyncError) -> [Host] {
        try HostSelection(Array(lists.joined())).hosts()
    }

    private static func named(
        _ file: String, _ hosts: () throws(SlotSyncError) -> [Host]
    ) throws(SlotSyncError) -> [Host] {
        do { return try hosts() } catch { throw SlotSyncError(error.code, "\(file): \(error.message)") }
    }

    /// Expands one comma-separated text; the count is known, and bounded, before the first host is made.
    static func hosts(
        in list: Substring, alreadyThere: Int
    ) throws(SlotSyncError) -> (named: [Host], exceptions: [Host]) {
        var patterns: [(pattern: HostPattern, isException: Bool)] = []
        var total = alreadyThere
        let items = split(list)
        guard items.count > 1 || !trimmed(list).isEmpty else { return ([], []) }
        for item in items {
            var item = trimmed(item)
            guard !item.isEmpty else {
                throw SlotSyncError(
                    .badInput, "host list \(quoted(list)): there is nothing between two commas")
            }
            let isException = item.first == "!"
            if isException { item = trimmed(item.dropFirst()) }
            guard !item.isEmpty else {
                throw SlotSyncError(.badInput, "host list \(quoted(list)): there is no host after the !")
            }
            let pattern = try HostPattern(item)
            let (sum, overflow) = total.addingReportingOverflow(pattern.count ?? .max)
            guard !overflow, sum <= mostHosts else { throw tooMany(overflow ? nil : sum, item) }
            total = sum
            patterns.append((pattern, isException))
        }
        var (hosts, exceptions): ([Host], [Host]) = ([], [])
        hosts.reserveCapacity(total - alreadyThere)
        for (pattern, isException) in patterns {
            for text in pattern.expanded() {
                if isException { exceptions.append(try Host(text)) } else { hosts.append(try Host(text)) }
            }
        }
        return (hosts, exceptions)
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

    static func tooMany(_ count: Int?, _ item: Substring? = nil) -> SlotSyncError {
        let culprit = item.map { " (with \(quoted($0)))" } ?? ""
        let how = count.map(String.init) ?? "more hosts than can be counted"
        return SlotSyncError(.badInput, "the host list names \(how)\(culprit); at most \(mostHosts) are allowed")
    }
}
