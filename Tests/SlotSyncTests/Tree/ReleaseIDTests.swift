import Testing

@testable import SlotSync

@Suite("Release ID") struct ReleaseIDTests {
    private static let file = Array("file".utf8)
    private static let link = Array("link".utf8)
    private static let folder = Array("folder".utf8)

    private static var tree: ModelTree {
        var tree = ModelTree(root: ModelTree.Node(kind: .directory, mode: 0o755))
        tree.root.children[file] = ModelTree.Node(kind: .file, mode: 0o644, size: 4)
        tree.root.children[link] = ModelTree.Node(kind: .symbolicLink, mode: 0o777, linkText: file)
        tree.root.children[folder] = ModelTree.Node(kind: .directory, mode: 0o755)
        return tree
    }

    static let changes: [(String, @Sendable (inout ModelTree) -> Void)] = [
        ("a file's mode", { $0.root.children[file]?.mode = 0o755 }),
        ("a file's setuid bit", { $0.root.children[file]?.mode |= 0o4000 }),
        ("a file's size", { $0.root.children[file]?.size = 5 }),
        ("a file's content", { $0.root.children[file]?.content = ContentDigest(high: 1, low: 1) }),
        ("a directory's mode", { $0.root.children[folder]?.mode = 0o700 }),
        ("the root's mode", { $0.root.mode = 0o700 }),
        ("a link's text", { $0.root.children[link]?.linkText = folder }),
        (
            "a name",
            { tree in
                let node = take(file, from: &tree)
                tree.root.children[Array("other".utf8)] = node
            }
        ),
        ("a kind", { $0.root.children[folder] = ModelTree.Node(kind: .file, mode: 0o755) }),
        ("an entry more", { $0.root.children[folder]?.children[file] = ModelTree.Node(kind: .file, mode: 0o644) }),
        ("an entry less", { $0.root.children[folder] = nil }),
        (
            "an entry moved",
            { tree in
                let node = take(file, from: &tree)
                tree.root.children[folder]?.children[file] = node
            }
        ),
    ]

    private static func take(_ name: [UInt8], from tree: inout ModelTree) -> ModelTree.Node? {
        tree.root.children.removeValue(forKey: name)
    }

    @Test("it depends on every part of the identity", arguments: changes.indices) func dependsOn(change: Int) {
        var tree = Self.tree
        Self.changes[change].1(&tree)
        #expect(tree.manifest.id != Self.tree.manifest.id, "\(Self.changes[change].0)")
    }

    @Test("it does not depend on times and holes") func ignores() {
        var tree = Self.tree
        tree.root.modified = Timestamp(seconds: 5, nanoseconds: 5)
        tree.root.children[Self.file]?.modified = Timestamp(seconds: -5, nanoseconds: 5)
        tree.root.children[Self.file]?.isSparse = true
        tree.root.children[Self.link]?.modified = Timestamp(seconds: 5, nanoseconds: 5)
        #expect(tree.manifest.id == Self.tree.manifest.id)
    }

    @Test("owners count where they were asked for") func owners() {
        var tree = Self.tree
        tree.root.children[Self.file]?.owner = 1000
        #expect(tree.manifest.id == Self.tree.manifest.id)
        tree.hasOwnership = true
        var other = Self.tree
        other.hasOwnership = true
        #expect(tree.manifest.id != other.manifest.id)
    }

    @Test("extended attributes count where they were asked for") func extendedAttributes() {
        func tree(_ attributes: [String: [UInt8]], asked: Bool) -> ModelTree {
            var tree = Self.tree
            tree.root.children[Self.folder]?.attributes = attributes
            tree.hasExtendedAttributes = asked
            return tree
        }
        #expect(tree(["user.a": [1]], asked: false).manifest.id == Self.tree.manifest.id)
        let others = [["user.a": [1]], ["user.a": [2]], ["user.b": [1]], [:]].map { tree($0, asked: true).manifest.id }
        #expect(Set(others + [Self.tree.manifest.id]).count == 5)
    }

    @Test("hard links count where they were asked for") func hardLinks() {
        func tree(linked: Bool, asked: Bool) -> ModelTree {
            var tree = Self.tree
            tree.root.children[Self.file]?.linkGroup = linked ? 1 : nil
            tree.root.children[Array("twin".utf8)] = tree.root.children[Self.file]
            tree.hasHardLinks = asked
            return tree
        }
        #expect(tree(linked: true, asked: false).manifest.id == tree(linked: false, asked: false).manifest.id)
        #expect(tree(linked: true, asked: true).manifest.id != tree(linked: false, asked: true).manifest.id)
    }
}
