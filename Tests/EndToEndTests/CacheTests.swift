// What the controller keeps of earlier releases saves the round trip for signatures, and is never more than a help:
// without it, with a damaged one, or with two commands at once, every host gets the very same tree.

import Foundation
import Testing

extension EndToEnd {
    @Suite("The cache of bases")
    struct CacheTests {
        /// Text in many files and one long one, all of it changed a little by `version`.
        private func fill(_ tree: TreeMaker, version: Int) throws {
            let pages = try tree.folder("pages")
            for number in 0..<60 {
                var text = Content.script(functions: 100, seed: UInt64(number))
                text.append("// version \(version)\n")
                try pages.file(.init("page-\(number)"), text)
            }
            var blob = Content.random(6 << 20, seed: 99)
            for place in stride(from: 1000, to: blob.count, by: 1 << 20) { blob[place] = UInt8(version) }
            try tree.file("blob", blob)
        }

        private func packs(_ bench: Workbench) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: bench["cache/slotsync/contents"])
                .map { bench["cache/slotsync/contents/\($0)"] }.sorted()
        }

        /// Bytes that went out, and came in, and what was warned of, staging a tree.
        private func stage(
            _ tree: TreeMaker, on fleet: Fleet, _ options: String...
        ) async throws -> (sent: Int, received: Int, outcome: Outcome) {
            var fleet = fleet
            fleet.options += options
            let outcome = try await fleet.done("stage", tree.path, "--json")
            let summary = try outcome.summary()
            return (
                try #require(summary["sent_bytes"] as? Int), try #require(summary["received_bytes"] as? Int), outcome
            )
        }

        @Test("no signature crosses the wire for what was staged before, and less goes out than with one")
        func saved() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let fleet = try Fleet(bench, hosts: 2)
                try fill(tree, version: 1)
                try await fleet.release(tree)
                try fill(tree, version: 2)
                let kept = try await stage(tree, on: fleet)
                #expect(kept.received < 8_000 && kept.sent < 20_000)
                for host in fleet.hosts { #expect(try await fleet.differences(tree, slot: 2, of: host) == "") }

                try await fleet.done("flip")
                try fill(tree, version: 3)
                let without = try await stage(tree, on: fleet, "--cache-size", "0")
                #expect(without.received > 2 * kept.received && without.sent > 2 * kept.sent)
                for host in fleet.hosts { #expect(try await fleet.differences(tree, slot: 3, of: host) == "") }
            }
        }

        @Test("whole files need no basis, so that no contents are kept")
        func wholeFiles() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let fleet = try Fleet(bench)
                try fill(tree, version: 1)
                _ = try await stage(tree, on: fleet, "--whole-file")
                try await fleet.done("flip")
                try fill(tree, version: 2)
                let whole = try await stage(tree, on: fleet, "--whole-file")
                #expect(whole.sent > 6 << 20)
                #expect(!FileManager.default.fileExists(atPath: bench["cache/slotsync/contents"]))
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        enum Harm: CaseIterable { case removed, emptied, shortened, overwritten }

        @Test(
            "whatever happens to the cache, hosts get the same tree, and the next stage profits again",
            arguments: Harm.allCases)
        func harmed(harm: Harm) async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let fleet = try Fleet(bench)
                try fill(tree, version: 1)
                try await fleet.release(tree)
                for pack in try packs(bench) {
                    let file = try #require(FileHandle(forUpdatingAtPath: pack))
                    let size = try file.seekToEnd()
                    switch harm {
                    case .removed: unlink(pack)
                    case .emptied: try file.truncate(atOffset: 0)
                    case .shortened: try file.truncate(atOffset: size / 2)
                    case .overwritten:
                        // The index stays whole: what is wrong shows only when it is read.
                        try file.seek(toOffset: 4)
                        try file.write(contentsOf: Data(count: Int(size) - 10_000))
                    }
                    try file.close()
                }
                try fill(tree, version: 2)
                let harmed = try await stage(tree, on: fleet)
                #expect(harmed.received > 8_000)
                #expect(try await fleet.differences(tree, slot: 2) == "")
                try await fleet.done("flip")
                try fill(tree, version: 3)
                #expect(try await stage(tree, on: fleet).received < 8_000)
                #expect(try await fleet.differences(tree, slot: 3) == "")
            }
        }

        @Test("a pack that is truncated while hosts are served never harms one")
        func harmedMeanwhile() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let fleet = try Fleet(bench)
                try fill(tree, version: 1)
                try await fleet.release(tree)
                try fill(tree, version: 2)
                // Before the host says what it needs.
                let agent = try SteeredAgent(bench, holding: "h1", after: 200)
                let steered = fleet.with("--remote-command", agent.program)
                let outcome = try await steered.call("stage", tree.path) { _ in
                    try await agent.held()
                    for pack in try packs(bench) { truncate(pack, 100) }
                    try agent.goOn()
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(try await fleet.differences(tree, slot: 2) == "")
                #expect(!outcome.errors.contains("did not verify"), "\(outcome)")
            }
        }

        @Test("--cache-dir moves all that is kept; nothing is left elsewhere")
        func moved() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let fleet = try Fleet(bench).with("--cache-dir", bench["elsewhere/deep"])
                try fill(tree, version: 1)
                try await fleet.done("stage", tree.path)
                let entries = try FileManager.default.contentsOfDirectory(atPath: bench["elsewhere/deep"])
                #expect(entries.contains("contents") && entries.contains("manifests") && entries.count == 5)
                #expect(entries.contains("CACHEDIR.TAG") && entries.contains("looked-at"))
                #expect(!exists(bench["cache/slotsync"]))
            }
        }

        @Test("a folder of other things that is named for the cache keeps all of them, and is warned of")
        func foreign() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try tree.file("index.html", "<h1>one</h1>")
                let fleet = try Fleet(bench).with("--no-whole-file")
                for folder in ["work", "work/manifests", "work/contents"] { _ = try bench.folder(folder) }
                for number in 0..<70 { try bench.write("kind: Deployment", to: "work/manifests/app-\(number).yaml") }
                try bench.write("not yours", to: "work/contents/objects.pack")
                try bench.write("cache_dir: .\n", to: "work/slotsync.yml")
                let before = try FileManager.default.subpathsOfDirectory(atPath: bench["work"])
                for text in ["one", "two"] {
                    try tree.file("index.html", "<h1>\(text)</h1>")
                    let outcome = try await fleet.done("stage", tree.path, "--config", bench["work/slotsync.yml"])
                    #expect(outcome.errors.contains("it is no cache"), "\(outcome)")
                }
                #expect(try FileManager.default.subpathsOfDirectory(atPath: bench["work"]) == before)
            }
        }

        @Test("a cache that cannot be written to is a warning, and no failure")
        func unusable() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try fill(tree, version: 1)
                let file = try bench.write("a file", to: "file")
                let fleet = try Fleet(bench).with("--cache-dir", file)
                let outcome = try await fleet.done("stage", tree.path)
                #expect(outcome.errors.contains("contents of releases cannot be kept in"), "\(outcome)")
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test(
            "a full disk beneath the cache is a warning, and leaves nothing half-made",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
        func full() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try fill(tree, version: 1)
                try await Machine.mountMemory(size: 4 << 20, at: bench.folder("cache"))
                let fleet = try Fleet(bench)
                try await fleet.release(tree)
                // A quarter of the room is the most it takes, so it does not come to a full disk by itself.
                #expect(freeBytes(at: bench["cache"]) > 2 << 20)
                try fill(tree, version: 2)
                let agent = try SteeredAgent(bench, holding: "h1", after: 200)
                let outcome = try await fleet.with("--remote-command", agent.program).call("stage", tree.path) { _ in
                    try await agent.held()
                    let free = freeBytes(at: bench["cache"])
                    try bench.write(String(repeating: "x", count: free), to: "cache/filler")
                    try agent.goOn()
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(outcome.errors.contains("the contents of this release could not be kept"), "\(outcome)")
                #expect(try await fleet.differences(tree, slot: 2) == "")
                #expect(try packs(bench).allSatisfy { $0.hasSuffix(".pack") })
            }
        }

        @Test("two stages at a time, of two sites to two fleets, do each other no harm")
        func twoAtATime() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let trees = [try bench.tree("one"), try bench.tree("two")]
                for version in 1...3 {
                    for (number, tree) in trees.enumerated() { try fill(tree, version: 10 * number + version) }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (host, tree) in zip(["h1", "h2"], trees.map(\.path)) {
                            let one = try fleet.only(host)
                            group.addTask {
                                try await one.done("stage", tree, "--cache-size", "20M")
                                try await one.done("flip")
                            }
                        }
                        try await group.waitForAll()
                    }
                    for (host, tree) in zip(fleet.hosts, trees) {
                        #expect(try await fleet.differences(tree, slot: version, of: host) == "")
                    }
                    let size = try packs(bench).map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }.reduce(
                        0, +)
                    #expect(size < 41 << 20)
                }
            }
        }

        @Test("an interrupted stage leaves nothing half-made in the cache")
        func interrupted() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try fill(tree, version: 1)
                let agent = try SteeredAgent(bench, holding: "h1", after: 100_000)
                let fleet = try Fleet(bench).with("--remote-command", agent.program)
                _ = try await fleet.call("stage", tree.path) { running in
                    try await agent.held()
                    running.interrupt()
                    try agent.goOn()
                }
                let left = (try? packs(bench)) ?? []
                #expect(left.allSatisfy { $0.hasSuffix(".pack") }, "\(left)")
            }
        }

        @Test("a dry run keeps nothing")
        func dryRun() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try fill(tree, version: 1)
                try await Fleet(bench).done("stage", tree.path, "--dry-run")
                #expect(try packs(bench).isEmpty)
            }
        }
    }
}
