// Which names are thought to be one file's.

import Testing

@testable import SlotSync

@Suite("Guessing renames")
struct RenameGuessTests {
    @Test(
        "hashes and versions are no part of a name's stem",
        arguments: [
            ("main.3f2a.js", "main.77bc01.js", true), ("app-9b1c2d3e.css", "app-00aa11bb.css", true),
            ("botocore-1.35.20.dist-info", "botocore-1.36.2.dist-info", true),
            ("lib_v1", "lib_v2", false), ("main.js", "main.3f2a.js", true), ("main.3f2a.js", "main.3f2a.css", false),
            ("feed.js", "face.js", false), ("chunk~12345678.js", "chunk~abcdef12.js", true), ("2", "10", true),
            ("jquery-3.7.1.min.js", "jquery-3.6.0.min.js", true), ("index.html", "about.html", false),
        ])
    func stems(a: String, b: String, areOne: Bool) {
        #expect((RenameGuess.stem(Array(a.utf8)[...]) == RenameGuess.stem(Array(b.utf8)[...])) == areOne)
    }

    private func manifest(_ files: [(path: String, size: UInt64)]) -> Manifest {
        var manifest = Manifest(rootMode: 0o755)
        let folders = Set(files.compactMap { $0.path.contains("/") ? String($0.path.prefix { $0 != "/" }) : nil })
        let roots =
            (folders.map { ($0, nil) } + files.filter { !$0.path.contains("/") }.map { ($0.path, $0.size) })
            as [(String, UInt64?)]
        manifest.beginChildren(of: 0)
        for (name, size) in roots.sorted(by: { $0.0 < $1.0 }) {
            var entry = Entry(kind: size == nil ? .directory : .file, mode: 0o644, parent: 0)
            entry.size = size ?? 0
            manifest.append(entry, name: Array(name.utf8), linkText: [])
        }
        for folder in manifest.children(of: 0) where manifest.entries[folder].kind == .directory {
            manifest.beginChildren(of: folder)
            let prefix = String(decoding: manifest.name(of: folder), as: UTF8.self) + "/"
            for file in files.sorted(by: { $0.path < $1.path }) where file.path.hasPrefix(prefix) {
                var entry = Entry(kind: .file, mode: 0o644, parent: UInt32(folder))
                entry.size = file.size
                manifest.append(entry, name: Array(file.path.utf8.dropFirst(prefix.utf8.count)), linkText: [])
            }
        }
        return manifest
    }

    private func guess(_ path: String, size: UInt64, live: [(path: String, size: UInt64)]) -> String? {
        let (live, target) = (manifest(live), manifest([(path, size)]))
        let guess = RenameGuess(live: live, twins: live.twins(in: target), target: target)
        let components = Array(path.utf8).split(separator: UInt8(ascii: "/"))
        return target.entry(at: components).flatMap { guess.basis(for: $0, of: target) }
            .map { String(decoding: live.path(of: $0), as: UTF8.self) }
    }

    @Test("a chunk's number tells it from other chunks; where none has it, any may be the basis")
    func numberedChunks() {
        let live: [(path: String, size: UInt64)] = [("118.0a1b2c3d.chunk.js", 100), ("2044.9f8e7d6c.chunk.js", 190)]
        #expect(guess("2044.4e5f6a7b.chunk.js", size: 100, live: live) == "2044.9f8e7d6c.chunk.js")
        #expect(guess("31.4e5f6a7b.chunk.js", size: 180, live: live) == "2044.9f8e7d6c.chunk.js")
    }

    @Test("the nearest folder wins, then the nearest size")
    func choice() {
        #expect(
            guess("js/main.77bc.js", size: 100, live: [("css/main.11aa.js", 100), ("js/main.22bb.js", 150)])
                == "js/main.22bb.js")
        #expect(
            guess("main.77bc.js", size: 100, live: [("main.11aa.js", 150), ("main.22bb.js", 110)]) == "main.22bb.js")
        #expect(
            guess(
                "a-1.2.dist-info/RECORD", size: 99,
                live: [("a-1.1.dist-info/RECORD", 90), ("b-1.1.dist-info/RECORD", 99)])
                == "a-1.1.dist-info/RECORD")
    }

    @Test("what is of another size, empty, or still there is no guess")
    func none() {
        #expect(guess("main.77bc.js", size: 1000, live: [("main.11aa.js", 200)]) == nil)
        #expect(guess("main.77bc.js", size: 1000, live: [("main.11aa.js", 0)]) == nil)
        #expect(guess("main.77bc.js", size: 1000, live: [("other.11aa.js", 1000)]) == nil)
        #expect(guess("main.77bc.js", size: 1000, live: [("main.77bc.js", 1000)]) == nil)
    }
}
