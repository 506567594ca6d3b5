// What is already so is not done again: an unchanged release costs a check, and no byte, inode or time changes.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Nothing to do")
    struct UnchangedTests {
        @Test("the release ID does not depend on times")
        func timesAreNotContent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                let release = try await fleet.stage(tree)
                for name in ["index.html", "assets", "latest"] {
                    try tree.touch(.init(name), timespec(tv_sec: 1_600_000_000, tv_nsec: 7))
                }
                #expect(try await fleet.stage(tree) == release)
            }
        }

        @Test("the release ID depends on contents, modes, names and link targets")
        func contentIsContent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try firstTree(bench)
                var releases = [try await fleet.stage(tree)]
                try tree.file("index.html", "<h1>FIRST</h1>")
                releases.append(try await fleet.stage(tree))
                try tree.chmod("index.html", 0o640)
                releases.append(try await fleet.stage(tree))
                try tree.rename("robots.txt", to: "robots.TXT")
                releases.append(try await fleet.stage(tree))
                try tree.remove("latest")
                try tree.symlink("latest", to: "assets/logo.png")
                releases.append(try await fleet.stage(tree))
                try tree.folder("empty")
                releases.append(try await fleet.stage(tree))
                #expect(Set(releases).count == releases.count)
            }
        }

        @Test("staging a release that is ready touches nothing in its slot")
        func readyAgain() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let tree = try firstTree(bench)
                let release = try await fleet.stage(tree)
                let before = try await snapshot(fleet.slot(1, of: "h2"))
                try tree.touch("index.html", timespec(tv_sec: 1_600_000_000, tv_nsec: 7))
                #expect(try await fleet.stage(tree) == release)
                #expect(try await snapshot(fleet.slot(1, of: "h2")) == before)
                #expect(!exists(fleet.slot(2, of: "h2") + "/index.html"))
            }
        }

        @Test("staging the live release touches nothing, and leaves it live")
        func liveAgain() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let tree = try firstTree(bench)
                let release = try await fleet.release(tree)
                let before = try await snapshot(fleet.root("h2") + "/slots")
                #expect(try await fleet.stage(tree) == release)
                #expect(try await snapshot(fleet.root("h2") + "/slots") == before)
                #expect(fleet.current("h2") == "slots/1")
            }
        }

        @Test("flipping the live release is a success that does nothing")
        func flipLive() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let release = try await fleet.release(firstTree(bench))
                let before = try await snapshot(fleet.root("h2"))
                try await fleet.done("flip", release)
                #expect(try await snapshot(fleet.root("h2")) == before)
            }
        }
    }
}
