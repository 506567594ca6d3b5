// What a peer or a disk may make of a manifest: every case is refused, none is believed, nothing traps.

import Testing

@testable import SlotSync

@Suite("Damaged manifests") struct ManifestDamageTests {
    private func example(_ seed: UInt64) -> Manifest {
        var random = SeededGenerator(seed: seed)
        return ModelTree.random(
            ownership: seed % 2 == 0, hardLinks: true, extendedAttributes: seed % 3 == 1, using: &random
        ).manifest
    }

    @Test("a manifest that is cut off is refused") func truncated() {
        let manifest = example(1)
        let bytes = manifest.encoded()
        for length in stride(from: 0, to: bytes.count, by: 3) {
            #expect(throws: SlotSyncError.self) { try Manifest(Array(bytes[..<length])) }
        }
        let base = example(2)
        let difference = manifest.encoded(against: base)
        for length in stride(from: 0, to: difference.count, by: 3) {
            #expect(throws: SlotSyncError.self) { try Manifest(Array(difference[..<length]), against: base) }
        }
    }

    @Test("a flipped bit is refused, or gives a tree that can be written again", arguments: 0..<8)
    func flipped(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (manifest, base) = (example(seed), example(seed + 1))
        for against in [nil, base] {
            let bytes = manifest.encoded(against: against)
            for _ in 0..<100 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    damaged[Int.random(in: bytes.indices, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                }
                guard let decoded = try? Manifest(damaged, against: against) else { continue }
                let again = decoded.encoded()
                #expect(try Manifest(again).encoded() == again)
                _ = (decoded.id, decoded.contentBytes)
            }
        }
    }

    @Test("against a base of other content a difference gives another release ID") func wrongBase() throws {
        func tree(_ content: UInt64) -> ModelTree {
            var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755))
            tree.root.children[[0x61]] = ModelTree.Node(
                kind: .file, mode: 0o644, content: ContentDigest(high: 0, low: content), size: 1)
            return tree
        }
        var target = tree(1)
        target.root.children[[0x62]] = ModelTree.Node(kind: .file, mode: 0o644)
        let difference = target.manifest.encoded(against: tree(1).manifest)
        #expect(try Manifest(difference, against: tree(1).manifest).id == target.manifest.id)
        #expect(try Manifest(difference, against: tree(2).manifest).id != target.manifest.id)
        #expect(throws: SlotSyncError.self) { try Manifest(difference, against: Manifest(rootMode: 0o755)) }
    }

    /// The head of a manifest without ownership, and its root's mode.
    private static let head = Array("SSM1".utf8) + [0, 0o75]

    private static func file(_ name: [UInt8]) -> [UInt8] {
        [1, UInt8(name.count)] + name + [0, 0o44, 0] + [UInt8](repeating: 0, count: 16)
    }

    private static let attributes: [UInt8] = [0, 0]

    @Test("the smallest manifest with a file is taken, so that the hostile ones fail for their own reason")
    func harmless() throws {
        let bytes = Self.head + Self.file([0x61]) + [0] + Self.attributes + Self.attributes
        #expect(try Manifest(bytes).count == 2)
    }

    static let hostileNames: [[UInt8]] = [
        [], [0x2e], [0x2e, 0x2e], [0x2f], [0x61, 0x2f, 0x62], [0x61, 0x00], [0x2e, 0x2e, 0x2f, 0x61],
    ]

    @Test("a name that no file can have is refused", arguments: hostileNames) func hostileName(name: [UInt8]) {
        let bytes = Self.head + Self.file(name) + [0] + Self.attributes + Self.attributes
        #expect(throws: SlotSyncError.self) { try Manifest(bytes) }
    }

    @Test("names out of order, or twice, are refused") func order() {
        for names in [[[UInt8(0x62)], [0x61]], [[0x61], [0x61]]] {
            let bytes = Self.head + names.flatMap(Self.file) + [0] + Self.attributes + Self.attributes + Self.attributes
            #expect(throws: SlotSyncError.self) { try Manifest(bytes) }
        }
    }

    @Test("a kept entry out of order is refused") func orderAgainstBase() throws {
        var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755))
        tree.root.children[[0x61]] = ModelTree.Node(kind: .file, mode: 0o644)
        let bytes = Self.head + Self.file([0x62]) + [1 << 2 | 2, 0] + [UInt8](repeating: 0, count: 9)
        #expect(throws: SlotSyncError.self) { try Manifest(bytes, against: tree.manifest) }
    }

    static let hostileSteps: [(String, [UInt8])] = [
        ("keeps without a base", [1 << 2 | 2, 0]), ("skips without a base", [1 << 2 | 3, 0]),
        ("keeps nothing", [2, 0]), ("skips nothing", [3, 0]), ("an end with a count", [1 << 2]),
        ("an addition with a count", [1 << 2 | 1]), ("keeps the world", [UInt8](repeating: 0xff, count: 9) + [1]),
    ]

    @Test("a step that leads nowhere is refused", arguments: hostileSteps.indices) func hostileStep(step: Int) {
        let bytes = Self.head + Self.hostileSteps[step].1 + Self.attributes
        #expect(throws: SlotSyncError.self, "\(Self.hostileSteps[step].0)") { try Manifest(bytes) }
        #expect(throws: SlotSyncError.self, "\(Self.hostileSteps[step].0)") {
            try Manifest(bytes, against: Manifest(rootMode: 0o755))
        }
    }

    static let hostileEntries: [(String, [UInt8])] = [
        ("kind 3", [3, 0o44, 0]), ("an unknown bit", [8, 0o44, 0]),
        ("a hard link where there are none", [4, 0o44, 0, 0]),
        ("a mode of 13 bits", [0, 0x80, 0x40, 0]), ("a link with a mode", [2, 0o44, 1, 0x61]),
        ("a link without text", [2, 0xff, 0x03, 0]), ("a link text with NUL", [2, 0xff, 0x03, 2, 0x61, 0]),
        ("a size beyond any file", [0, 0o44] + [UInt8](repeating: 0xff, count: 9) + [1]),
    ]

    @Test("an entry that cannot be is refused", arguments: hostileEntries.indices) func hostileEntry(entry: Int) {
        let padding = [UInt8](repeating: 0, count: 40)
        let bytes = Self.head + [1, 1, 0x61] + Self.hostileEntries[entry].1
        for length in 0..<padding.count {
            #expect(throws: SlotSyncError.self, "\(Self.hostileEntries[entry].0)") {
                try Manifest(bytes + padding[..<length])
            }
        }
    }

    @Test("a hard link to a later, another or a different entry is refused")
    func hostileHardLinks() {
        let head = Array("SSM1".utf8) + [2, 0o75]
        func file(_ name: UInt8, link: UInt8, mode: UInt8 = 0o44, size: UInt8 = 0) -> [UInt8] {
            [1, 1, name, 4, mode, link, size] + [UInt8](repeating: 0, count: 16)
        }
        let end = [UInt8](repeating: 0, count: 7)
        #expect(throws: Never.self) { try Manifest(head + file(0x61, link: 0) + file(0x62, link: 2) + end) }
        for second in [
            file(0x62, link: 1), file(0x62, link: 3), file(0x62, link: 2, mode: 0o40), file(0x62, link: 2, size: 1),
        ] {
            #expect(throws: SlotSyncError.self) { try Manifest(head + file(0x61, link: 0) + second + end) }
        }
    }

    // MARK: Extended attributes

    /// A root with a file and a link, and what follows their list of attributes.
    private static func withAttributes(_ section: [UInt8]) -> [UInt8] {
        let head = Array("SSM1".utf8) + [4, 0o75]
        let link: [UInt8] = [1, 1, 0x62, 2, 0xff, 0x03, 1, 0x61]
        return head + file([0x61]) + link + [0] + section + attributes + attributes + attributes
    }

    private static func counted(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(counted: bytes)
        return writer.bytes
    }

    private static func attribute(_ name: String, _ value: [UInt8] = [1]) -> [UInt8] {
        counted(Array(name.utf8)) + counted(value)
    }

    @Test("attributes of a file and of the root are taken, so that the hostile ones fail for their own reason")
    func harmlessAttributes() throws {
        let bytes = Self.withAttributes(
            [2, 1, 1] + Self.attribute("user.a", []) + [1, 2] + Self.attribute("security.capability")
                + Self.attribute("user.a"))
        let manifest = try Manifest(bytes)
        #expect(manifest.extendedAttributes.all.map(\.entry) == [0, 1])
        #expect(manifest.extendedAttributes[1][ExtendedAttributes.capability] == [1])
        #expect(manifest.encoded() == bytes)
        let largest = [UInt8](repeating: 7, count: ExtendedAttributes.longestValue)
        #expect(throws: Never.self) {
            try Manifest(Self.withAttributes([1, 2, 1] + Self.attribute("user.a", largest)))
        }
    }

    static let hostileAttributes: [(String, [UInt8])] = [
        ("more entries than there are", [4]),
        ("an entry twice", [2, 1, 1] + attribute("user.a") + [0, 1] + attribute("user.a")),
        ("no entry", [1, 0, 1] + attribute("user.a")), ("an entry that is not there", [1, 4, 1] + attribute("user.a")),
        ("a link", [1, 3, 1] + attribute("user.a")), ("no attributes", [1, 1, 0]),
        ("another name", [1, 1, 1] + attribute("trusted.a")), ("no name", [1, 1, 1] + attribute("")),
        ("no name of users", [1, 1, 1] + attribute("user.")), ("NUL", [1, 1, 1] + attribute("user.a\0b")),
        ("a name that begins like one", [1, 1, 1] + attribute("security.capability2")),
        ("a long name", [1, 1, 1] + attribute("user." + String(repeating: "a", count: 251))),
        ("names out of order", [1, 1, 2] + attribute("user.b") + attribute("user.a")),
        ("a name twice", [1, 1, 2] + attribute("user.a") + attribute("user.a")),
        ("a long value", [1, 1, 1] + attribute("user.a", [UInt8](repeating: 0, count: 65_537))),
        ("a mode", [1, 1, 1] + attribute("system.posix_acl_access", [UInt8](repeating: 0, count: 28))),
        (
            "many names",
            [1, 1, 0x90, 0x02]
                + (0..<272).flatMap { attribute("user." + String($0 + 1000) + String(repeating: "a", count: 240)) }
        ),
    ]

    @Test("attributes that cannot be are refused", arguments: hostileAttributes.indices)
    func hostileAttribute(_ number: Int) {
        let (what, section) = Self.hostileAttributes[number]
        #expect(throws: SlotSyncError.self, "\(what)") { try Manifest(Self.withAttributes(section)) }
    }

    @Test("a hard link with other attributes is refused") func hostileLinkedAttributes() {
        let head = Array("SSM1".utf8) + [6, 0o75]
        func file(_ name: UInt8, link: UInt8) -> [UInt8] {
            [1, 1, name, 4, 0o44, link, 0] + [UInt8](repeating: 0, count: 16)
        }
        func bytes(_ section: [UInt8]) -> [UInt8] {
            head + file(0x61, link: 0) + file(0x62, link: 2) + [0] + section + [UInt8](repeating: 0, count: 6)
        }
        let (one, other) = (Self.attribute("user.a", [1]), Self.attribute("user.a", [2]))
        #expect(throws: Never.self) { try Manifest(bytes([2, 2, 1] + one + [1, 1] + one)) }
        #expect(throws: SlotSyncError.self) { try Manifest(bytes([2, 2, 1] + one + [1, 1] + other)) }
        #expect(throws: SlotSyncError.self) { try Manifest(bytes([1, 2, 1] + one)) }
    }

    @Test("more attributes than fit the memory of a host are refused") func manyAttributes() {
        var manifest = Manifest(rootMode: 0o755)
        manifest.hasExtendedAttributes = true
        manifest.beginChildren(of: 0)
        for number in 0..<10 as Range<UInt8> {
            manifest.append(Entry(kind: .file, mode: 0o644, parent: 0), name: [0x61 + number], linkText: [])
            manifest.entries[Int(number) + 1].digest = .empty
            let value = [UInt8](repeating: number, count: ExtendedAttributes.longestValue)
            let items = (0..<220).map { ExtendedAttributes.Item(name: Array("user.\($0)".utf8), value: value) }
            manifest.extendedAttributes.append(ExtendedAttributes(items), for: Int(number) + 1)
        }
        #expect(manifest.extendedAttributes.isTooLarge)
        let error = #expect(throws: SlotSyncError.self) { try Manifest(manifest.encoded()) }
        #expect(error?.message.contains("too many extended attributes") == true)
    }

    @Test("bytes that follow are noticed") func trailing() {
        #expect(throws: SlotSyncError.self) { try Manifest(example(1).encoded() + [0]) }
    }
}
