import Glibc
import Subprocess
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Words for shells, and words from people")
struct ShellWordsTests {
    private static let awkward = [
        "", "plain", "/srv/www", "two words", "it's", "'", "''", #"back\slash"#, #"\"#, "wow!", "$HOME", "`id`", "a\"b",
        "{x,y}", "*", "~", "#", "a;b", "a\nb", "(", "&", "é漢", "-n", "%", "a=b", #"\'!"#,
        "\u{61A}", "'\u{301}", "\u{301}'",
    ]

    @Test("a quoted word reaches a program as it was", arguments: awkward)
    func sh(word: String) async throws {
        #expect(try await output(of: "/bin/sh", ShellWords.quoted(word)) == word)
    }

    @Test("bash and other login shells agree", arguments: ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish", "/bin/csh"])
    func otherShells(shell: String) async throws {
        // csh has no way to write a line end that sh would read as one.
        for word in Self.awkward where access(shell, X_OK) == 0 && !word.contains("\n") {
            #expect(try await output(of: shell, ShellWords.quoted(word)) == word)
        }
    }

    @Test(
        "a command is split as rsync splits its -e",
        arguments: [
            ("ssh", ["ssh"]), ("  ssh  -p 22\t-4 ", ["ssh", "-p", "22", "-4"]),
            ("ssh -o 'A b' x", ["ssh", "-o", "A b", "x"]), (#"ssh -o"A 'b'"x"#, ["ssh", "-oA 'b'x"]),
            ("sh 'it''s' ''", ["sh", "it's", ""]), (#"a\ b"#, [#"a\"#, "b"]),
        ])
    func split(command: String, words: [String]) throws {
        #expect(try ShellWords.split(command, option: "--rsh") == words)
    }

    @Test("words that are joined are split into the same words", arguments: awkward)
    func joined(word: String) throws {
        let words = ["ssh", word, "x"]
        #expect(try ShellWords.split(ShellWords.joined(words)) == words)
    }

    @Test(
        "a command without a program, or with an open quote, is refused", arguments: ["", "  ", "''", "ssh 'a", "\"x"])
    func unusable(command: String) {
        let error = #expect(throws: SlotSyncError.self) { try ShellWords.split(command, option: "--rsh") }
        #expect(error?.code == .badInput && error?.message.contains("--rsh") == true)
    }
}

/// What `printf` prints when a shell hands it `word`.
private func output(of shell: String, _ word: String) async throws -> String? {
    try await run(
        .path(FilePath(shell)), arguments: ["-c", "printf %s \(word)"], output: .string(limit: 1000)
    ).standardOutput
}
