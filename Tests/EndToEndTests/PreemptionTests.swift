// A rollback that cannot wait asks who holds the locks to give way.

import Foundation
import Testing

@testable import SlotSync

extension EndToEnd {
    @Suite("A rollback that preempts")
    struct PreemptionTests {
        /// A scene with two releases behind it, so that a step too many back is seen.
        private static func use(
            settings: [String], _ body: (CanaryScene) async throws -> Void
        ) async throws {
            let quick = ["hosts: 2", "interval: 100ms", "settle: 100ms", "on_inconclusive: continue"]
            try await CanaryScene.use(hosts: 5, settings: quick + settings) { scene in
                try await scene.fleet.release(scene.site("second", .fast))
                try await body(scene)
            }
        }

        /// Two hosts with two releases behind them, and a third one that is staged.
        private static func third(_ bench: Workbench) async throws -> Fleet {
            let fleet = try Fleet(bench, hosts: 2)
            try await fleet.release(firstTree(bench))
            try await fleet.release(changedTree(bench))
            try await fleet.stage(page(bench, "third"))
            return fleet
        }

        private static func rollback(_ scene: CanaryScene, _ more: String...) async throws -> Outcome {
            var fleet = scene.fleet.with("--message", "checkout is down")
            fleet.options += more
            fleet.environment["USER"] = "eva"
            fleet.environment["SUDO_USER"] = ""
            return try await fleet.call("rollback", "--preempt")
        }

        @Test("a push with canaries takes them back, and nothing goes further back than the release before the push")
        func canaries() async throws {
            try await Self.use(settings: ["baseline: 600ms", "window: 60s"]) { scene in
                let push = try await scene.push(scene.site("third", .fast)) { _ in
                    try await scene.waitUntil(2, areOn: 3)
                    let back = try await Self.rollback(scene)
                    #expect(back.exitCode == 0 && scene.live == scene.everywhere(2), "\(back)")
                    for words in ["asked to give way: a push by", "it has given way"] {
                        #expect(back.errors.contains(words), "\(back)")
                    }
                    #expect(back.output.contains("is live, as before the command that gave way"), "\(back)")
                }
                #expect(push.exitCode == 1, "\(push)")
                #expect(push.errors.contains("gave way to a rollback by eva@"), "\(push)")
                #expect(push.errors.contains(": checkout is down, taken back on 2 hosts"), "\(push)")
            }
        }

        @Test("a push that watches everybody goes back as well, and nobody twice")
        func watch() async throws {
            try await Self.use(settings: ["baseline: 600ms", "window: 600ms", "watch: 60s"]) { scene in
                let push = try await scene.push(scene.site("third", .fast)) { _ in
                    try await scene.waitUntil(5, areOn: 3)
                    let back = try await Self.rollback(scene)
                    #expect(back.exitCode == 0 && scene.live == scene.everywhere(2), "\(back)")
                }
                #expect(push.exitCode == 1 && push.errors.contains("taken back on 5 hosts"), "\(push)")
            }
        }

        @Test("a push that has flipped nobody yet ends, and what is live is rolled back")
        func baseline() async throws {
            try await Self.use(settings: ["baseline: 60s"]) { scene in
                let push = try await scene.push(scene.site("third", .fast)) { _ in
                    try await eventually("nobody holds the locks for the push") {
                        try await scene.fleet.call("status").output.contains("that watches this host")
                    }
                    let back = try await Self.rollback(scene)
                    #expect(back.exitCode == 0 && scene.live == scene.everywhere(1), "\(back)")
                }
                #expect(push.exitCode == 1 && push.errors.contains(", nothing was flipped"), "\(push)")
            }
        }

        @Test(
            "a push that was killed with its agents is gone back from once, though it was looked for locks before",
            arguments: [["--preempt"], ["--wait", "10s"]])
        func killed(options: [String]) async throws {
            try await Self.use(settings: ["baseline: 600ms", "window: 60s"]) { scene in
                _ = try await scene.push(scene.site("third", .fast)) { program in
                    try await scene.waitUntil(2, areOn: 3)
                    // So that nobody takes anything back.
                    program.stop()
                    for host in scene.fleet.hosts {
                        let note = try String(
                            contentsOfFile: scene.fleet.root(host) + "/.slotsync/lock", encoding: .utf8)
                        let agent = try #require(note.firstMatch(of: /, pid (\d+)\n/).flatMap { pid_t($0.output.1) })
                        #expect(kill(agent, SIGKILL) == 0)
                    }
                    program.kill()
                }
                var fleet = scene.fleet
                fleet.options += options
                let back = try await fleet.call("rollback")
                #expect(back.exitCode == 0 && scene.live == scene.everywhere(2), "\(back)")
            }
        }

        @Test("a stage ends, and says for whom")
        func stage() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let (stage, tree) = try await holdingStage(fleet) { _, _ in
                    let back = try await fleet.call("rollback", "--preempt")
                    #expect(back.exitCode == 0 && fleet.current() == "slots/1", "\(back)")
                    #expect(back.errors.contains("asked to give way: a stage by"), "\(back)")
                }
                #expect(stage.exitCode == 1 && stage.errors.contains("gave way to a rollback by"), "\(stage)")
                #expect(try await fleet.stage(tree).count == 32, "the next stage goes on")
            }
        }

        @Test("a flip that has begun to switch ends first, and is rolled back then")
        func flip() async throws {
            try await Workbench.use { bench in
                let fleet = try await Self.third(bench)
                let config = try bench.write(
                    """
                    hooks:
                      after_flip: while [ -d '\(bench.path)' ] && [ ! -e '\(bench["go-on"])' ]; do sleep 0.02; done
                      after_rollback: ""

                    """, to: "hooks.yml")
                let flip = try await fleet.with("--config", config).call("flip") { _ in
                    try await eventually("nobody flips") { fleet.current("h2") == "slots/3" }
                    let outcome = try await fleet.call("rollback", "--preempt") { back in
                        try await back.says("asked to give way")
                        try bench.write("", to: "go-on")
                    }
                    #expect(outcome.exitCode == 0 && outcome.errors.contains("it has given way"), "\(outcome)")
                    #expect(fleet.current("h1") == "slots/2" && fleet.current("h2") == "slots/2", "\(outcome)")
                }
                #expect(flip.exitCode == 0, "\(flip)")
            }
        }

        @Test("a flip that waits for before_flip ends, and nothing was flipped by it")
        func flipBefore() async throws {
            try await Workbench.use { bench in
                let fleet = try await Self.third(bench)
                let config = try bench.write(
                    "hooks:\n  before_flip: touch '\(bench.path)/began'; sleep 60\n", to: "hooks.yml")
                let flip = try await fleet.with("--config", config).call("flip") { _ in
                    try await eventually("no hook runs") { exists(bench["began"]) }
                    let back = try await fleet.call("rollback", "--preempt")
                    #expect(back.exitCode == 0, "\(back)")
                }
                #expect(flip.exitCode == 1 && flip.errors.contains("gave way to a rollback by"), "\(flip)")
                #expect(fleet.current("h1") == "slots/1" && fleet.current("h2") == "slots/1")
            }
        }

        @Test("a flip hears the host that is asked, though another one is waited for")
        func asksAnotherHost() async throws {
            try await Workbench.use { bench in
                let fleet = try await Self.third(bench)
                let config = try bench.write(
                    """
                    hooks:
                      before_flip: case $SLOTSYNC_ROOT in */h1/*) exit 0; esac; touch '\(bench.path)/began'; sleep 4321

                    """, to: "hooks.yml")
                let flip = try await fleet.with("--config", config).call("flip") { _ in
                    try await eventually("no hook runs") { exists(bench["began"]) }
                    let back = try await fleet.only("h1").call("rollback", "--preempt")
                    #expect(back.exitCode == 0, "\(back)")
                }
                #expect(flip.exitCode == 1 && flip.errors.contains("gave way to a rollback by"), "\(flip)")
                #expect(fleet.current("h1") == "slots/1" && fleet.current("h2") == "slots/2")
            }
        }

        @Test("a hook that hangs is ended for a rollback that preempts, and its flip is taken back")
        func hangingHook() async throws {
            try await Workbench.use { bench in
                let fleet = try await Self.third(bench)
                var flipping = SlotSync.Fleet(
                    hosts: try HostList.parse("h[1-2]"), root: bench["{host}/www"],
                    transport: Transport(.local, remoteCommand: Program.agent))
                flipping.preemptedHookLimit = .milliseconds(200)
                var options = FlipOptions()
                let hook = "case $SLOTSYNC_ROOT in */h1/*) exit 0; esac; touch '\(bench.path)/began'; sleep 4321"
                options.hooks = Hooks(afterFlip: hook, afterRollback: "touch $SLOTSYNC_ROOT/../undone")
                let flip = flipping.flip(options: options)
                try await eventually("no hook runs") { exists(bench["began"]) && fleet.current("h1") == "slots/3" }
                let back = try await fleet.call("rollback", "--preempt")
                let report = try await flip.report
                #expect(report.isGivenUp && report.flipped.isEmpty && report.uncertain.isEmpty, "\(report)")
                #expect(
                    report.failures.contains { $0.error.message.contains("its hook did not end within") }, "\(report)")
                #expect(back.exitCode == 0 && back.errors.contains("it has given way"), "\(back)")
                for host in fleet.hosts {
                    #expect(fleet.current(host) == "slots/2" && exists(bench["\(host)/undone"]), "\(back) \(report)")
                }
            }
        }

        @Test("of two rollbacks that preempt the second leaves what the first went to, and cuts nothing off")
        func two() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try await fleet.release(page(bench, "third"))
                let config = try bench.write(
                    """
                    hooks:
                      after_rollback: while [ -d '\(bench.path)' ] && [ ! -e '\(bench["go-on"])' ]; do sleep 0.02; done

                    """, to: "hooks.yml")
                let first = try await fleet.with("--config", config).call("rollback", "--preempt") { _ in
                    try await eventually("nobody goes back") { fleet.current("h2") == "slots/2" }
                    let outcome = try await fleet.call("rollback", "--preempt") { second in
                        try await second.says("asked to give way")
                        try bench.write("", to: "go-on")
                    }
                    #expect(outcome.exitCode == 0, "\(outcome)")
                    #expect(outcome.output.contains("is live, as before the command that gave way"), "\(outcome)")
                }
                #expect(first.exitCode == 0, "\(first)")
                #expect(fleet.current("h1") == "slots/2" && fleet.current("h2") == "slots/2")
            }
        }

        @Test("a holder that does not react is named, with what to do, and the other hosts go back")
        func stopped() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                let (stage, _) = try await holdingStage(fleet) { slow, stage in
                    try slow.signal(SIGSTOP)
                    let back = try await fleet.call("rollback", "--preempt", "--wait", "2s")
                    #expect(back.exitCode == 2 && fleet.current("h2") == "slots/1", "\(back)")
                    #expect(fleet.current("h1") == "slots/2")
                    for words in [
                        "h1: ", "held by a stage by", "did not for 2 s", "End that command", "its agent on h1",
                    ] {
                        #expect(back.errors.contains(words), "\(back)")
                    }
                    #expect(
                        back.errors.contains(
                            /when that command has ended: slotsync rollback --to [0-9a-f]+ --hosts h1\b/),
                        "\(back)")
                    try slow.signal(SIGCONT)
                    stage.interrupt()
                }
                #expect(stage.exitCode == 1 || stage.exitCode == 2, "\(stage)")
            }
        }

        @Test("a command that takes a lock after it was asked for is asked as well")
        func queued() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                // Somebody takes the lock of h2 just before the second session with it begins, until it is asked for.
                let lock = "\(fleet.root("h2"))/.slotsync/lock"
                let agent = try bench.script(
                    """
                    #!/bin/bash
                    asked() { [ -n "$(dd 'if=\(lock)' bs=512 skip=1 count=1 2> /dev/null | tr -d '\\0')" ]; }
                    case "$*" in
                    */h2/*)
                        echo >> '\(bench["sessions"])'
                        if [ "$(wc -l < '\(bench["sessions"])')" = 2 ]; then
                            (flock -x 9; : > '\(bench["held"])'
                             while [ -d '\(bench.path)' ] && ! asked; do sleep 0.02; done) \
                                9<> '\(lock)' < /dev/null > /dev/null 2>&1 &
                            until [ -e '\(bench["held"])' ]; do sleep 0.02; done
                        fi ;;
                    esac
                    exec '\(Program.agent)' "$@"
                    """, to: "late-lock")
                let back = try await fleet.with("--remote-command", agent).call("rollback", "--preempt")
                #expect(back.exitCode == 0 && exists(bench["held"]), "\(back)")
                #expect(
                    back.errors.contains("h2: asked to give way") && back.errors.contains("h2: it has given way"),
                    "\(back)")
                #expect(fleet.current("h1") == "slots/1" && fleet.current("h2") == "slots/1", "\(back)")
            }
        }

        @Test("a stage that brings an abandoned flip to its end is not cut off in that, though it is asked to give way")
        func recovering() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try #require(ContentDigest(try await fleet.release(firstTree(bench))))
                let release = try #require(ContentDigest(try await fleet.stage(changedTree(bench))))
                let owner = try AgentProcess(root: fleet.root())
                try owner.flip(
                    release, within: .seconds(60),
                    undo: """
                        touch '\(bench["undoing"])'
                        while [ -d '\(bench.path)' ] && [ ! -e '\(bench["go-on"])' ]; do sleep 0.02; done
                        """)
                try #require(try await owner.flipped())
                // It greets while the owner lives, and finds the flip abandoned when it takes the lock.
                let stager = try AgentProcess(root: fleet.root())
                try stager.send(.hello(Greeting(version: "test", peer: "anna@desk")), .status)
                _ = try await stager.reply()
                owner.signalAgent(SIGKILL)
                try await owner.ended()
                try stager.send(
                    .stage(
                        StageRequest(
                            release: ReleaseName(id: first), slots: nil, base: nil, manifestLength: 0, checksum: false,
                            ownership: false, sharedPaths: [], dryRun: false)))
                try await eventually("nothing is undone") { exists(bench["undoing"]) }
                let ring = try #require(try Ring.open(fleet.root()))
                #expect(try ring.askForWay("a rollback by eva@desk") != nil)
                stager.signalController(SIGKILL)
                // Longer than from one look at the lock to the next.
                try await Task.sleep(for: .milliseconds(1200))
                #expect(ring.lockOfOthers() != nil, "it holds the lock until the undo is at its end")
                try bench.write("", to: "go-on")
                try await stager.ended()
                #expect(fleet.current() == "slots/1")
                #expect(try Ring.open(fleet.root())?.state.wayBack == nil)
            }
        }

        @Test("without a lock in the way it is a rollback like any other")
        func nobody() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try await fleet.done("rollback", "--preempt")
                #expect(fleet.current() == "slots/1")
                #expect(try await fleet.call("rollback", "--preempt").exitCode == 1)
            }
        }
    }
}
