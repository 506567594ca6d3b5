// A source that changes while it is read: a release is never a mixture.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Restless sources")
    struct RestlessSourceTests {
        @Test("a file that never holds still fails the stage, which names it, and the live release stays")
        func neverStill() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                let tree = try bench.tree("source")
                try tree.file("quiet", "x")
                try tree.file("restless.log", Content.random(16 << 20, seed: 1))
                let path = tree.path + "/restless.log"
                let writer = Task.detached {
                    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
                    defer { close(descriptor) }
                    while !Task.isCancelled { _ = write(descriptor, "x", 1) }
                }
                let outcome = try await fleet.call("stage", tree.path)
                writer.cancel()
                await writer.value
                #expect(outcome.isRefusal(naming: "restless.log"), "\(outcome)")
                #expect(fleet.current() == "slots/1")

                try await fleet.release(tree)
                #expect(try await fleet.differences(tree, slot: 2) == "")
            }
        }

        @Test("a file that is replaced again and again arrives as one of its contents, or fails the stage by name")
        func replacedWhole() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                let contents = [Content.random(300_000, seed: 1), Content.random(300_000, seed: 2)]
                try tree.file("page", contents[0])
                let folder = tree.path
                let writer = Task.detached {
                    let beside = try TreeMaker(at: folder + "/..")
                    for turn in 1... {
                        if Task.isCancelled { return }
                        try beside.file("next-page", contents[turn % 2])
                        try beside.rename("next-page", to: "source/page")
                    }
                }
                let outcome = try await fleet.call("stage", tree.path)
                writer.cancel()
                try await writer.value
                if outcome.exitCode == 0 {
                    #expect(contents.contains(try TreeMaker(at: fleet.slot(1)).content("page")))
                } else {
                    #expect(outcome.isRefusal(naming: "page"), "\(outcome)")
                }
            }
        }
    }
}
