// A manifest as bytes: the identity part, whose XXH3-128 is the release ID, and the attribute part
// (modification times, sparseness), which two checkouts of one commit need not share. The identity part
// is written against a base manifest if both ends have one: runs of children that are the same are
// counted instead of listed, and so are attributes that did not change. Against no base the form is
// canonical. docs/protocol.md has it byte for byte.

extension Manifest {
    /// The first bytes of an identity part, with the format's version.
    private static let magic = Array("SSM1".utf8)
    private enum Flag {
        static let ownership: UInt8 = 1
        static let hardLinks: UInt8 = 2
    }
    /// How a directory's list of children goes on.
    private enum Step: UInt64 {
        case end = 0, add, keep, skip
    }

    // MARK: Writing

    /// The release ID: the digest of the canonical identity part.
    public var id: ContentDigest {
        var writer = ByteWriter(reserving: entries.count * 40)
        var twin: [Int32] = []
        appendIdentity(against: nil, twin: &twin, to: &writer)
        return ContentDigest(of: writer.bytes)
    }

    /// Both parts: the attribute part follows the identity part.
    func encoded(against base: Manifest? = nil) -> [UInt8] {
        var writer = ByteWriter(reserving: base == nil ? entries.count * 48 : entries.count * 8)
        // For each entry the base's entry at the same path, where the reader knows it too: what is
        // kept, and directories. For the others -1.
        var twin = [Int32](repeating: -1, count: base == nil ? 0 : entries.count)
        appendIdentity(against: base, twin: &twin, to: &writer)
        appendAttributes(against: base, twin: twin, to: &writer)
        return writer.bytes
    }

    private func appendIdentity(against base: Manifest?, twin: inout [Int32], to writer: inout ByteWriter) {
        writer.append(Self.magic)
        writer.append((hasOwnership ? Flag.ownership : 0) | (hasHardLinks ? Flag.hardLinks : 0))
        writer.append(varint: Int(entries[0].mode))
        if hasOwnership {
            writer.append(varint: Int(entries[0].owner))
            writer.append(varint: Int(entries[0].group))
        }
        if base != nil { twin[0] = 0 }
        for directory in entries.indices where entries[directory].kind == .directory {
            if let base, twin[directory] >= 0 {
                appendChildren(of: directory, against: base, Int(twin[directory]), twin: &twin, to: &writer)
            } else {
                for child in children(of: directory) { appendAdded(child, to: &writer) }
            }
            writer.append(varint: Step.end.rawValue)
        }
    }

    private func appendChildren(
        of directory: Int, against base: Manifest, _ baseDirectory: Int, twin: inout [Int32],
        to writer: inout ByteWriter
    ) {
        var pending: (step: Step, count: UInt64) = (.keep, 0)
        func flush(_ step: Step) {
            if pending.step == step { return }
            if pending.count > 0 { writer.append(varint: pending.count << 2 | pending.step.rawValue) }
            pending = (step, 0)
        }
        var others = base.children(of: baseDirectory)
        for child in children(of: directory) {
            var order = -1
            while let other = others.first {
                order = compareName(child, with: base, other)
                if order <= 0 { break }
                flush(.skip)
                pending.count += 1
                others.removeFirst()
            }
            if let other = others.first, order == 0 {
                if entries[child].kind == .directory && base.entries[other].kind == .directory {
                    twin[child] = Int32(other)
                }
                if isSame(child, as: base, other) && linkLeader(of: child) == nil {
                    twin[child] = Int32(other)
                    flush(.keep)
                } else {
                    flush(.skip)
                    pending.count += 1
                    flush(.add)
                    appendAdded(child, to: &writer)
                    others.removeFirst()
                    continue
                }
                pending.count += 1
                others.removeFirst()
            } else {
                flush(.add)
                appendAdded(child, to: &writer)
            }
        }
        flush(.end)
    }

    private func appendAdded(_ index: Int, to writer: inout ByteWriter) {
        let entry = entries[index]
        let leader = linkLeader(of: index)
        let isFollower = leader.map { $0 != index } ?? false
        writer.append(varint: Step.add.rawValue)
        writer.append(counted: name(of: index))
        writer.append(entry.kind.rawValue | (leader != nil ? 4 : 0))
        writer.append(varint: Int(entry.mode))
        if hasOwnership {
            writer.append(varint: Int(entry.owner))
            writer.append(varint: Int(entry.group))
        }
        switch entry.kind {
        case .directory: break
        case .symbolicLink: writer.append(counted: linkText(of: index))
        case .file:
            if let leader { writer.append(varint: isFollower ? leader + 1 : 0) }
            writer.append(varint: entry.size)
            writer.append(entry.digest)
        }
    }

    private func appendAttributes(against base: Manifest?, twin: [Int32], to writer: inout ByteWriter) {
        var last: Int64 = 0
        var unchanged = 0
        for (index, entry) in entries.enumerated() {
            if let base, twin[index] >= 0, entry.hasSameAttributes(as: base.entries[Int(twin[index])]) {
                unchanged += 1
            } else {
                if base != nil { writer.append(varint: unchanged) }
                unchanged = 0
                writer.append(zigzag: entry.modified.seconds &- last)
                writer.append(varint: UInt64(entry.modified.nanoseconds) << 1 | (entry.isSparse ? 1 : 0))
            }
            last = entry.modified.seconds
        }
        if unchanged > 0 { writer.append(varint: unchanged) }
    }

    // MARK: Reading

    /// Reads what `encoded(against:)` wrote, believing nothing: names, counts, order and links are checked.
    init(from reader: inout ByteReader, against base: Manifest? = nil) throws(SlotSyncError) {
        guard try Array(reader.take(Self.magic.count)) == Self.magic else {
            throw reader.corrupt("it does not begin as a manifest of version 1")
        }
        self.init(rootMode: 0)
        let flags = try reader.byte()
        guard flags & ~(Flag.ownership | Flag.hardLinks) == 0 else { throw reader.corrupt("unknown flags") }
        hasOwnership = flags & Flag.ownership != 0
        hasHardLinks = flags & Flag.hardLinks != 0
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
            // A name and a link text have room within what a UInt32 counts.
            guard entries.count < Self.mostEntries, text.count < Int(UInt32.max) - 8192 else {
                throw reader.corrupt("too many entries")
            }
            switch Step(rawValue: head & 3) {
            case .end:
                guard head == 0 else { throw reader.corrupt("an unknown step") }
                return
            case .add:
                guard head == Step.add.rawValue else { throw reader.corrupt("an unknown step") }
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
                guard entries.count + Int(head >> 2) <= Self.mostEntries else {
                    throw reader.corrupt("too many entries")
                }
                for other in others.prefix(Int(head >> 2)) {
                    var entry = base.entries[other]
                    entry.parent = UInt32(directory)
                    if entry.kind == .file { entry.start = 0 }
                    if !hasOwnership { (entry.owner, entry.group) = (0, 0) }
                    twin.append(Int32(other))
                    let link: ArraySlice<UInt8> = entry.kind == .symbolicLink ? base.linkText(of: other) : []
                    try checkOrder(of: base.name(of: other), in: directory, reader)
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
            if isLinked, Int(entry.start) != index + 1 {
                let leader = entries[Int(entry.start) - 1]
                guard leader.kind == .file, leader.start == entry.start, leader.size == entry.size,
                    leader.digest == entry.digest, leader.mode == entry.mode
                else { throw reader.corrupt("a hard link to something else") }
            }
        }
        append(entry, name: name, linkText: link)
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
