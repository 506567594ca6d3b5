// Entries by their paths: the same entries that are found by going down name by name, however long a path becomes.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Paths of entries")
struct EntryPathTests {
    /// `levels` folders with names of `length` bytes one in the other, a file and a link in each.
    private func deepTree(levels: Int, length: Int) throws -> (TemporaryFolder, Directory, Manifest) {
        let folder = try TemporaryFolder()
        let root = try Directory(path: folder.path(""))
        var directory = root
        for level in 0..<levels {
            let name = String(repeating: "d", count: length)
            try directory.makeDirectory(name, mode: 0o755)
            try directory.makeSymbolicLink("link", to: name)
            let file = try directory.openFile("file", O_WRONLY | O_CREAT, mode: 0o644)
            try file.closeAfter { try [UInt8](repeating: 1, count: level).withUnsafeBytes { try file.writeFully($0) } }
            directory = try directory.openDirectory(name)
        }
        let tree = try TreeWalk.walk(root, name: "deep", options: WalkOptions(parallelism: 1))
        return (folder, root, tree.manifest)
    }

    @Test("statuses and folders are found at any depth", arguments: [(6, 20), (40, 255), (900, 10)])
    func deep(levels: Int, length: Int) throws {
        let (folder, root, manifest) = try deepTree(levels: levels, length: length)
        defer { folder.remove() }
        #expect(manifest.count == 1 + 3 * levels)
        var statuses = TreeStatuses(root: root, manifest: manifest)
        let directories = OpenDirectories(root: root, manifest: manifest)
        for index in manifest.entries.indices.reversed() {
            let status = try statuses.status(of: index)
            #expect(status.modified == manifest.entries[index].modified)
            #expect(manifest.entries[index].kind != .file || status.size == manifest.entries[index].size)
            #expect((status.kind == .symbolicLink) == (manifest.entries[index].kind == .symbolicLink))
            if index > 0 { #expect(try directories.status(of: index) == status) }
        }
    }

    @Test("a path is as long as its names, and not made when it would not fit")
    func path() throws {
        var manifest = Manifest(rootMode: 0o755)
        for (parent, name) in ["a", "bc", "def"].enumerated() {
            manifest.beginChildren(of: parent)
            manifest.append(
                Entry(kind: .directory, mode: 0o755, parent: UInt32(parent)), name: Array(name.utf8), linkText: [])
        }
        var whole = EntryPath(below: "/top/")
        let isTopMade = whole.setDirectory(0, of: manifest)
        let top = whole.withDirectory { String(cString: $0) }
        #expect(isTopMade && top == "/top/")
        let isMade = whole.setDirectory(2, of: manifest)
        let child = whole.withPath(of: 3, in: manifest) { String(cString: $0) }
        #expect(isMade && child == "/top/a/bc/def")
        var path = EntryPath()
        /// The directory's path, and that of a child.
        func paths(_ directory: Int, _ child: Int) -> [String]? {
            guard path.setDirectory(directory, of: manifest) else { return nil }
            return [
                path.withDirectory { String(cString: $0) },
                path.withPath(of: child, in: manifest) { String(cString: $0) },
            ]
        }
        #expect(paths(0, 1) == [".", "a"])
        #expect(paths(2, 3) == ["a/bc/", "a/bc/def"])
        #expect(paths(0, 1) == [".", "a"])
        for parent in 3..<20 {
            manifest.beginChildren(of: parent)
            manifest.append(
                Entry(kind: .directory, mode: 0o755, parent: UInt32(parent)),
                name: [UInt8](repeating: 120, count: 255), linkText: [])
        }
        // 9 bytes, then 256 for each name; the last 256 belong to a child.
        #expect(paths(3 + 14, 3 + 15)?[1].utf8.count == 9 + 15 * 256 - 1)
        #expect(paths(3 + 15, 3 + 16) == nil)
        var far = EntryPath(below: String(repeating: "t", count: 250))
        let (fits, isTooLong) = (far.setDirectory(3 + 13, of: manifest), !far.setDirectory(3 + 14, of: manifest))
        #expect(fits && isTooLong)
    }

    @Test("a folder is not opened through a link")
    func noLinks() throws {
        let (folder, root, manifest) = try deepTree(levels: 4, length: 3)
        defer { folder.remove() }
        try root.rename("ddd", to: "moved")
        try root.makeSymbolicLink("ddd", to: "moved")
        for index in manifest.entries.indices where manifest.entries[index].kind == .directory && index > 0 {
            #expect(throws: Errno.self) {
                _ = try OpenDirectories(root: root, manifest: manifest).directory(UInt32(index))
            }
        }
    }
}
