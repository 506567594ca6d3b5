// The way back as people take it: after a release was staged twice, where half of the fleet is new, when hooks failed or
// were killed, when somebody replaced `current`, and where root has worked in another user's ring.

import Foundation
import Testing

extension EndToEnd {
    @Suite("The way back")
    struct WayBackTests {
        @Test("past a copy of the live release to the last other one", arguments: [3, 5])
        func copyOfLive(slots: Int) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: slots)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                try TreeMaker(at: fleet.slot(2)).file("page", "edited")
                try await fleet.release(page(bench, "v2"))
                #expect(try fleet.current() == "slots/3" && live(fleet) == "v2")
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
            }
        }

        @Test(
            "a push of what is live already runs the hook that is owed there, and fails with it",
            arguments: [true, false])
        func pushRunsOwedHook(works: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let first = try page(bench, "v1")
                try await fleet.release(first)
                try await fleet.release(page(bench, "v2"))
                func hooked(_ hook: String) throws -> Fleet {
                    fleet.with("--config", try bench.write("hooks: {after_rollback: '\(hook)'}\n", to: "hooks.yml"))
                }
                try await hooked("test $SLOTSYNC_HOST != h2").done("rollback")
                func owed() async throws -> [Bool] {
                    try await fleet.done("status", "--json").events().filter { $0["event"] as? String == "host" }
                        .map { $0["owed_hook"] is [String: Any] }
                }
                #expect(try await owed() == [false, true])
                let push = try await hooked(works ? "echo $SLOTSYNC_HOST >> \(bench["told"])" : "false").call(
                    "push", first.path, "--no-canary")
                #expect(push.exitCode == (works ? 0 : 1), "\(push)")
                #expect(try await owed() == [false, !works], "\(push)")
                if works { #expect(try String(contentsOfFile: bench["told"], encoding: .utf8) == "h2\n") }
                #expect(try fleet.hosts.allSatisfy { try live(fleet, $0) == "v1" })
            }
        }

        @Test("where a flip changes nothing, its JSON says what a rollback goes to")
        func previousOfNothing() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(page(bench, "v1"))
                func previous() async throws -> Any? {
                    try await fleet.done("flip", "--json").events().first {
                        $0["result"] as? String == "already-live"
                    }?[
                        "previous"]
                }
                #expect(try await previous() is NSNull)
                try await fleet.release(page(bench, "v2"))
                #expect(try await previous() as? String == first)
            }
        }

        @Test("where nobody has a way back, hosts whose state is damaged are named all the same")
        func damagedBesides() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.release(page(bench, "v1"))
                try "no state\n".write(
                    toFile: fleet.root("h2") + "/.slotsync/state", atomically: false, encoding: .utf8)
                let outcome = try await fleet.call("rollback")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("no way back"), "\(outcome)")
                #expect(outcome.errors.contains("Besides, hosts failed: h2: "), "\(outcome)")
                #expect(outcome.errors.contains("/h2/www/.slotsync/state"), "\(outcome)")
            }
        }

        @Test("a second rollback names what the first one went back from")
        func secondRollback() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                try await fleet.done("rollback")
                let outcome = try await fleet.call("rollback")
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(
                    outcome.errors.contains("is still there: slotsync flip \(second) --hosts 'h[1-2]' "), "\(outcome)")
            }
        }

        @Test("a rollback that changes nothing is no success")
        func nothingChanged() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let first = try await fleet.release(page(bench, "v1"))
                for outcome in [try await fleet.call("rollback"), try await fleet.call("rollback", "--to", first)] {
                    #expect(outcome.exitCode == 1, "\(outcome)")
                    #expect(
                        outcome.errors.contains("no way back") || outcome.errors.contains("live already"), "\(outcome)")
                }
            }
        }

        @Test(
            "hosts that can go back do, wherever they have the release; the others are named with what brings them there"
        )
        func halfTheFleet() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 4)
                try await fleet.only("h4").release(page(bench, "v0"))
                try await fleet.only("h[1-2],h4").release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                #expect(fleet.hosts.map { fleet.current($0) } == ["slots/2", "slots/2", "slots/1", "slots/3"])
                let outcome = try await fleet.call("rollback")
                #expect(outcome.exitCode == 2, "\(outcome)")
                for host in ["h1", "h2", "h4"] { #expect(try live(fleet, host) == "v1") }
                #expect(try live(fleet, "h3") == "v2")
                #expect(
                    outcome.errors.contains("to bring h3 there: slotsync push SOURCE --no-canary --hosts h3"),
                    "\(outcome)")
                // As it says, with the source.
                try await fleet.only("h3").done("push", page(bench, "v1").path, "--no-canary")
                #expect(try live(fleet, "h3") == "v1")
            }
        }

        @Test("a host that cannot be reached keeps nobody from going back")
        func unreachable() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let agent = try bench.script(
                    "#!/bin/sh\ncase \"$*\" in */h2/*) exit 1 ;; esac\nexec '\(Program.agent)' \"$@\"\n", to: "broken")
                let outcome = try await fleet.with("--remote-command", agent).call("rollback")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("to bring h2 there"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == ["slots/1", "slots/2", "slots/1"])
            }
        }

        @Test("what was staged before a rollback is not flipped to by itself, and is named")
        func stagedBefore() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let third = try await fleet.stage(page(bench, "v3"))
                try await fleet.done("rollback")
                let refused = try await fleet.call("flip")
                #expect(refused.exitCode == 1 && refused.errors.contains("slotsync flip \(third)"), "\(refused)")
                #expect(try live(fleet) == "v1")
                #expect(try await fleet.done("status").output.contains("slotsync flip \(third)"))
                try await fleet.done("flip", third)
                #expect(try live(fleet) == "v3")
                // And again: it is live.
                try await fleet.done("flip")
                #expect(try live(fleet) == "v3")
            }
        }

        @Test("two releases that are staged one after the other are both ready, and the last one is flipped to")
        func twoStages() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.stage(page(bench, "v2"))
                let third = try await fleet.done("stage", page(bench, "v3").path)
                #expect(!third.errors.contains("no longer ready"), "\(third)")
                try await fleet.done("flip")
                #expect(try live(fleet) == "v3")
                // Run again, it does not go back to the older one.
                try await fleet.done("flip")
                #expect(try live(fleet) == "v3")
                try await fleet.done("flip", second)
                #expect(try live(fleet) == "v2")
            }
        }

        @Test("where no other slot is left, the release that loses its slot is named at once", arguments: [2, 3])
        func lastSlot(slots: Int) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: slots)
                if slots == 3 { try await fleet.release(page(bench, "v0")) }
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.stage(page(bench, "v2"))
                let rehearsal = try await fleet.done("stage", page(bench, "v3").path, "--dry-run")
                #expect(rehearsal.errors.contains("would be no longer ready"), "\(rehearsal)")
                let outcome = try await fleet.done("stage", page(bench, "v3").path)
                #expect(outcome.errors.contains(second) && outcome.errors.contains("is no longer ready"), "\(outcome)")
                try await fleet.done("flip")
                #expect(try live(fleet) == "v3")
                if slots == 3 {
                    try await fleet.done("rollback")
                    #expect(try live(fleet) == "v1")
                }
            }
        }

        @Test("a release that is ready is not staged a second time, in whatever slot it is")
        func readyAlready() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.stage(page(bench, "v2"))
                try await fleet.stage(page(bench, "v3"))
                let again = try await fleet.done("stage", page(bench, "v2").path)
                #expect(again.errors.contains("ready already, in slot 2"), "\(again)")
                // It is the last one staged now.
                try await fleet.done("flip")
                #expect(fleet.current() == "slots/2" && again.lastLine == second)
            }
        }

        @Test("one name for every release means the one that was staged last, also when the flip is run again")
        func oneName() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                for text in ["v1", "v2"] {
                    try await fleet.done("stage", page(bench, text).path, "--name", "main")
                    try await fleet.done("flip", "main")
                }
                try await fleet.done("stage", page(bench, "v3").path, "--name", "main")
                try await fleet.done("stage", page(bench, "v4").path, "--name", "main")
                for _ in 1...2 {
                    let outcome = try await fleet.done("flip", "main")
                    #expect(try live(fleet) == "v4", "\(outcome)")
                }
                try await fleet.done("rollback", "--to", "main")
                #expect(try live(fleet) == "v2")
            }
        }

        @Test("a number or a few digits flip nothing, and say what they might have meant", arguments: ["1", "slot"])
        func tooShort(_ text: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let first = try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let typed = text == "slot" ? String(first.prefix(4)) : text
                let outcome = try await fleet.call("flip", typed)
                #expect(outcome.exitCode == 1 && outcome.errors.contains("at least 6 digits"), "\(outcome)")
                #expect(outcome.errors.contains(first.prefix(12)), "\(outcome)")
                #expect(try live(fleet) == "v2")
            }
        }

        // MARK: Hooks

        @Test(
            "after_flip runs after a rollback, too, unless after_rollback says otherwise",
            arguments: ["", "after_rollback: ''", "after_rollback: 'echo own >> $SLOTSYNC_ROOT/../ran'"])
        func afterRollback(_ setting: String) async throws {
            try await Workbench.use { bench in
                let hooks = "hooks:\n  after_flip: 'cat $SLOTSYNC_ROOT/current/page >> $SLOTSYNC_ROOT/../ran'\n"
                let config = try bench.write(hooks + (setting.isEmpty ? "" : "  \(setting)\n"), to: "hooks.yml")
                let fleet = try Fleet(bench).with("--config", config)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                try await fleet.done("rollback")
                let ran = try String(contentsOfFile: bench["h1/ran"], encoding: .utf8)
                #expect(ran == "v1v2" + (setting.isEmpty ? "v1" : setting.contains("own") ? "own\n" : ""))
            }
        }

        @Test("a push that is taken back runs after_flip on the way back")
        func takenBack() async throws {
            try await Workbench.use { bench in
                let hook =
                    "cat $SLOTSYNC_ROOT/current/page >> $SLOTSYNC_ROOT/../ran; case $(cat $SLOTSYNC_ROOT/current/page) in v2) case $SLOTSYNC_ROOT in */h2/*) exit 1 ;; esac ;; esac"
                let config = try bench.write("hooks:\n  after_flip: '\(hook)'\n", to: "hooks.yml")
                let fleet = try Fleet(bench, hosts: 2).with("--config", config)
                try await fleet.release(page(bench, "v1"))
                let outcome = try await fleet.call("push", page(bench, "v2").path, "--no-canary")
                #expect(outcome.exitCode == 1, "\(outcome)")
                for host in fleet.hosts {
                    #expect(try live(fleet, host) == "v1")
                    #expect(try String(contentsOfFile: bench["\(host)/ran"], encoding: .utf8) == "v1v2v1")
                }
            }
        }

        @Test("an agent that is killed in its after_flip owes the hook: it is reported, and run by the next flip")
        func killedInHook() async throws {
            try await Workbench.use { bench in
                let hook =
                    "echo begun >> $SLOTSYNC_ROOT/../begun; test -e $SLOTSYNC_ROOT/../go || { until test -e $SLOTSYNC_ROOT/../kill; do sleep 0.05; done; kill -9 $PPID; exit 1; }; echo x >> $SLOTSYNC_ROOT/../ran"
                let config = try bench.write("hooks:\n  after_flip: '\(hook)'\n", to: "hooks.yml")
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.stage(page(bench, "v2"))
                _ = try await fleet.with("--config", config).call("flip") { running in
                    try await eventually("the hook runs") { exists(bench["h1/begun"]) }
                    // Neither takes anything back: one is dead, the other does not get to it.
                    kill(-running.pid, SIGSTOP)
                    try bench.write("", to: "h1/kill")
                    try await eventually("the killed agent's lock is free") { try await fleet.isUnlocked() }
                    running.killGroup()
                }
                #expect(try live(fleet) == "v2")
                let status = try await fleet.done("status")
                #expect(
                    status.errors.contains("after_flip") && status.errors.contains("slotsync flip \(second)"),
                    "\(status)")
                try bench.write("", to: "h1/go")
                let again = try await fleet.with("--config", config).done("flip")
                #expect(exists(bench["h1/ran"]), "\(again)")
                #expect(try await !fleet.done("status").errors.contains("after_flip"))
            }
        }

        @Test("a failed after_rollback is owed, and run by the next flip to that release, or rollback")
        func failedAfterRollback() async throws {
            for again in [["flip"], ["rollback", "--to"]] {
                try await Workbench.use { bench in
                    let hook = "test -e $SLOTSYNC_ROOT/../go && touch $SLOTSYNC_ROOT/../ran"
                    let config = try bench.write("hooks:\n  after_rollback: '\(hook)'\n", to: "hooks.yml")
                    let fleet = try Fleet(bench).with("--config", config)
                    let first = try await fleet.release(page(bench, "v1"))
                    try await fleet.release(page(bench, "v2"))
                    let back = try await fleet.done("rollback")
                    #expect(try live(fleet) == "v1" && back.errors.contains("slotsync flip \(first)"), "\(back)")
                    try bench.write("", to: "h1/go")
                    let outcome = try await Program.run(
                        [Program.slotsync] + again + [first] + fleet.options, environment: ["HOME": bench["home"]],
                        in: bench.path)
                    #expect(outcome.exitCode == 0 && exists(bench["h1/ran"]), "\(outcome)")
                }
            }
        }

        // MARK: Edited slots

        @Test("what an application wrote into a release keeps nobody from flipping, retrying, or going back")
        func applicationCache() async throws {
            try await Workbench.use { bench in
                let warm =
                    "mkdir -p $SLOTSYNC_ROOT/slots/$SLOTSYNC_SLOT/cache && date >> $SLOTSYNC_ROOT/slots/$SLOTSYNC_SLOT/cache/x && test ! -e $SLOTSYNC_ROOT/../fail"
                let config = try bench.write(
                    "hooks:\n  before_flip: '\(warm)'\n  after_flip: 'chmod 0600 $SLOTSYNC_ROOT/current/page'\n",
                    to: "hooks.yml")
                let fleet = try Fleet(bench).with("--config", config)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.stage(page(bench, "v2"))
                try bench.write("", to: "h1/fail")
                #expect(try await fleet.call("flip").exitCode == 1)
                unlink(bench["h1/fail"])
                let retried = try await fleet.done("flip")
                #expect(retried.errors.contains("cache"), "\(retried)")
                let back = try await fleet.done("rollback")
                #expect(try live(fleet) == "v1" && back.errors.contains("slot 1 is not as it was sealed"), "\(back)")
                try await fleet.done("flip", second)
            }
        }

        @Test("changed content refuses a flip unless it is forced, and on the way back is a warning")
        func changedContent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                try TreeMaker(at: fleet.slot(1)).file("page", "edited")
                let refused = try await fleet.call("flip", first)
                #expect(refused.exitCode == 1 && refused.errors.contains("other content: \"page\""), "\(refused)")
                #expect(refused.errors.contains("flip --force \(first)"), "\(refused)")
                let back = try await fleet.done("rollback")
                #expect(
                    back.errors.contains("other content: \"page\"") && back.errors.contains("flip --force"), "\(back)")
                #expect(try live(fleet) == "edited")
                // With nothing at all in it, it would not go live by force either.
                try TreeMaker(at: fleet.slot(2)).file("left", "x")
                try TreeMaker(at: fleet.slot(2)).remove("page")
                #expect(try await fleet.call("flip", second).exitCode == 1)
                try await fleet.done("flip", second, "--force")
                #expect(fleet.current() == "slots/2")
            }
        }

        // MARK: Current

        @Test(
            "a current that was replaced by hand: status answers, names the live slot, and a rollback goes on",
            arguments: [
                "rm current", "ln -sfn /elsewhere current", "rm current; mkdir current; echo x > current/page",
                "rm current; echo x > current", "ln -sfn $PWD/slots/2 current",
            ])
        func handMade(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                let made = try await Program.run(["sh", "-c", command], in: fleet.root())
                #expect(made.exitCode == 0)
                let status = try await fleet.done("status")
                let remedy = "ln -sfn slots/2 \(fleet.root())/current"
                #expect(status.errors.contains(remedy) && status.output.contains(second.prefix(8)), "\(status)")
                let isForeign = !command.contains("slots/2") && command != "rm current"
                let flip = try await fleet.call("flip")
                #expect(flip.exitCode == (isForeign ? 1 : 0), "\(flip)")
                if isForeign { #expect(flip.errors.contains(remedy), "\(flip)") }
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1" && fleet.current() == "slots/1")
                if command.contains("> current") { #expect(exists(fleet.root() + "/current.replaced-1")) }
            }
        }

        @Test(
            "where .slotsync is another mount, a rollback goes back over somebody's file or folder, which is moved aside",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() },
            arguments: [
                "mkdir current; echo x > current/page", "echo x > current", "ln -s /elsewhere current", "true",
            ],
            [true, false])
        func mountedMetadata(_ command: String, _ isBind: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                let metadata = fleet.root() + "/.slotsync"
                let mount =
                    isBind
                    ? "mount --bind \(metadata) \(metadata)"
                    : "cp -a \(metadata) \(bench["copy"]) && mount -t tmpfs none \(metadata) && "
                        + "cp -a \(bench["copy"])/. \(metadata) && chmod 700 \(metadata)"
                let made = try await Program.run(
                    ["sh", "-c", "\(mount) && rm current && \(command)"], in: fleet.root())
                #expect(made.exitCode == 0, "\(made)")
                let back = try await fleet.done("rollback")
                #expect(try live(fleet) == "v1" && fleet.current() == "slots/1", "\(back)")
                if command.contains("echo") {
                    #expect(exists(fleet.root() + "/current.replaced-1"))
                    #expect(back.errors.contains("current.replaced-1"), "\(back)")
                }
                #expect(!exists(fleet.root() + "/.current.slotsync"))
                try await fleet.done("flip", "--force", second)
                #expect(try live(fleet) == "v2")
            }
        }

        @Test(
            "somebody's file at current outlives a rollback that is killed at any step",
            .enabled("tracing is not allowed here") { await Machine.canTrace() })
        func killedOverFile() async throws {
            for call in ["renameat", "renameat2", "fsync", "unlinkat"] {
                for number in 1...3 {
                    try await Workbench.use { bench in
                        let fleet = try Fleet(bench)
                        let first = try await fleet.release(page(bench, "v1"))
                        let second = try await fleet.release(page(bench, "v2"))
                        let made = try await Program.run(
                            ["sh", "-c", "rm current; echo precious > current"], in: fleet.root())
                        #expect(made.exitCode == 0)
                        let killer = try bench.script(
                            """
                            #!/bin/sh
                            exec strace -f -qq -o /dev/null -e trace=\(call) -e inject=\(call):signal=KILL:when=\(number) \(Program.agent) "$@"
                            """, to: "killer")
                        _ = try await fleet.with("--remote-command", killer).call("rollback")
                        for release in [second, first, second] { _ = try await fleet.call("flip", "--force", release) }
                        #expect(try live(fleet) == "v2")
                        let kept = try await Program.run(["grep", "-rl", "precious", fleet.root()])
                        #expect(
                            kept.lines.count == 1 && kept.output.contains("/current.replaced-"), "\(call) \(number)")
                    }
                }
            }
        }

        // MARK: Other users

        @Test(
            "a root folder of another user, where current cannot be changed, is named with its owner and the remedy",
            .enabled(if: Machine.isRoot, "needs root"), arguments: ["flip", "rollback"])
        func closedRoot(_ command: String) async throws {
            try await withUsers { asRoot, asDeploy, _ in
                try await asDeploy.release(page(asRoot.bench, "v1"))
                try await asDeploy.release(page(asRoot.bench, "v2"))
                if command == "flip" { try await asDeploy.stage(page(asRoot.bench, "v3")) }
                #expect(chown(asRoot.root(), 0, 0) == 0 && chmod(asRoot.root(), 0o755) == 0)
                let outcome = try await asDeploy.call(command)
                #expect(outcome.exitCode == 1 && asRoot.current() == "slots/2", "\(outcome)")
                for word in ["belongs to root", "chown 65531 \(asRoot.root())"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                #expect(chown(asRoot.root(), 65531, 65533) == 0)
                try await asDeploy.done(command)
            }
        }

        /// `ring`'s owner is one user; commands run as another.
        private func withUsers(_ body: (Fleet, _ asDeploy: Fleet, _ asOther: Fleet) async throws -> Void) async throws {
            try await Workbench.use { bench in
                chmod(bench.path, 0o755)
                try FileManager.default.copyItem(atPath: Program.agent, toPath: bench["agent"])
                func user(_ id: Int) throws -> String {
                    try bench.script(
                        "#!/bin/sh\nexec setpriv --reuid \(id) --regid 65533 --clear-groups '\(bench["agent"])' \"$@\"\n",
                        to: "as-\(id)")
                }
                let fleet = try Fleet(bench)
                #expect(chown(fleet.root(), 65531, 65533) == 0 && chmod(fleet.root(), 0o2775) == 0)
                let deploy = try fleet.with("--remote-command", user(65531))
                try await body(fleet, deploy, fleet.with("--remote-command", user(65532)))
            }
        }

        @Test("root that works in another user's ring locks nobody out", .enabled(if: Machine.isRoot, "needs root"))
        func root() async throws {
            try await withUsers { asRoot, asDeploy, _ in
                let bench = asRoot.bench
                try await asDeploy.release(page(bench, "v1"))
                try await asDeploy.release(page(bench, "v2"))
                try await asRoot.done("rollback")
                try await asRoot.done("status")
                let owners = try await Program.run([
                    "find", asRoot.root() + "/.slotsync", asRoot.root() + "/current", "!", "-user", "65531",
                ])
                #expect(owners.output == "", "\(owners)")
                try await asDeploy.release(page(bench, "v3"))
                try await asDeploy.done("rollback")
                #expect(try live(asRoot) == "v1")
                // What root stages, the next command of the ring's owner can fill again.
                let tree = try page(bench, "v4")
                try tree.folder("folder").file("inside", "x", mode: 0o4755)
                try await asRoot.release(tree)
                let foreign = try await Program.run(["find", asRoot.root(), "!", "-user", "65531"])
                #expect(foreign.output == "", "\(foreign)")
                let inside = asRoot.root() + "/current/folder/inside"
                #expect(try await Program.run(["stat", "-c", "%a %u", inside]).lastLine == "4755 65531")
                for number in 5...10 { try await asDeploy.release(page(bench, "v\(number)")) }
            }
        }

        @Test(
            "another user of the group hears whose ring it is", .enabled(if: Machine.isRoot, "needs root"),
            arguments: ["stage", "flip", "status"])
        func otherUser(_ command: String) async throws {
            try await withUsers { _, asDeploy, asOther in
                let tree = try page(asDeploy.bench, "v1")
                try await asDeploy.release(tree)
                let outcome = try await asOther.call(command, command == "stage" ? tree.path : "--quiet")
                #expect(outcome.exitCode == 1, "\(outcome)")
                for word in ["belongs to", "65531", "65532", "@HOST"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
            }
        }
    }
}

/// A release of one page with this text. Its folder on the bench is called so, too.
func page(_ bench: Workbench, _ text: String) throws -> TreeMaker {
    let tree = try bench.tree(text)
    try tree.file("page", text)
    return tree
}

/// The text of the page that is live on a host.
func live(_ fleet: Fleet, _ host: String = "h1") throws -> String {
    try String(contentsOfFile: "\(fleet.root(host))/current/page", encoding: .utf8)
}
