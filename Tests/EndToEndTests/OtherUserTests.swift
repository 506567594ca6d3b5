// Agents that are not root meet files of other users, groups, umasks and files that nobody may change. What cannot be done is
// named with its path, its owner and what to do, before the slot is touched.

import Foundation
import SystemPackage
import Testing

extension EndToEnd {
    @Suite("Other users, groups and modes", .enabled(if: Machine.isRoot, "needs root"))
    struct OtherUserTests {
        @Test(
            "what the agent may not change is named with owner and remedy, and the slot stays as it is",
            .enabled("chattr does nothing here") { await Machine.canMakeImmutable() }, arguments: Obstacle.allCases)
        func obstacle(_ obstacle: Obstacle) async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                defer { obstacle.clear(in: fleet) }
                try await obstacle.make(in: fleet)
                let tree = try thirdTree(bench)
                let before = try await snapshot(fleet.root())
                let outcome = try await fleet.call("stage", tree.path)
                #expect(outcome.isRefusal(naming: "h1", fleet.root() + "/" + obstacle.place), "\(outcome)")
                for word in obstacle.words { #expect(outcome.errors.contains(word), "\(outcome)") }
                #expect(!outcome.errors.contains("removed from"), "nothing was: \(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
                obstacle.clear(in: fleet)
                try await fleet.release(tree)
                #expect(try await fleet.differences(tree, slot: 1, flags: ["--no-owner", "--no-group"]) == "")
            }
        }

        @Test("a folder that the agent cannot read holds up neither a stage of what stands there nor verify")
        func unreadable() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                for slot in [1, 2] {
                    let tree = try TreeMaker(at: fleet.slot(slot))
                    try tree.folder("closed", mode: 0o700).file("x", "by the server")
                    try tree.chown("closed", user: 33, group: 33)
                }
                let closed = try TreeMaker(at: fleet.slot(1))
                try closed.chown("assets", user: 33, group: 33)
                try closed.chmod("assets", 0o700)
                let verified = try await fleet.call("verify", "--json")
                #expect(verified.exitCode == 1, "\(verified)")
                let slots = try verified.events().filter { $0["event"] as? String == "slot" }
                let paths = slots.map { ($0["paths"] as? [String] ?? []).joined(separator: ", ") }
                #expect(
                    paths.count == 2 && paths.allSatisfy { $0.contains("cannot be read: \"closed\"") }, "\(verified)")
                #expect(paths.first?.contains("cannot be read: \"assets\"") == true, "\(verified)")
                #expect(!verified.output.contains("missing"), "what is not seen is not missing: \(verified)")
                let kept = try await fleet.done("stage", changedTree(bench).path, "--keep-foreign")
                #expect(!kept.errors.contains("no longer as it was"), "\(kept)")
                let anew = try await fleet.done("stage", changedTree(bench).path)
                #expect(anew.errors.contains("the live slot 2 is no longer as it was staged"), "\(anew)")
                try await fleet.done("stage", firstTree(bench).path)
                #expect(
                    try await fleet.differences(firstTree(bench), slot: 4, flags: ["--no-owner", "--no-group"]) == "")
                #expect(fleet.current() == "slots/2")
            }
        }

        @Test("a remedy is one that can be typed, where a user has no name and where the disk can only be read")
        func remedies() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser(user: 65_531, group: 65_531).fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try TreeMaker(at: fleet.slot(1)).folder("www").file("x", "x")
                try TreeMaker(at: fleet.slot(1)).chown("www", user: 33, group: 33)
                let refused = try await fleet.call("stage", thirdTree(bench).path)
                #expect(refused.isRefusal(naming: "h1", "chown -R 65531 "), "\(refused)")
                let stranger = try fleet.with("--remote-command", replacedBy: OtherUser().agent(on: bench))
                let other = try await stranger.call("stage", thirdTree(bench).path)
                #expect(other.isRefusal(naming: "h1", "LOGIN@HOST") && !other.errors.contains("uid 65531@"), "\(other)")
            }
        }

        @Test(
            "a disk that can only be read is called so",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() }, arguments: ["", "/slots"])
        func readOnly(_ place: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let path = fleet.root() + place
                try await Machine.makeReadOnly(path)
                let outcome = try await fleet.call("stage", thirdTree(bench).path)
                try #require(try await Program.run(["umount", path]).exitCode == 0)
                #expect(outcome.isRefusal(naming: "h1", "only be read", "remount"), "\(outcome)")
                #expect(!outcome.errors.contains("belongs to"), "\(outcome)")
            }
        }

        @Test(
            "slots on a file system of their own are filled though the agent is not in the root's group, with a warning",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
        func setgidOverMount() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, mode: 0o2755, rootGroup: 33, slots: 2)
                let slots = fleet.root() + "/slots"
                try FileManager.default.createDirectory(atPath: slots, withIntermediateDirectories: true)
                try await Machine.mountMemory(size: 64 << 20, at: slots)
                try #require(chown(slots, 65_534, 33) == 0 && chmod(slots, 0o2755) == 0)
                let third = try thirdTree(bench)
                for tree in [try firstTree(bench), try changedTree(bench), third] {
                    let outcome = try await fleet.done("stage", tree.path)
                    #expect(outcome.errors.contains("cannot be given the group"), "\(outcome)")
                    try await fleet.done("flip")
                }
                let flags = ["--no-owner", "--no-group"]
                let differences = try await fleet.differences(third, slot: 1, flags: flags)
                #expect(differences == "")
            }
        }

        @Test("a file of another user in a folder of the agent's is replaced")
        func replaced() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let slot = try TreeMaker(at: fleet.slot(1))
                for name in ["index.html", "assets/main.js", "latest"] {
                    try slot.chown(.init(name), user: 33, group: 33)
                }
                try slot.chmod("robots.txt", 0o600)
                let tree = try firstTree(bench)
                try await fleet.release(tree)
                #expect(try await fleet.differences(tree, slot: 1, flags: ["--no-owner", "--no-group"]) == "")
            }
        }

        @Test("what root stages in another user's ring is that user's, shared paths, notes and groups included")
        func rootStages() async throws {
            try await Workbench.use { bench in
                let deploy = try OtherUser(user: 65_531, group: 33).fleet(bench)
                let root = try Fleet(bench)
                let tree = try firstTree(bench)
                try await deploy.release(tree)
                try tree.file(".env", "KEY=1", mode: 0o640)
                try tree.folder("uploads").folder("deep").file("x", "x")
                try tree.symlink("uploads/link", to: "deep")
                try tree.file("secret", "for the web server", mode: 0o640)
                let shared = ["--shared", ".env", "--shared", "uploads", "--shared", "var/log"]
                try await Self.stage(root, tree, shared)
                try await root.done("flip")
                let others = try await Program.run([
                    "find", root.root(), "(", "!", "-user", "65531", "-o", "!", "-group", "33", ")", "-ls",
                ])
                #expect(others.output == "")
                try tree.file("uploads/new", "new")
                try await Self.stage(deploy, tree, shared)
                try tree.file("secret", "changed", mode: 0o640)
                try await Self.stage(deploy, tree, shared)
                try await deploy.done("flip")
                #expect(exists(deploy.root() + "/current/uploads/new"))
            }
        }

        private static func stage(_ fleet: Fleet, _ tree: TreeMaker, _ options: [String]) async throws {
            let outcome = try await Program.run(
                [Program.slotsync, "stage", tree.path] + fleet.options + options,
                environment: ["HOME": fleet.bench["home"], "XDG_CACHE_HOME": fleet.bench["cache"]], in: fleet.bench.path
            )
            try #require(outcome.exitCode == 0, "\(outcome)")
        }

        @Test(
            "a stage of root's that was killed keeps the ring's owner from nothing",
            .enabled("tracing is not allowed here") { await Machine.canTrace() },
            arguments: ["utimensat", "fchmod", "symlinkat", "fsync"])
        func rootKilled(_ call: String) async throws {
            for number in [1, 2, 4] {
                try await Workbench.use { bench in
                    let deploy = try OtherUser(user: 65_531, group: 33).fleet(bench, slots: 2)
                    try await deploy.release(firstTree(bench))
                    try await deploy.release(changedTree(bench))
                    let tree = try thirdTree(bench)
                    try tree.folder("new").folder("deep").file("x", "x")
                    try tree.symlink("link", to: "new")
                    let killer = try bench.script(
                        """
                        #!/bin/sh
                        exec strace -f -qq -o /dev/null -e trace=\(call) -e inject=\(call):signal=KILL:when=\(number) \(Program.agent) "$@"
                        """, to: "killer")
                    _ = try await Fleet(bench).with("--remote-command", killer).call("stage", tree.path)
                    let others = try await Program.run(["find", deploy.root(), "!", "-user", "65531", "-ls"])
                    #expect(others.output == "", "\(call) \(number)")
                    try await deploy.done("stage", tree.path, "--keep-foreign")
                    try await deploy.done("flip")
                    try await deploy.release(firstTree(bench))
                }
            }
        }

        @Test("--keep-foreign leaves the modes of folders that are kept as they are")
        func keptModes() async throws {
            try await Workbench.use { bench in
                let user = OtherUser()
                let fleet = try user.fleet(bench, slots: 2)
                let tree = try firstTree(bench)
                try tree.folder("old").file("ours", "x")
                try await fleet.release(tree)
                let slot = try TreeMaker(at: fleet.slot(1))
                for (path, mode) in [("kept", 0o550), ("old", 0o555)] as [(FilePath, mode_t)] {
                    let folder = try slot.folder(path)
                    try folder.file("theirs", "x")
                    try folder.chown("theirs", user: user.user, group: user.group)
                    try slot.chown(path, user: user.user, group: user.group)
                    try slot.chmod(path, mode)
                }
                try await fleet.release(changedTree(bench))
                try await fleet.done("stage", thirdTree(bench).path, "--keep-foreign")
                #expect(try slot.status("kept").st_mode & 0o7777 == 0o550)
                #expect(try slot.status("old").st_mode & 0o7777 == 0o555)
                #expect(exists(fleet.slot(1) + "/old/theirs") && !exists(fleet.slot(1) + "/old/ours"))
            }
        }

        @Test(
            "where the root has setgid all entries have its group, in every lap",
            arguments: [OtherUser(groups: [33]), OtherUser(), OtherUser(user: 0, group: 0)], [false, true])
        func setgid(_ user: OtherUser, _ isLate: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try user.fleet(bench, mode: isLate ? 0o755 : 0o2755, rootGroup: isLate ? nil : 33, slots: 2)
                for lap in 0..<3 {
                    let (first, second) = (try firstTree(bench), try changedTree(bench))
                    try first.file("lap", "\(lap)")
                    try second.file("lap", "second \(lap)")
                    try second.folder(.init("folder-\(lap)")).file("x", "\(lap)")
                    for tree in [first, second] {
                        try await fleet.release(tree)
                        let slot = fleet.slot(try #require(fleet.current().flatMap { Int($0.suffix(1)) }))
                        #expect(
                            try await Rsync.differences(tree.path, slot, flags: ["--no-owner", "--no-group"]) == "")
                        // An agent that is not in the group cannot give it to folders that are there.
                        guard !isLate || (lap > 0 && user.isInGroup) else { continue }
                        let others = try await Program.run(["find", slot, "!", "-group", "33"])
                        #expect(others.output == "", "lap \(lap)")
                    }
                    if lap == 0, isLate {
                        try #require(chown(fleet.root(), uid_t.max, 33) == 0 && chmod(fleet.root(), 0o2755) == 0)
                    }
                }
            }
        }

        @Test("where folders of the slot that is filled cannot get the root's group, the warning names that slot")
        func otherGroup() async throws {
            try await Workbench.use { bench in
                let user = OtherUser()
                let fleet = try user.fleet(bench, mode: 0o2755, rootGroup: 33, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                #expect(chown(fleet.slot(1) + "/assets", uid_t.max, user.group) == 0)
                let outcome = try await fleet.done("stage", thirdTree(bench).path)
                #expect(outcome.errors.contains("1 folder of slot 1 cannot be given the group of"), "\(outcome)")
            }
        }

        @Test("where the system takes setgid from an entry, a stage warns and goes on, and so does what follows")
        func setgidTaken() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, mode: 0o2755, rootGroup: 33)
                let tree = try firstTree(bench)
                try tree.folder("group", mode: 0o2775).file("tool", "x", mode: 0o2755)
                let outcome = try await fleet.done("stage", tree.path)
                #expect(outcome.errors.contains("setgid") && outcome.errors.contains("group/tool"), "\(outcome)")
                try await fleet.done("flip")
                try await fleet.done("verify")
            }
        }

        @Test(
            "the agent's umask narrows neither the ring's folders nor what is shared", arguments: [nil, 33] as [gid_t?])
        func umask(_ group: gid_t?) async throws {
            try await Workbench.use { bench in
                let user = OtherUser(umask: "077")
                let fleet = try user.fleet(bench, mode: group == nil ? 0o755 : 0o2755, rootGroup: group)
                let tree = try firstTree(bench)
                try tree.folder("uploads").folder("deep").file("x", "x")
                try await fleet.done("stage", tree.path, "--shared", "uploads", "--shared", "var/log")
                try await fleet.done("flip")
                let closed = try await Program.run([
                    "find", fleet.slot(1), fleet.root() + "/slots", fleet.root() + "/shared", "-type", "d", "!",
                    "-perm",
                    "-o=rx",
                ])
                #expect(closed.output == "")
                if group != nil {
                    let others = try await Program.run([
                        "find", fleet.slot(1), fleet.root() + "/shared", "!", "-group", "33",
                    ])
                    #expect(others.output == "")
                }
            }
        }
    }
}

/// What differs from `firstTree` in every folder.
private func thirdTree(_ bench: Workbench) throws -> TreeMaker {
    let tree = try bench.tree("third")
    try tree.file("index.html", "<h1>third</h1>")
    try tree.folder("assets").file("main.js", "third()")
    try tree.folder("cache").file("warm", "x")
    return tree
}

extension OtherUser: CustomTestStringConvertible {
    var isInGroup: Bool { user == 0 || groups.contains(33) }
    var testDescription: String { isInGroup ? user == 0 ? "root" : "in the group" : "not in the group" }
}

/// What an agent that runs as `OtherUser` meets in slot 1, which holds `firstTree`, or beside it.
enum Obstacle: CaseIterable, Sendable {
    case folder, unreadableFolder, immutableFile, immutableFolder, immutableRecord, immutableRing, slot, temporaryFolder
    case records

    var place: String {
        switch self {
        case .folder: "slots/1/cache/www"
        case .unreadableFolder: "slots/1/cache/www"
        case .immutableFile: "slots/1/robots.txt"
        case .immutableFolder: "slots/1/assets"
        case .immutableRecord: ".slotsync/slots/1"
        case .immutableRing: ".slotsync"
        case .slot: "slots/1"
        case .temporaryFolder: ".slotsync/tmp"
        case .records: ".slotsync/slots"
        }
    }

    var words: [String] {
        switch self {
        case .immutableFile, .immutableFolder, .immutableRecord, .immutableRing: ["chattr -i"]
        case .folder, .unreadableFolder: ["www-data", "chown"]
        case .slot, .temporaryFolder, .records: ["root", "chown"]
        }
    }

    func make(in fleet: Fleet) async throws {
        let path = fleet.root() + "/" + place
        switch self {
        case .folder, .unreadableFolder:
            try TreeMaker(at: fleet.slot(1) + "/cache").folder("www").file("x", "by the server")
            try TreeMaker(at: fleet.slot(1) + "/cache").chown("www", user: 33, group: 33)
            if self == .unreadableFolder { try TreeMaker(at: fleet.slot(1) + "/cache").chmod("www", 0o700) }
        case .immutableFile, .immutableFolder, .immutableRecord, .immutableRing:
            // The file is one that the release has with another time.
            if self == .immutableFile { try TreeMaker(at: fleet.slot(1)).file("robots.txt", "edited") }
            try #require(try await Program.run(["chattr", "+i", path]).exitCode == 0)
        case .slot, .temporaryFolder, .records:
            try #require(chown(path, 0, 0) == 0)
        }
    }

    func clear(in fleet: Fleet) {
        let path = fleet.root() + "/" + place
        switch self {
        case .folder, .unreadableFolder: try? FileManager.default.removeItem(atPath: path)
        case .immutableFile, .immutableFolder, .immutableRecord, .immutableRing:
            let chattr = Process()
            chattr.executableURL = URL(fileURLWithPath: "/usr/bin/chattr")
            chattr.arguments = ["-i", path]
            try? chattr.run()
            chattr.waitUntilExit()
        case .slot, .temporaryFolder, .records: chown(path, 65_534, 65_534)
        }
    }
}
