// What a release carries of extended attributes, read from real files, and what becomes of it on the way to a manifest.

import Synchronization
import SystemPackage
import Testing

@testable import SlotSync

/// Whether temporary folders keep attributes of users.
private func areKept() -> Bool {
    guard let tree = try? TemporaryTree() else { return false }
    return (try? tree.set("user.try", [1], of: "")) != nil
}

@Suite("Extended attributes", .enabled("attributes of users are not kept here") { areKept() })
struct ExtendedAttributesTests {
    private func scan(_ tree: TemporaryTree, onProgress: @escaping @Sendable () throws -> Void = {}) throws -> Manifest
    {
        try SourceScan.scan(
            path: tree.path, options: WalkOptions(extendedAttributes: true, parallelism: 2), cache: nil,
            onProgress: { _, _ in try? onProgress() }
        ).manifest
    }

    private func text(_ manifest: Manifest) -> [String] {
        manifest.extendedAttributes.all.flatMap { entry, attributes in
            attributes.items.map {
                "\(String(decoding: manifest.path(of: entry) + [0x20] + $0.name, as: UTF8.self)) \($0.value)"
            }
        }
    }

    @Test("they are read of the root, of folders and of files, and of nothing without the option")
    func read() throws {
        let tree = try TemporaryTree()
        try tree.fill()
        try tree.file("a", "x")
        try tree.folder("b/c")
        try tree.link("link", to: "a")
        try tree.set("user.root", [], of: "")
        try tree.set("user.two", [2], of: "a")
        try tree.set("user.one", [1], of: "a")
        try tree.set("user.deep", [UInt8](repeating: 3, count: 200), of: "b/c")
        let manifest = try scan(tree)
        #expect(
            text(manifest) == [
                " user.root []", "a user.one [1]", "a user.two [2]",
                "b/c user.deep \([UInt8](repeating: 3, count: 200))",
            ])
        let plain = try SourceScan.scan(path: tree.path, options: WalkOptions(parallelism: 1), cache: nil).manifest
        #expect(!plain.hasExtendedAttributes && plain.extendedAttributes.isEmpty && plain.id != manifest.id)
    }

    @Test("what changes after the walk sends the scan back to its beginning") func changing() throws {
        let tree = try TemporaryTree()
        try tree.file("a", "first")
        try tree.file("b", "first")
        let isDone = Mutex(false)
        // Files are hashed after the walk and before attributes are read.
        let manifest = try scan(tree) {
            let isFirst = isDone.withLock { done in
                defer { done = true }
                return !done
            }
            guard isFirst else { return }
            try tree.set("user.late", [1], of: "a")
            try tree.file("c", "late")
        }
        #expect(text(manifest) == ["a user.late [1]"])
        #expect(manifest.entry(at: [Array("c".utf8)[...]]) != nil)
    }

    @Test("they follow their entries where links to shared paths come between, and into what is seeded") func shared()
        throws
    {
        let tree = try TemporaryTree()
        for path in ["a/x", "b/up/x", "c/y", "d"] { try tree.file(path, path) }
        for path in ["", "a/x", "b", "b/up", "b/up/x", "c/y", "d"] {
            try tree.set("user.path", Array(path.utf8), of: path)
        }
        let manifest = try scan(tree)
        let paths = try SharedPaths.parse(["b/up", "a0", "c/z"])
        func check(_ manifest: Manifest, _ expected: [String]) throws {
            var reader = ByteReader(manifest.encoded(), name: "manifest")
            let read = try Manifest(from: &reader)
            #expect(read.hasExtendedAttributes)
            #expect(
                read.extendedAttributes.all.map { String(decoding: read.path(of: $0.entry), as: UTF8.self) } == expected
            )
            for (entry, attributes) in read.extendedAttributes.all {
                #expect(attributes[Array("user.path".utf8)] == read.path(of: entry))
            }
        }
        try check(manifest.linkingShared(paths).manifest, ["", "b", "d", "a/x", "c/y"])
        try check(manifest.seeds(at: paths), ["", "b", "b/up", "b/up/x"])
    }

    @Test("a label counts where the release has one alone") func labels() {
        func attributes(_ names: String...) -> ExtendedAttributes {
            ExtendedAttributes(names.map { .init(name: Array($0.utf8), value: [1]) })
        }
        #expect(attributes("user.a").isMet(by: attributes("security.selinux", "user.a")))
        #expect(!attributes("user.a").isMet(by: attributes("user.a", "user.b")))
        #expect(!attributes("user.a").isMet(by: attributes("security.selinux")))
        #expect(!attributes("security.selinux", "user.a").isMet(by: attributes("user.a")))
        #expect(attributes().isMet(by: attributes("security.selinux")))
        #expect(attributes("trusted.a", "security.ima", "user.", "system.nfs4_acl").isEmpty)
    }
}

extension TemporaryTree {
    func set(_ name: String, _ value: [UInt8], of path: String) throws {
        let file = try FileDescriptor.open(self.path.appending(path), .readOnly)
        try file.closeAfter { try file.setAttribute(Array(name.utf8), to: value) }
    }
}
