// The sorted list of a release's entries, as flat columns: 100,000 entries take some 10 MB and no
// object of their own. Entries stand in level order of their directories (the root first, the children
// of each directory contiguous and sorted by the bytes of their names), so an entry's path is its
// parent's path and its name, and two manifests are compared directory by directory.

import Glibc

/// One entry of a manifest: fixed-width, its name and link text are kept by the manifest.
public struct Entry: Sendable, Hashable {
    /// What an entry is. Other kinds (FIFOs, sockets, devices) are in no manifest.
    public enum Kind: UInt8, Sendable {
        /// By its number in a manifest's bytes.
        case file = 0, directory, symbolicLink
    }

    /// What it is.
    public internal(set) var kind: Kind
    /// Whether the file had holes in the source and gets them again.
    public internal(set) var isSparse = false
    /// The twelve mode bits; 0o777 for a symbolic link.
    public internal(set) var mode: UInt16
    /// The directory that holds it; the root's parent is the root.
    public internal(set) var parent: UInt32
    /// Numeric owner; 0 where the manifest has no ownership.
    public internal(set) var owner: UInt32 = 0
    /// Numeric group; 0 where the manifest has no ownership.
    public internal(set) var group: UInt32 = 0
    /// A file's length in bytes; 0 for the other kinds.
    public internal(set) var size: UInt64 {
        get { kind == .file ? extent : 0 }
        set { if kind == .file { extent = newValue } }
    }
    /// XXH3-128 of a file's content; of nothing for the other kinds.
    public internal(set) var digest = ContentDigest(high: 0, low: 0)
    /// When its content was last changed, by the source's file system.
    public internal(set) var modified = Timestamp(seconds: 0, nanoseconds: 0)
    /// Where in the manifest's text the name is, and how long it is.
    var nameStart: UInt32 = 0
    var nameLength: UInt16 = 0
    /// Directory: its first child. Symbolic link: where its text starts. File: the first entry of its
    /// group of hard links plus one, or 0.
    var start: UInt32 = 0
    /// Directory: how many children. Symbolic link: how long its text is. File: 0.
    var count: UInt32 {
        get { kind == .file ? 0 : UInt32(truncatingIfNeeded: extent) }
        set { if kind != .file { extent = UInt64(newValue) } }
    }
    /// `size` of a file, `count` of what is none, in one place: entries are most of what an agent holds in memory.
    private var extent: UInt64 = 0

    init(kind: Kind, mode: UInt16, parent: UInt32) {
        self.kind = kind
        self.mode = mode
        self.parent = parent
    }

    /// The bits by which group and others read this entry, as far as it lacks them.
    var closedBits: UInt16 {
        switch kind {
        case .file: ~mode & 0o044
        case .directory: ~mode & 0o055
        case .symbolicLink: 0
        }
    }

    /// Whether an entry with these mode bits is as this one says. The kernel takes setgid away where the agent is not in
    /// the group; whoever filled the slot was told.
    func isMet(byMode found: UInt16) -> Bool { mode == found || (mode & 0o2000 != 0 && mode == found | 0o2000) }

    /// Whether what is no part of the release's identity is the same.
    func hasSameAttributes(as other: Entry) -> Bool { modified == other.modified && isSparse == other.isSparse }
}

/// The entries of a release, in canonical order. Entry 0 is the root directory.
public struct Manifest: Sendable {
    /// How long a name may be, as on every Linux file system.
    static let longestName = 255
    /// How long a symbolic link's text may be.
    static let longestLink = 4095
    /// How many entries a manifest may have; bounds what a peer can make us allocate.
    static let mostEntries = 20_000_000
    /// How many levels a tree may have; each costs the path of its directories.
    static let deepestLevel = 4096

    /// All entries, in the order that this file tells of.
    public internal(set) var entries: [Entry]
    /// Names and link texts, each followed by a NUL so that it is a C string where it stands.
    var text: [UInt8]
    /// Whether owners and groups belong to the release.
    public internal(set) var hasOwnership = false
    /// Whether hard links belong to the release.
    public internal(set) var hasHardLinks = false
    /// Whether extended attributes and access lists belong to the release.
    public internal(set) var hasExtendedAttributes = false
    /// What entries have of them; empty where they do not belong to the release.
    var extendedAttributes = ExtendedAttributeTable()
    /// Whether files have a SHA-256 besides their digest.
    public internal(set) var hasSHA256 = false
    /// Aligned with the entries, `none` for what is no file; empty where files have none.
    var sha256: [SHA256Digest] = []

    /// A release of no entries but its root.
    init(rootMode: UInt16) {
        entries = [Entry(kind: .directory, mode: rootMode, parent: 0)]
        entries[0].start = 1
        text = [0]
    }

    /// How many entries, the root among them.
    public var count: Int { entries.count }

    /// The sum of all files' lengths.
    public var contentBytes: UInt64 { entries.saturatedSum(\.size) }

    func children(of directory: Int) -> Range<Int> {
        let entry = entries[directory]
        return Int(entry.start)..<Int(entry.start) + Int(entry.count)
    }

    /// The bytes of an entry's name; the root's is empty.
    public func name(of index: Int) -> ArraySlice<UInt8> {
        let start = Int(entries[index].nameStart)
        return text[start..<start + Int(entries[index].nameLength)]
    }

    /// The text of a symbolic link.
    public func linkText(of index: Int) -> ArraySlice<UInt8> {
        let start = Int(entries[index].start)
        return text[start..<start + Int(entries[index].count)]
    }

    /// Calls `body` with an entry's name as a C string; the root's is ".".
    @inline(__always)
    func withName<T, E: Error>(of index: Int, _ body: (UnsafePointer<CChar>) throws(E) -> T) throws(E) -> T {
        if index == 0 { return try body(".") }
        return try withCString(at: Int(entries[index].nameStart), body)
    }

    /// Calls `body` with a symbolic link's text as a C string.
    func withLinkText<T, E: Error>(of index: Int, _ body: (UnsafePointer<CChar>) throws(E) -> T) throws(E) -> T {
        try withCString(at: Int(entries[index].start), body)
    }

    /// What starts at `start` ends at a NUL within `text`: append(text:) puts one behind every string.
    @inline(__always)
    private func withCString<T, E: Error>(
        at start: Int, _ body: (UnsafePointer<CChar>) throws(E) -> T
    ) throws(E) -> T {
        precondition(start < text.count)
        return try text.withUnsafeBufferPointer { (buffer) throws(E) -> T in
            try body(UnsafeRawPointer(buffer.baseAddress! + start).assumingMemoryBound(to: CChar.self))
        }
    }

    /// The names from the root's child down to the entry.
    func components(of index: Int) -> [ArraySlice<UInt8>] {
        var components: [ArraySlice<UInt8>] = []
        var index = index
        while index != 0 {
            components.append(name(of: index))
            index = Int(entries[index].parent)
        }
        components.reverse()
        return components
    }

    /// An entry's path, its components joined by "/".
    public func path(of index: Int) -> [UInt8] {
        Array(components(of: index).joined(separator: [UInt8(ascii: "/")]))
    }

    /// The first entry of the group of hard links that a file belongs to; nil if it belongs to none.
    func linkLeader(of index: Int) -> Int? {
        let entry = entries[index]
        return entry.kind == .file && entry.start != 0 ? Int(entry.start) - 1 : nil
    }

    /// Looks a name up among a directory's children by binary search.
    func child(of directory: Int, named name: ArraySlice<UInt8>) -> Int? {
        let children = children(of: directory)
        let index = children.partitioningIndex { !self.name(of: $0).lexicographicallyPrecedes(name) }
        return index < children.endIndex && self.name(of: index).elementsEqual(name) ? index : nil
    }

    /// Looks a path up.
    func entry(at components: some Sequence<ArraySlice<UInt8>>) -> Int? {
        var index = 0
        for component in components {
            guard entries[index].kind == .directory, let next = child(of: index, named: component) else { return nil }
            index = next
        }
        return index
    }

    // MARK: Building, in canonical order

    /// Makes room for so many entries beforehand.
    mutating func reserve(_ count: Int, textBytes: Int) {
        entries.reserveCapacity(count)
        text.reserveCapacity(textBytes)
    }

    /// Appends a string and the NUL behind it.
    mutating func append(text string: some Collection<UInt8>) -> UInt32 {
        let start = UInt32(text.count)
        text.append(contentsOf: string)
        text.append(0)
        return start
    }

    /// Opens the list of `directory`'s children: the next entries appended are its children.
    mutating func beginChildren(of directory: Int) {
        entries[directory].start = UInt32(entries.count)
        entries[directory].count = 0
    }

    /// Appends a child of `entry.parent`, whose list must be the open one.
    mutating func append(_ entry: Entry, name: some Collection<UInt8>, linkText: some Collection<UInt8>) {
        var entry = entry
        entry.nameLength = UInt16(name.count)
        entry.nameStart = append(text: name)
        if entry.kind == .symbolicLink {
            entry.count = UInt32(linkText.count)
            entry.start = append(text: linkText)
        }
        entries.append(entry)
        entries[Int(entry.parent)].count += 1
    }

    /// What a file of the release holds.
    func content(of index: Int) -> KnownContent {
        KnownContent(digest: entries[index].digest, sha256: hasSHA256 ? sha256[index] : nil)
    }

    /// Whether a file here holds what one of another manifest does, as far as both tell.
    func hasContent(of otherIndex: Int, in other: Manifest, _ index: Int) -> Bool {
        let (a, b) = (entries[index], other.entries[otherIndex])
        guard a.size == b.size, a.digest == b.digest else { return false }
        return !hasSHA256 || !other.hasSHA256 || sha256[index] == other.sha256[otherIndex]
    }

    /// Whether two entries stand for the same: all that the release ID depends on but names and children.
    @inline(__always)
    func isSame(_ index: Int, as other: Manifest, _ otherIndex: Int) -> Bool {
        let (a, b) = (entries[index], other.entries[otherIndex])
        guard a.kind == b.kind, a.mode == b.mode, a.owner == b.owner, a.group == b.group else { return false }
        switch a.kind {
        case .directory: return true
        case .file:
            guard !hasSHA256 || (other.hasSHA256 && sha256[index] == other.sha256[otherIndex]) else { return false }
            return a.size == b.size && a.digest == b.digest && (a.start != 0) == (b.start != 0)
        case .symbolicLink: return linkText(of: index).elementsEqual(other.linkText(of: otherIndex))
        }
    }

    /// Compares names without making slices: the order of bytes, a prefix first.
    @inline(__always)
    func compareName(_ index: Int, with other: Manifest, _ otherIndex: Int) -> Int {
        let (a, b) = (entries[index], other.entries[otherIndex])
        return text.withUnsafeBufferPointer { left in
            other.text.withUnsafeBufferPointer { right in
                let common = min(Int(a.nameLength), Int(b.nameLength))
                let order = memcmp(left.baseAddress! + Int(a.nameStart), right.baseAddress! + Int(b.nameStart), common)
                return order != 0 ? Int(order) : Int(a.nameLength) - Int(b.nameLength)
            }
        }
    }
}
