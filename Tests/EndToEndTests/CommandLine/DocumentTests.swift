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

    @Test("README's examples of the libraries are those that are compiled")
    func libraryExamples() throws {
        let blocks = try text("README.md").matches(of: /(?s)```swift\n(.*?)```/)
        let compiled = ["Tests/SlotSyncTests/LibraryExample.swift", "Tests/CanaryTests/PushExample.swift"]
        #expect(blocks.count == compiled.count)
        for (block, file) in zip(blocks, compiled) { #expect(try text(file).hasSuffix(block.1), "\(file)") }
    }

    @Test("every link within the documents leads to a file or a heading that is there")
    func links() throws {
        let documents = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"] + (try pages())
        for document in documents {
            for link in try text(document).matches(of: /\]\(([^)\s]+)\)/).map(\.1) where !link.contains("://") {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let folder = document.hasPrefix("docs/") ? "docs/" : ""
                let target = parts[0].isEmpty ? document : folder + parts[0]
                guard parts.count == 2 else {
                    #expect((try? text(target)) != nil, "\(document): \(link)")
                    continue
                }
                let anchors = (try? text(target)).map(anchors) ?? []
                #expect(anchors.contains(String(parts[1])), "\(document): \(link)")
            }
        }
    }

    private func pages() throws -> [String] {
        let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../docs")
        return try FileManager.default.contentsOfDirectory(atPath: docs.path).filter { $0.hasSuffix(".md") }
            .map { "docs/\($0)" }
    }

    /// The headings of a page as links name them: small letters, hyphens for spaces, nothing else but letters and digits.
    private func anchors(_ page: String) -> Set<String> {
        Set(
            page.matches(of: /(?m)^#+ (.+)$/).map { heading in
                String(
                    heading.1.lowercased().compactMap { character in
                        character == " "
                            ? "-"
                            : character.isLetter || character.isNumber || "-_".contains(character)
                                ? character : nil
                    })
            })
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
