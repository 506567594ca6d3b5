// Modes of a release: `--chmod` means what rsync's means, and a release that is closed to others where the live one is open
// is told of.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Modes of a release")
    struct ModeTests {
        @Test(
            "--chmod does what rsync's does",
            arguments: [
                "D755,F644", "u=rwX,go=rX", "Dg+s,ug+w,Fo-w,+X", "go-rwx", "a+X", "F0600,D2750", "u+s,g-s", "o=", "+t",
                "a=rX,u+w",
                "Du+x,Fa-x", "ug=rw,o+r,D+x", "=rx", "g=s", "-w", "a-st", "a+s", "a=rxs", "o+s", "+s", "go=s", "=t",
                "ugo=rwxst",
            ])
        func chmod(_ changes: String) async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                for mode in [0o600, 0o644, 0o755, 0o4711, 0o2640, 0o1777, 0o400, 0o20] as [mode_t] {
                    try tree.file(.init("file-" + String(mode, radix: 8)), "x", mode: mode)
                    try tree.folder(.init("folder-" + String(mode, radix: 8)), mode: mode | 0o500).file("x", "x")
                }
                try tree.symlink("link", to: "file-600")
                let judged = try bench.folder("judged")
                let rsync = try await Program.run(["rsync", "-rlpt", "--chmod=\(changes)", tree.path + "/", judged])
                try #require(rsync.exitCode == 0, "\(rsync)")
                let fleet = try Fleet(bench)
                try await fleet.done("stage", tree.path, "--chmod=\(changes)")
                func modes(_ path: String) async throws -> [String] {
                    try await Program.run(["find", path, "!", "-type", "l", "-printf", "%P %m\\n"]).lines.sorted()
                }
                #expect(try await modes(fleet.slot(1)) == modes(judged))
            }
        }

        @Test(
            "changes that rsync refuses are refused", arguments: ["u=q", "DF644", "89", "u755", "x", "", "D755,,F644"])
        func bad(_ changes: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let outcome = try await fleet.call("stage", firstTree(bench).path, "--chmod=\(changes)")
                #expect(outcome.exitCode == 64, "\(outcome)")
                try bench.write("chmod: ['\(changes)']\n", to: "slotsync.yml")
                let configured = try await fleet.call("stage", firstTree(bench).path)
                #expect(configured.exitCode == 64 && configured.errors.contains("slotsync.yml"), "\(configured)")
            }
        }

        @Test("`chmod` in the configuration counts unless an option does")
        func configured() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try bench.write("chmod: D711,F600\n", to: "slotsync.yml")
                try await fleet.stage(firstTree(bench))
                #expect(try TreeMaker(at: fleet.slot(1)).status("robots.txt").st_mode & 0o7777 == 0o600)
                try await fleet.done("stage", firstTree(bench).path, "--chmod", "F640")
                // The first one is ready, and stays.
                #expect(try TreeMaker(at: fleet.slot(2)).status("robots.txt").st_mode & 0o7777 == 0o640)
            }
        }

        @Test("a release that is closed to others where the live one is open is told of, with what helps")
        func closed() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let open = try await fleet.done("stage", firstTree(bench).path)
                #expect(!open.errors.contains("closed"), "\(open)")
                try await fleet.done("flip")
                let tree = try changedTree(bench)
                try #require(Foundation.chmod(tree.path, 0o700) == 0)
                let outcome = try await fleet.done("stage", tree.path)
                #expect(outcome.errors.contains("closed") && outcome.errors.contains("--chmod go+rX"), "\(outcome)")
                #expect(outcome.errors.contains("h1"), "\(outcome)")
                let opened = try await fleet.done("stage", tree.path, "--chmod", "go+rX")
                #expect(!opened.errors.contains("closed"), "\(opened)")
                try await fleet.done("stage", tree.path)
                try await fleet.done("flip")
                // What was closed on purpose is told of once.
                try tree.file("more", "x")
                let again = try await fleet.done("stage", tree.path)
                #expect(!again.errors.contains("closed"), "\(again)")
            }
        }

        @Test(
            "a new file or folder that is closed where its neighbours are open is told of, and the advice keeps programs"
        )
        func newAndClosed() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let tree = try firstTree(bench)
                try tree.file("run", "#!/bin/sh", mode: 0o700)
                try tree.folder("private", mode: 0o700).file("page", "x")
                let outcome = try await fleet.done("stage", tree.path)
                let expected = #"in 2 entries: "private" (mode 700), "run" (mode 700)."#
                #expect(outcome.errors.contains(expected), "\(outcome)")
                let opened = try await fleet.done("stage", tree.path, "--chmod", "go+rX")
                #expect(!opened.errors.contains("closed"), "\(opened)")
                let slot = try TreeMaker(at: fleet.slot(3))
                #expect(try slot.status("run").st_mode & 0o7777 == 0o755)
                #expect(try slot.status("private").st_mode & 0o7777 == 0o755)
            }
        }

        @Test(
            "what no release carries is named: access lists, capabilities, attributes",
            .enabled(if: Machine.isRoot, "needs root"))
        func attributes() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                let plain = try await fleet.done("stage", tree.path, "--dry-run")
                #expect(!plain.errors.contains("carries"), "\(plain)")
                let accessList = [UInt8]([
                    2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 33, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
                    16, 0, 6,
                    0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
                ])
                let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
                try set("system.posix_acl_access", accessList, of: tree.path + "/index.html")
                try set("security.capability", capability, of: tree.path + "/assets/main.js")
                try set("user.origin", [1], of: tree.path + "/robots.txt")
                let outcome = try await fleet.done("stage", tree.path)
                for word in ["index.html", "assets/main.js", "robots.txt", "capabilities", "ACL", "attributes"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
            }
        }
    }
}

/// Swift's Glibc module does not show the call.
private func set(_ name: String, _ value: [UInt8], of path: String) throws {
    typealias Call = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, CInt) -> CInt
    let symbol = try #require(dlsym(nil, "setxattr"))
    guard unsafeBitCast(symbol, to: Call.self)(path, name, value, value.count, 0) == 0 else {
        throw SystemFailure("setxattr \(name)")
    }
}
