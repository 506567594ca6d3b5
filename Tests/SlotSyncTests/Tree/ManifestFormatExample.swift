// The bytes of one small manifest, as docs/protocol.md describes them. If this test fails, the format has changed:
// raise its version, or hosts and controllers of two releases will not understand each other.

import Testing

@testable import SlotSync

@Suite("Manifest format") struct ManifestFormatExample {
    private static func tree() -> ModelTree {
        var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755))
        tree.root.modified = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        var folder = ModelTree.Node(kind: .directory, mode: 0o2775)
        folder.children[Array("index".utf8)] = ModelTree.Node(
            kind: .file, mode: 0o644, modified: Timestamp(seconds: -1, nanoseconds: 999_999_999),
            content: ContentDigest(of: Array("hello".utf8)), size: 5, isSparse: true)
        tree.root.children[Array("app".utf8)] = folder
        tree.root.children[Array("live".utf8)] = ModelTree.Node(
            kind: .symbolicLink, mode: 0o777, linkText: Array("app".utf8))
        return tree
    }

    private func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    @Test("its bytes stay as they are") func golden() {
        let identity =
            "53534d3100ed03" + "010361707001fd0b" + "01046c69766502ff0303617070" + "00"
            + "0105696e64657800a40305b5e9c1ad071b3e7fc779cfaa5e523818" + "00"
        let attributes = "80c49fd50c0a" + "ffc39fd50c00" + "0000" + "01ffa7d6b907"
        #expect(hex(Self.tree().manifest.encoded()) == identity + attributes)
    }

    @Test("its bytes with extended attributes stay as they are") func goldenAttributes() {
        var tree = Self.tree()
        tree.hasExtendedAttributes = true
        tree.root.children[Array("app".utf8)]?.attributes = ["user.a": [1, 2]]
        let identity =
            "53534d3104ed03" + "010361707001fd0b" + "01046c69766502ff0303617070" + "00"
            + "0105696e64657800a40305b5e9c1ad071b3e7fc779cfaa5e523818" + "00" + "01" + "0201" + "06757365722e61"
            + "020102"
        let attributes = "80c49fd50c0a" + "ffc39fd50c00" + "0000" + "01ffa7d6b907"
        #expect(hex(tree.manifest.encoded()) == identity + attributes)
        #expect(
            hex(tree.manifest.encoded(against: tree.manifest)) == "53534d3104ed03" + "0a000600" + "01" + "0201"
                + "06757365722e61" + "020102" + "04")
    }

    @Test("its bytes against a base stay as they are") func goldenAgainstBase() {
        let base = Self.tree().manifest
        var tree = Self.tree()
        tree.root.children[Array("live".utf8)]?.linkText = Array("application".utf8)
        let identity =
            "53534d3100ed03" + "06" + "07" + "01046c69766502ff030b6170706c69636174696f6e" + "00" + "06" + "00"
        let attributes = "02" + "0000" + "01"
        #expect(hex(tree.manifest.encoded(against: base)) == identity + attributes)
    }

    @Test("its release ID stays as it is") func goldenID() {
        #expect(Self.tree().manifest.id.description == "4c5cb0594a40d42d03a631573050d9d3")
    }
}
