// What crosses the wire: only what no slot of the host has, and of a changed file only what changed.

import Testing

extension EndToEnd {
    @Suite("Bytes sent")
    struct SavedBytesTests {
        @Test("a first release of random bytes costs about its size")
        func cold() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                let sent = try await Fleet(bench).sentBytes(staging: tree)
                #expect((4 << 20..<5 << 20).contains(sent))
            }
        }

        @Test("a renamed file is not sent again")
        func renamed() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                try await fleet.release(tree)
                try tree.rename("blob", to: "other-name")
                #expect(try await fleet.sentBytes(staging: tree) < 20_000)
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("a copy of a file is not sent")
        func copied() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                try await fleet.release(tree)
                try tree.folder("backup").file("copy", Content.random(4 << 20, seed: 1))
                #expect(try await fleet.sentBytes(staging: tree) < 20_000)
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("content that is twice in a release is sent once")
        func twins() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("one", Content.random(4 << 20, seed: 1))
                try tree.file("two", Content.random(4 << 20, seed: 1))
                #expect(try await fleet.sentBytes(staging: tree) < 5 << 20)
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test("a reverted file is not sent again while an old slot still has it")
        func reverted() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                try await fleet.release(tree)
                for seed: UInt64 in [2, 3] {
                    try tree.file("blob", Content.random(4 << 20, seed: seed))
                    try await fleet.release(tree)
                }
                try tree.file("blob", Content.random(4 << 20, seed: 1))
                // Another release, which has that file as well.
                try tree.file("page", "new")
                #expect(try await fleet.sentBytes(staging: tree) < 20_000)
                #expect(try await fleet.differences(tree, slot: 4) == "")
            }
        }

        @Test("a few bytes changed, put in and taken out of a large file cost little")
        func edited() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                var blob = Content.random(8 << 20, seed: 1)
                try tree.file("blob", blob)
                try await fleet.release(tree)
                blob[4_000_000] ^= 0xff
                blob.insert(contentsOf: Array("put in".utf8), at: 1_000_000)
                blob.removeSubrange(6_000_000..<6_000_100)
                try tree.file("blob", blob)
                #expect(try await fleet.sentBytes(staging: tree) < 100_000)
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("a hashed bundle under its next name, slightly changed, costs few bytes")
        func hashedBundle() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                let assets = try tree.folder("assets")
                let bundle = Content.script(functions: 20_000, seed: 5)
                try assets.file("main.3f2a.js", bundle)
                try assets.file("vendor.77aa.js", Content.script(functions: 5_000, seed: 6))
                try await fleet.release(tree)
                try assets.remove("main.3f2a.js")
                try assets.file("main.9b1c.js", bundle.replacing("+777;", with: "-777;"))
                #expect(try await fleet.sentBytes(staging: tree) < 40_000)
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("text crosses the wire compressed")
        func compressed() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("source")
                let line = "a line that says the same thing again and again, number "
                for file in 0..<50 {
                    try tree.file(.init("page-\(file)"), (0..<2_000).map { "\(line)\($0 ^ file)\n" }.joined())
                }
                // As over ssh: a local agent gets its bytes as they are.
                let shell = try bench.script("#!/bin/sh\nshift\nexec sh -c \"$1\"\n", to: "remote-shell")
                let fleet = try Fleet(bench).with("--transport", replacedBy: "ssh")
                    .with("--rsh", shell, "--remote-command", Program.agent)
                #expect(try await fleet.sentBytes(staging: tree) < 1_500_000)
            }
        }

        @Test("hosts that missed pushes all end equal, for about the bytes of what they lack")
        func cohorts() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 6)
                let tree = try bench.tree("source")
                try tree.file("constant", Content.random(3 << 20, seed: 1))
                for (release, hosts) in ["h[1-6]", "h[1-4]", "h[1-2]"].enumerated() {
                    try tree.file("changing", Content.random(1 << 20, seed: UInt64(10 + release)))
                    try tree.file(.init("page-\(release)"), "\(release)")
                    try await fleet.only(hosts).release(tree)
                }
                try tree.file("changing", Content.random(1 << 20, seed: 20))
                let sent = try await fleet.sentBytes(staging: tree)
                #expect(sent < 6 * (1 << 20) * 11 / 10)
                for (host, slot) in zip(fleet.hosts, [4, 4, 3, 3, 2, 2]) {
                    #expect(try await fleet.differences(tree, slot: slot, of: host) == "")
                }
                try await fleet.done("flip")
            }
        }

        @Test("the same file needed from different bases ends the same on every host")
        func differentBases() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                let tree = try bench.tree("source")
                var blob = Content.random(2 << 20, seed: 1)
                for hosts in ["h[1-3]", "h[1-2]", "h1"] {
                    blob.insert(contentsOf: Array(hosts.utf8), at: 300_000)
                    try tree.file("blob", blob)
                    try await fleet.only(hosts).release(tree)
                }
                blob.removeSubrange(1_000_000..<1_000_050)
                try tree.file("blob", blob)
                #expect(try await fleet.sentBytes(staging: tree) < 200_000)
                for (host, slot) in zip(fleet.hosts, [4, 3, 2]) {
                    #expect(try await fleet.differences(tree, slot: slot, of: host) == "")
                }
            }
        }
    }
}
