// git is the judge of its own language: the same patterns and a real tree are given to
// `git check-ignore`, and what it ignores has to be what the walk would leave out.

import Foundation
import Testing

@testable import SlotSync

@Suite(.enabled(if: GitTree.isInstalled, "git is not installed"))
struct ExclusionsAgainstGitTests {
    @Test(arguments: [
        "foo\nbar/\n/baz\n", "*.log\n!keep.log\n", "foo/*\n!foo/bar\n", "foo\n!foo/bar\n", "**/foo\nbar/**\n",
        "foo/**/bar\n", "**\n!*/\n!*.log\n", "/*\n!/foo\n/foo/*\n!/foo/bar\n", "[a-f]*\n", "[[:alpha:]]*\n![!b]*\n",
        "f?o\n*o\\o\n", "#foo\n\\#x\n\\!y\n", "foo   \nbar\\ \n", "*/bar\n", "foo\r\nbar\r\n", "/**/bar/\n",
        "**/**/bar\n", "**\\/bar\n", "/\n!\n", "foo//bar\n//foo\n", "\u{FEFF}foo\n", "fo[o/]bar\n", "*\n!bar\n",
        "\\foo\n",
        "foo[", "foo\\", "[[:nothing:]]", "[]", "[!]", "[]-a]*\n", "[a-]*\n", "[z-a]\n", "[b-\\f]*\n", "***\n",
        "b*/**/foo",
    ])
    func patternsThatPeopleWrite(patterns: String) throws {
        let names = ["foo", "bar", "baz", "keep.log", "a.log", "#foo", "#x", "!y", "bar ", "-", "]"]
        let tree = try GitTree(names: names.map { Array($0.utf8) }, depth: 3, seed: 1)
        try tree.compare(patterns: Array(patterns.utf8))
    }

    @Test(arguments: 1...6) func randomPatternsAndTrees(seed: UInt64) throws {
        let names: [[UInt8]] =
            [
                "a", "b", "ab", "ba", "aab", "a.b", "-", "a-b", "]", "[", "!a", "#a", "*", "\\", "é", "a b", "B", "7",
                "a ",
            ]
            .map { Array($0.utf8) } + [[0xff], [0x61, 0x80]]
        let tree = try GitTree(names: names, depth: 4, seed: seed)
        var random = SeededGenerator(seed: seed &* 1000)
        for _ in 0..<50 {
            var lines: [UInt8] = []
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                lines += randomPattern(&random) + [0x0a]
            }
            try tree.compare(patterns: lines)
        }
    }

    private func randomPattern(_ random: inout SeededGenerator) -> [UInt8] {
        let pieces: [String] = [
            "a", "b", "a", "b", "ab", ".b", "-", "é", "*", "*", "*", "?", "/", "/", "/", "**/", "/**", "/**/", "**",
            "[a-c]",
            "[!a]", "[^b]", "[[:alpha:]]", "[![:punct:]]", "[]a]", "[a-]", "[!-b]", "[\\]a]", "[[:digit:]a]",
            "[[:upper:]]",
            "\\a", "\\*", "\\[", "\\\\", "\\/", " ", "\\ ", "!", "#", "[/a]", "[", "]", "B", "7", "[[:a]", "[[.a]",
            "[+--]",
        ]
        var pattern: [UInt8] = []
        if Int.random(in: 0..<4, using: &random) == 0 { pattern.append(UInt8(ascii: "!")) }
        if Int.random(in: 0..<4, using: &random) == 0 { pattern.append(UInt8(ascii: "/")) }
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            if Int.random(in: 0..<20, using: &random) == 0 { pattern.append(0xff) }
            pattern += Array(pieces.randomElement(using: &random)!.utf8)
        }
        if Int.random(in: 0..<4, using: &random) == 0 { pattern.append(UInt8(ascii: "/")) }
        return pattern
    }
}

/// A tree of files and directories in a repository of its own.
private final class GitTree {
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/git")

    private let root: String
    /// Relative paths; directories before what is in them.
    private var entries: [(path: [UInt8], isDirectory: Bool)] = []

    init(names: [[UInt8]], depth: Int, seed: UInt64) throws {
        root = FileManager.default.temporaryDirectory.path + "/exclusions-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        _ = try git(["init", "-q", "."])
        var random = SeededGenerator(seed: seed)
        try fill([], names: names, depth: depth, random: &random)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func fill(
        _ directory: [UInt8], names: [[UInt8]], depth: Int, random: inout SeededGenerator
    ) throws {
        let isTop = directory.isEmpty
        for name in names where isTop || Int.random(in: 0..<4, using: &random) == 0 {
            let path = directory + (isTop ? [] : [UInt8(ascii: "/")]) + name
            let isDirectory = depth > 1 && Int.random(in: 0..<2, using: &random) == 0
            let full = Array(root.utf8) + [UInt8(ascii: "/")] + path + [0]
            let status = full.withUnsafeBytes { bytes in
                let pointer = bytes.bindMemory(to: CChar.self).baseAddress!
                return isDirectory ? mkdir(pointer, 0o755) : close(open(pointer, O_WRONLY | O_CREAT, 0o644))
            }
            try #require(status == 0)
            entries.append((path, isDirectory))
            if isDirectory { try fill(path, names: names, depth: depth - 1, random: &random) }
        }
    }

    /// Holds what the walk would leave out against what git ignores. Lines that are errors to
    /// Exclusions must match nothing in git.
    func compare(patterns: [UInt8]) throws {
        var accepted: [UInt8] = []
        var exclusions = Exclusions()
        let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
        for line in patterns.split(separator: 0x0a) {
            // The one known difference, see docs/exclusions.md: git takes ** behind a literal name for **/.
            let text = String(decoding: line, as: UTF8.self)
            if text.contains(/[^\/*!]\*\*+(\/|\\\/|$)/) && text.contains("/") { continue }
            let isFirst = accepted.isEmpty
            let whole = (isFirst || !line.starts(with: byteOrderMark) ? line : line.dropFirst(3)) + [0x0a]
            if let one = try? Exclusions(fileContents: Array(whole), name: "line") {
                exclusions.add(one)
                accepted += whole
            } else {
                #expect(try ignoredByGit(Array(whole)).isEmpty, "\(text)")
            }
        }
        let byGit = try ignoredByGit(accepted)
        var excluded: Set<[UInt8]> = []
        for (path, isDirectory) in entries {
            let parent = path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) }
            let isOut = parent.map(excluded.contains) ?? false
            if isOut || exclusions.excludes(path: path, isDirectory: isDirectory) { excluded.insert(path) }
        }
        func shown(_ paths: Set<[UInt8]>) -> [String] { paths.map { String(decoding: $0, as: UTF8.self) }.sorted() }
        let lines = String(decoding: accepted, as: UTF8.self)
        #expect(
            excluded == byGit,
            "\(lines) only ours: \(shown(excluded.subtracting(byGit))), only git: \(shown(byGit.subtracting(excluded)))"
        )
    }

    private func ignoredByGit(_ patterns: [UInt8]) throws -> Set<[UInt8]> {
        try Data(patterns).write(to: URL(fileURLWithPath: root + "/.git/info/exclude"))
        let input = Array(entries.map(\.path).joined(separator: [0])) + [0]
        let output = try git(["check-ignore", "--no-index", "--stdin", "-z"], input: input)
        return Set(output.split(separator: 0).map { Array($0) })
    }

    private func git(_ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
        // Files, not pipes: git starts to answer before it has read everything.
        let inputFile = root + ".in"
        let outputFile = root + ".out"
        defer { for file in [inputFile, outputFile] { try? FileManager.default.removeItem(atPath: file) } }
        try Data(input).write(to: URL(fileURLWithPath: inputFile))
        try Data().write(to: URL(fileURLWithPath: outputFile))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/git")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: root)
        process.environment = [
            "PATH": "/usr/bin:/bin", "HOME": root, "GIT_CONFIG_NOSYSTEM": "1",
        ]
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputFile))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputFile))
        try process.run()
        process.waitUntilExit()
        // check-ignore ends with 1 when it ignores nothing.
        try #require(process.terminationStatus <= 1)
        return Array(try Data(contentsOf: URL(fileURLWithPath: outputFile)))
    }
}
