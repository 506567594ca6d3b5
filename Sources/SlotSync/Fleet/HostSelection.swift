// What host lists say together: the hosts that are named, without those that are left out (`!web7`, --except). Several
// lists become one selection before it is settled, so that a host of one file can be left out by another.

public import SystemPackage

/// Hosts that are named, and hosts that are left out of them.
///
/// ```swift
/// let selection = try HostSelection("web[1-9],!web7")
/// try selection.hosts()  // eight of them
/// ```
public struct HostSelection: Sendable, Equatable {
    /// In the order in which they are named.
    private(set) var named: [Host] = []
    /// Hosts after a `!`, wherever they stand.
    private(set) var exceptions: [Host] = []

    /// Nobody, unless hosts are named.
    public init(_ named: [Host] = []) { self.named = named }

    /// Reads a list such as `web[001-120],!web[007,013]`.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` for a typo, quoting the item and pointing at what is wrong.
    public init(_ list: String) throws(SlotSyncError) { try add(list[...]) }

    /// Reads a file: one or more hosts a line, commas between them, `#` begins a comment, blank lines count for nothing.
    ///
    /// - Throws: as ``init(_:)``, naming file and line; the system's error if the file cannot be read.
    public init(file: FilePath) throws(SlotSyncError) {
        let bytes = try contents(of: file, atMost: HostList.largestFile, what: "hosts file")
        do throws(SlotSyncError) { self = try HostSelection(fileContents: bytes, name: file.string, of: file) } catch {
            let text = String(decoding: bytes, as: UTF8.self)
            guard let advice = AnsibleInventory.advice(on: text, file: file.string) else { throw error }
            throw SlotSyncError(.badInput, "hosts file \(file): \(advice)")
        }
    }

    /// - Parameter file: where they stand; nil: nowhere.
    init(fileContents: [UInt8], name: String, of file: FilePath? = nil) throws(SlotSyncError) {
        guard let text = String(validating: withoutByteOrderMark(fileContents), as: UTF8.self) else {
            throw SlotSyncError(.badInput, "hosts file \(name) is not UTF-8 text")
        }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let items = line.prefix { $0 != "#" }
            guard !items.allSatisfy(\.isWhitespace) else { continue }
            guard !AnsibleInventory.isNumberAlone(items.trimmed) else {
                let error = SlotSyncError(.badInput, "\(quoted(items.trimmed)) is no host")
                throw SlotSyncError(.badInput, "\(name):\(index + 1): \(reason(error, ofLineIn: file))")
            }
            do { try add(items) } catch {
                throw SlotSyncError(error.code, "\(name):\(index + 1): \(reason(error, ofLineIn: file))")
            }
        }
    }

    private mutating func add(_ list: Substring) throws(SlotSyncError) {
        let (named, exceptions) = try HostList.hosts(in: list, alreadyThere: self.named.count + self.exceptions.count)
        self.named += named
        self.exceptions += exceptions
    }

    /// Whether nothing was said.
    public var isEmpty: Bool { named.isEmpty && exceptions.isEmpty }

    /// Whether no host is named, though some may be left out.
    public var hasNobody: Bool { named.isEmpty }

    /// The hosts after a `!`, in a short form.
    package var exceptionText: String { HostList.fold(exceptions.map(\.description)) }

    /// This selection and another.
    public mutating func add(_ other: HostSelection) {
        named += other.named
        exceptions += other.exceptions
    }

    /// Leaves out all that a list names, with `!` before an item or without.
    public mutating func leaveOut(_ list: HostSelection) { exceptions += list.named + list.exceptions }

    /// Checks what can be checked before other lists are added.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` if nothing was said, or a host is named twice.
    public func check() throws(SlotSyncError) {
        guard !isEmpty else { throw Self.isEmpty }
        try checkEachOnce()
    }

    private static let isEmpty = SlotSyncError(.badInput, "the host list is empty: name at least one host")

    /// The hosts that are named and not left out, in their order.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` if nobody is left, if they are too many, if one is named twice,
    ///   and if one is left out that is not named: a slip there would reach a host that was to be spared.
    public func hosts() throws(SlotSyncError) -> [Host] {
        guard !named.isEmpty else { throw Self.isEmpty }
        guard named.count <= HostList.mostHosts else { throw HostList.tooMany(named.count) }
        try checkEachOnce()
        guard !exceptions.isEmpty else { return named }
        try check(leavingOut: HostSelection(exceptions))
        let byName = Dictionary(grouping: exceptions, by: \.comparedName)
        let left = named.filter { host in !(byName[host.comparedName] ?? []).contains { $0.covers(host) } }
        guard !left.isEmpty else {
            throw SlotSyncError(.badInput, "every host of the list is left out (! or --except): nobody is there to ask")
        }
        return left
    }

    /// Checks that all whom a list leaves out are among the hosts, so that an error can say where that list stands.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` for those who are not named here.
    public func check(leavingOut list: HostSelection) throws(SlotSyncError) {
        let byName = Dictionary(grouping: named, by: \.comparedName)
        var told: Set<Host> = []
        let unknown = (list.named + list.exceptions).filter { exception in
            !(byName[exception.comparedName] ?? []).contains { exception.covers($0) } && told.insert(exception).inserted
        }
        guard unknown.isEmpty else {
            throw SlotSyncError(
                .badInput,
                "left out, but not among the hosts: \(HostList.fold(unknown.map(\.description))); check the names")
        }
    }

    private func checkEachOnce() throws(SlotSyncError) {
        // A host is one name and one port, whoever logs in: two sessions to it would fight for one root.
        struct Place: Hashable {
            var name: String
            var port: Int
        }
        var first: [Place: String] = [:]
        var twice: [String] = []
        var reported: Set<String> = []
        for host in named {
            let place = Place(name: host.comparedName, port: host.port ?? Host.usualPort)
            guard let before = first[place] else {
                first[place] = host.label
                continue
            }
            let text = before == host.label ? host.label : "\(host.label) (which is \(before))"
            if reported.insert(text).inserted { twice.append(text) }
        }
        guard twice.isEmpty else {
            throw SlotSyncError(
                .badInput, "named more than once in the host list: \(HostList.fold(twice)); name each host once")
        }
    }
}

extension Host {
    /// Where ssh goes if nothing else is said.
    static let usualPort = 22

    /// Whether a host that is left out is this one. What it does not say of user and port, it says of all.
    fileprivate func covers(_ host: Host) -> Bool {
        (port == nil || port == host.port ?? Self.usualPort) && (user == nil || user == host.user)
    }
}
