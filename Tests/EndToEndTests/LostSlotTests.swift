// Slots and folders of the ring that somebody took away. Nothing goes live that holds nothing, a whole copy goes before a
// damaged one, and what the way back does not need keeps nobody from it.

import Foundation
import Testing

extension EndToEnd {
    @Suite("A ring that lost something")
    struct LostSlotTests {
        private func lose(_ slot: Int, _ fleet: Fleet, leavingFolder: Bool) throws {
            try FileManager.default.removeItem(atPath: fleet.slot(slot))
            if leavingFolder { _ = try TreeMaker(at: fleet.root() + "/slots").folder(.init("\(slot)")) }
        }

        @Test("a flip that is undone stays where the release before has lost its slot", arguments: [true, false])
        func undone(leavingFolder: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.done("stage", page(bench, "v2").path)
                try lose(1, fleet, leavingFolder: leavingFolder)
                let file = try bench.write("hooks:\n  after_flip: 'false'\n  after_rollback: ''\n", to: "hooks.yml")
                let before = try await fleet.call("status")
                #expect(before.errors.contains("slot 1, which is live, has lost all that it had"), "\(before)")
                let outcome = try await fleet.with("--config", file).call("flip")
                #expect(outcome.exitCode != 0 && outcome.errors.contains("slot 1"), "\(outcome)")
                #expect(outcome.errors.contains("slot 2 is live"), "\(outcome)")
                #expect(try live(fleet) == "v2")
            }
        }

        @Test(
            "a rollback does not go to a slot that has nothing, and names a release that is whole",
            arguments: [true, false])
        func rollback(leavingFolder: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(page(bench, "v1"))
                for text in ["v2", "v3"] { try await fleet.release(page(bench, text)) }
                try lose(2, fleet, leavingFolder: leavingFolder)
                for _ in 0..<2 {
                    let refused = try await fleet.call("rollback")
                    #expect(refused.exitCode == 1 && refused.errors.contains("h1"), "\(refused)")
                    #expect(refused.errors.contains("slotsync rollback --to \(first)"), "\(refused)")
                    #expect(try live(fleet) == "v3")
                    // Who only looks makes no folder that would pass for a release.
                    _ = try await fleet.call("verify")
                    _ = try await fleet.call("stage", page(bench, "v2").path, "--dry-run")
                    #expect(exists(fleet.slot(2)) == leavingFolder)
                }
                try await fleet.done("rollback", "--to", first)
                #expect(try live(fleet) == "v1")
            }
        }

        @Test(
            "a host whose way back is lost is told of with a command that comes after the mend",
            arguments: [true, false])
        func mended(isLink: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                for text in ["v1", "v2"] { try await fleet.release(page(bench, text)) }
                let slot = fleet.root("h2") + "/slots/1"
                try FileManager.default.moveItem(atPath: slot, toPath: bench["elsewhere"])
                if isLink {
                    try FileManager.default.createSymbolicLink(
                        atPath: slot, withDestinationPath: bench["elsewhere"])
                }
                let back = try await fleet.call("rollback")
                #expect(back.exitCode == 2 && fleet.current() == "slots/1", "\(back)")
                #expect(back.errors.contains("to bring h2 there, when what is said of it above is mended: "), "\(back)")
            }
        }

        @Test("a rollback takes the copy that was staged again, and not the one that somebody changed")
        func wholeCopy() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let first = try await fleet.release(page(bench, "v1"))
                let second = try await fleet.release(page(bench, "v2"))
                try TreeMaker(at: fleet.slot(1)).file("page", "broken")
                try await fleet.done("stage", page(bench, "v1").path)
                try await fleet.done("rollback")
                #expect(try fleet.current() == "slots/3" && live(fleet) == "v1")
                try await fleet.done("flip", second)
                try await fleet.done("rollback", "--to", first)
                #expect(try live(fleet) == "v1")
            }
        }

        @Test("folders of the ring that hold nothing that cannot be made again", arguments: ["tmp", "slots"])
        func ownFolder(_ name: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                try FileManager.default.removeItem(atPath: "\(fleet.root())/.slotsync/\(name)")
                try await fleet.done("status")
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
                try await fleet.release(page(bench, "v3"))
                #expect(try live(fleet) == "v3")
            }
        }

        enum StateHarm: String, CaseIterable {
            case gone = "is missing"
            case folder = "is no file"
            case link = "is a link"
            case fifo = "is no file: "
            case cut = "is damaged"
        }

        @Test(
            "a state that is lost is named, and the commands that are told for it bring the way back",
            arguments: StateHarm.allCases)
        func lostState(_ harm: StateHarm) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                for text in ["v1", "v2"] { try await fleet.release(page(bench, text)) }
                let state = fleet.root() + "/.slotsync/state"
                switch harm {
                case .cut: truncate(state, 40)
                case .gone: unlink(state)
                case .folder:
                    unlink(state)
                    mkdir(state, 0o700)
                case .link:
                    try FileManager.default.moveItem(atPath: state, toPath: bench["moved"])
                    symlink(bench["moved"], state)
                case .fifo:
                    unlink(state)
                    mkfifo(state, 0o600)
                }
                for command in ["status", "rollback", "stage"] {
                    let refused = try await fleet.call(command, command == "stage" ? page(bench, "v3").path : "--quiet")
                    #expect(refused.exitCode == 1 && refused.errors.contains("state\" \(harm.rawValue)"), "\(refused)")
                }
                let told = try await fleet.call("rollback").errors
                let byHand = String(try #require(told.firstMatch(of: /with: (ln -s slots\/N .*current)/)).output.1)
                let manual = try await Program.run(["sh", "-c", byHand.replacing("slots/N", with: "slots/1")])
                #expect(try manual.exitCode == 0 && live(fleet) == "v1", "\(manual)")
                _ = try await Program.run(["sh", "-c", byHand.replacing("slots/N", with: "slots/2")])
                if harm != .gone { try FileManager.default.moveItem(atPath: state, toPath: bench["away"]) }
                let copying = try #require(told.firstMatch(of: /\((cp -p [^)]*)\)/)).output.1
                #expect(try await Program.run(["sh", "-c", String(copying)]).exitCode == 0)
                try await fleet.done("verify")
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
                try await fleet.release(page(bench, "v3"))
                #expect(try live(fleet) == "v3")
            }
        }

        @Test("a slot that became a link, or cannot be looked into, has not lost what it had")
        func notLost() async throws {
            try await Workbench.use { bench in
                let fleet = Machine.isRoot ? try OtherUser().fleet(bench) : try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                chmod(fleet.slot(1), 0)
                let closed = try await fleet.call("rollback")
                #expect(closed.exitCode == 1 && closed.errors.contains("chmod u+rwx \(fleet.slot(1))"), "\(closed)")
                chmod(fleet.slot(1), 0o755)
                try FileManager.default.moveItem(atPath: fleet.slot(1), toPath: bench["elsewhere"])
                try FileManager.default.createSymbolicLink(
                    atPath: fleet.slot(1), withDestinationPath: bench["elsewhere"])
                let link = try await fleet.call("rollback")
                #expect(link.exitCode == 1 && link.errors.contains("is a link to"), "\(link)")
                for outcome in [closed, link] {
                    #expect(!outcome.errors.contains("lost"), "\(outcome)")
                }
                unlink(fleet.slot(1))
                try FileManager.default.moveItem(atPath: bench["elsewhere"], toPath: fleet.slot(1))
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
            }
        }

        @Test(
            "what keeps a host from going back is named with its remedy, and its command comes after that",
            .enabled("mounting is not allowed here, or files cannot be made immutable") {
                let canMount = await Machine.canMountMemory()
                return await Machine.canMakeImmutable() && canMount
            }, arguments: [true, false])
        func standing(isReadOnly: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let root = fleet.root()
                if isReadOnly {
                    try await Machine.makeReadOnly(root)
                } else {
                    try #require(try await Program.run(["chattr", "+a", root]).exitCode == 0)
                }
                let refused = try await fleet.call("rollback")
                _ = try await Program.run(isReadOnly ? ["umount", root] : ["chattr", "-a", root])
                #expect(refused.exitCode == 1, "\(refused)")
                #expect(refused.errors.contains(isReadOnly ? "remount,rw" : "chattr -i -a \(root)"), "\(refused)")
                #expect(
                    refused.errors.contains("to bring h1 there, when what is said of it above is mended: "),
                    "\(refused)")
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
            }
        }

        @Test(
            "a lock that nobody may write to",
            .enabled("file attributes are not settable here") { await Machine.canMakeImmutable() })
        func immutableLock() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let lock = fleet.root() + "/.slotsync/lock"
                try #require(try await Program.run(["chattr", "+i", lock]).exitCode == 0)
                let outcome = try await fleet.call("rollback")
                _ = try await Program.run(["chattr", "-i", lock])
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(try live(fleet) == "v1")
            }
        }

        @Test(
            "something that is mounted on current is named",
            .enabled("mounting is not allowed here") { await Machine.canMountMemory() })
        func mountedCurrent() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(page(bench, "v1"))
                try await fleet.release(page(bench, "v2"))
                let current = fleet.root() + "/current"
                try FileManager.default.removeItem(atPath: current)
                try FileManager.default.createDirectory(atPath: current, withIntermediateDirectories: false)
                try await Machine.mountMemory(size: 1 << 20, at: current)
                let refused = try await fleet.call("rollback")
                #expect(refused.exitCode == 1 && refused.errors.contains("umount \(current)"), "\(refused)")
                try #require(try await Program.run(["umount", current]).exitCode == 0)
                try await fleet.done("rollback")
                #expect(try live(fleet) == "v1")
            }
        }
    }
}
