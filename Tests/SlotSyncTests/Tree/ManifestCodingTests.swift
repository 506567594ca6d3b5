import Testing

@testable import SlotSync

@Suite("Manifest coding") struct ManifestCodingTests {
    @Test("any tree comes back as it was", arguments: 0..<200) func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let tree = ModelTree.random(
            ownership: seed % 2 == 0, hardLinks: seed % 3 == 0, extendedAttributes: seed % 5 < 2, using: &random)
        let manifest = tree.manifest
        let decoded = try Manifest(manifest.encoded())
        #expect(decoded.contents == manifest.contents)
        #expect(decoded.hasOwnership == manifest.hasOwnership && decoded.hasHardLinks == manifest.hasHardLinks)
        #expect(decoded.hasExtendedAttributes == manifest.hasExtendedAttributes)
        #expect(decoded.id == manifest.id)
        #expect(decoded.encoded() == manifest.encoded())
    }

    @Test("against a base a tree comes back as it was", arguments: 0..<300) func againstBase(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var base = ModelTree.random(
            ownership: seed % 2 == 0, hardLinks: seed % 3 == 0, extendedAttributes: seed % 11 < 5, using: &random)
        let target: ModelTree
        if seed % 4 == 0 {
            target = ModelTree.random(
                ownership: seed % 8 == 0, hardLinks: seed % 3 == 0, extendedAttributes: seed % 16 == 0, using: &random)
        } else {
            target = base.changed(using: &random)
        }
        if seed % 5 == 0 { base.hasHardLinks.toggle() }
        if seed % 7 == 0 { base.hasOwnership.toggle() }
        if seed % 13 == 0 { base.hasExtendedAttributes.toggle() }
        let (old, new) = (base.manifest, target.manifest)
        let decoded = try Manifest(new.encoded(against: old), against: old)
        #expect(decoded.contents == new.contents)
        #expect(decoded.id == new.id)
    }

    @Test("against itself a tree costs two bytes a directory and a few more") func identical() throws {
        var random = SeededGenerator(seed: 1)
        let manifest = ModelTree.random(using: &random).manifest
        let directories = manifest.entries.count { $0.kind == .directory }
        let encoded = manifest.encoded(against: manifest)
        #expect(encoded.count <= 16 + 2 * directories)
        #expect(try Manifest(encoded, against: manifest).contents == manifest.contents)
    }

    @Test("one changed file among thousands costs its own entry") func oneChange() throws {
        var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755))
        for number in 0..<5000 {
            var file = ModelTree.Node(kind: .file, mode: 0o644)
            file.content = ContentDigest(high: 1, low: UInt64(number))
            tree.root.children[Array("file-\(number)".utf8)] = file
        }
        let old = tree.manifest
        tree.root.children[Array("file-2500".utf8)]?.content = ContentDigest(high: 2, low: 2)
        let new = tree.manifest
        #expect(new.encoded(against: old).count < 80)
        #expect(try Manifest(new.encoded(against: old), against: old).id == new.id)
    }

    @Test("an attribute that changed alone comes through against a base") func attributeAlone() throws {
        var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755), hasExtendedAttributes: true)
        tree.root.children[[0x61]] = ModelTree.Node(kind: .file, mode: 0o644)
        tree.root.attributes = ["user.x": [1]]
        let old = tree.manifest
        tree.root.children[[0x61]]?.attributes = ["user.x": [1], "security.capability": [2]]
        let new = tree.manifest
        #expect(new.id != old.id)
        #expect(try Manifest(new.encoded(against: old), against: old).contents == new.contents)
        #expect(try Manifest(old.encoded(against: new), against: new).contents == old.contents)
    }

    @Test("an empty tree comes back") func empty() throws {
        let manifest = Manifest(rootMode: 0o755)
        #expect(try Manifest(manifest.encoded()).contents == manifest.contents)
        #expect(try Manifest(manifest.encoded(against: manifest), against: manifest).contents == manifest.contents)
    }

    @Test("a tree as deep as may be comes back") func deepest() throws {
        var manifest = Manifest(rootMode: 0o755)
        for level in 0..<Manifest.deepestLevel - 1 {
            manifest.beginChildren(of: level)
            manifest.append(Entry(kind: .directory, mode: 0o755, parent: UInt32(level)), name: [0x64], linkText: [])
        }
        manifest.beginChildren(of: manifest.count - 1)
        #expect(try Manifest(manifest.encoded()).count == Manifest.deepestLevel)
        let last = manifest.count - 1
        manifest.append(Entry(kind: .directory, mode: 0o755, parent: UInt32(last)), name: [0x64], linkText: [])
        manifest.beginChildren(of: manifest.count - 1)
        #expect(throws: SlotSyncError.self) { try Manifest(manifest.encoded()) }
    }

    @Test("entries are found by path") func lookUp() throws {
        var random = SeededGenerator(seed: 3)
        let manifest = ModelTree.random(using: &random).manifest
        for index in manifest.entries.indices {
            #expect(manifest.entry(at: manifest.components(of: index)) == index)
        }
        #expect(manifest.child(of: 0, named: Array("missing".utf8)[...]) == nil)
    }
}
