// Hosts that are lost when they are told to flip, or to go back: each command asks them again, and ends with the truth
// about them.

import Foundation
import Testing

@testable import SlotSync

extension FleetEndToEnd {
    @Suite("A host that is lost at its flip")
    struct LostHostTests {
        private static let losses: [(LossyAgent.Moment, LossyAgent.Loss)] = [
            (.before, .killed), (.before, .silent), (.before, .late), (.after, .killed), (.after, .silent),
        ]

        @Test(
            "flip and rollback ask it again: it has flipped as all others, or nobody flips, and all others go back",
            arguments: losses, ["flip", "rollback"])
        func askedAgain(_ loss: (moment: LossyAgent.Moment, kind: LossyAgent.Loss), _ command: String) async throws {
            try await withTwoReleases(for: command) { fleet, old, new in
                let agent = try LossyAgent(fleet.bench, losing: "h2", loss.moment, .commit, loss.kind)
                let outcome = try await fleet.with("--remote-command", agent.program, "--timeout", "2").call(command)
                if loss.moment == .after || loss.kind == .late {
                    #expect(outcome.exitCode == 0, "\(outcome)")
                    #expect(fleet.hosts.map { fleet.current($0) } == [new, new, new])
                } else if command == "rollback" {
                    #expect(outcome.exitCode == 2 && outcome.errors.contains("to bring h2 there: "), "\(outcome)")
                    #expect(fleet.hosts.map { fleet.current($0) } == [new, old, new])
                } else {
                    #expect(outcome.exitCode == 1 && outcome.errors.contains("h2"), "\(outcome)")
                    #expect(outcome.errors.contains("on every host"), "\(outcome)")
                    #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
                }
            }
        }

        @Test("with --max-failures the others flip, and what it has is told", arguments: losses.prefix(2))
        func allowed(_ loss: (moment: LossyAgent.Moment, kind: LossyAgent.Loss)) async throws {
            try await withTwoReleases(for: "flip") { fleet, old, new in
                let agent = try LossyAgent(fleet.bench, losing: "h2", loss.moment, .commit, loss.kind)
                let outcome = try await fleet.with("--remote-command", agent.program, "--timeout", "2")
                    .call("flip", "--max-failures", "1")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("not on h2"), "\(outcome)")
                #expect(!outcome.errors.contains("either release"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == [new, old, new])
            }
        }

        @Test("one that cannot be asked again is the only one that stays uncertain", arguments: ["flip", "rollback"])
        func gone(_ command: String) async throws {
            try await withTwoReleases(for: command) { fleet, old, new in
                let agent = try LossyAgent(fleet.bench, losing: "h2", .after, .commit, .killed, isGone: true)
                let outcome = try await fleet.with("--remote-command", agent.program).call(command)
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2: lost after the order"), "\(outcome)")
                let others = command == "rollback" ? new : old
                #expect(fleet.hosts.map { fleet.current($0) } == [others, new, others])
            }
        }

        @Test("where its after_flip hook may not have run, it goes back, and with it the others")
        func hookUnknown() async throws {
            try await withTwoReleases(for: "flip") { fleet, old, _ in
                let config = try fleet.bench.write("hooks:\n  after_flip: 'true'\n", to: "hooks.yml")
                let agent = try LossyAgent(fleet.bench, losing: "h2", .after, .commit, .killed)
                let outcome = try await fleet.with("--config", config, "--remote-command", agent.program).call("flip")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("after_flip"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
            }
        }

        @Test("on the first release there is no way back from a hook that may not have run, and that is told")
        func hookUnknownAtFirst() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.stage(firstTree(bench))
                let config = try bench.write("hooks:\n  after_flip: 'true'\n", to: "hooks.yml")
                let agent = try LossyAgent(bench, losing: "h2", .after, .commit, .killed)
                let outcome = try await fleet.with("--config", config, "--remote-command", agent.program).call("flip")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("nothing was live before"), "\(outcome)")
            }
        }

        @Test("no host is asked to run a hook that there is not")
        func noHook() async throws {
            try await withTwoReleases(for: "flip") { fleet, _, new in
                let agent = try LossyAgent(fleet.bench, losing: "h2", .before, .runBeforeHook, .killed)
                let outcome = try await fleet.with("--remote-command", agent.program).call("flip")
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == [new, new, new])
            }
        }

        @Test("one that is lost when it is to go back goes back in a new session", arguments: losses)
        func undo(_ loss: (moment: LossyAgent.Moment, kind: LossyAgent.Loss)) async throws {
            try await withTwoReleases(for: "flip") { fleet, old, _ in
                let hook = "case $SLOTSYNC_ROOT in */h3/*) exit 1 ;; esac"
                let config = try fleet.bench.write("hooks:\n  after_flip: '\(hook)'\n", to: "hooks.yml")
                let agent = try LossyAgent(fleet.bench, losing: "h2", loss.moment, .undo, loss.kind)
                let outcome = try await fleet.with("--config", config, "--remote-command", agent.program)
                    .with("--timeout", "2").call("flip")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("on every host"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
            }
        }

        @Test(
            "hosts that flipped go back at once when too many have failed for certain, though one is still asked again")
        func undoWithoutLost() async throws {
            try await withTwoReleases(for: "flip") { fleet, old, _ in
                let (gate, back) = (fleet.bench["gate"], fleet.bench["back"])
                let config = try fleet.bench.write(
                    """
                    hooks:
                      after_flip: 'case $SLOTSYNC_ROOT in */h3/*) exit 1 ;; esac'
                      after_rollback: 'case $SLOTSYNC_ROOT in */h1/*) : > \(back) ;; esac'
                    """, to: "hooks.yml")
                let agent = try LossyAgent(fleet.bench, losing: "h2", .before, .commit, .killed, gate: gate)
                async let outcome = fleet.with("--config", config, "--remote-command", agent.program).call("flip")
                try await eventually("h1 waits for h2, which nobody can ask") { exists(back) }
                #expect(fleet.current("h1") == old)
                try fleet.bench.write("", to: "gate")
                let ended = try await outcome
                #expect(ended.exitCode == 1 && ended.errors.contains("on every host"), "\(ended)")
                #expect(ended.errors.contains("h1: flipped, and taken back"), "\(ended)")
                #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
            }
        }

        @Test("one that is lost and has flipped goes back too, when the flip is given up before that is known")
        func undoOfLost() async throws {
            try await withTwoReleases(for: "flip") { fleet, old, new in
                let (gate, back) = (fleet.bench["gate"], fleet.bench["back"])
                let hook = "case $SLOTSYNC_ROOT in */h1/*) : > \(back) ;; esac"
                let config = try fleet.bench.write("hooks:\n  after_rollback: '\(hook)'\n", to: "hooks.yml")
                let second = try LossyAgent(fleet.bench, losing: "h2", .after, .commit, .killed, gate: gate)
                let third = try LossyAgent(fleet.bench, losing: "h3", .before, .commit, .killed)
                let agent = try fleet.bench.script(
                    """
                    #!/bin/sh
                    case "$*" in */h3/*) exec '\(third.program)' "$@" ;; *) exec '\(second.program)' "$@" ;; esac
                    """, to: "agent")
                async let outcome = fleet.with("--config", config, "--remote-command", agent).call("flip")
                try await eventually("h1 waits for h2, which nobody can ask") { exists(back) }
                #expect(fleet.current("h1") == old)
                try await eventually("h2 never flipped") { fleet.current("h2") == new }
                try fleet.bench.write("", to: "gate")
                let ended = try await outcome
                #expect(ended.exitCode == 1 && ended.errors.contains("on every host"), "\(ended)")
                #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
            }
        }

        @Test("a push without canaries takes everybody back", arguments: losses)
        func pushed(_ loss: (moment: LossyAgent.Moment, kind: LossyAgent.Loss)) async throws {
            try await withTwoReleases(for: "push") { fleet, old, _ in
                let agent = try LossyAgent(fleet.bench, losing: "h2", loss.moment, .commit, loss.kind)
                let outcome = try await fleet.with("--remote-command", agent.program, "--timeout", "2")
                    .call("push", changedTree(fleet.bench).path, "--no-canary")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h2"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == [old, old, old])
            }
        }

        @Test("a push whose canary is lost takes the canaries back", arguments: LossyAgent.Moment.allCases)
        func canary(_ moment: LossyAgent.Moment) async throws {
            try await CanaryScene.use(settings: ["hosts: [h1, h2]"]) { scene in
                let agent = try LossyAgent(scene.bench, losing: "h2", moment, .commit, .killed)
                let outcome = try await scene.push(
                    scene.site("second", .fast), "--remote-command", agent.program, "--timeout", "5")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h2"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }
    }
}

/// Three hosts, and the slots that are live before and after the command.
private func withTwoReleases(
    for command: String, _ body: (Fleet, _ old: String, _ new: String) async throws -> Void
) async throws {
    try await Workbench.use { bench in
        let fleet = try Fleet(bench, hosts: 3)
        try await fleet.release(firstTree(bench))
        switch command {
        case "rollback":
            try await fleet.release(changedTree(bench))
            try await body(fleet, "slots/2", "slots/1")
        case "flip":
            try await fleet.stage(changedTree(bench))
            try await body(fleet, "slots/1", "slots/2")
        default: try await body(fleet, "slots/1", "slots/2")
        }
    }
}
