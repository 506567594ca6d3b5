// One writer a root.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("One writer a root")
    struct LockTests {
        @Test("a second stage is told who holds the lock and since when, and the first one finishes")
        func secondStage() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let (first, tree) = try await holdingStage(fleet) { slow, _ in
                    let second = try await fleet.call("stage", firstTree(bench).path)
                    #expect(second.exitCode == 1)
                    for word in ["h1", "lock", "a stage by", "since"] {
                        #expect(second.errors.contains(word), "\(second)")
                    }
                    try slow.goOn()
                }
                #expect(first.exitCode == 0, "\(first)")
                #expect(try await fleet.differences(tree, slot: 1) == "")
            }
        }

        @Test("whoever comes while a push watches is told so, canary or control, and since when")
        func duringPush() async throws {
            try await CanaryScene.use(settings: ["hosts: 2", "window: 60s"]) { scene in
                let push = try await scene.push(scene.site("second", .fast)) { program in
                    try await scene.waitUntil(2, areOn: 2)
                    // The rename comes just before the note.
                    var told = ""
                    try await eventually("nobody says that a push watches: \(told)") {
                        told = try await scene.fleet.call("flip").errors
                        return told.contains("that watches this host")
                    }
                    #expect(told.contains("a push by") && told.contains("since"), "\(told)")
                    let control = try await scene.fleet.only("h8").call("stage", firstTree(scene.bench).path)
                    #expect(control.exitCode == 1 && control.errors.contains("that watches this host"), "\(control)")
                    program.interrupt()
                }
                #expect(push.exitCode == 1, "\(push)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a flip waits for nobody while a stage is under way: it is refused", arguments: ["flip", "rollback"])
        func switchDuringStage(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let (stage, _) = try await holdingStage(fleet) { slow, _ in
                    let outcome = try await fleet.call(command)
                    #expect(outcome.exitCode == 1 && outcome.errors.contains("lock"), "\(outcome)")
                    #expect(fleet.current() == "slots/2")
                    guard command == "rollback" else { return try slow.goOn() }
                    // What it tells to type helps at once.
                    let told = try #require(
                        outcome.errors.firstMatch(of: /give way: slotsync (rollback --preempt .*)\n/), "\(outcome)"
                    ).output.1
                    let typed = try await Program.run(
                        ["sh", "-c", "exec '\(Program.slotsync)' \(told)"], in: bench.path)
                    #expect(typed.exitCode == 0 && fleet.current() == "slots/1", "\(typed)")
                }
                #expect(stage.exitCode == (command == "rollback" ? 1 : 0), "\(stage)")
            }
        }

        @Test("whoever meets a lock is told who holds it, why, and status says so, too; --wait waits for its end")
        func messageAndWait() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                var holder = fleet.with("--message", "fix the login")
                holder.environment["USER"] = "eva"
                holder.environment["SUDO_USER"] = ""
                let (stage, _) = try await holdingStage(holder) { slow, _ in
                    let refused = try await fleet.call("flip")
                    #expect(refused.exitCode == 1, "\(refused)")
                    for word in ["a stage by eva@", ": fix the login", "--wait"] {
                        #expect(refused.errors.contains(word), "\(refused)")
                    }
                    let status = try await fleet.done("status")
                    #expect(status.output.contains("locked by a stage by eva@"), "\(status)")
                    let json = try await fleet.done("status", "--json").events().first
                    let lock = try #require(json?["lock"] as? [String: Any])
                    #expect((lock["holder"] as? String)?.contains("fix the login") == true)
                    let waiting = try await fleet.call("flip", "--wait", "1s")
                    #expect(waiting.exitCode == 1 && waiting.errors.contains("waiting for the lock"), "\(waiting)")
                    let flipped = try await fleet.call("flip", "--wait", "1m") { flip in
                        try await flip.says("waiting for the lock")
                        try slow.goOn()
                    }
                    #expect(flipped.exitCode == 0 && fleet.current() == "slots/2", "\(flipped)")
                }
                #expect(stage.exitCode == 0, "\(stage)")
                #expect(try await fleet.done("status", "--json").events().first?["lock"] is NSNull)
            }
        }

        @Test(
            "--wait holds for a lock that is taken after it was looked for", arguments: ["flip", "rollback", "stage"])
        func lockedMeanwhile(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let tree = try page(bench, "third")
                if command == "flip" { try await fleet.stage(tree) }
                // Somebody takes the lock of h2 just before the second session with it begins.
                let agent = try bench.script(
                    """
                    #!/bin/bash
                    case "$*" in
                    */h2/*)
                        echo >> '\(bench["sessions"])'
                        if [ "$(wc -l < '\(bench["sessions"])')" = 2 ]; then
                            (flock -x 9; : > '\(bench["held"])'
                             while [ -d '\(bench.path)' ] && [ ! -e '\(bench["go-on"])' ]; do sleep 0.02; done) \
                                9<> '\(fleet.root("h2"))/.slotsync/lock' < /dev/null > /dev/null 2>&1 &
                            until [ -e '\(bench["held"])' ]; do sleep 0.02; done
                        fi ;;
                    esac
                    exec '\(Program.agent)' "$@"
                    """, to: "late-lock")
                let waiting = fleet.with("--remote-command", agent, "--wait", "1m")
                func letGo(_ waiting: RunningProgram) async throws {
                    try await waiting.says("h2: waiting for the lock")
                    try bench.write("", to: "go-on")
                }
                let outcome =
                    command == "stage"
                    ? try await waiting.call("stage", tree.path, whileRunning: letGo)
                    : try await waiting.call(command, whileRunning: letGo)
                #expect(outcome.exitCode == 0 && exists(bench["held"]), "\(outcome)")
                for host in fleet.hosts where command != "stage" {
                    #expect(fleet.current(host) == (command == "flip" ? "slots/3" : "slots/1"), "\(outcome)")
                }
            }
        }

        @Test("two names of one host are told as that, beside what the lock says")
        func oneRing() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.only("h[1,3]").release(firstTree(bench))
                try FileManager.default.removeItem(atPath: bench["h2"])
                try FileManager.default.createSymbolicLink(atPath: bench["h2"], withDestinationPath: bench["h1"])
                let tree = try changedTree(bench)
                try await fleet.only("h[1,3]").stage(tree)
                let flip = try await fleet.call("flip")
                #expect(flip.exitCode == 1 && flip.errors.contains(" is locked by a flip by "), "\(flip)")
                #expect(flip.errors.contains(/h[12]: warning: it is h[12] by another name/), "\(flip)")
                #expect(!flip.errors.contains("h3: warning"), "\(flip)")
                #expect(fleet.current("h1") == "slots/1" && fleet.current("h3") == "slots/1")
                let status = try await fleet.done("status")
                #expect(status.errors.contains("by another name"), "\(status)")
            }
        }

        @Test(
            "a message that would break the lines of others is refused", arguments: ["", "two\nlines", "\u{1b}[31mred"])
        func badMessage(_ message: String) async throws {
            try await Workbench.use { bench in
                let outcome = try await Fleet(bench).call("status", "--message", message)
                #expect(outcome.exitCode == 64 && outcome.errors.contains("--message"), "\(outcome)")
            }
        }

        @Test("status and verify need no lock", arguments: ["status", "verify"])
        func readersNeedNoLock(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                _ = try await holdingStage(fleet) { slow, _ in
                    try await fleet.done(command)
                    try slow.goOn()
                }
            }
        }
    }
}

/// Stages a large release, and does something while h1 is held in the middle of it, its lock taken.
func holdingStage(
    _ fleet: Fleet, _ body: (SteeredAgent, RunningProgram) async throws -> Void
) async throws -> (outcome: Outcome, tree: TreeMaker) {
    let slow = try SteeredAgent(fleet.bench, holding: "h1", after: 500_000)
    let tree = try fleet.bench.tree("big")
    try tree.file("blob", Content.random(2 << 20, seed: 1))
    let outcome = try await fleet.with("--remote-command", slow.program).call("stage", tree.path) { program in
        try await slow.held()
        try await body(slow, program)
    }
    return (outcome, tree)
}
