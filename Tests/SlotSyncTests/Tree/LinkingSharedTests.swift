// Paths that outlive releases become links into `shared`, whatever the source has there.

import Testing

@testable import SlotSync

@Suite("Linking shared paths")
struct LinkingSharedTests {
    /// A manifest of the entries `path` (a folder ends in "/"), files with content of their own.
    private func manifest(_ paths: [String], links: [[String]] = []) throws -> Manifest {
        var model = ReleaseModel()
        let time = Timestamp(seconds: 1, nanoseconds: 2)
        model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
        for path in paths {
            let components = path.split(separator: "/")
            for depth in 1..<max(components.count, 1) {
                let folder = components.prefix(depth).joined(separator: "/")
                model.nodes[folder] = .init(kind: .directory, mode: 0o750, modified: time)
            }
            let name = components.joined(separator: "/")
            model.nodes[name] = .init(
                kind: path.hasSuffix("/") ? .directory : .file(Array(name.utf8)), mode: 0o750, modified: time)
        }
        for group in links { for path in group { model.nodes[path] = model.nodes[group[0]] } }
        model.linkGroups = Set(links)
        return try FillBench(slotCount: 2).source(model, hardLinks: !links.isEmpty).manifest
    }

    /// Each entry but the root: its path, and a link's text or a folder's "/".
    private func shape(_ manifest: Manifest) throws -> [String] {
        // What hosts get is read from bytes, which holds the order and the numbers to what they must be.
        var reader = ByteReader(manifest.encoded(), name: "manifest")
        let manifest = try Manifest(from: &reader)
        return manifest.entries.indices.dropFirst().map { index in
            let path = String(decoding: manifest.path(of: index), as: UTF8.self)
            switch manifest.entries[index].kind {
            case .directory: return path + "/"
            case .file: return path
            case .symbolicLink: return "\(path) -> \(String(decoding: manifest.linkText(of: index), as: UTF8.self))"
            }
        }
    }

    private func linked(_ paths: [String], _ shared: [String]) throws -> [String] {
        let manifest = try manifest(paths)
        let (result, origins) = manifest.linkingShared(try SharedPaths.parse(shared))
        #expect(origins.count == result.count)
        for index in result.entries.indices where origins[index] >= 0 {
            #expect(result.path(of: index) == manifest.path(of: Int(origins[index])))
            #expect(result.entries[index].digest == manifest.entries[Int(origins[index])].digest)
        }
        return try shape(result)
    }

    @Test("at the root, in place of nothing, a file or a folder")
    func root() throws {
        #expect(try linked(["a"], ["uploads"]) == ["a", "uploads -> ../../shared/uploads"])
        #expect(try linked(["a", "uploads"], ["uploads"]) == ["a", "uploads -> ../../shared/uploads"])
        #expect(try linked(["uploads/x/y", "z"], ["uploads"]) == ["uploads -> ../../shared/uploads", "z"])
    }

    @Test("nested: through folders that are there, are made, or stand in place of a file")
    func nested() throws {
        let link = "var/log -> ../../../shared/var/log"
        #expect(try linked(["var/run"], ["var/log"]) == ["var/", link, "var/run"])
        #expect(try linked(["a"], ["var/log"]) == ["a", "var/", link])
        #expect(try linked(["var"], ["var/log"]) == ["var/", link])
        #expect(
            try linked(["a/b/c/d", "a/b/x"], ["a/b/c"]) == ["a/", "a/b/", "a/b/c -> ../../../../shared/a/b/c", "a/b/x"])
    }

    @Test("several at once, with a folder in common")
    func several() throws {
        #expect(
            try linked(["v/a/1", "v/b"], ["v/c", "v/a", "w"]) == [
                "v/", "w -> ../../shared/w", "v/a -> ../../../shared/v/a", "v/b", "v/c -> ../../../shared/v/c",
            ])
    }

    @Test("a group of hard links whose first member goes into a shared path is led by the next")
    func hardLinks() throws {
        let manifest = try manifest(["a/1", "b/1", "c/1", "d"], links: [["a/1", "b/1", "c/1"]])
        let result = manifest.linkingShared(try SharedPaths.parse(["a"])).manifest
        #expect(try shape(result) == ["a -> ../../shared/a", "b/", "c/", "d", "b/1", "c/1"])
        let leaders = result.entries.indices.compactMap { result.linkLeader(of: $0) }
        #expect(leaders == [5, 5])
    }

    @Test(
        "what is no relative path of plain names, or lies in another one, is refused",
        arguments: [
            [""], ["/a"], ["a/../b"], ["."], ["a/.."], ["a", "a"], ["a", "a/b"], ["a/b", "a"],
            [String(repeating: "x", count: 256)], [String(repeating: "a/", count: 1100)],
        ])
    func refused(paths: [String]) {
        #expect(errorCode { _ = try SharedPaths.parse(paths) } == .badInput)
    }

    @Test("the longest path that is taken makes a link that can be made")
    func longest() throws {
        let path = Array(repeating: "a", count: 800).joined(separator: "/")
        #expect(try linked([], [path]).last?.hasSuffix("shared/" + path) == true)
    }
}
