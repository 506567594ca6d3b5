// The way back on a disk that has no room left: no block, no inode, or nothing that may be written.

import Foundation
import Testing

extension EndToEnd {
    @Suite("The way back on a full disk", .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
    struct FullDiskWayBackTests {
        @Suite("in memory")
        struct InMemory {
            @Test("a rollback goes back, and the state knows it, again and again", arguments: Disk.inMemory)
            func rollback(_ disk: Disk) async throws { try await testRollback(disk) }

            @Test("an after_flip hook that fills the disk and fails takes the host back", arguments: Disk.inMemory)
            func fillingHook(_ disk: Disk) async throws { try await testFillingHook(disk) }

            @Test("a ring that was made before there were reserves goes back all the same", arguments: Disk.inMemory)
            func withoutReserves(_ disk: Disk) async throws { try await testWithoutReserves(disk) }
        }

        @Suite("on ext4", .enabled("no loop device, or no mkfs.ext4") { await Machine.canMountExt4() })
        struct OnExt4 {
            @Test("a rollback goes back, and the state knows it, again and again", arguments: Disk.onExt4)
            func rollback(_ disk: Disk) async throws { try await testRollback(disk) }

            @Test("an after_flip hook that fills the disk and fails takes the host back", arguments: Disk.onExt4)
            func fillingHook(_ disk: Disk) async throws { try await testFillingHook(disk) }

            @Test("a ring that was made before there were reserves goes back all the same", arguments: Disk.onExt4)
            func withoutReserves(_ disk: Disk) async throws { try await testWithoutReserves(disk) }
        }

        enum Disk: Sendable {
            case memory, memoryWithoutInodes, ext4, ext4WithoutInodes

            static let inMemory = [Disk.memory, .memoryWithoutInodes]
            static let onExt4 = [Disk.ext4, .ext4WithoutInodes]

            func mount(at path: String, image: String) async throws {
                switch self {
                case .memory: try await Machine.mountMemory(size: 4 << 20, at: path)
                case .memoryWithoutInodes: try await Machine.mountMemory(size: 64 << 20, inodes: 200, at: path)
                case .ext4, .ext4WithoutInodes: try await Machine.mountExt4(image: image, at: path)
                }
            }

            /// A shell command that leaves no room below `$DISK`.
            var filling: String {
                switch self {
                case .memory, .ext4:
                    "for n in 1 2 3; do cat /dev/zero >> $DISK/filler-$n 2>/dev/null; sync $DISK/filler-$n; done"
                case .memoryWithoutInodes, .ext4WithoutInodes:
                    "i=0; while true 2>/dev/null > $DISK/filler-$i; do i=$((i+1)); done 2>/dev/null"
                }
            }
        }

        /// Two releases on a host of its own disk.
        private static func withDisk(
            _ disk: Disk, hooks: [String] = [], _ body: (Fleet, _ first: String, _ second: String) async throws -> Void
        ) async throws {
            try await Workbench.use { bench in
                try await disk.mount(at: bench.folder("h1"), image: bench["image"])
                let config = try bench.write("{hooks: {\(hooks.joined(separator: ", "))}}", to: "hooks.yml")
                let fleet = try Fleet(bench, slots: 3)
                let first = try await fleet.release(firstTree(bench))
                let second = try await fleet.release(changedTree(bench))
                try await body(fleet.with("--config", config), first, second)
            }
        }

        private static func fill(_ disk: Disk, _ fleet: Fleet) async throws {
            _ = try await Program.run(
                ["sh", "-c", disk.filling], environment: ["DISK": fleet.bench["h1"]])
            // A file system may keep a few blocks for itself.
            #expect(throws: (any Error).self) {
                try Data(repeating: 1, count: 1 << 20).write(to: URL(fileURLWithPath: fleet.bench["h1/one-more"]))
            }
            unlink(fleet.bench["h1/one-more"])
        }

        private static func live(_ fleet: Fleet) async throws -> String? {
            let events = try await fleet.done("status", "--json").events()
            return events.first { $0["event"] as? String == "host" }?["live"] as? String
        }

        private static func testRollback(_ disk: Disk) async throws {
            try await withDisk(disk, hooks: ["after_rollback: 'echo reloaded'"]) { fleet, first, second in
                try await fill(disk, fleet)
                for _ in 1...3 {
                    let back = try await fleet.done("rollback")
                    #expect(!back.errors.contains("warning"), "\(back)")
                    #expect(fleet.current() == "slots/1")
                    #expect(try await live(fleet) == first)
                    try await fleet.done("flip", second)
                    #expect(fleet.current() == "slots/2")
                    #expect(try await live(fleet) == second)
                }
            }
        }

        private static func testFillingHook(_ disk: Disk) async throws {
            let hook = "DISK=$SLOTSYNC_ROOT/..; \(disk.filling); false"
            for isPush in [false, true] {
                try await withDisk(disk) { fleet, _, second in
                    let third = try fleet.bench.tree("third")
                    try third.file("page", "third")
                    let config = try fleet.bench.write(
                        "hooks:\n  after_flip: '\(hook)'\n  after_rollback: 'echo back'\n", to: "filling.yml")
                    let steered = try fleet.with("--config", replacedBy: config)
                    let outcome: Outcome
                    if isPush {
                        outcome = try await steered.call("push", third.path, "--no-canary")
                    } else {
                        try await fleet.stage(third)
                        outcome = try await steered.call("flip")
                    }
                    #expect(outcome.exitCode == 1, "\(outcome)")
                    #expect(fleet.current() == "slots/2")
                    #expect(try await live(fleet) == second)
                }
            }
        }

        private static func testWithoutReserves(_ disk: Disk) async throws {
            try await withDisk(disk) { fleet, first, _ in
                let metadata = fleet.root() + "/.slotsync"
                for name in ["state.next", "current.1", "current.2", "current.3"] { unlink("\(metadata)/\(name)") }
                try await fill(disk, fleet)
                // Without an inode a file of the ring's own makes room for the link; a later stage makes it again.
                let back = try await fleet.done("rollback")
                #expect(fleet.current() == "slots/1", "\(back)")
                #expect(try await live(fleet) == first)
                _ = try await Program.run(["sh", "-c", "rm -f \(fleet.bench["h1"])/filler*"])
                #expect(try await live(fleet) != nil)
                #expect(fleet.current() == "slots/1")
                #expect(try await live(fleet) == first)
                try await fleet.release(changedTree(fleet.bench))
                #expect(try await fleet.differences(changedTree(fleet.bench), slot: 2) == "")
            }
        }

        @Test("a rollback goes back where .slotsync can only be read, and the next command puts the state right")
        func readOnly() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let metadata = fleet.root() + "/.slotsync"
                try await Machine.makeReadOnly(metadata)
                let back = try await fleet.done("rollback")
                #expect(back.errors.contains("could not be written"), "\(back)")
                #expect(fleet.current() == "slots/1")
                #expect(try await Self.live(fleet) == first)
                _ = try await Program.run(["umount", metadata])
                #expect(try await Self.live(fleet) == first)
                try await fleet.done("stage", changedTree(bench).path)
                #expect(fleet.current() == "slots/1")
            }
        }
    }
}
