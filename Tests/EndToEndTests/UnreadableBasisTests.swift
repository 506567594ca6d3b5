// A disk that gives errors where old content is read: the release arrives all the same, since what was to be made of
// that content comes over the wire. The errors are injected into the running agent's system calls.

import Foundation
import Testing

@testable import SlotSync

extension EndToEnd {
    @Suite("Old content that cannot be read", .enabled("tracing is not allowed here") { await Machine.canTrace() })
    struct UnreadableBasisTests {
        @Test("a changed file comes whole if its basis cannot be read", arguments: [true, false], [20_000, 3_000_000])
        func basis(isKnownToController: Bool, size: Int) async throws {
            try await withFaultyHost(reading: "slots/1/blob") { fleet, faulty in
                let tree = try fleet.bench.tree("source")
                var content = Content.random(size, seed: 1)
                try tree.file("blob", content)
                try await fleet.release(tree)
                // Without its cache of contents the controller asks the host for a signature.
                if !isKnownToController { try FileManager.default.removeItem(atPath: fleet.bench["cache"]) }
                content[size / 2] ^= 1
                try tree.file("blob", content)
                try await faulty.expectStaged(tree)
            }
        }

        @Test("a content that this host has, and cannot be read, comes over the wire", arguments: [20_000, 3_000_000])
        func copy(size: Int) async throws {
            try await withFaultyHost(reading: "slots/1/old-name") { fleet, faulty in
                let tree = try fleet.bench.tree("source")
                try tree.file("old-name", Content.random(size, seed: 1))
                try await fleet.release(tree)
                try tree.rename("old-name", to: "new-name")
                try await faulty.expectStaged(tree)
            }
        }

        @Test("a content that is twice in a release, and cannot be read where it was put, comes again")
        func duplicate() async throws {
            try await withFaultyHost(reading: "slots/2/one", onlyFirst: true) { fleet, faulty in
                let tree = try fleet.bench.tree("source")
                try tree.file("index", "1")
                try await fleet.release(tree)
                try tree.file("one", Content.random(10_000, seed: 1))
                try tree.file("two", Content.random(10_000, seed: 1))
                try await faulty.expectStaged(tree)
            }
        }

        @Test("a file of the slot to be filled is replaced if it has to be hashed and cannot be read")
        func hashed() async throws {
            // Of two slots the one that is not live is filled again, though it is ready.
            try await withFaultyHost(reading: "slots/2/blob", slots: 2) { fleet, faulty in
                let tree = try fleet.bench.tree("source")
                try tree.file("blob", Content.random(10_000, seed: 1))
                try tree.file("other", "1")
                try await fleet.release(tree)
                try tree.file("other", "2")
                try await fleet.stage(tree)
                try tree.file("other", "3")
                try await faulty.expectStaged(tree, "--checksum")
            }
        }

        @Test("what an interrupted stage left is dropped if it cannot be read")
        func leftover() async throws {
            let content = Content.random(10_000, seed: 1)
            let name = content.withUnsafeBytes { ContentDigest(of: $0).description }
            try await withFaultyHost(reading: ".slotsync/tmp/\(name)") { fleet, faulty in
                let tree = try fleet.bench.tree("source")
                try tree.file("index", "1")
                try await fleet.release(tree)
                try tree.file("blob", content)
                try Data(content).write(to: URL(fileURLWithPath: "\(fleet.root())/.slotsync/tmp/\(name)"))
                try await faulty.expectStaged(tree)
            }
        }
    }
}

/// A fleet of one host, and the same host with errors when one of its files is read.
private func withFaultyHost(
    reading file: String, onlyFirst: Bool = false, slots: Int? = nil, _ body: (Fleet, FaultyHost) async throws -> Void
) async throws {
    try await Workbench.use { bench in
        let fleet = try Fleet(bench, slots: slots)
        try await body(fleet, FaultyHost(fleet, reading: file, onlyFirst: onlyFirst))
    }
}

private struct FaultyHost {
    private let fleet: Fleet
    private let log: String

    /// - Parameter onlyFirst: whether reading succeeds after the first error.
    init(_ fleet: Fleet, reading file: String, onlyFirst: Bool) throws {
        log = fleet.bench["errors"]
        let calls = "pread64,copy_file_range"
        let agent = try fleet.bench.script(
            """
            #!/bin/bash
            exec strace -f -qq -o '\(log)' -P '\(fleet.root())/\(file)' -e trace=\(calls) \\
                -e inject=\(calls):error=EIO\(onlyFirst ? ":when=1" : "") '\(Program.agent)' "$@"
            """,
            to: "faulty-agent"
        )
        self.fleet = fleet.with("--remote-command", agent)
    }

    /// Stages a tree into slot 2: there are errors, and the slot is right.
    func expectStaged(
        _ tree: TreeMaker, _ options: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var fleet = fleet
        fleet.options += options
        try await fleet.stage(tree, sourceLocation: sourceLocation)
        #expect(try await fleet.differences(tree, slot: 2) == "", sourceLocation: sourceLocation)
        let errors = try String(contentsOfFile: log, encoding: .utf8)
        #expect(errors.contains("EIO"), "nothing was read in vain", sourceLocation: sourceLocation)
    }
}
