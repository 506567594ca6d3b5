// A tree in the obvious form, nested dictionaries, for property tests of manifests: made at random, changed at
// random, and turned into the manifest that a walk would make of it.

@testable import SlotSync

struct ModelTree {
    struct Node: Equatable {
        var kind: Entry.Kind
        var mode: UInt16
        var modified = Timestamp(seconds: 0, nanoseconds: 0)
        var owner: UInt32 = 0
        var group: UInt32 = 0
        var content: ContentDigest = .empty
        var size: UInt64 = 0
        var isSparse = false
        var linkText: [UInt8] = []
        /// Files of one number are hard links to each other, and equal in all else.
        var linkGroup: Int?
        /// Extended attributes, by name.
        var attributes: [String: [UInt8]] = [:]
        var children: [[UInt8]: Node] = [:]
    }

    var root: Node
    var hasOwnership = false
    var hasHardLinks = false
    var hasExtendedAttributes = false

    var manifest: Manifest {
        var manifest = Manifest(rootMode: root.mode)
        manifest.hasOwnership = hasOwnership
        manifest.hasHardLinks = hasHardLinks
        manifest.hasExtendedAttributes = hasExtendedAttributes
        note(root, 0, &manifest)
        manifest.entries[0].modified = root.modified
        if hasOwnership { (manifest.entries[0].owner, manifest.entries[0].group) = (root.owner, root.group) }
        var leaders: [Int: Int] = [:]
        var folders = [(0, root)]
        while !folders.isEmpty {
            let (index, folder) = folders.removeFirst()
            manifest.beginChildren(of: index)
            let sorted = folder.children.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (name, node) in sorted {
                let child = manifest.count
                if node.kind == .directory { folders.append((child, node)) }
                manifest.append(entry(for: node, parent: index), name: name, linkText: node.linkText)
                note(node, child, &manifest)
                guard hasHardLinks, let group = node.linkGroup else { continue }
                guard let leader = leaders[group] else {
                    leaders[group] = child
                    continue
                }
                manifest.entries[leader].start = UInt32(leader + 1)
                manifest.entries[child].start = UInt32(leader + 1)
            }
        }
        return manifest
    }

    private func note(_ node: Node, _ index: Int, _ manifest: inout Manifest) {
        guard hasExtendedAttributes, node.kind != .symbolicLink else { return }
        let items = node.attributes.map { ExtendedAttributes.Item(name: Array($0.key.utf8), value: $0.value) }
        manifest.extendedAttributes.append(ExtendedAttributes(items), for: index)
    }

    private func entry(for node: Node, parent: Int) -> Entry {
        var entry = Entry(kind: node.kind, mode: node.mode, parent: UInt32(parent))
        entry.modified = node.modified
        if hasOwnership { (entry.owner, entry.group) = (node.owner, node.group) }
        if node.kind == .file {
            entry.size = node.size
            entry.digest = node.content
            entry.isSparse = node.isSparse
        }
        return entry
    }
}

extension ModelTree {
    /// A tree with a few dozen entries, whose names are few, so that two random trees have many paths in common.
    static func random(
        ownership: Bool = false, hardLinks: Bool = false, extendedAttributes: Bool = false,
        using random: inout SeededGenerator
    ) -> ModelTree {
        var root = Node.random(.directory, using: &random)
        root.fill(levels: 4, using: &random)
        if extendedAttributes { root.addAttributes(using: &random) }
        return ModelTree(
            root: root, hasOwnership: ownership, hasHardLinks: hardLinks, hasExtendedAttributes: extendedAttributes)
    }

    /// The same tree with some entries changed, added, removed, or of another kind.
    func changed(using random: inout SeededGenerator) -> ModelTree {
        var tree = self
        tree.root.change(using: &random)
        return tree
    }
}

extension ModelTree.Node {
    private static let names: [[UInt8]] = [
        [0x61], [0x62], [0x61, 0x62], [0x61, 0x00 + 1], [0x61, 0x0a], [0xff], [0xff, 0xfe], Array("-rf".utf8),
        Array("...".utf8), Array("é".utf8), [UInt8](repeating: 0x78, count: 255), [0x1b, 0x5b],
    ]

    fileprivate static func random(_ kind: Entry.Kind, using random: inout SeededGenerator) -> Self {
        var node = Self(kind: kind, mode: kind == .symbolicLink ? 0o777 : UInt16.random(in: 0...0o7777, using: &random))
        let farAway = Int64.random(in: Int64.min...Int64.max, using: &random)
        node.modified = Timestamp(
            seconds: Bool.random(using: &random) ? farAway : Int64.random(in: -9...9, using: &random),
            nanoseconds: UInt32.random(in: 0...999_999_999, using: &random))
        node.owner = [0, 1000, UInt32.max].randomElement(using: &random)!
        node.group = [0, 1000, UInt32.max].randomElement(using: &random)!
        switch kind {
        case .directory: break
        case .symbolicLink:
            node.linkText = (0...Int.random(in: 0...20, using: &random)).map { _ in .random(in: 1...255, using: &random)
            }
        case .file:
            node.size = [0, 1, 5000, UInt64(Int64.max)].randomElement(using: &random)!
            node.content = ContentDigest(high: random.next(), low: random.next())
            node.isSparse = Bool.random(using: &random)
            let group = Int.random(in: 0...9, using: &random)
            if group < 3 { node = linked(group) }
        }
        return node
    }

    /// A file whose every property follows from its group of hard links.
    private static func linked(_ group: Int) -> Self {
        var node = Self(kind: .file, mode: UInt16(0o600 + group))
        node.size = UInt64(group)
        node.content = ContentDigest(high: 7, low: UInt64(group))
        node.linkGroup = group
        return node
    }

    fileprivate mutating func fill(levels: Int, using random: inout SeededGenerator) {
        for name in Self.names where Int.random(in: 0...2, using: &random) == 0 {
            let kinds: [Entry.Kind] = levels > 0 ? [.file, .directory, .symbolicLink] : [.file, .symbolicLink]
            var child = Self.random(kinds.randomElement(using: &random)!, using: &random)
            if child.kind == .directory { child.fill(levels: levels - 1, using: &random) }
            children[name] = child
        }
    }

    /// Every third entry gets some, often the same.
    fileprivate mutating func addAttributes(using random: inout SeededGenerator) {
        for name in children.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            children[name]?.addAttributes(using: &random)
        }
        guard linkGroup == nil, Int.random(in: 0...2, using: &random) == 0 else { return }
        let names = ["user.a", "user.ä", "security.capability", "security.selinux", "system.posix_acl_default"]
        for name in names where Bool.random(using: &random) {
            let length = [0, 1, 1, 300].randomElement(using: &random)!
            attributes[name] = [UInt8](repeating: .random(in: 0...1, using: &random), count: length)
        }
    }

    fileprivate mutating func change(using random: inout SeededGenerator) {
        for name in Self.names {
            guard var child = children[name] else {
                if Int.random(in: 0...9, using: &random) == 0 { children[name] = .random(.file, using: &random) }
                continue
            }
            switch Int.random(in: 0...19, using: &random) {
            case 0: children[name] = nil
            case 1: children[name] = .random(.symbolicLink, using: &random)
            case 2: children[name] = .random(.file, using: &random)
            case 3:
                child = .random(.directory, using: &random)
                child.fill(levels: 2, using: &random)
                children[name] = child
            case 4 where child.kind == .directory:
                child.mode ^= 0o001
                children[name] = child
            case 5 where child.linkGroup == nil:
                child.modified.nanoseconds = 1
                children[name] = child
            default:
                if child.kind == .directory { child.change(using: &random) }
                children[name] = child
            }
        }
    }
}

extension Manifest {
    /// All that a manifest says, entry by entry, in a form that can be compared and read.
    var contents: [String] {
        entries.indices.map { index in
            let entry = entries[index]
            let text = entry.kind == .symbolicLink ? Array(linkText(of: index)) : []
            return """
                \(path(of: index)) \(entry.kind) \(String(entry.mode, radix: 8)) \(entry.owner):\(entry.group) \
                \(entry.size) \(entry.digest) \(text) \(entry.modified) \(entry.isSparse) \
                \(extendedAttributes[index].items) \(linkLeader(of: index) ?? -1) \(entry.kind == .directory ? children(of: index) : 0..<0)
                """
        }
    }

    init(_ bytes: [UInt8], against base: Manifest? = nil) throws {
        var reader = ByteReader(bytes, name: "the manifest")
        try self.init(from: &reader, against: base)
        try reader.expectEnd()
    }
}
