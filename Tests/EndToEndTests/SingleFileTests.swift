// The delta engine on single files, as rdiff offers it.

import Foundation
import Testing

extension EndToEnd {
    @Suite("signature, delta, patch")
    struct SingleFileTests {
        @Test("a file goes from basis to new by a delta that is small")
        func roundTrip() async throws {
            try await Workbench.use { bench in
                let basis = Content.random(2 << 20, seed: 1)
                let new = Content.random(5_000, seed: 2) + basis[100_000...] + basis[..<50_000]
                let tree = try bench.tree("files")
                try tree.file("basis", basis)
                try tree.file("new", new)
                let file = { tree.path + "/" + $0 }
                try await slotsync("signature", file("basis"), "-o", file("signature"))
                try await slotsync("delta", file("signature"), file("new"), "-o", file("delta"))
                try await slotsync("patch", file("basis"), file("delta"), "-o", file("again"))
                #expect(try tree.content("again") == new)
                #expect(try tree.status("delta").st_size < 20_000)
            }
        }

        @Test("- stands for the standard streams")
        func streams() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("files")
                try tree.file("basis", Content.random(300_000, seed: 1))
                try tree.file("new", Content.random(300_000, seed: 1) + [1, 2, 3])
                let pipeline = """
                    "$0" signature basis -o - | "$0" delta - new -o - | "$0" patch basis - -o - > again && cmp new again
                    """
                let outcome = try await Program.run(
                    ["bash", "-e", "-o", "pipefail", "-c", pipeline, Program.slotsync], in: tree.path)
                #expect(outcome.exitCode == 0, "\(outcome)")
            }
        }

        @Test("a delta that is cut short is refused, and the output does not appear")
        func cutDelta() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("files")
                try tree.file("basis", Content.random(300_000, seed: 1))
                try tree.file("new", Content.random(300_000, seed: 2))
                let file = { tree.path + "/" + $0 }
                try await slotsync("signature", file("basis"), "-o", file("signature"))
                try await slotsync("delta", file("signature"), file("new"), "-o", file("delta"))
                try tree.file("cut", Array(try tree.content("delta").dropLast(100)))
                let command = [Program.slotsync, "patch", file("basis"), file("cut"), "-o", file("again")]
                let outcome = try await Program.run(command)
                #expect(outcome.isRefusal(naming: file("cut")), "\(outcome)")
                #expect(!exists(file("again")))
            }
        }

        @Test("a delta for another basis is refused, and the output does not appear")
        func otherBasis() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("files")
                try tree.file("basis", Content.random(300_000, seed: 1))
                try tree.file("new", Content.random(300_000, seed: 1) + [1])
                try tree.file("other", Content.random(300_000, seed: 3))
                let file = { tree.path + "/" + $0 }
                try await slotsync("signature", file("basis"), "-o", file("signature"))
                try await slotsync("delta", file("signature"), file("new"), "-o", file("delta"))
                let command = [Program.slotsync, "patch", file("other"), file("delta"), "-o", file("again")]
                let outcome = try await Program.run(command)
                #expect(outcome.isRefusal(naming: file("other")), "\(outcome)")
                #expect(!exists(file("again")))
            }
        }
    }
}

private func slotsync(_ arguments: String...) async throws {
    let outcome = try await Program.run([Program.slotsync] + arguments)
    try #require(outcome.exitCode == 0, "\(outcome)")
}
