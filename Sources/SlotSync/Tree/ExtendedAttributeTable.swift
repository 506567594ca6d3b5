// The extended attributes of a manifest's entries. Few entries have any, or, where SELinux is, all have one of a few labels:
// so each different set of attributes is kept once, and entries by number beside it.

/// Which entries have extended attributes, and which.
struct ExtendedAttributeTable: Sendable {
    private var sets: [ExtendedAttributes] = []
    private var numbers: [ExtendedAttributes: UInt32] = [:]
    private var items: [(entry: UInt32, set: UInt32)] = []
    /// What the sets take, about.
    private var bytes = 0

    /// How much all different sets may take; bounds what a peer can make us allocate.
    static let mostBytes = 128 << 20
    /// What an attribute takes beside its name and value.
    private static let overhead = 32

    var isEmpty: Bool { items.isEmpty }
    var isTooLarge: Bool { bytes > Self.mostBytes }

    /// What an entry has.
    subscript(entry: Int) -> ExtendedAttributes {
        guard !items.isEmpty, let index = items.index(of: UInt32(entry), sortedBy: { $0.entry }) else {
            return ExtendedAttributes()
        }
        return sets[Int(items[index].set)]
    }

    /// All entries that have some, in their order.
    var all: some Collection<(entry: Int, attributes: ExtendedAttributes)> {
        items.lazy.map { [sets] in (entry: Int($0.entry), attributes: sets[Int($0.set)]) }
    }

    /// Appends what an entry has, which stands behind all that are there.
    mutating func append(_ attributes: ExtendedAttributes, for entry: Int) {
        guard !attributes.isEmpty else { return }
        precondition(items.last.map { $0.entry < UInt32(entry) } ?? true)
        let set: UInt32
        if let known = numbers[attributes] {
            set = known
        } else {
            set = UInt32(sets.count)
            sets.append(attributes)
            numbers[attributes] = set
            bytes += attributes.items.reduce(0) { $0 + $1.name.count + $1.value.count + Self.overhead }
        }
        items.append((UInt32(entry), set))
    }

    func encode(to writer: inout ByteWriter) {
        writer.append(varint: items.count)
        var last = -1
        for item in items {
            writer.append(varint: Int(item.entry) - last)
            last = Int(item.entry)
            sets[Int(item.set)].encode(to: &writer)
        }
    }

    init() {}

    /// Reads the attributes of a manifest whose entries are there.
    init(from reader: inout ByteReader, for manifest: Manifest) throws(SlotSyncError) {
        let count = try reader.count(atMost: manifest.count, of: "entries with extended attributes")
        var entry = -1
        for _ in 0..<count {
            let difference = try reader.count(atMost: manifest.count - 1 - entry, of: "an entry with attributes")
            guard difference > 0 else { throw reader.corrupt("attributes of the same entry twice") }
            entry += difference
            guard manifest.entries[entry].kind != .symbolicLink else {
                throw reader.corrupt("extended attributes of a symbolic link")
            }
            append(try ExtendedAttributes(from: &reader), for: entry)
            guard !isTooLarge else { throw reader.corrupt("too many extended attributes") }
        }
        guard !isEmpty, manifest.hasHardLinks else { return }
        for index in manifest.entries.indices {
            guard let leader = manifest.linkLeader(of: index), leader != index else { continue }
            guard self[index] == self[leader] else { throw reader.corrupt("a hard link with other attributes") }
        }
    }
}

extension Manifest {
    /// Takes over what the entries of `other` have that entries here were made of.
    ///
    /// - Parameter origins: for each entry here the entry of `other`; -1 for none.
    mutating func takeExtendedAttributes(of other: Manifest, origins: some Sequence<Int>) {
        hasExtendedAttributes = other.hasExtendedAttributes
        guard !other.extendedAttributes.isEmpty else { return }
        for (index, origin) in origins.enumerated() where origin >= 0 {
            extendedAttributes.append(other.extendedAttributes[origin], for: index)
        }
    }
}
