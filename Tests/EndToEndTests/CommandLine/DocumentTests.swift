// What the documents say of the command line and of the library is so.

import Foundation
import Testing

@testable import slotsync

@Suite("Documents")
struct DocumentTests {
    private func text(_ path: String) throws -> String {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        return try String(contentsOf: top.appending(path: path), encoding: .utf8)
    }

    @Test("README's example of the library is the one that is compiled")
    func libraryExample() throws {
        let blocks = try text("README.md").matches(of: /(?s)```swift\n(.*?)```/)
        #expect(blocks.count == 1)
        let compiled = try text("Tests/SlotSyncTests/LibraryExample.swift")
        for block in blocks { #expect(compiled.hasSuffix(block.1)) }
    }

    @Test(
        "every option that they name is in some command's help",
        arguments: ["README.md", "docs/operations.md", "docs/exclusions.md"])
    func options(document: String) throws {
        let commands = SlotSyncCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
        let help = commands.map { SlotSyncCommand.helpMessage(for: $0) }.joined()
        let names = try text(document).matches(of: /[ `(]--([a-z][a-z-]+)/).map { "--\($0.1)" }
        for name in Set(names) { #expect(help.contains("\(name) ") || help.contains("\(name)\n"), "\(name)") }
    }
}
