// One host of a fleet that means harm: what it answers is held against what it was asked, no number of it ends the
// command, and the other hosts get what they would have got without it.

import Foundation
import Testing

@testable import SlotSync

extension EndToEnd {
    @Suite("A host that lies")
    struct LyingHostTests {
        /// A ring of two releases, the first live, the second ready.
        private static func ring(_ live: ContentDigest, _ ready: ContentDigest) -> RingStatus {
            RingStatus(slots: [
                SlotStatus(state: .live, release: ReleaseName(id: live), stage: 1),
                SlotStatus(state: .ready, release: ReleaseName(id: ready), stage: 2), SlotStatus(state: .empty),
                SlotStatus(state: .empty), SlotStatus(state: .empty),
            ])
        }

        private static func outcome(_ release: ContentDigest, _ name: String = "", slot: Int = 2, at: Int64 = 0)
            -> FlipOutcome
        {
            FlipOutcome(
                slot: slot, release: ReleaseName(id: release, name: name), previousSlot: 1, previous: nil,
                changed: true,
                renamedAt: at)
        }

        private static let other = ContentDigest(high: 7, low: 7)

        /// Two hosts, of which the first is honest and has a release live and one ready.
        private func scene(
            answers: (ContentDigest) -> [[Reply]], _ body: (Fleet, ContentDigest) async throws -> Void
        ) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let live = try #require(ContentDigest(try await fleet.only("h1").stage(firstTree(bench))))
                try await fleet.only("h1").done("flip")
                let ready = try #require(ContentDigest(try await fleet.only("h1").stage(changedTree(bench))))
                let liar = try ScriptedAgent(bench, on: "h2", ring: Self.ring(live, ready), answers: answers(ready))
                try await body(fleet.with("--remote-command", liar.path), ready)
            }
        }

        @Test("prepares another release than it was asked for: nobody flips, and it is named")
        func otherRelease() async throws {
            try await scene(answers: { _ in [[.prepared(Self.outcome(Self.other))]] }) { fleet, ready in
                let outcome = try await fleet.call("flip", "\(ready)")
                #expect(outcome.exitCode != 0 && fleet.current("h1") == "slots/1")
                #expect(outcome.errors.contains("h2") && outcome.errors.contains("was asked for release \(ready)"))
            }
        }

        @Test(
            "flips to something else than it prepared: it is no host that flipped, and the summary has the asked release"
        )
        func otherFlip() async throws {
            let answers = { (ready: ContentDigest) -> [[Reply]] in
                [[.prepared(Self.outcome(ready, "liar"))], [.flipped(Self.outcome(Self.other, "liar"))]]
            }
            try await scene(answers: answers) { fleet, ready in
                let outcome = try await fleet.call("flip", "\(ready)", "--json", "--max-failures", "1")
                let summary = try outcome.summary()
                #expect(outcome.exitCode == 2 && fleet.current("h1") == "slots/2", "\(outcome)")
                #expect(summary["release"] as? String == "\(ready)")
                #expect(!outcome.output.contains("\(Self.other)\","), "\(outcome)")
            }
        }

        @Test(
            "says that it flipped before 1970: the time has its sign, and the command its end",
            arguments: [
                -500_000_000, .min, .max, -1,
            ] as [Int64])
        func renameTime(_ time: Int64) async throws {
            let answers = { (ready: ContentDigest) -> [[Reply]] in
                [[.prepared(Self.outcome(ready))], [.flipped(Self.outcome(ready, at: time))]]
            }
            try await scene(answers: answers) { fleet, ready in
                let outcome = try await fleet.done("flip", "\(ready)", "--json")
                let host = try outcome.events().first { $0["host"] as? String == "h2" }
                let seconds = try #require((host?["renamed_at"] as? NSNumber)?.doubleValue, "\(outcome)")
                #expect(abs(seconds - Double(time) / 1e9) < 1e-3, "\(seconds)")
            }
        }

        @Test("a fault of the command's own says which host it heard last")
        func fault() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let ring = Self.ring(Self.other, ContentDigest(high: 1, low: 1))
                let silent = try ScriptedAgent(bench, on: "h1", ring: ring, answers: [[]])
                var lying = fleet.with("--remote-command", silent.path)
                lying.environment["SWIFT_BACKTRACE"] = "enable=no"
                let outcome = try await lying.call("status") { running in
                    try await eventually("it never asked") { exists(bench["h1-heard-1"]) }
                    kill(running.pid, SIGTRAP)
                }
                #expect(outcome.exitCode != 0, "\(outcome)")
                #expect(outcome.errors.contains("a fault of its own ends this command, after it heard h1 last"))
            }
        }

        @Test("hashed more than there is: the sums end at the largest number")
        func hugeSums() async throws {
            let ring = Self.ring(Self.other, ContentDigest(high: 1, low: 1))
            let found = (1...2).map { slot in
                Reply.verified(
                    SlotVerification(
                        slot: slot, release: ring[slot].release ?? ReleaseName(id: .empty), files: Int(UInt32.max),
                        bytes: .max, differences: 0, lines: []))
            }
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let liar = try ScriptedAgent(bench, on: "h1", ring: ring, answers: [found + [.status(ring)]])
                let outcome = try await fleet.with("--remote-command", liar.path).done("verify")
                #expect(outcome.errors.contains("2 slots on 1 host") && outcome.errors.contains("PB"), "\(outcome)")
            }
        }

        @Test("verifies other slots than it was asked for, or other releases than it has there")
        func otherSlots() async throws {
            let ring = Self.ring(Self.other, ContentDigest(high: 1, low: 1))
            func found(_ slot: Int, _ release: ContentDigest) -> Reply {
                .verified(
                    SlotVerification(
                        slot: slot, release: ReleaseName(id: release), files: 1, bytes: 1, differences: 0, lines: []))
            }
            for said in [[found(1, Self.other)], [], [found(2, Self.other)], [found(9, Self.other)]] {
                try await Workbench.use { bench in
                    let fleet = try Fleet(bench)
                    let liar = try ScriptedAgent(bench, on: "h1", ring: ring, answers: [said + [.status(ring)]])
                    let outcome = try await fleet.with("--remote-command", liar.path).call("verify", "--slot", "2")
                    #expect(outcome.exitCode == 1 && outcome.errors.contains("nobody asked for"), "\(outcome)")
                }
            }
        }

        @Test("says of a stage what cannot be, and the other host has the release")
        func otherStage() async throws {
            let outcomes: [Reply] = [
                .staged(StageOutcome(kind: .staged, slot: 2)), .present(StageOutcome(kind: .staged, slot: 2)),
                .present(StageOutcome(kind: .alreadyReady, slot: 9)),
            ]
            for reply in outcomes {
                try await Workbench.use { bench in
                    let fleet = try Fleet(bench, hosts: 2)
                    let tree = try firstTree(bench)
                    let release = try await fleet.only("h1").stage(tree)
                    let id = try #require(ContentDigest(release))
                    let liar = try ScriptedAgent(bench, on: "h2", ring: Self.ring(Self.other, id), answers: [[reply]])
                    let outcome = try await fleet.with("--remote-command", liar.path).call("stage", tree.path)
                    #expect(outcome.exitCode == 2, "\(outcome)")
                    #expect(outcome.errors.contains("what cannot be") || outcome.errors.contains("out of turn"))
                }
            }
        }
    }
}
