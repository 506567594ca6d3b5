// The life of a release: staged beside the live one, flipped to, followed by another, rolled back to.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Stage, flip, rollback")
    struct RingTests {
        @Test("a staged release stands in every host's next slot, and is not live")
        func stageFillsNext() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 5)
                let source = try firstTree(bench)
                try await fleet.stage(source)
                for host in fleet.hosts {
                    #expect(try await fleet.differences(source, slot: 1, of: host) == "")
                    #expect(fleet.current(host) == nil)
                }
            }
        }

        @Test("flip points current at the staged slot, by a relative link")
        func flipPointsCurrent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 5)
                try await fleet.stage(firstTree(bench))
                try await fleet.done("flip")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("a second release goes into the slot after the live one, which stays what it was")
        func secondRelease() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 5)
                try await fleet.release(firstTree(bench))
                let before = try await snapshot(fleet.slot(1))
                let changed = try changedTree(bench)
                try await fleet.release(changed)
                for host in fleet.hosts {
                    #expect(fleet.current(host) == "slots/2")
                    #expect(try await fleet.differences(changed, slot: 2, of: host) == "")
                    #expect(try await fleet.differences(firstTree(bench), slot: 1, of: host) == "")
                }
                #expect(try await snapshot(fleet.slot(1)) == before)
            }
        }

        @Test("a narrow umask does not shut the web server out of what is live")
        func narrowUmask() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let agent = bench["narrow-agent"]
                try "#!/bin/sh\numask 077\nexec '\(Program.agent)' \"$@\"\n"
                    .write(toFile: agent, atomically: true, encoding: .utf8)
                #expect(chmod(agent, 0o755) == 0)
                try await fleet.done("stage", firstTree(bench).path, "--remote-command", agent)
                for folder in ["slots", "shared"] {
                    let attributes = try FileManager.default.attributesOfItem(atPath: "\(fleet.root())/\(folder)")
                    #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o777 } == 0o755)
                }
            }
        }

        @Test("rollback goes back to the release that was live before")
        func rollback() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 5)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try await fleet.done("rollback")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
                try await fleet.done("verify")
            }
        }

        @Test("rollback --to goes back further, to a release that is named")
        func rollbackTo() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let tree = try bench.tree("source")
                var releases: [String] = []
                for number in 1...4 {
                    try tree.file("number", "\(number)")
                    releases.append(try await fleet.release(tree))
                }
                try await fleet.done("rollback", "--to", String(releases[1].prefix(12)))
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/2") }
            }
        }

        @Test("after five releases the ring begins again, and every slot holds what was staged last")
        func ringGoesRound() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                for number in 1...11 {
                    try tree.file("number", "release \(number)")
                    try tree.file(.init("only-in-\(number)"), "\(number)")
                    try await fleet.release(tree)
                    let slot = (number - 1) % 5 + 1
                    #expect(fleet.current() == "slots/\(slot)")
                    #expect(try await fleet.differences(tree, slot: slot) == "")
                    try tree.remove(.init("only-in-\(number)"))
                }
            }
        }

        @Test("a ring made with --slots 2 has two slots")
        func twoSlots() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try bench.tree("source")
                for number in 1...3 {
                    try tree.file("number", "\(number)")
                    try await fleet.release(tree)
                }
                #expect(fleet.current() == "slots/1")
                #expect(!exists(fleet.slot(3)))
            }
        }

        @Test("flip takes a release by the name that stage gave it")
        func flipByName() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.done("stage", firstTree(bench).path, "--name", "v1.4.2")
                try await fleet.done("flip", "v1.4.2")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("flip takes a release by the beginning of its ID")
        func flipByPrefix() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let release = try await fleet.stage(firstTree(bench))
                try await fleet.done("flip", String(release.prefix(10)))
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("--dry-run makes no slot folder that somebody removed, and a stage does", arguments: [1, 2])
        func dryRunWithoutSlot(slot: Int) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try FileManager.default.removeItem(atPath: fleet.slot(slot))
                for tree in [try firstTree(bench), try changedTree(bench)] {
                    let before = try await snapshot(fleet.root())
                    try await fleet.done("stage", tree.path, "--dry-run")
                    #expect(try await snapshot(fleet.root()) == before)
                }
                guard slot == 1 else { return }
                try await fleet.release(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test("--dry-run changes nothing on any host")
        func dryRun() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                let before = try await snapshot(fleet.root("h2"))
                try await fleet.done("stage", changedTree(bench).path, "--dry-run")
                #expect(try await snapshot(fleet.root("h2")) == before)
            }
        }

        @Test("whoever reads through current finds one whole release at every instant")
        func noInstantWithout() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                let page = fleet.root() + "/current/index.html"
                let reader = Task.detached {
                    var seen: [String: Int] = [:]
                    while !Task.isCancelled {
                        seen[(try? String(contentsOfFile: page, encoding: .utf8)) ?? "nothing", default: 0] += 1
                    }
                    return seen
                }
                defer { reader.cancel() }
                for _ in 1...10 {
                    try await fleet.done("flip", "--quiet")
                    try await fleet.done("rollback", "--quiet")
                    try await fleet.stage(changedTree(bench))
                }
                reader.cancel()
                #expect(Set(await reader.value.keys) == ["<h1>first</h1>", "<h1>second</h1>"])
            }
        }

        @Test("the command itself can be the program on the hosts")
        func commandAsAgent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2).with("--remote-command", Program.slotsync)
                try await fleet.release(firstTree(bench))
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }
    }
}

/// A small site, and the same one release later.
func firstTree(_ bench: Workbench) throws -> TreeMaker {
    let made = exists(bench["first"])
    let tree = try bench.tree("first")
    if made { return tree }
    try tree.file("index.html", "<h1>first</h1>")
    try tree.file("robots.txt", "User-agent: *\n")
    let assets = try tree.folder("assets")
    try assets.file("main.js", Content.script(functions: 400, seed: 1))
    try assets.file("logo.png", Content.random(30_000, seed: 2))
    try tree.folder("cache")
    try tree.symlink("latest", to: "assets/main.js")
    return tree
}

func changedTree(_ bench: Workbench) throws -> TreeMaker {
    let made = exists(bench["changed"])
    let tree = try bench.tree("changed")
    if made { return tree }
    try tree.file("index.html", "<h1>second</h1>")
    try tree.file("humans.txt", "nobody\n")
    let assets = try tree.folder("assets")
    try assets.file("main.js", Content.script(functions: 400, seed: 1) + "f1(0)")
    try assets.file("logo.png", Content.random(30_000, seed: 2), mode: 0o600)
    try tree.symlink("latest", to: "humans.txt")
    return tree
}
