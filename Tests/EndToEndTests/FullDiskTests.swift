// A full disk is seen coming where it can be, and survived where it can not.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Full disk", .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
    struct FullDiskTests {
        @Test("a release that does not fit is refused on that host before a byte changes, and staged on the others")
        func noticedBefore() async throws {
            try await withSmallHost(size: 24 << 20) { fleet, _ in
                try await fleet.release(tree(fleet.bench, seed: 1))
                let before = try await snapshot(fleet.root("h2") + "/slots")
                let next = try tree(fleet.bench, seed: 2)
                let outcome = try await fleet.call("stage", next.path)
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(outcome.errors.contains(/h2.*disk full: needs .+, .+ free/), "\(outcome)")
                #expect(try await snapshot(fleet.root("h2") + "/slots") == before)
                for host in ["h1", "h3"] { #expect(try await fleet.differences(next, slot: 2, of: host) == "") }
            }
        }

        @Test("a disk without inodes is called so, where a ring is made and where a slot is filled")
        func inodes() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await Machine.mountMemory(size: 8 << 20, inodes: 12, at: fleet.root())
                let making = try await fleet.call("stage", firstTree(bench).path)
                #expect(making.exitCode == 1, "\(making)")
                #expect(making.errors.contains(/h1.*no inode is free.*df -i/), "\(making)")
                _ = try await Program.run(["umount", fleet.root()])
                try await Machine.mountMemory(size: 8 << 20, inodes: 18, at: fleet.root())
                let filling = try await fleet.call("stage", firstTree(bench).path)
                #expect(filling.exitCode == 1, "\(filling)")
                #expect(filling.errors.contains(/h1.*inode.*df -i/), "\(filling)")
            }
        }

        @Test("a disk that fills during the transfer fails that host alone, and its live release stays whole")
        func fillsMeanwhile() async throws {
            try await withSmallHost(size: 64 << 20) { fleet, agent in
                let live = try tree(fleet.bench, seed: 1)
                try await fleet.release(live)
                let next = try tree(fleet.bench, seed: 2)
                let filler = fleet.bench["h2/filler"]
                let steered = fleet.with("--remote-command", agent.program)
                let outcome = try await steered.call("stage", next.path) { _ in
                    try await agent.held()
                    try fill(filler)
                    try agent.goOn()
                }
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(outcome.errors.contains(/h2.*disk full/), "\(outcome)")
                #expect(fleet.current("h2") == "slots/1")
                #expect(try await fleet.differences(live, slot: 1, of: "h2") == "")

                unlink(filler)
                try await fleet.release(next)
                #expect(try await fleet.differences(next, slot: 2, of: "h2") == "")
            }
        }
    }
}

/// 14 MB of random bytes in seven files.
private func tree(_ bench: Workbench, seed: UInt64) throws -> TreeMaker {
    let tree = try bench.tree("release-\(seed)")
    for file in 0..<7 {
        try tree.file(.init("file-\(file)"), Content.random(2_000_000, seed: seed * 100 + UInt64(file)))
    }
    return tree
}

/// Three hosts, of which h2 has a file system of its own.
private func withSmallHost(size: Int, _ body: (Fleet, SteeredAgent) async throws -> Void) async throws {
    try await Workbench.use { bench in
        try await Machine.mountMemory(size: size, at: bench.folder("h2"))
        let fleet = try Fleet(bench, hosts: 3)
        try await body(fleet, SteeredAgent(bench, holding: "h2", after: 5_000_000))
    }
}

/// Writes a file until there is no room for another byte.
private func fill(_ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure("create \(path)") }
    defer { close(descriptor) }
    for block in [1 << 20, 1] {
        let zeros = [UInt8](repeating: 0, count: block)
        while write(descriptor, zeros, block) > 0 {}
    }
    guard errno == ENOSPC else { throw SystemFailure("fill \(path)") }
}
