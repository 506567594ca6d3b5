// `--xattrs`: extended attributes, file capabilities and access lists come to the hosts as they are in the source. The tools
// that people use set them, and rsync -AX judges whether a slot is equal.

import Foundation
import Testing

extension EndToEnd {
    @Suite(
        "Extended attributes",
        .enabled("the tools, or a file system that keeps attributes, are missing") { await Machine.keepsAttributes() })
    struct ExtendedAttributeTests {
        @Test("a slot is equal to its source in every lap, whatever changed", arguments: [[], ["-H"], ["-o"]])
        func laps(_ kind: [String]) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try await attributedTree(bench)
                let options = kind == ["-H"] ? ["--hard-links"] : kind == ["-o"] ? ["--owner"] : []
                for (lap, change) in (Change.allCases + Change.allCases).enumerated() {
                    try await change.make(in: tree)
                    if kind == ["-o"], change != .removals {
                        // Another owner takes it away.
                        try tree.chown("assets/main.js", user: uid_t(lap), group: 0)
                        try await run("setcap", "cap_net_raw+ep", tree.path + "/assets/main.js")
                    }
                    // Something that differs, or the release would be there already.
                    try tree.file("lap", "\(lap)")
                    let outcome = try await fleet.stage(tree.path, "--xattrs", options)
                    #expect(!outcome.errors.contains("carries"), "\(outcome)")
                    let flags = kind == ["-H"] ? ["-AXH"] : ["-AX"]
                    #expect(
                        try await fleet.differences(tree, slot: lap % 2 + 1, flags: flags) == "",
                        "\(change), lap \(lap)")
                    try await fleet.done("flip")
                }
                try await fleet.done("verify")
            }
        }

        @Test("an attribute that changed alone costs no content, and goes into another release")
        func alone() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try await attributedTree(bench)
                let first = try await fleet.stage(tree.path, "--xattrs").lastLine
                try await fleet.done("flip")
                try await fleet.done("stage", changedTree(bench).path)
                try await fleet.done("flip")
                try await run("setfattr", "-n", "user.origin", "-v", "elsewhere", tree.path + "/robots.txt")
                let outcome = try await fleet.done("stage", tree.path, "--xattrs", "--json")
                let summary = try outcome.summary()
                #expect(summary["release"] as? String != first, "\(outcome)")
                #expect(try await fleet.differences(tree, slot: 1, flags: ["-AX"]) == "")
                #expect(try #require(summary["sent_bytes"] as? Int) < 5000, "\(outcome)")
                let again = try await fleet.done("stage", tree.path, "--xattrs", "--json")
                #expect(again.output.contains("already"), "\(again)")
            }
        }

        @Test(
            "what an entry has got since the last look is named, though nothing else changed, and so it is in the next stage"
        )
        func since() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                for _ in 0..<2 { #expect(try await !fleet.done("stage", tree.path).errors.contains("--xattrs")) }
                try await run("setfattr", "-n", "user.origin", "-v", "here", tree.path + "/assets")
                for _ in 0..<2 {
                    let outcome = try await fleet.done("stage", tree.path)
                    #expect(outcome.errors.contains("--xattrs") && outcome.errors.contains("assets"), "\(outcome)")
                }
                try await run("setfattr", "-x", "user.origin", tree.path + "/assets")
                #expect(try await !fleet.done("stage", tree.path).errors.contains("--xattrs"))
                // What the release left out was not looked at.
                try await run("setfattr", "-n", "user.origin", "-v", "here", tree.path + "/assets")
                #expect(try await !fleet.done("stage", tree.path, "--exclude", "assets").errors.contains("--xattrs"))
                #expect(try await fleet.done("stage", tree.path).errors.contains("--xattrs"))
            }
        }

        @Test("a release that is staged without leaves none behind, a capability above all")
        func removed() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try await attributedTree(bench)
                _ = try await fleet.stage(tree.path, "--xattrs")
                try await fleet.done("flip")
                try await fleet.release(changedTree(bench))
                #expect(try await attributes(of: fleet.slot(1)).contains("security.capability"))
                let outcome = try await fleet.done("stage", tree.path)
                #expect(outcome.errors.contains("--xattrs"), "\(outcome)")
                #expect(try await attributes(of: fleet.slot(1)) == "")
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test(
            "so does one that takes over where a stage with attributes was interrupted",
            .enabled("tracing is not allowed here") { await Machine.canTrace() })
        func interrupted() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try await attributedTree(bench)
                try await fleet.release(changedTree(bench))
                // What the note of an interrupted stage says: the slot is being filled with attributes.
                let agent = try bench.script(
                    "#!/bin/sh\nexec strace -qq -f -o /dev/null -e inject=syncfs:signal=KILL '\(Program.agent)' \"$@\"\n",
                    to: "killed")
                let killed = try await fleet.with("--remote-command", agent).call("stage", tree.path, "--xattrs")
                try #require(killed.exitCode == 1, "\(killed)")
                try #require(try await attributes(of: fleet.slot(2)).contains("security.capability"))
                try await fleet.done("stage", tree.path)
                #expect(try await attributes(of: fleet.slot(2)) == "")
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("an attribute that somebody changed is named by verify, warned of by a flip, and put right by a stage")
        func edited() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try await attributedTree(bench)
                _ = try await fleet.stage(tree.path, "--xattrs")
                try await run("setfattr", "-n", "user.origin", "-v", "forged", fleet.slot(1) + "/robots.txt")
                try await run("setfattr", "-n", "user.new", "-v", "x", fleet.slot(1) + "/assets")
                let verified = try await fleet.call("verify")
                #expect(verified.exitCode == 1, "\(verified)")
                for path in [#"other extended attributes: "robots.txt""#, #"other extended attributes: "assets""#] {
                    #expect((verified.output + verified.errors).contains(path), "\(verified)")
                }
                _ = try await fleet.stage(tree.path, "--xattrs")
                #expect(try await fleet.differences(tree, slot: 1, flags: ["-AX"]) == "")
                try await run("setfattr", "-x", "user.origin", fleet.slot(1) + "/robots.txt")
                let flipped = try await fleet.done("flip")
                #expect(flipped.errors.contains(#"other extended attributes: "robots.txt""#), "\(flipped)")
            }
        }

        @Test("an ordinary user sets attributes of users and access lists, on what may only be read as well")
        func ordinaryUser() async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, slots: 2)
                let tree = try await attributedTree(bench, capability: false)
                try tree.file("read-only", "x", mode: 0o444)
                try tree.file("unreadable", "x", mode: 0o200)
                let folder = try tree.folder("closed")
                try folder.file("x", "x", mode: 0o400)
                try tree.chmod("closed", 0o555)
                for lap in 0..<4 {
                    for path in ["read-only", "unreadable", "closed", "closed/x"] {
                        try await run("setfattr", "-n", "user.lap", "-v", "\(lap / 2)", "\(tree.path)/\(path)")
                    }
                    try await run("setfacl", "-m", "u:33:\(lap < 2 ? "r" : "rx")", tree.path + "/closed")
                    try tree.file("lap", "\(lap)")
                    _ = try await fleet.stage(tree.path, "--xattrs")
                    let flags = ["--no-owner", "--no-group", "-AX"]
                    #expect(try await fleet.differences(tree, slot: lap % 2 + 1, flags: flags) == "", "lap \(lap)")
                    try await fleet.done("flip")
                }
            }
        }

        @Test(
            "a capability that the agent may not set refuses the stage, and nothing is touched",
            arguments: [[], ["--dry-run"]])
        func capability(_ options: [String]) async throws {
            try await Workbench.use { bench in
                let fleet = try OtherUser().fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let before = try await snapshot(fleet.root())
                let tree = try await attributedTree(bench)
                let outcome = try await fleet.stage(tree.path, "--xattrs", options, succeeds: false)
                #expect(
                    outcome.isRefusal(naming: "h1", "security.capability", "assets/main.js", "root", "--xattrs"),
                    "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
            }
        }

        @Test(
            "a value that is too large for the host's file system refuses the stage, with attribute, path and remedy",
            .enabled("ext4 cannot be mounted from a file here") { await Machine.canMountExt4() })
        func tooLarge() async throws {
            try await Workbench.use { bench in
                try await Machine.mountExt4(image: bench["image"], at: bench.folder("h1"))
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let before = try await snapshot(fleet.root())
                let tree = try bench.tree("source")
                try tree.folder("a").file("large", "x")
                try tree.file("small", "x")
                try await run("setfattr", "-n", "user.small", "-v", "1", tree.path + "/small")
                let value = String(repeating: "x", count: 20_000)
                try await run("setfattr", "-n", "user.large", "-v", value, tree.path + "/a/large")
                let outcome = try await fleet.stage(tree.path, "--xattrs", succeeds: false)
                #expect(
                    outcome.isRefusal(naming: "h1", "user.large", fleet.slot(1) + "/a/large", "--xattrs"), "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
                // Without the value that does not fit all else comes.
                try await run("setfattr", "-x", "user.large", tree.path + "/a/large")
                _ = try await fleet.stage(tree.path, "--xattrs")
                #expect(try await fleet.differences(tree, slot: 1, flags: ["-AX"]) == "")
            }
        }

        @Test(
            "what the host cannot set refuses the stage as well",
            .enabled("tracing is not allowed here") { await Machine.canTrace() },
            arguments: [("EOPNOTSUPP", "file system"), ("EPERM", "container")])
        func unsupported(_ error: String, _ word: String) async throws {
            try await Workbench.use { bench in
                let agent = try bench.script(
                    "#!/bin/sh\nexec strace -qq -f -o /dev/null -e inject=fsetxattr:error=\(error) '\(Program.agent)' \"$@\"\n",
                    to: "agent")
                let fleet = try Fleet(bench, slots: 2).with("--remote-command", agent)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let before = try await snapshot(fleet.root())
                let tree = try await attributedTree(bench, capability: false)
                let outcome = try await fleet.stage(tree.path, "--xattrs", succeeds: false)
                #expect(outcome.isRefusal(naming: "h1", fleet.slot(1), word, "--xattrs"), "\(outcome)")
                #expect(try await snapshot(fleet.root()) == before)
            }
        }

        @Test("what root stages in another user's ring keeps its capabilities, though it changes hands")
        func adopted() async throws {
            try await Workbench.use { bench in
                let asDeploy = try OtherUser().fleet(bench)
                try await asDeploy.release(firstTree(bench))
                let tree = try await attributedTree(bench)
                let asRoot = try asDeploy.with("--remote-command", replacedBy: Program.agent)
                _ = try await asRoot.stage(tree.path, "--xattrs")
                let flags = ["--no-owner", "--no-group", "-AX"]
                #expect(try await asRoot.differences(tree, slot: 2, flags: flags) == "")
                let foreign = try await Program.run(["find", asRoot.slot(2), "!", "-user", "65534"])
                #expect(foreign.output == "", "\(foreign)")
            }
        }

        @Test("what a folder on the host hands down does not stay on what the release has without it")
        func inherited() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await run("setfacl", "-m", "d:u:33:rwx", fleet.root())
                let tree = try await attributedTree(bench)
                _ = try await fleet.stage(tree.path, "--xattrs")
                #expect(try await fleet.differences(tree, slot: 1, flags: ["-AX"]) == "")
                // Without the option it is the host's.
                try await fleet.done("flip")
                try await fleet.done("stage", changedTree(bench).path)
                #expect(try await attributes(of: fleet.slot(2)).contains("posix_acl_access"))
            }
        }

        @Test("--chmod changes access lists as rsync's does", arguments: ["D755,F640", "go-rwx", "g+w,o="])
        func chmod(_ changes: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try await attributedTree(bench)
                let judged = try bench.folder("judged")
                try await run("rsync", "-rlpAXt", "--chmod=\(changes)", tree.path + "/", judged)
                _ = try await fleet.stage(tree.path, "--xattrs", ["--chmod=\(changes)"])
                #expect(try await Rsync.differences(judged, fleet.slot(1), flags: ["-AX"]) == "")
            }
        }

        @Test("what is seeded into shared has its attributes")
        func seeds() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                let uploads = try tree.folder("uploads")
                try uploads.folder("deep").file("page", "x")
                try uploads.file("plain", "x")
                try await run("setfacl", "-m", "u:33:rwx,d:u:33:rwx", uploads.path, uploads.path + "/deep")
                try await run("setfattr", "-n", "user.origin", "-v", "here", uploads.path + "/deep/page")
                let outcome = try await fleet.stage(tree.path, "--xattrs", ["--shared", "uploads"])
                #expect(!outcome.errors.contains("carries"), "\(outcome)")
                let shared = fleet.root() + "/shared/uploads"
                for path in ["", "/deep", "/deep/page"] {
                    let wanted = try await attributes(of: uploads.path + path, below: false)
                    #expect(try await attributes(of: shared + path, below: false) == wanted && wanted != "", "\(path)")
                }
            }
        }

        @Test(
            "push takes the option, or the key, and a rollback finds attributes as they were", arguments: [true, false])
        func push(_ isOption: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                if !isOption { try bench.write("xattrs: true\n", to: "slotsync.yml") }
                let tree = try await attributedTree(bench)
                try await fleet.done("push", tree.path, "--no-canary", isOption ? "--xattrs" : "--quiet")
                let first = try await attributes(of: fleet.root() + "/current/")
                #expect(first.contains("security.capability"))
                #expect(try await fleet.differences(tree, slot: 1, flags: ["-AX"]) == "")
                try await Change.removals.make(in: tree)
                try await fleet.done("push", tree.path, "--no-canary", isOption ? "--xattrs" : "--quiet")
                #expect(try await fleet.differences(tree, slot: 2, flags: ["-AX"]) == "")
                let outcome = try await fleet.done("rollback")
                #expect(!outcome.errors.contains("slot 1"), "\(outcome)")
                #expect(fleet.current() == "slots/1")
                #expect(try await attributes(of: fleet.root() + "/current/") == first)
            }
        }

        @Test(
            "a label is carried where the source has one, and stays the host's where it has none",
            .enabled("labels of any name cannot be set here") { await Machine.keepsLabels() })
        func labels() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let (tree, slot) = (try firstTree(bench), fleet.slot(1))
                try await run(label("source_t", tree.path + "/index.html"))
                _ = try await fleet.stage(tree.path, "--xattrs")
                try await fleet.done("flip")
                #expect(try await attributes(of: slot + "/index.html").contains("source_t"))
                try await run(label("host_t", slot + "/robots.txt"))
                try await fleet.done("verify")
                try await fleet.release(changedTree(bench))
                _ = try await fleet.stage(tree.path, "--xattrs")
                #expect(try await attributes(of: slot + "/robots.txt").contains("host_t"))
                #expect(try await attributes(of: slot + "/index.html").contains("source_t"))
            }
        }
    }
}

private func label(_ type: String, _ path: String) -> [String] {
    ["setfattr", "-h", "-n", "security.selinux", "-v", "system_u:object_r:\(type):s0", path]
}

private func run(_ command: String...) async throws { try await run(command) }

private func run(_ command: [String]) async throws {
    let outcome = try await Program.run(command)
    try #require(outcome.exitCode == 0, "\(outcome)")
}

/// All attributes of what stands at a path, and below it, by the paths within.
private func attributes(of path: String, below: Bool = true) async throws -> String {
    let url = URL(fileURLWithPath: path)
    let isFolder = url.resolvingSymlinksInPath().hasDirectoryPath
    let command = ["getfattr", "-h", "-d", "-m", "-"] + (below ? ["-R", "-P"] : [])
    let place = isFolder ? (path, ".") : (url.deletingLastPathComponent().path, url.lastPathComponent)
    return try await Program.run(command + [place.1], in: place.0).output
}

extension Fleet {
    /// Stages with an option, and more of them.
    fileprivate func stage(
        _ path: String, _ option: String, _ more: [String] = [], succeeds: Bool = true
    ) async throws -> Outcome {
        var fleet = self
        fleet.options += more
        let outcome = try await fleet.call("stage", path, option)
        try #require(!succeeds || outcome.exitCode == 0, "\(outcome)")
        return outcome
    }
}

/// `firstTree`, and all kinds of entries with all kinds of attributes.
private func attributedTree(_ bench: Workbench, capability: Bool = true) async throws -> TreeMaker {
    let tree = try firstTree(bench)
    try tree.file("empty", "")
    try tree.file("tool", Content.random(200_000, seed: 5), mode: 0o4755)
    try tree.sparse("sparse", size: 3 << 20, data: [1, 2, 3], at: 1 << 20)
    try tree.file("one", "the same content")
    try tree.hardLink("two", to: "one")
    try tree.file("copy", "the same content")
    try tree.folder("sticky", mode: 0o1777).file("x", "x", mode: 0o444)
    try await Change.additions.make(in: tree)
    if capability { try await run("setcap", "cap_net_bind_service+ep", tree.path + "/assets/main.js") }
    return tree
}

/// What happens to the source from one release to the next.
private enum Change: CaseIterable {
    case nothing, values, contents, removals, additions, moves

    func make(in tree: TreeMaker) async throws {
        let path = tree.path
        switch self {
        case .nothing: break
        case .additions:
            try await run(
                "setfattr", "-n", "user.origin", "-v", "here", path, path + "/robots.txt", path + "/empty",
                path + "/sparse")
            try await run("setfattr", "-n", "user.empty", path + "/one", path + "/sticky", path + "/sticky/x")
            let tool = exists(path + "/tool") ? "/tool" : "/moved-tool"
            try await run("setfacl", "-m", "u:33:rw,g:34:r", path + "/index.html", path + tool, path + "/one")
            try await run("setfacl", "-m", "u:33:rwx,d:u:33:rwx,d:g:34:rx", path + "/assets", path + "/cache", path)
        case .values:
            try await run(
                "setfattr", "-n", "user.origin", "-v", String(repeating: "long", count: 200), path + "/robots.txt")
            try await run("setfacl", "-m", "u:33:r,m::rx", path + "/index.html", path + "/assets")
            try await run("setfacl", "-d", "-m", "u:35:rx", path + "/cache")
        case .contents:
            // A write takes the capability away; the folder hands its list down.
            try tree.file("assets/main.js", Content.script(functions: 300, seed: 9), mode: 0o755)
            try tree.file("assets/new.js", "made in a folder with a default list")
            try tree.file("index.html", "<h1>other</h1>")
            try await run("setcap", "cap_net_raw+ep", path + "/assets/main.js")
        case .removals:
            try await run("setfacl", "-b", path + "/index.html", path + "/assets", path)
            try await run("setfattr", "-x", "user.origin", path + "/robots.txt")
            _ = try await Program.run(["setcap", "-r", path + "/assets/main.js"])
        case .moves:
            let names = ["tool", "moved-tool"]
            let isMoved = exists(path + "/moved-tool")
            try tree.rename(.init(names[isMoved ? 1 : 0]), to: .init(names[isMoved ? 0 : 1]))
            try await run("setcap", "cap_chown+ep", path + "/" + names[isMoved ? 0 : 1])
            try await run("setcap", "cap_chown+ep", path + "/copy")
        }
    }
}
