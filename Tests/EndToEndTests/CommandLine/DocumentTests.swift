// What the documents say of the command line and of the library is so.

import ArgumentParser
import Canary
import Foundation
@testable import SlotSync
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
        let documents = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"] + (try pages())
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

    @Test("the tests that the threat model names are there")
    func threats() throws {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let files = FileManager.default.enumerator(atPath: top.path)?.compactMap { $0 as? String } ?? []
        let names = Set(files.map { String($0.split(separator: "/").last ?? "") })
        let named = try text("docs/threat-model.md").matches(of: /`(\w+Tests)`/).map { "\($0.1).swift" }
        #expect(named.count > 30)
        for name in named { #expect(names.contains(name), "\(name)") }
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
        // `--xattrs/--no-xattrs`, `--name <name>`, or alone.
        for name in Set(names) {
            #expect(["/", " ", "\n"].contains { help.contains("\(name)\($0)") }, "\(name)")
        }
    }

    @Test("every command that they show is one", arguments: ["README.md", "docs/operations.md"])
    func commands(document: String) throws {
        let shown = try text(document).matches(of: /(?m)^(?:\$ )?slotsync ([^#|\n]+)/).map(\.1)
        #expect(shown.count > 5)
        for command in shown {
            #expect(throws: Never.self, "\(command)") {
                try SlotSyncCommand.parseAsRoot(ShellWords.split(String(command)))
            }
        }
    }

    @Test(
        "what stands in brackets is quoted in every command that is shown: zsh refuses it bare, bash takes it for a pattern"
    )
    func quotedRanges() throws {
        let commands = SlotSyncCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
        var texts = [("help", SlotSyncCommand.helpMessage())]
        for command in commands {
            texts.append((command.configuration.commandName ?? "", SlotSyncCommand.helpMessage(for: command)))
        }
        for document in ["README.md", "CHANGELOG.md"] + (try pages()) { texts.append((document, try text(document))) }
        var shown = 0
        for (name, text) in texts {
            for option in text.matches(of: /--(?:hosts|except)[ =]+(\S*\[\S*)/) {
                shown += 1
                #expect(option.1.first == "\"" || option.1.first == "'", "\(name): \(option.0)")
            }
        }
        #expect(shown > 10)
    }

    @Test("README's table has every command")
    func commandTable() throws {
        let rows = try text("README.md").matches(of: /(?m)^\| (`[a-z].*?) \|/).map(\.1)
        let named = rows.flatMap { $0.matches(of: /`([a-z]+)/).map { String($0.1) } }
        let commands = SlotSyncCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
        let visible = commands.map { $0.configuration }.filter(\.shouldDisplay).compactMap(\.commandName)
        // `agent` is started by a controller, not by a person.
        #expect(Set(named) == Set(visible).subtracting(["agent"]))
    }

    @Test("README shows of a push what is printed")
    func shownPush() throws {
        let hosts = try HostList.parse("web[001-120]")
        let plan = try RolloutPlan(hosts: hosts, settings: CanarySettings(), mode: .unjudged)
        let narration = PushNarration(plan: plan, options: PushOptions())
        let phases: [Rollout.Phase] = [.baseline, .flipping(.canaries), .window(.canaries)]
        let lines = phases.compactMap { narration.line(.phase($0), isVerbose: false) }
        #expect(lines.count == 3)
        #expect(try text("README.md").contains(lines.map { $0 + "\n" }.joined()))
    }

    @Test("README shows of a stage what is printed")
    func shownStage() throws {
        let hosts = try HostList.parse("web[001-120].example.com")
        let failed = hosts.filter { ["web003", "web017", "web018", "web019"].contains($0.name.prefix(6)) }
        let release = ReleaseName(id: try #require(ContentDigest("3f2a09bc5d1e7c4490aa6b1f2d3c4e5f")))
        let report = StageReport(
            release: release, files: 9859, bytes: 0,
            hosts: hosts.filter { !failed.contains($0) }.map {
                StagedHost(
                    host: $0, outcome: StageOutcome(kind: .staged, slot: 2, received: 1831, copied: 12, kept: 8016),
                    sentBytes: 0, receivedBytes: 0)
            },
            failures: failed.map {
                HostFailure(host: $0, error: DiskSpace.lack(of: 1_200_000_000, free: 300_000_000, at: "/srv/www"))
            }, sentBytes: 780_000_000, receivedBytes: 0, cohorts: 1)
        let lines =
            FailureGroup.groups(of: report.failures, root: "/srv/www").map(\.line)
            + [report.summary(duration: .seconds(14)), "\(release.id)"]
        #expect(try text("README.md").contains(lines.map { $0 + "\n" }.joined()), "\(lines)")
    }

    @Test("README names the libraries that the command needs")
    func libraries() async throws {
        let sentence = try #require(try text("README.md").firstMatch(of: /Where it runs it needs ([^;]+); libcurl/)).1
        let named = Set(sentence.matches(of: /lib[a-z0-9+-]+/).map { String($0.0) })
        let outcome = try await Program.run(["readelf", "-d", Program.slotsync])
        let needed = outcome.output.matches(of: /\(NEEDED\).*\[(.+?)\.so/).map { String($0.1) }
        // Every system has the C library; libgcc_s comes with libstdc++; Swift's own are linked into the command that is
        // installed.
        let everywhere = /libc|libm|ld-linux.*|libgcc_s|lib_?(swift|Foundation|dispatch|Blocks|Testing|XCTest).*/
        #expect(named == Set(needed.filter { $0.wholeMatch(of: everywhere) == nil }))
        #expect(named.count == 6)
    }
}
