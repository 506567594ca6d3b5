// Hosts whose kernel, container or sandbox refuses calls, or answers them oddly: the release arrives all the same. strace
// makes the calls fail in the agent that was built.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Sandboxes", .enabled("tracing is not allowed here") { await Machine.canTrace() })
    struct SandboxTests {
        @Test(
            "calls that a sandbox refuses have another way",
            arguments: [
                "openat2:error=EPERM", "openat2:error=ENOSYS", "statx:error=EPERM", "syncfs:error=EPERM",
                "renameat2:error=EPERM", "faccessat2:error=EPERM",
            ])
        func refused(_ fault: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2).with("--remote-command", try agent(bench, fault))
                let tree = try firstTree(bench)
                try tree.file(".env", "KEY=1")
                try await fleet.done("stage", tree.path, "--shared", ".env")
                try await fleet.done("flip")
                #expect(exists(fleet.root() + "/current/.env"))
                try TreeMaker(at: fleet.slot(1)).folder("left").folder("behind").file("x", "x")
                try await fleet.release(changedTree(bench))
                try await fleet.release(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
            }
        }

        @Test(
            "a copy within the host is right, whatever copy_file_range answers",
            arguments: [
                "copy_file_range:retval=0", "copy_file_range:error=EIO", "copy_file_range:error=EXDEV",
                "copy_file_range:error=EOVERFLOW", "copy_file_range:error=ETXTBSY", "copy_file_range:error=EOPNOTSUPP",
                "copy_file_range:error=EPERM", "copy_file_range:retval=0:when=2+", "copy_file_range:error=EIO:when=2+",
            ])
        func copies(_ fault: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 3).with(
                    "--remote-command", try agent(bench, fault, "ioctl:error=EOPNOTSUPP"))
                let (tree, again) = (try bench.tree("one"), try bench.tree("two"))
                for file in 0..<4 {
                    let content = Content.random(300_000, seed: UInt64(file))
                    try tree.file(.init("file-\(file)"), content)
                    try again.file(.init("renamed-\(file)"), content)
                }
                try again.file("file-0", Content.random(300_000, seed: 0))
                try await fleet.release(tree)
                let outcome = try await fleet.done("stage", again.path, "--json")
                #expect(try await fleet.differences(again, slot: 2) == "")
                let host = try outcome.events().first { $0["result"] as? String == "staged" }
                #expect(host?["received_files"] as? Int == 0, "all of it is there: \(outcome)")
            }
        }

        @Test("an agent without openat2 still follows no link, and enters no mount")
        func links() async throws {
            try await Workbench.use { bench in
                let sandboxed = try agent(bench, "openat2:error=EPERM")
                try await expectNothingOutside(
                    bench, Fleet(bench, slots: 2).with("--remote-command", sandboxed))
            }
        }

        @Test("the command says that it needs /proc where there is none", .enabled(if: Machine.isRoot, "needs root"))
        func commandWithoutProc() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench).with("--remote-command", Program.agent)
                let blind = try blind(bench, Program.slotsync)
                let variables = ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]]
                for words in [["stage", try firstTree(bench).path], ["flip"], ["status"]] {
                    let outcome = try await Program.run([blind] + words + fleet.options, environment: variables)
                    #expect(outcome.exitCode == 1 && !outcome.output.contains("USAGE"), "\(outcome)")
                    #expect(outcome.errors.contains("mount -t proc proc /proc"), "\(outcome)")
                }
                #expect(!exists(fleet.root() + "/current"))
                let wrong = try await Program.run([blind, "stgae"], environment: variables)
                #expect(wrong.exitCode == 64, "\(wrong)")
                let help = try await Program.run([blind, "stage", "--help"], environment: variables)
                #expect(help.exitCode == 0 && help.output.contains("USAGE: slotsync stage"), "\(help)")
            }
        }

        /// A program that starts another one where nothing is in /proc.
        private func blind(_ bench: Workbench, _ program: String) throws -> String {
            try bench.script(
                """
                #!/bin/sh
                exec unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" "$@"' \(program) "$@"

                """, to: "without-proc")
        }

        @Test("an agent runs where there is no /proc", .enabled(if: Machine.isRoot, "needs root"))
        func withoutProc() async throws {
            try await Workbench.use { bench in
                let blind = try blind(bench, Program.agent)
                let fleet = try Fleet(bench, slots: 2).with("--remote-command", blind)
                for tree in [try firstTree(bench), try changedTree(bench), try firstTree(bench)] {
                    try await fleet.release(tree)
                }
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
                try await expectModes(fleet)
            }
        }

        @Test(
            "modes are set where the system has no call for it that follows no link",
            arguments: [
                ["chmod:error=ENOENT"], ["chmod:error=ENOENT", "fchmodat2:error=ENOSYS"], ["chmod:error=EPERM"],
            ])
        func modes(_ faults: [String]) async throws {
            try await Workbench.use { bench in
                // A strace that does not know the newer call lets it be.
                let known = try await Program.run(["strace", "-qq", "-e", "trace=fchmodat2", "true"]).exitCode == 0
                let faults = faults.filter { known || !$0.hasPrefix("fchmodat2") }
                let wrapped = try bench.script(
                    "#!/bin/sh\nexec strace -f -qq -o /dev/null \(faults.map { "-e inject=\($0)" }.joined(separator: " ")) "
                        + "\(Program.agent) \"$@\"\n", to: "without-modes")
                try await expectModes(Fleet(bench, slots: 2).with("--remote-command", wrapped))
            }
        }

        /// Stages what sets modes by name: a file that was renamed, and modes alone that changed.
        private func expectModes(_ fleet: Fleet) async throws {
            let tree = try fleet.bench.tree("modes")
            let content = Content.random(50_000, seed: 4)
            try tree.file("old-name", content)
            try tree.file("tool", "x")
            try tree.folder("folder").file("x", "x")
            for _ in 1...2 {
                try await fleet.release(tree)
                try tree.file("lap", "\(UInt64.random(in: .min ... .max))")
            }
            try tree.rename("old-name", to: "new-name")
            try tree.chmod("new-name", 0o640)
            try tree.chmod("tool", 0o755)
            try tree.chmod("folder", 0o750)
            for _ in 1...2 {
                try await fleet.release(tree)
                let slot = try #require(fleet.current().flatMap { Int($0.suffix(1)) })
                #expect(try await fleet.differences(tree, slot: slot) == "")
                try tree.file("lap", "\(UInt64.random(in: .min ... .max))")
            }
        }

        @Test("a disk that cannot be synced is told of once a session, and keeps nobody from going back")
        func undurable() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                let undurable = fleet.with("--remote-command", try agent(bench, "fsync:error=EIO"))
                for command in [["status"], ["flip", second], ["rollback"]] {
                    let outcome =
                        try await command.count == 1
                        ? undurable.call(command[0]) : undurable.call(command[0], command[1])
                    #expect(outcome.exitCode == 0, "\(outcome)")
                    let told = outcome.errors.split(separator: "\n").filter { $0.contains("after a power cut") }
                    #expect(told.count == 1 && told.allSatisfy { $0.contains(fleet.root()) }, "\(outcome)")
                }
                #expect(try live(fleet) == "v1")
            }
        }

        /// A program that starts the agent with calls that fail.
        private func agent(_ bench: Workbench, _ faults: String...) throws -> String {
            let options = faults.map { "-e inject=\($0)" }.joined(separator: " ")
            return try bench.script(
                "#!/bin/sh\nexec strace -f -qq -o /dev/null \(options) '\(Program.agent)' \"$@\"\n", to: "sandboxed")
        }
    }

    @Suite("Processes in a slot")
    struct SlotUserTests {
        @Test(
            "who still works in the slot that is to be filled is named",
            arguments: ["cd \"$1\" && exec sleep 60", "exec sleep 60 < \"$1/robots.txt\"", "exec \"$1/tool\" 60"])
        func named(_ script: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try firstTree(bench)
                try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: tree.path + "/tool")
                try await fleet.release(tree)
                let user = Process()
                user.executableURL = URL(fileURLWithPath: "/bin/sh")
                user.arguments = ["-c", script, "sh", fleet.slot(1)]
                try user.run()
                defer { user.terminate() }
                let unused = try await fleet.done("stage", changedTree(bench).path)
                #expect(!unused.errors.contains("still in use"), "\(unused)")
                try await fleet.done("flip")
                let pid = "pid \(user.processIdentifier)"
                try await eventually("the process never got into the slot") {
                    let links = ["cwd", "exe", "fd/0"].map { "/proc/\(user.processIdentifier)/\($0)" }
                    return links.contains {
                        (try? FileManager.default.destinationOfSymbolicLink(atPath: $0))?.hasPrefix(fleet.slot(1))
                            ?? false
                    }
                }
                try tree.file("more", "x")
                let outcome = try await fleet.done("stage", tree.path)
                #expect(outcome.errors.contains("still in use") && outcome.errors.contains(pid), "\(outcome)")
            }
        }

        @Test(
            "so is who works in a place where the slot, or a folder of it, is mounted, and in a container",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() },
            arguments: [
                "mount --bind \"$1\" \"$2\" && cd \"$2/assets\" && exec sleep 60",
                "mount --bind \"$1/assets\" \"$2\" && exec sleep 60 < \"$2/main.js\"",
                "exec unshare -m sh -c 'mount --bind \"$1\" \"$2\" && cd \"$2/assets\" && exec sleep 60' sh \"$1\" \"$2\"",
            ])
        func mounted(_ script: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let tree = try firstTree(bench)
                try await fleet.release(tree)
                let place = try bench.folder("place")
                let user = Process()
                user.executableURL = URL(fileURLWithPath: "/bin/sh")
                user.arguments = ["-c", script, "sh", fleet.slot(1), place]
                try user.run()
                defer {
                    user.terminate()
                    user.waitUntilExit()
                }
                try await fleet.release(changedTree(bench))
                try await eventually("the process never got into the slot") {
                    ["cwd", "fd/0"].map { "/proc/\(user.processIdentifier)/\($0)" }.contains {
                        (try? FileManager.default.destinationOfSymbolicLink(atPath: $0))?.hasPrefix(place) ?? false
                    }
                }
                try tree.file("more", "x")
                let outcome = try await fleet.done("stage", tree.path)
                let pid = "sleep (pid \(user.processIdentifier))"
                #expect(outcome.errors.contains("still in use") && outcome.errors.contains(pid), "\(outcome)")
            }
        }
    }
}
