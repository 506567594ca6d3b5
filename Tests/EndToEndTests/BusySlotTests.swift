// Another process works in a slot while a stage fills it: whatever it writes, and however well it hides that, the slot holds
// the release in the end.

import Foundation
import Testing

extension EndToEnd {
    @Suite(
        "A slot that is written to while it is filled",
        .enabled("tracing is not allowed here") { await Machine.canTrace() })
    struct BusySlotTests {
        @Test(
            "what a process writes to files that stay, or are moved, does not get into the release",
            arguments: ["robots.txt", "moved/from"])
        func written(_ path: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let (first, third) = (try firstTree(bench), try bench.tree("third"))
                try first.folder("moved").file("from", "moved content")
                try await fleet.release(first)
                try await fleet.release(changedTree(bench))
                try third.file("robots.txt", first.content("robots.txt"))
                try third.folder("new").file("to", "moved content")
                // The state is written after the slot was looked at, and before files are moved; the folder is made before
                // files get their times.
                let slow = try bench.script(
                    "#!/bin/sh\nexec strace -f -qq -o /dev/null -e inject=mkdirat:delay_enter=3000000:when=1 "
                        + "-e inject=renameat2:delay_enter=1000000 '\(Program.agent)' \"$@\"\n", to: "slow")
                let file = fleet.slot(1) + "/" + path
                let note = fleet.root() + "/.slotsync/slots/1.staging"
                let outcome = try await fleet.with("--remote-command", slow).call("stage", third.path) { _ in
                    try await eventually("the stage does not begin", within: .seconds(30)) { exists(note) }
                    let script =
                        "touch -r '\(file)' '\(bench["time"])'; tr a-z A-Z <'\(file)' >'\(bench["text"])'; "
                        + "dd conv=notrunc status=none if='\(bench["text"])' of='\(file)'; touch -r '\(bench["time"])' '\(file)'"
                    try #require(try await Program.run(["sh", "-c", script]).exitCode == 0)
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(try await fleet.differences(third, slot: 1) == "")
                #expect(outcome.errors.contains(file) && outcome.errors.contains("somebody changed it"), "\(outcome)")
            }
        }
    }
}
