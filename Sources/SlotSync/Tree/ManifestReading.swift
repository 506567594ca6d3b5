// Reads a manifest from bytes: what ManifestWriting wrote, or what a peer or a damaged disk made of it. Names,
// counts, order and links are checked, so that whatever comes out is a tree.

extension Manifest {
    /// Reads what `encoded(against:)` wrote, believing nothing: names, counts, order and links are checked.
    ///
    /// - Parameter expected: how much room to make beforehand, which the caller has bounded; more or less may come.
    init(
        from reader: inout ByteReader, against base: Manifest? = nil, expecting expected: (Int, textBytes: Int)? = nil
    ) throws(SlotSyncError) {
        guard try Array(reader.take(ManifestFormat.magic.count)) == ManifestFormat.magic else {
            throw reader.corrupt("it does not begin as a manifest of version 1")
        }
        self.init(rootMode: 0)
        if let expected {
            reserve(expected.0, textBytes: expected.textBytes)
        } else if let base {
            reserve(base.count, textBytes: base.text.count)
        }
        let flags = try reader.byte()
        guard flags & ~ManifestFormat.Flag.all == 0 else {
            throw reader.corrupt("unknown flags")
        }
        hasOwnership = flags & ManifestFormat.Flag.ownership != 0
        hasHardLinks = flags & ManifestFormat.Flag.hardLinks != 0
        hasExtendedAttributes = flags & ManifestFormat.Flag.extendedAttributes != 0
        hasSHA256 = flags & ManifestFormat.Flag.sha256 != 0
        if hasSHA256 { sha256.append(.none) }
        entries[0].mode = UInt16(try reader.count(atMost: 0o7777, of: "mode"))
        if hasOwnership { try readOwnership(into: 0, from: &reader) }
        var twin: [Int32] = [base == nil ? -1 : 0]
        var depth: [UInt16] = [0]
        var directory = 0
        while directory < entries.count {
            if entries[directory].kind == .directory {
                beginChildren(of: directory)
                guard depth[directory] < Self.deepestLevel else { throw reader.corrupt("too many levels") }
                try readChildren(of: directory, against: base, twin: &twin, from: &reader)
                let added = entries.count - depth.count
                depth.append(contentsOf: repeatElement(depth[directory] + 1, count: added))
            }
            directory += 1
        }
        if hasExtendedAttributes { extendedAttributes = try ExtendedAttributeTable(from: &reader, for: self) }
        try readAttributes(against: base, twin: twin, from: &reader)
    }

    private mutating func readAttributes(
        against base: Manifest?, twin: [Int32], from reader: inout ByteReader
    ) throws(SlotSyncError) {
        var last: Int64 = 0
        var index = 0
        while index < entries.count {
            if let base {
                let unchanged = try reader.count(atMost: entries.count - index, of: "unchanged attributes")
                for _ in 0..<unchanged {
                    guard twin[index] >= 0 else { throw reader.corrupt("attributes of an entry that its base lacks") }
                    let other = base.entries[Int(twin[index])]
                    entries[index].modified = other.modified
                    entries[index].isSparse = other.isSparse
                    last = other.modified.seconds
                    index += 1
                }
                if index == entries.count { return }
            }
            last = last &+ (try reader.zigzag())
            let nanoseconds = try reader.varint()
            guard nanoseconds >> 1 < 1_000_000_000 else { throw reader.corrupt("a time of \(nanoseconds >> 1) ns") }
            entries[index].modified = Timestamp(seconds: last, nanoseconds: UInt32(nanoseconds >> 1))
            entries[index].isSparse = nanoseconds & 1 != 0
            index += 1
        }
    }

    private mutating func readOwnership(into index: Int, from reader: inout ByteReader) throws(SlotSyncError) {
        entries[index].owner = UInt32(try reader.count(atMost: Int(UInt32.max), of: "owner"))
        entries[index].group = UInt32(try reader.count(atMost: Int(UInt32.max), of: "group"))
    }

    private mutating func readChildren(
        of directory: Int, against base: Manifest?, twin: inout [Int32], from reader: inout ByteReader
    ) throws(SlotSyncError) {
        var others =
            base.flatMap { base in
                twin[directory] >= 0 ? base.children(of: Int(twin[directory])) : nil
            } ?? 0..<0
        while true {
            let head = try reader.varint()
            try checkRoom(reader)
            switch ManifestFormat.Step(rawValue: head & 3) {
            case .end:
                guard head == 0 else { throw reader.corrupt("an unknown step") }
                return
            case .add:
                guard head == ManifestFormat.Step.add.rawValue else { throw reader.corrupt("an unknown step") }
                // The base's directory of the same name, if its children are counted on later.
                let added = entries.count
                try readAdded(to: directory, from: &reader)
                var found: Int?
                if let base, entries[added].kind == .directory, twin[directory] >= 0 {
                    found = base.child(of: Int(twin[directory]), named: name(of: added))
                        .flatMap { base.entries[$0].kind == .directory ? $0 : nil }
                }
                twin.append(found.map(Int32.init) ?? -1)
            case .keep:
                guard let base, head >> 2 > 0, head >> 2 <= UInt64(others.count) else {
                    throw reader.corrupt("it keeps more entries than its base has")
                }
                for other in others.prefix(Int(head >> 2)) {
                    try checkRoom(reader)
                    var entry = base.entries[other]
                    entry.parent = UInt32(directory)
                    if entry.kind == .file { entry.start = 0 }
                    if !hasOwnership { (entry.owner, entry.group) = (0, 0) }
                    twin.append(Int32(other))
                    let link: ArraySlice<UInt8> = entry.kind == .symbolicLink ? base.linkText(of: other) : []
                    try checkOrder(of: base.name(of: other), in: directory, reader)
                    if hasSHA256 {
                        guard base.hasSHA256 || entry.kind != .file else {
                            throw reader.corrupt("it keeps a file whose SHA-256 its base lacks")
                        }
                        sha256.append(entry.kind == .file ? base.sha256[other] : .none)
                    }
                    append(entry, name: base.name(of: other), linkText: link)
                }
                others = others.lowerBound + Int(head >> 2)..<others.upperBound
            case .skip:
                guard head >> 2 > 0, head >> 2 <= UInt64(others.count) else {
                    throw reader.corrupt("it skips more entries than its base has")
                }
                others = others.lowerBound + Int(head >> 2)..<others.upperBound
            case nil: throw reader.corrupt("an unknown step")
            }
        }
    }

    private mutating func readAdded(to directory: Int, from reader: inout ByteReader) throws(SlotSyncError) {
        let name = try reader.counted(atMost: Self.longestName, of: "name")
        guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "/")),
            !name.elementsEqual([UInt8(ascii: ".")]), !name.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")])
        else { throw reader.corrupt("a name that no file can have") }
        try checkOrder(of: name, in: directory, reader)
        let kindByte = try reader.byte()
        guard let kind = Entry.Kind(rawValue: kindByte & 3), kindByte & ~7 == 0 else {
            throw reader.corrupt("an entry of unknown kind")
        }
        let isLinked = kindByte & 4 != 0
        guard !isLinked || (kind == .file && hasHardLinks) else { throw reader.corrupt("a hard link that cannot be") }
        let mode = UInt16(try reader.count(atMost: 0o7777, of: "mode"))
        var entry = Entry(kind: kind, mode: mode, parent: UInt32(directory))
        if hasOwnership {
            entry.owner = UInt32(try reader.count(atMost: Int(UInt32.max), of: "owner"))
            entry.group = UInt32(try reader.count(atMost: Int(UInt32.max), of: "group"))
        }
        var link: ArraySlice<UInt8> = []
        var sum = SHA256Digest.none
        switch kind {
        case .directory: break
        case .symbolicLink:
            guard mode == 0o777 else { throw reader.corrupt("a mode that no link has") }
            link = try reader.counted(atMost: Self.longestLink, of: "link text")
            guard !link.isEmpty, !link.contains(0) else { throw reader.corrupt("a link text that no link can have") }
        case .file:
            let index = entries.count
            if isLinked {
                let leader = try reader.count(atMost: index, of: "hard link")
                entry.start = leader == 0 ? UInt32(index + 1) : UInt32(leader)
            }
            entry.size = try reader.varint()
            guard entry.size <= UInt64(Int64.max) else { throw reader.corrupt("a size of \(entry.size)") }
            entry.digest = try reader.digest()
            if hasSHA256 { sum = try reader.sha256() }
            if isLinked, Int(entry.start) != index + 1 {
                let leader = entries[Int(entry.start) - 1]
                guard leader.kind == .file, leader.start == entry.start, leader.size == entry.size,
                    leader.digest == entry.digest, leader.mode == entry.mode, leader.owner == entry.owner,
                    leader.group == entry.group, !hasSHA256 || sha256[Int(entry.start) - 1] == sum
                else { throw reader.corrupt("a hard link to something else") }
            }
        }
        if hasSHA256 { sha256.append(sum) }
        append(entry, name: name, linkText: link)
    }

    /// Whether there is room for one more entry, its name and its link text, within what a UInt32 counts.
    private func checkRoom(_ reader: ByteReader) throws(SlotSyncError) {
        guard entries.count < Self.mostEntries, text.count < Int(UInt32.max) - Self.longestName - Self.longestLink - 2
        else { throw reader.corrupt("too many entries") }
    }

    private func checkOrder(
        of name: ArraySlice<UInt8>, in directory: Int, _ reader: ByteReader
    ) throws(SlotSyncError) {
        guard entries[directory].count > 0 else { return }
        guard self.name(of: entries.count - 1).lexicographicallyPrecedes(name) else {
            throw reader.corrupt("its names are not sorted")
        }
    }
}
