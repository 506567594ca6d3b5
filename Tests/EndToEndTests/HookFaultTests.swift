// Hooks that hang while nobody waits for them, and hosts that refuse what starting a program usually takes: the way back
// stays open, and what cannot be had is said.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Hooks that hang")
    struct HangingHookTests {
        /// A fleet on its second release's way: the first is live, the second staged, `after_flip` never ends.
        private func scene(_ bench: Workbench) async throws -> (plain: Fleet, hanging: Fleet) {
            let config = try bench.write(
                "hooks:\n  after_flip: 'touch $SLOTSYNC_ROOT/../begun; sleep 4321'\n  after_rollback: ''\n",
                to: "hooks.yml")
            let fleet = try Fleet(bench, hosts: 2)
            try await fleet.release(firstTree(bench))
            try await fleet.stage(changedTree(bench))
            return (fleet, fleet.with("--config", config))
        }

        private func hooksRun(_ bench: Workbench) async throws {
            try await eventually("the hooks never ran") { exists(bench["h1/begun"]) && exists(bench["h2/begun"]) }
        }

        enum Leaving: CaseIterable { case killed, interruptedTwice }

        @Test(
            "a flip that is left in a hook that hangs is taken back, and the lock is free", arguments: Leaving.allCases)
        func left(_ how: Leaving) async throws {
            try await Workbench.use { bench in
                let (plain, hanging) = try await scene(bench)
                _ = try await hanging.call("flip") { running in
                    try await hooksRun(bench)
                    #expect(plain.hosts.map { plain.current($0) } == ["slots/2", "slots/2"])
                    switch how {
                    case .killed: running.kill()
                    case .interruptedTwice:
                        running.interrupt()
                        try await running.says("waiting for after_flip on 2 hosts; again to leave them")
                        running.interrupt()
                    }
                }
                for host in plain.hosts {
                    try await eventually("the lock of \(host) is never free") { try await plain.isUnlocked(host) }
                    #expect(plain.current(host) == "slots/1")
                }
                try await plain.done("flip")
                try await plain.done("rollback")
            }
        }

        @Test("an interruption says what is still waited for")
        func told() async throws {
            try await Workbench.use { bench in
                let (plain, hanging) = try await scene(bench)
                _ = try await hanging.call("flip") { running in
                    try await hooksRun(bench)
                    running.interrupt()
                    try await running.says("waiting for after_flip on 2 hosts; again to leave them")
                    running.kill()
                }
                for host in plain.hosts {
                    try await eventually("the lock of \(host) is never free") { try await plain.isUnlocked(host) }
                }
            }
        }
    }

    @Suite("Hooks in sandboxes")
    struct SandboxedHookTests {
        /// Flips and rolls back with hooks, by an agent that `script` starts; `"$0"` and `"$@"` are its command.
        ///
        /// - Returns: what the hooks noted.
        private func hooks(_ bench: Workbench, _ agent: String, by script: String) async throws -> String {
            let hooks = ["before_flip", "after_flip", "after_rollback"].map {
                "  \($0): 'echo \($0) >> $SLOTSYNC_ROOT/../ran; test -d . && yes | head -n 20000'\n"
            }
            let config = try bench.write("hooks:\n\(hooks.joined())", to: "hooks.yml")
            let program = try bench.script("#!/bin/sh\nset -- '\(agent)' \"$@\"\n\(script)\n", to: "sandboxed")
            let fleet = try Fleet(bench).with("--config", config, "--remote-command", program)
            for tree in [try firstTree(bench), try changedTree(bench)] {
                try await fleet.done("stage", tree.path)
                try await fleet.done("flip")
            }
            let back = try await fleet.done("rollback")
            #expect(!back.errors.contains("hook"), "\(back)")
            #expect(fleet.current() == "slots/1")
            return try String(contentsOfFile: bench["h1/ran"], encoding: .utf8)
        }

        private static let all = "before_flip\nafter_flip\nbefore_flip\nafter_flip\nafter_rollback\n"

        private static func strace(_ faults: [String]) -> String {
            "exec strace -f -qq -o /dev/null \(faults.map { "-e inject=\($0)" }.joined(separator: " ")) \"$@\""
        }

        @Test(
            "hooks run though calls are refused that starting a program may use",
            .enabled("tracing is not allowed here") { await Machine.canTrace() },
            arguments: [
                "pidfd_open:error=ENOSYS", "pidfd_open:error=EPERM", "waitid:error=ENOSYS", "faccessat2:error=EPERM",
                "close_range:error=EPERM", "pidfd_send_signal:error=EPERM",
            ])
        func refused(_ fault: String) async throws {
            try await Workbench.use { bench in
                let ran = try await hooks(bench, Program.agent, by: Self.strace([fault]))
                #expect(ran == Self.all)
            }
        }

        @Test("hooks run where there is no /dev/null", .enabled(if: Machine.isRoot, "needs root"))
        func withoutDevices() async throws {
            try await Workbench.use { bench in
                // What the test itself has stands in /dev/shm.
                let empty = "d=$(mktemp -d) && mount -t tmpfs none $d && mkdir $d/shm && mount --bind /dev/shm $d/shm"
                let moved = "\(empty) && mount --move $d /dev && rmdir $d"
                let script = "exec unshare -m sh -c '\(moved) && exec \"$@\"' sh \"$@\""
                let ran = try await hooks(bench, Program.agent, by: script)
                #expect(ran == Self.all)
            }
        }

        private static let staticAgent = ProcessInfo.processInfo.environment["SLOTSYNC_STATIC_AGENT"] ?? ""

        @Test(
            "the static agent runs where its own path cannot be read, or clone3 is forbidden",
            .enabled(if: !staticAgent.isEmpty, "SLOTSYNC_STATIC_AGENT names none"),
            .enabled("tracing is not allowed here") { await Machine.canTrace() },
            arguments: ["readlink:error=EACCES", "clone3:error=EPERM"])
        func staticFile(_ fault: String) async throws {
            try await Workbench.use { bench in
                let ran = try await hooks(bench, Self.staticAgent, by: Self.strace([fault]))
                #expect(ran == Self.all)
            }
        }

        @Test(
            "where neither a thread nor a process can be made the way back is open, and what could not be had is told",
            .enabled("tracing is not allowed here") { await Machine.canTrace() },
            arguments: [["clone3:error=EPERM"], ["clone3:error=EAGAIN", "clone:error=EAGAIN"]])
        func nothingCanBeMade(_ faults: [String]) async throws {
            try await Workbench.use { bench in
                let script = "#!/bin/sh\nset -- '\(Program.agent)' \"$@\"\n\(Self.strace(faults))\n"
                let config = try bench.write("hooks:\n  after_flip: 'true'\n", to: "hooks.yml")
                let fleet = try Fleet(bench)
                let faulty = fleet.with("--remote-command", try bench.script(script, to: "sandboxed"))
                try await faulty.release(firstTree(bench))
                try await faulty.stage(changedTree(bench))
                let refused = try await faulty.with("--config", config).call("flip")
                #expect(refused.exitCode == 1 && refused.errors.contains("could not be run"), "\(refused)")
                #expect(refused.errors.contains("no thread can be made here"), "\(refused)")
                #expect(fleet.current() == "slots/1")
                try await faulty.done("flip")
                let back = try await faulty.with("--config", config).done("rollback")
                #expect(back.errors.contains("could not be run") && fleet.current() == "slots/1", "\(back)")
                #expect(try await fleet.isUnlocked())
            }
        }
    }
}
