// Provisional flips with real processes: whatever ends, stops or is killed, the host goes back to what was live, by itself
// or when the next agent starts.

import Foundation
import Testing

@testable import SlotSync

extension FleetEndToEnd {
    @Suite("A provisional flip")
    struct ProvisionalFlipTests {
        enum Harm: CaseIterable {
            case controllerKilled, controllerStopped, terminated, hungUp, interrupted, brokenPipe

            func done(to agent: AgentProcess) {
                switch self {
                case .controllerKilled: agent.signalController(SIGKILL)
                case .controllerStopped: agent.signalController(SIGSTOP)
                case .terminated: agent.signalAgent(SIGTERM)
                case .hungUp: agent.signalAgent(SIGHUP)
                case .interrupted: agent.signalAgent(SIGINT)
                case .brokenPipe: agent.signalAgent(SIGPIPE)
                }
            }
        }

        @Test(
            "whatever happens to either end, the host goes back by itself and the agent ends", arguments: Harm.allCases)
        func goesBack(_ harm: Harm) async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(8), undo: undoHook)
                try #require(try await agent.flipped())
                #expect(fleet.current() == "slots/2")
                harm.done(to: agent)
                #expect(try await !agent.ended(), "it puts things right, and then it ends")
                try await expectAsBefore(fleet)
                #expect(exists(fleet.bench["h1/undone"]))
            }
        }

        @Test(
            "a hook that hangs does not keep the host on the release", arguments: [Harm.controllerKilled, .terminated])
        func hangingHook(_ harm: Harm) async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60), after: "touch $SLOTSYNC_ROOT/../runs; sleep 300; true")
                try await eventually("it never flipped") { fleet.current() == "slots/2" }
                // When the hook runs: a signal to the agent must not fall into the moment in which it is started.
                try await eventually("the hook never ran") { exists(fleet.bench["h1/runs"]) }
                harm.done(to: agent)
                try await agent.ended()
                try await expectAsBefore(fleet)
            }
        }

        @Test("a dead controller whose pipe is full does not hold up going back")
        func fullPipe() async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(8))
                try #require(try await agent.flipped())
                // Answers that nobody takes, more than the pipe holds.
                for _ in 0..<3000 { try agent.send(.status) }
                try await eventually("it stays on the release") { fleet.current() == "slots/1" }
                try await agent.ended()
                try await expectAsBefore(fleet)
            }
        }

        @Test("while it lasts, status shows it, and other commands find the host locked")
        func shown() async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60))
                try #require(try await agent.flipped())
                let host = try #require(
                    try await fleet.done("status", "--json").events().first { $0["event"] as? String == "host" })
                let provision = try #require(host["provision"] as? [String: Any], "\(host)")
                #expect(provision["slot"] as? Int == 2 && provision["from"] as? Int == 1)
                #expect(provision["limit"] as? Double == 60 && (provision["since"] as? Int ?? 0) > 1_700_000_000)
                let table = try await fleet.done("status").output
                #expect(table.contains("h1: slot 2") && table.contains("provisionally"), "\(table)")
                #expect(try await fleet.call("rollback").errors.contains("locked"))
                #expect(fleet.current() == "slots/2")
                try agent.send(.confirm)
                while let reply = try await agent.reply(), reply != .confirmed {}
                agent.signalController(SIGKILL)
                try await agent.ended()
                #expect(fleet.current() == "slots/2")
                #expect(try await fleet.done("status", "--json").events().first?["provision"] is NSNull)
            }
        }

        @Test(
            "an agent that is killed leaves the flip, and the next command recovers it", arguments: ["status", "stage"])
        func killedAgent(_ command: String) async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60), undo: undoHook)
                try #require(try await agent.flipped())
                agent.signalAgent(SIGKILL)
                #expect(try await agent.ended())
                #expect(fleet.current() == "slots/2")
                if command == "stage" { try await fleet.stage(changedTree(fleet.bench)) }
                try await expectAsBefore(fleet)
                #expect(exists(fleet.bench["h1/undone"]))
            }
        }

        @Test("the agent that recovers a host says what it did")
        func told() async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60))
                try #require(try await agent.flipped())
                agent.signalAgent(SIGKILL)
                try await agent.ended()
                let next = try AgentProcess(root: fleet.root())
                try next.send(.hello(Greeting(version: "test", peer: "anna@desk")), .finish)
                guard case .hello(_, let ring?)? = try await next.reply() else {
                    throw SlotSyncError(.protocolViolation, "no greeting")
                }
                #expect(ring.live == 1 && ring.provisional == nil)
                guard case .warning(let text)? = try await next.reply() else {
                    throw SlotSyncError(.protocolViolation, "no warning")
                }
                #expect(text.contains("flipped back") && text.contains("\(release)"))
            }
        }

        @Test("the undo hook of an abandoned flip may take longer than a host may be silent")
        func longUndo() async throws {
            try await withReadyHost { fleet, release in
                let agent = try AgentProcess(root: fleet.root())
                let undo = "touch $SLOTSYNC_ROOT/../undoing; until [ -e $SLOTSYNC_ROOT/../go-on ]; do sleep 0.05; done"
                try agent.flip(release, within: .seconds(60), undo: undo)
                try #require(try await agent.flipped())
                agent.signalAgent(SIGKILL)
                agent.signalController(SIGKILL)
                try await agent.ended()
                let back = try await fleet.with("--timeout", "1s").call("rollback") { _ in
                    try await eventually("nothing is undone") { exists(fleet.bench["h1/undoing"]) }
                    try await Task.sleep(for: .milliseconds(2500))
                    try fleet.bench.write("", to: "h1/go-on")
                }
                #expect(back.exitCode == 0 && fleet.current() == "slots/1", "\(back)")
            }
        }

        @Test(
            "a rollback after a push that was killed goes back once, and the next one once more, also where it looks first",
            arguments: [[], ["--wait", "5s"]])
        func rolledBackOnce(_ waiting: [String]) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                for name in ["v0", "v1"] {
                    let tree = try bench.tree(name)
                    try tree.file("page", name)
                    try await fleet.release(tree)
                }
                let release = try #require(ContentDigest(try await fleet.stage(changedTree(bench))))
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60), after: "sleep 20", undo: undoHook)
                try await eventually("it never flipped") { fleet.current() == "slots/3" }
                agent.signalAgent(SIGKILL)
                agent.signalController(SIGKILL)
                try await agent.ended()
                let back =
                    try await waiting.isEmpty ? fleet.done("rollback") : fleet.done("rollback", waiting[0], waiting[1])
                #expect(fleet.current() == "slots/2", "\(back)")
                #expect(
                    (back.output + back.errors).contains("is live, in slot 2; before it \("\(release)".prefix(8))"),
                    "\(back)")
                #expect(exists(fleet.bench["h1/undone"]))
                let further = try await fleet.done("rollback")
                #expect(fleet.current() == "slots/1")
                #expect(further.errors.contains("had gone back by itself from release \(release)"), "\(further)")
                let last = try await fleet.call("rollback")
                #expect(last.exitCode == 1, "\(last)")
            }
        }

        @Test(
            "a rollback after a host went back by itself changes nothing, as often as it is run, and names what goes further"
        )
        func goneBack() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                var ids: [String] = []
                for name in ["v0", "v1"] {
                    let tree = try bench.tree(name)
                    try tree.file("page", name)
                    ids.append(try await fleet.release(tree))
                }
                let release = try #require(ContentDigest(try await fleet.stage(changedTree(bench))))
                let agent = try AgentProcess(root: fleet.root())
                try agent.flip(release, within: .seconds(60))
                try #require(try await agent.flipped())
                agent.signalController(SIGKILL)
                try await agent.ended()
                var back = try await fleet.call("rollback")
                #expect(back.exitCode == 1 && fleet.current() == "slots/2", "\(back)")
                back = try await fleet.call("rollback")
                #expect(back.exitCode == 1 && fleet.current() == "slots/2", "\(back)")
                #expect(back.errors.contains("had gone back by itself from release \(release)"), "\(back)")
                let command = "slotsync rollback --to \(ids[0]) --hosts h1 --root"
                #expect(back.errors.contains("to go further back: \(command)"), "\(back)")
                let further = try await fleet.done("rollback", "--to", ids[0])
                #expect(fleet.current() == "slots/1", "\(further)")
            }
        }

        private static let steps = ["fsync", "rename,renameat,renameat2", "pwrite64", "unlinkat"]

        @Test("killed at any step of flipping and going back, it is recovered by the next agent", arguments: steps)
        func killedAnywhere(_ calls: String) async throws {
            try await withReadyHost { fleet, release in
                try await untilItSurvives { count in
                    let agent = try AgentProcess(root: fleet.root(), wrapper: killing(at: calls, count))
                    try? agent.flip(release, within: .seconds(60), undo: undoHook)
                    if try await agent.flipped() { agent.signalController(SIGKILL) }
                    let wasKilled = try await agent.ended()
                    try await expectRecovered(fleet)
                    return wasKilled
                }
            }
        }

        @Test("killed at any step of recovering, it is recovered by the next agent", arguments: steps, [true, false])
        func killedRecovering(_ calls: String, _ wasNoted: Bool) async throws {
            try await withReadyHost { fleet, release in
                try await untilItSurvives { count in
                    let agent = try AgentProcess(root: fleet.root())
                    try agent.flip(release, within: .seconds(60), undo: undoHook)
                    try #require(try await agent.flipped())
                    agent.signalAgent(SIGKILL)
                    try await agent.ended()
                    if !wasNoted { try forgetFlip(fleet) }
                    let next = try AgentProcess(root: fleet.root(), wrapper: killing(at: calls, count))
                    try? next.send(.hello(Greeting(version: "test", peer: "anna@desk")), .finish)
                    let wasKilled = try await next.ended()
                    try await expectRecovered(fleet)
                    #expect(exists(fleet.bench["h1/undone"]))
                    try? FileManager.default.removeItem(atPath: fleet.bench["h1/undone"])
                    return wasKilled
                }
            }
        }
    }
}

private let undoHook = "touch $SLOTSYNC_ROOT/../undone"

/// A host whose slot 1 is live and whose slot 2 is ready.
private func withReadyHost(_ body: (Fleet, ContentDigest) async throws -> Void) async throws {
    try await Workbench.use { bench in
        let fleet = try Fleet(bench)
        try await fleet.release(firstTree(bench))
        let release = try #require(ContentDigest(try await fleet.stage(changedTree(bench))))
        try await body(fleet, release)
    }
}

private func expectAsBefore(_ fleet: Fleet) async throws {
    let host = try #require(
        try await fleet.done("status", "--json").events().first { $0["event"] as? String == "host" })
    #expect(fleet.current() == "slots/1")
    #expect(host["provision"] is NSNull, "\(host)")
    let states = (host["slots"] as? [[String: Any]])?.compactMap { $0["state"] as? String }
    #expect(states == ["live", "ready", "empty", "empty", "empty"], "\(host)")
    #expect(try await fleet.isUnlocked())
}

/// Makes a state as if the agent had been killed between the rename and the note of it.
private func forgetFlip(_ fleet: Fleet) throws {
    let ring = try #require(try Ring.open(fleet.root()))
    try ring.acquireLock(for: "a test")
    try ring.update { state in
        guard let flip = state.status.provisional, let wayBack = state.wayBack else { return }
        state.noteUndo(of: wayBack.change, at: 0)
        state.history.removeLast(2)
        state.noteProvisional(wayBack.change, since: flip.since, limit: flip.limit, undoHook: wayBack.undoHook)
    }
    ring.unlock()
}

/// What a crash left is one whole release, and the next command takes back what was not confirmed.
private func expectRecovered(_ fleet: Fleet) async throws {
    let left = fleet.current()
    #expect(left == "slots/1" || left == "slots/2")
    try await expectAsBefore(fleet)
    if left == "slots/2" { #expect(exists(fleet.bench["h1/undone"])) }
}

/// A program that kills what it runs at the `count`th of these system calls, before it is done.
private func killing(at calls: String, _ count: Int) -> [String] {
    [
        "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(calls)", "-e",
        "inject=\(calls):signal=KILL:when=\(count)",
    ]
}

/// Runs `attempt` with 1, 2, 3, … until nothing was killed any more, which must take a few.
private func untilItSurvives(_ attempt: (Int) async throws -> Bool) async throws {
    var count = 1
    while try await attempt(count) {
        count += 1
        try #require(count < 40)
    }
    #expect(count > 1, "nothing was ever killed")
}
