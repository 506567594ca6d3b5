// A manifest as bytes: the identity part, whose XXH3-128 is the release ID, and the attribute part
// (modification times, sparseness), which two checkouts of one commit need not share. The identity part
// is written against a base manifest if both ends have one: runs of children that are the same are
// counted instead of listed, and so are attributes that did not change. Against no base the form is
// canonical. docs/protocol.md has it byte for byte.

/// What both directions share.
enum ManifestFormat {
    /// The first bytes of an identity part, with the format's version.
    static let magic = Array("SSM1".utf8)

    enum Flag {
        static let ownership: UInt8 = 1
        static let hardLinks: UInt8 = 2
        static let extendedAttributes: UInt8 = 4
        static let sha256: UInt8 = 8
        static let all = ownership | hardLinks | extendedAttributes | sha256
    }

    /// How a directory's list of children goes on.
    enum Step: UInt64 {
        case end = 0, add, keep, skip
    }
}

extension Manifest {
    /// The release ID: the digest of the canonical identity part.
    public var id: ContentDigest { ContentDigest(of: identity) }

    /// The canonical identity part.
    var identity: [UInt8] {
        var writer = ByteWriter(reserving: entries.count * (hasSHA256 ? 72 : 40))
        var twin: [Int32] = []
        appendIdentity(against: nil, twin: &twin, to: &writer)
        return writer.bytes
    }

    /// Both parts: the attribute part follows the identity part.
    func encoded(against base: Manifest? = nil) -> [UInt8] {
        var writer = ByteWriter(reserving: base == nil ? entries.count * 48 : entries.count * 8)
        encode(against: base, to: &writer)
        return writer.bytes
    }

    /// Appends both parts to what the writer holds.
    func encode(against base: Manifest? = nil, to writer: inout ByteWriter) {
        // For each entry the base's entry at the same path, where the reader knows it too: what is
        // kept, and directories. For the others -1.
        var twin = [Int32](repeating: -1, count: base == nil ? 0 : entries.count)
        appendIdentity(against: base, twin: &twin, to: &writer)
        appendAttributes(against: base, twin: twin, to: &writer)
    }

    private func appendIdentity(against base: Manifest?, twin: inout [Int32], to writer: inout ByteWriter) {
        writer.append(ManifestFormat.magic)
        writer.append(
            (hasOwnership ? ManifestFormat.Flag.ownership : 0) | (hasHardLinks ? ManifestFormat.Flag.hardLinks : 0)
                | (hasExtendedAttributes ? ManifestFormat.Flag.extendedAttributes : 0)
                | (hasSHA256 ? ManifestFormat.Flag.sha256 : 0))
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
            writer.append(varint: ManifestFormat.Step.end.rawValue)
        }
        // Whole, whatever the base has: few entries have any.
        if hasExtendedAttributes { extendedAttributes.encode(to: &writer) }
    }

    private func appendChildren(
        of directory: Int, against base: Manifest, _ baseDirectory: Int, twin: inout [Int32],
        to writer: inout ByteWriter
    ) {
        var pending: (step: ManifestFormat.Step, count: UInt64) = (.keep, 0)
        func flush(_ step: ManifestFormat.Step) {
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
        writer.append(varint: ManifestFormat.Step.add.rawValue)
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
            if hasSHA256 { writer.append(sha256[index]) }
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
}
