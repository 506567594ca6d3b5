// Text that people write: exclusions, numbers, times, sizes, words of a command, changes of modes, paths of logs, and the
// agent's command line.

import Glibc

@testable import SlotSync
@testable import slotsync_agent

let textTargets = [
    FuzzTarget(
        name: "exclusions", words: ["**/", "/**", "!", "[[:alpha:]]", "[!a-z]", "\\", "#", "*", "?", "[]a]"]
    ) {
        ["*.log\n!keep.log\n/build/**\n**/node_modules/\n# none\n\\#one\n[[:alpha:]_]?[!a-f]\n", "a/**/b\\ \n"]
            .map { [4] + Array("a/b/c.log".utf8) + [0] + Array($0.utf8) }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let isDirectory = input.byte() & 1 != 0
        let path = Array(input.rest.prefix { $0 != 0 })
        _ = input.take(path.count + 1)
        let text = input.all()
        let exclusions = accepted { () throws(SlotSyncError) in try Exclusions(fileContents: text, name: ".gitignore") }
        guard let exclusions, isPath(path) else { return exclusions != nil }
        let isOut = exclusions.excludes(path: path, isDirectory: isDirectory)
        demand(isOut == exclusions.excludes(path: path, isDirectory: isDirectory), "an answer changes")
        check(exclusions, path, isDirectory: isDirectory, isOut)
        return true
    },
    FuzzTarget(name: "glob", longest: 300, words: ["*", "?"]) {
        [Array("a*b?c".utf8) + [0] + Array("axxbyc".utf8), Array("*.log".utf8) + [0] + Array("x.log".utf8)]
    } run: { bytes in
        let pattern = Array(bytes.prefix { $0 != 0 })
        let name = Array(bytes.dropFirst(pattern.count + 1))
        // The C library's fnmatch knows the same language, but for brackets and backslashes.
        guard !pattern.contains(where: { "/\\[!# \t\r\n".utf8.contains($0) }), !name.isEmpty, !name.contains(0),
            !name.contains(UInt8(ascii: "/")), (pattern + name).allSatisfy({ $0 < 0x80 }),
            let parsed = accepted({ () throws(SlotSyncError) in try ExclusionParser.parse(pattern) })
        else { return false }
        func text(_ bytes: [UInt8]) -> [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
        let isMatch = parsed.matches(name.span, nameAt: 0, isDirectory: false)
        demand(isMatch == (fnmatch(text(pattern), text(name), 0) == 0), "fnmatch says otherwise: \(pattern) \(name)")
        return true
    },
    FuzzTarget(
        name: "numbers", longest: 100, words: ["ms", "%", "kB", "e308", "0.", "u=rwX,go=rX", "D755,F644", "1e-5"]
    ) {
        ["2.675", "10%", "500ms", "1h", "2G", "300MB", "u=rwX,go=rX,Dg+s", "D755,F644", "123456789012345678"].map {
            Array($0.utf8)
        }
    } run: { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let number = DecimalNumber(reading: text) {
            demand(number.value.isFinite && number.value >= 0, "\(text) is \(number.value)")
            demand(DecimalNumber(reading: number.description)?.value == number.value, "\(text) reads as another number")
            demand(Double(text) == number.value, "\(text) is another number for the C library: \(number.value)")
            write(number.value)
        }
        for seconds in [TimeText.seconds(in: text)].compactMap(\.self) {
            demand(seconds >= 0, "a time of \(seconds) s")
            _ = (TimeText.exact(seconds), TimeText.rounded(seconds), TimeText.offset(-seconds))
        }
        if let size = UInt64(byteCount: text) { _ = byteText(size) }
        if let share = NumberText.share(in: text) { demand(share >= 0, "a share of \(share)") }
        if let portion = HostPortion(text) {
            demand(
                0...HostList.mostHosts ~= portion.hosts(of: 1000),
                "\(text) of 1000 hosts are \(portion.hosts(of: 1000))")
            _ = portion.description
        }
        var modes = ModeChanges()
        if (try? modes.add(text)) != nil {
            for mode: UInt16 in [0, 0o644, 0o7777] {
                for isDirectory in [true, false] {
                    demand(modes.applied(to: mode, isDirectory: isDirectory) <= 0o7777, "more than a mode's bits")
                }
            }
        }
        return true
    },
    FuzzTarget(name: "double", longest: 16) {
        [1.0, 0.1, 5e-324, 1.7e308, -2.5].map { value in
            withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) }
        }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let (one, other) = (Double(bitPattern: input.number()), Double(bitPattern: input.number()))
        for value in [one, other, one * other, one - other] { write(value) }
        return true
    },
    FuzzTarget(
        name: "words", longest: 1000,
        words: ["'", "\"", "''", "\\", "{host}", "{root}", "{release}", "%Y-%m-%d", "/var/log/*.log"]
    ) {
        ["ssh -p 22 -o 'A B'", "/var/log/app-*.log", "a \"b\"\"c\" 'd''e'"].map { Array($0.utf8) }
    } run: { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        demand(!quoted(text).utf8.contains { $0 < 0x20 || $0 == 0x7f }, "a quoted text commands the terminal")
        demand(cut(text, atMost: 40).utf8.count <= 40, "a text is not cut")
        demand(cut(cut(text, atMost: 40), atMost: 40) == cut(text, atMost: 40), "a text that is cut is cut again")
        _ = (LogPath.problem(text), RotatedNames.isRotated(text, from: "error.log"), ReleaseName.isUsable(name: text))
        _ = (HostList.fold(text.split(separator: " ").map(String.init)), ShellWords.quoted(text))
        guard let words = accepted({ () throws(SlotSyncError) in try ShellWords.split(text) }) else { return false }
        let again = try? ShellWords.split(ShellWords.joined(words))
        demand(again == words, "words are taken apart into others: \(words), \(again ?? [])")
        return true
    },
    FuzzTarget(
        name: "agent-arguments", longest: 300,
        words: ["--root", "--root=", "--policy", "--verify-key", "agent", "--version", "--help", "-h", "\0"]
    ) {
        ["agent\0--root\0/srv/www", "--root=/srv/www", "--version", "--help"].map { Array($0.utf8) }
    } run: { bytes in
        let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        switch AgentArguments(words) {
        case .serve(let root, let policy, let key):
            for path in [root, policy ?? root, key ?? root] {
                demand(words.contains { $0.hasSuffix(path) } && !path.isEmpty, "a path that nobody named")
            }
        case .version, .help: demand(words.count <= 2, "more words than are read")
        case .wrong(let why): demand(!why.isEmpty, "no reason")
        }
        return true
    },
]

/// Whether a walk could ask about it.
private func isPath(_ path: [UInt8]) -> Bool {
    !path.isEmpty
        && path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
}

/// The last pattern that matches decides, also where each is asked alone.
private func check(_ exclusions: Exclusions, _ path: [UInt8], isDirectory: Bool, _ isOut: Bool) {
    let name = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    let last = exclusions.patterns.last { $0.matches(path.span, nameAt: name, isDirectory: isDirectory) }
    demand(isOut == (last.map { !$0.isNegated } ?? false), "another pattern than the last one decides")
}

/// All ways in which a number is shown.
private func write(_ value: Double) {
    _ = (NumberText.fixed(value, places: 2), NumberText.shortest(value, digits: 3), NumberText.level(value))
    _ = (NumberText.exponential(value, digits: 2), NumberText.probability(value), NumberText.odds(value))
    _ = (NumberText.change(value), NumberText.factor(value), NumberText.percent(value))
    _ = (TimeText.exact(value), TimeText.rounded(value), TimeText.offset(value))
    if let number = DecimalNumber(value) { demand(number.value == value, "\(value) is written as \(number)") }
}
