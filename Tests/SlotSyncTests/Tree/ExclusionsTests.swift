import Testing

@testable import SlotSync

@Suite struct ExclusionsTests {
    /// Pattern, path (a slash at its end says directory), whether it is excluded.
    static let cases: [(String, String, Bool)] = [
        ("a", "a", true), ("a", "x/y/a", true), ("a", "ab", false), ("a", "a/", true),
        ("/a", "a", true), ("/a", "x/a", false), ("x/a", "x/a", true), ("x/a", "y/x/a", false),
        ("a/", "a/", true), ("a/", "a", false), ("a/", "x/a/", true), ("/a/", "x/a/", false),
        ("*.log", "x/y.log", true), ("*.log", ".log", true), ("*.log", "y.logs", false),
        ("x/*.log", "x/y.log", true), ("x/*.log", "x/y/z.log", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("x?y", "x/y", false),
        ("[a-c]1", "b1", true), ("[a-c]1", "d1", false), ("[!a]", "b", true), ("[!a]", "a", false), ("[^a]", "b", true),
        ("[[:digit:]_]", "7", true), ("[[:digit:]_]", "_", true), ("[[:digit:]_]", "a", false),
        ("[]a]", "]", true), ("[a-]", "-", true), ("[\\]]", "]", true), ("[[:]", ":", true),
        ("x[/]y", "x/y", false),
        ("**/a", "a", true), ("**/a", "x/y/a", true), ("x/**", "x/y/z", true), ("x/**", "x/", false),
        ("x/**/y", "x/y", true), ("x/**/y", "x/a/b/y", true), ("x/**/y", "x/ay", false),
        ("**", "x/y", true), ("/**", "x/y", true), ("x/***/y", "x/a/b/y", true),
        ("x**y/z", "xaay/z", true), ("x**y/z", "xa/ay/z", false),
        ("\\!a", "!a", true), ("\\#a", "#a", true), ("#a", "#a", true), ("\\*", "*", true), ("\\*", "a", false),
        ("x\\/y", "x/y", true), ("a\\ ", "a ", true),
        ("\\a", "a", true), ("!", "!", false),
    ]

    @Test(arguments: cases) func onePatternAgainstOnePath(pattern: String, path: String, expected: Bool) throws {
        var exclusions = Exclusions()
        guard pattern != "!" else {
            #expect(throws: SlotSyncError.self) { try exclusions.add(pattern: pattern) }
            return
        }
        try exclusions.add(pattern: pattern)
        let isDirectory = path.hasSuffix("/")
        let bytes = Array(path.utf8.dropLast(isDirectory ? 1 : 0))
        #expect(exclusions.excludes(path: bytes, isDirectory: isDirectory) == expected)
    }

    @Test func theLastMatchDecides() throws {
        var exclusions = Exclusions()
        for pattern in ["*.log", "!keep.log", "/top/keep.log"] { try exclusions.add(pattern: pattern) }
        #expect(exclusions.excludes(path: Array("x/a.log".utf8), isDirectory: false))
        #expect(!exclusions.excludes(path: Array("x/keep.log".utf8), isDirectory: false))
        #expect(exclusions.excludes(path: Array("top/keep.log".utf8), isDirectory: false))
    }

    @Test func namesAreBytes() throws {
        var exclusions = try Exclusions(fileContents: [0xff, 0x2a, 0x0a], name: "patterns")
        #expect(exclusions.excludes(path: [0xff, 0xfe], isDirectory: false))
        #expect(!exclusions.excludes(path: [0xfe, 0xff], isDirectory: false))
        exclusions = Exclusions()
        try exclusions.add(pattern: "?")
        #expect(exclusions.excludes(path: [0xff], isDirectory: false))
        #expect(!exclusions.excludes(path: Array("é".utf8), isDirectory: false))
    }

    @Test func readsAFileOfPatterns() throws {
        let file = "\u{FEFF}# comment\n\n*.log  \r\n\\#kept\nspace\\ \n!x.log\n/\n"
        let exclusions = try Exclusions(fileContents: Array(file.utf8), name: "patterns")
        func excludes(_ path: String) -> Bool { exclusions.excludes(path: Array(path.utf8), isDirectory: false) }
        #expect(excludes("a.log"))
        #expect(!excludes("x.log"))
        #expect(excludes("#kept"))
        #expect(excludes("space "))
        #expect(!excludes("space"))
        #expect(!excludes("# comment"))
    }

    @Test(arguments: [
        ("[a", "byte 1 is not closed"), ("x[!]", "byte 2 is not closed"), ("[[:nothing:]]", "no class [:nothing:]"),
        ("a\\", "lone backslash"), ("", "empty"), ("/", "empty"), ("!/", "empty"), ("a\u{0}b", "NUL"),
        ("[a/", "not closed"), ("[a\\", "not closed"),
        ("./.git", "write \"/.git\""), ("!./a/", "write \"!/a/\""), ("../v1/.git", "cannot lead out of the source"),
        ("a/../b", "write \"/b\""), ("..", "cannot lead out"), (".", "a path has no . in it"),
        ("a/./b", "write \"/a/b\""),
        ("a//b", "write \"/a/b\""), ("//a", "write \"/a\""), ("a//", "write \"/a/\""),
        ("a/**//b", "between two slashes"),
        ("\\./a", "a path has no . in it"), ("\n.git", "line end"), (".git\nbuild\n", "line end"),
        (".git\r", "carriage return"), (".git ", "write \".git\""), (" .git ", "write \".git\""),
        ("a/b\t", "white space"),
    ])
    func whatCouldNeverMatchIsAnError(pattern: String, part: String) throws {
        var exclusions = Exclusions()
        let error = try #require(throws: SlotSyncError.self) { try exclusions.add(pattern: pattern) }
        #expect(error.code == .badInput)
        #expect(error.message.contains(part), "\(error.message)")
        #expect(exclusions.isEmpty)
    }

    @Test func aFilesErrorNamesItsLine() throws {
        let error = try #require(throws: SlotSyncError.self) {
            try Exclusions(fileContents: Array("a\n\n[b\n".utf8), name: "deploy/excludes")
        }
        #expect(error.message.hasPrefix("deploy/excludes:3: "))
    }

    @Test func manyStarsCostNoMoreThanTheirProduct() throws {
        var exclusions = Exclusions()
        try exclusions.add(pattern: String(repeating: "*a", count: 100) + "*b")
        try exclusions.add(pattern: String(repeating: "**/a/", count: 100) + "b")
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 4000)
        let path = Array(Array(repeating: "a", count: 2000).joined(separator: "/").utf8)
        let duration = ContinuousClock().measure {
            #expect(!exclusions.excludes(path: name, isDirectory: false))
            #expect(!exclusions.excludes(path: path, isDirectory: false))
        }
        #expect(duration < .seconds(30))
    }

    @Test func anyBytesAreAPatternOrAnError() {
        var random = SeededGenerator(seed: 4)
        let bytes = Array("a/*?[]!^-:\\\n# \r[:alpha:]".utf8) + [0, 0xff]
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 0...9, using: &random)).map { _ in bytes.randomElement(using: &random)! }
            guard let exclusions = try? Exclusions(fileContents: pattern, name: "patterns") else { continue }
            _ = exclusions.excludes(path: Array("a/b/c".utf8), isDirectory: true)
            _ = exclusions.excludes(path: [], isDirectory: true)
        }
    }
}
