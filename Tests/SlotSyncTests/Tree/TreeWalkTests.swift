import Foundation
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Walk") struct TreeWalkTests {
    /// What find(1) says of a tree: path, kind, mode, size of files, link text, modification time.
    private static func found(_ path: FilePath) throws -> [[String]] {
        let find = Process()
        let output = Pipe()
        find.executableURL = URL(fileURLWithPath: "/usr/bin/find")
        find.arguments = [path.string, "-mindepth", "1", "-printf", "%P\\0%y\\0%m\\0%s\\0%l\\0%T@\\0"]
        find.environment = ["LC_ALL": "C"]
        find.standardOutput = output
        try find.run()
        let bytes = Array(output.fileHandleForReading.readDataToEndOfFile())
        find.waitUntilExit()
        var fields = bytes.split(separator: 0, omittingEmptySubsequences: false).map { "\(Array($0))" }[...]
        var rows: [[String]] = []
        while fields.count >= 6 {
            rows.append(Array(fields.prefix(6)))
            fields = fields.dropFirst(6)
        }
        return rows.sorted { $0[0] < $1[0] }
    }

    private func rows(_ tree: WalkedTree) -> [[String]] {
        let manifest = tree.manifest
        let rows = manifest.entries.indices.dropFirst().map { index -> [String] in
            let entry = manifest.entries[index]
            let isLink = entry.kind == .symbolicLink
            let kind = ["f", "d", "l"][Int(entry.kind.rawValue)]
            let size = entry.kind == .file ? entry.size : tree.statuses[index].size
            let nanoseconds = String(1_000_000_000 + Int(entry.modified.nanoseconds)).dropFirst()
            let time = "\(entry.modified.seconds).\(nanoseconds)0"
            let fields = [kind, String(entry.mode, radix: 8), "\(size)"].map { "\(Array($0.utf8))" }
            return ["\(manifest.path(of: index))"] + fields
                + ["\(isLink ? Array(manifest.linkText(of: index)) : [])", "\(Array(time.utf8))"]
        }
        return rows.sorted { $0[0] < $1[0] }
    }

    @Test("it finds what find finds", arguments: [1, 4]) func agreesWithFind(parallelism: Int) throws {
        let tree = try TemporaryTree()
        try tree.fill()
        try tree.file([0xff, 0x0a, 0x1b], [1])
        try tree.file("-rf/...", "x", mode: 0o4755)
        try tree.link(Array("link".utf8), to: [0xfe, 0x2f, 0x0a])
        #expect(try rows(tree.walk(parallelism: parallelism)) == Self.found(tree.path))
    }

    @Test("it finds what find finds among the system's headers", .enabled(if: access("/usr/include", R_OK) == 0))
    func agreesWithFindOnHeaders() throws {
        let walked = try TreeWalk.walk(
            Directory(path: "/usr/include"), name: "headers", options: WalkOptions(parallelism: 2))
        #expect(try rows(walked) == Self.found("/usr/include"))
    }

    @Test("one thread and four give the same", arguments: 0..<4) func parallelism(seed: UInt64) throws {
        let tree = try TemporaryTree()
        try tree.fill(seed: seed)
        let (one, four) = (try tree.walk(hardLinks: true), try tree.walk(hardLinks: true, parallelism: 4))
        #expect(one.manifest.contents == four.manifest.contents)
        #expect(one.manifest.id == four.manifest.id)
        #expect(one.statuses == four.statuses)
        #expect(one.manifest.count == one.statuses.count)
    }

    @Test("entries stand in level order, sorted by the bytes of their names") func order() throws {
        let tree = try TemporaryTree()
        for path in ["b/z", "b/a", "a/é", "a/e", "a/B", "B", "a.b", "a-b", "ab"] { try tree.file(path) }
        #expect(try tree.walk().paths == ["B", "a", "a-b", "a.b", "ab", "b", "a/B", "a/e", "a/é", "b/a", "b/z"])
    }

    @Test("what it made can be read back from its bytes") func isCanonical() throws {
        let tree = try TemporaryTree()
        try tree.fill()
        let manifest = try tree.walk().manifest
        #expect(try Manifest(manifest.encoded()).contents == manifest.contents)
    }

    @Test("an empty tree is a root alone") func empty() throws {
        let walked = try TemporaryTree().walk()
        #expect(walked.manifest.count == 1 && walked.statuses.count == 1)
        #expect(walked.manifest.entries[0].mode == 0o700)
    }

    @Test("FIFOs and sockets are named, not released") func specials() throws {
        let tree = try TemporaryTree()
        try tree.folder("a")
        try tree.fifo("a/pipe")
        try tree.file("a/file")
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: tree.path.appending("socket").string.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        try #require(bound == 0)
        let walked = try tree.walk()
        #expect(walked.paths == ["a", "a/file"])
        #expect(walked.specials.map { String(decoding: $0.path, as: UTF8.self) } == ["a/pipe", "socket"])
        #expect(walked.specials.map(\.kind) == ["FIFO", "socket"])
    }

    @Test("a path longer than PATH_MAX is nothing special", arguments: [1, 4]) func long(parallelism: Int) throws {
        let tree = try TemporaryTree()
        let component = [UInt8](repeating: 0x64, count: 250)
        let path = Array(repeatElement(component, count: 40).joined(separator: [UInt8(ascii: "/")]))
        try tree.file(path + Array("/file".utf8), [1, 2, 3])
        var walked = try tree.walk(parallelism: parallelism)
        #expect(walked.manifest.count == 42)
        try TreeHashing.hash(
            &walked, root: tree.root, name: "the tree", known: { _, _ in nil }, parallelism: parallelism)
        #expect(walked.manifest.entries[41].digest == ContentDigest(of: [1, 2, 3]))
        #expect(walked.manifest.path(of: 41).count == 40 * 251 + 4)
    }

    @Test("a tree deeper than a manifest may be is refused") func tooDeep() throws {
        let tree = try TemporaryTree()
        var folder = tree.root
        for _ in 0..<Manifest.deepestLevel - 1 {
            try folder.makeDirectory("d", mode: 0o755)
            folder = try folder.openDirectory("d")
        }
        #expect(try tree.walk().manifest.count == Manifest.deepestLevel)
        try folder.makeDirectory("d")
        let error = try #require(throws: SlotSyncError.self) { try tree.walk(parallelism: 2) }
        #expect(error.code == .badInput)
    }

    @Test("what is excluded is left out, and not entered") func exclusions() throws {
        let tree = try TemporaryTree()
        for path in ["a/b/c", "a/keep.log", "a/other.log", "node_modules/x/y", "top"] { try tree.file(path) }
        var exclusions = Exclusions()
        for pattern in ["*.log", "!keep.log", "node_modules/", "/a/b/c"] { try exclusions.add(pattern: pattern) }
        for parallelism in [1, 4] {
            let walked = try tree.walk(exclusions: exclusions, parallelism: parallelism)
            #expect(walked.paths == ["a", "top", "a/b", "a/keep.log"])
        }
    }

    @Test("owners are recorded where they were asked for") func ownership() throws {
        let tree = try TemporaryTree()
        try tree.file("file")
        if geteuid() == 0 { try tree.root.setOwner(of: "file", to: 1234, group: 5678) }
        let status = try tree.root.status(of: "file")
        let (without, with) = (try tree.walk(), try tree.walk(ownership: true))
        #expect(without.manifest.entries[1].owner == 0 && !without.manifest.hasOwnership)
        #expect(with.manifest.entries[1].owner == status.owner && with.manifest.entries[1].group == status.group)
        #expect(with.manifest.hasOwnership)
    }

    @Test("hard links point to the first of their group, where they were asked for") func hardLinks() throws {
        let outside = try TemporaryTree()
        let tree = try TemporaryTree()
        try tree.file("a/first", "x")
        try tree.hardLink("b/second", to: "a/first")
        try tree.hardLink("z", to: "a/first")
        try tree.file("alone", "y")
        try tree.hardLink("half", to: "alone")
        try tree.rename("half", to: "a/half")
        try tree.file("linked-elsewhere", "z")
        try outside.root.makeHardLink("other", to: "linked-elsewhere", in: tree.root)
        let walked = try tree.walk(hardLinks: true)
        let manifest = walked.manifest
        func leader(_ path: String) -> String? {
            manifest.entry(at: Array(path.utf8).split(separator: UInt8(ascii: "/")))
                .flatMap { manifest.linkLeader(of: $0) }.map { String(decoding: manifest.path(of: $0), as: UTF8.self) }
        }
        #expect(manifest.hasHardLinks)
        #expect(["z", "a/first", "b/second"].map(leader) == ["z", "z", "z"])
        #expect(["alone", "a/half"].map(leader) == ["alone", "alone"])
        #expect(leader("linked-elsewhere") == nil)
        #expect(try tree.walk().manifest.entries.allSatisfy { $0.kind != .file || $0.start == 0 })
        #expect(try Manifest(manifest.encoded()).contents == manifest.contents)
    }

    @Test("a directory that cannot be read is named", .enabled(if: geteuid() != 0)) func unreadable() throws {
        let tree = try TemporaryTree()
        try tree.folder("open/sh\nut", mode: 0o000)
        let error = try #require(throws: SlotSyncError.self) { try tree.walk(parallelism: 2) }
        #expect(error.errno == .permissionDenied)
        #expect(error.message.contains("\"open/sh\\nut\""), "\(error.message)")
    }

    @Test("a directory that changes while it is read is read whole, or refused by name") func changing() throws {
        let tree = try TemporaryTree()
        for number in 0..<2000 { try tree.file("busy/\(number)") }
        let writer = Disturbance { _ in
            try tree.file("busy/new")
            try tree.remove("busy/new")
        }
        for _ in 0..<20 {
            do {
                let walked = try tree.walk()
                #expect(walked.manifest.count == 2002 || walked.manifest.count == 2003)
            } catch let error as SlotSyncError {
                #expect(error.code == .sourceChanged && error.message.contains("\"busy\""))
            }
        }
        writer.stop()
    }
}
