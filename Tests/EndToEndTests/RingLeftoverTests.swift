// What stands in `.slotsync` that is of no use: something else in the place of a record neither stops a stage nor is lost,
// and what a killed agent left half written goes with the next command.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Leftovers in the ring's folder")
    struct RingLeftoverTests {
        @Test(
            "something else in the place of a slot's record is moved aside and told of",
            arguments: ["fifo", "link", "folder"])
        func records(_ kind: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let records = fleet.root() + "/.slotsync/slots"
                for name in ["1", "1.staging"] {
                    unlink("\(records)/\(name)")
                    switch kind {
                    case "fifo": mkfifo("\(records)/\(name)", 0o600)
                    case "link": symlink(try bench.write("precious", to: "theirs"), "\(records)/\(name)")
                    default: try TreeMaker(at: records).folder(.init(name)).file("x", "precious")
                    }
                }
                let verified = try await fleet.call("verify")
                #expect(verified.exitCode == 1 && verified.output.contains("record is missing"), "\(verified)")
                let outcome = try await fleet.done("stage", firstTree(bench).path)
                for word in [".slotsync/slots/1\"", kind == "fifo" ? "FIFO" : kind, "1.replaced-1"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                for name in ["1", "1.staging"] { #expect(exists("\(records)/\(name).replaced-1")) }
                if kind == "link" {
                    #expect(try String(contentsOfFile: bench["theirs"], encoding: .utf8) == "precious")
                }
                try await fleet.done("flip")
                try await fleet.done("verify")
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test("what killed agents left half written goes with the next change of any kind")
        func unfinished() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let names = ["state.tmp", "seeded.tmp", "slots/1.tmp", "slots/2.staging.tmp", "tmp/after_flip.output"]
                for name in names { try TreeMaker(at: fleet.root() + "/.slotsync").file(.init(name), "half") }
                try await fleet.done("rollback")
                for name in names { #expect(!exists(fleet.root() + "/.slotsync/" + name), "\(name)") }
            }
        }
    }
}
