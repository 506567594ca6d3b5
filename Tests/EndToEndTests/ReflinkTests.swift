// Where the file system can share blocks, a copy from slot to slot costs none.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Shared blocks", .enabled("XFS cannot be mounted from a file here") { await Machine.canMountXFS() })
    struct ReflinkTests {
        @Test("an unchanged large file takes no more room in the next slot")
        func sharedBlocks() async throws {
            try await Workbench.use { bench in
                try await Machine.mountXFS(image: bench["image"], at: bench.folder("h1"))
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("blob", Content.random(48 << 20, seed: 1))
                try await fleet.release(tree)
                let before = freeBytes(at: fleet.root())
                try tree.file("page", "new")
                try await fleet.release(tree)
                #expect(before - freeBytes(at: fleet.root()) < 4 << 20)
                #expect(try await fleet.differences(tree, slot: 2) == "")
                let extents = try await Program.run(["filefrag", "-v", fleet.slot(2) + "/blob"])
                #expect(extents.output.contains("shared"), "\(extents)")
            }
        }
    }
}
