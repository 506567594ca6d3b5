// Flip is for all or for nobody, unless the caller says otherwise.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Flip over the fleet")
    struct FlipPolicyTests {
        @Test("nobody flips while one host is not ready")
        func oneNotReady() async throws {
            try await Workbench.use { bench in
                let (fleet, release) = try await fleetWithLaggard(bench)
                let outcome = try await fleet.call("flip", release)
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h5"), "\(outcome)")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("with --max-failures 1 the hosts that are ready flip, and the other is named")
        func maxFailures() async throws {
            try await Workbench.use { bench in
                let (fleet, release) = try await fleetWithLaggard(bench)
                let outcome = try await fleet.call("flip", release, "--max-failures", "1")
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h5"), "\(outcome)")
                #expect(fleet.hosts.map { fleet.current($0) } == Array(repeating: "slots/2", count: 4) + ["slots/1"])
            }
        }

        @Test("--max-failures takes a share of the fleet")
        func maxFailuresShare() async throws {
            try await Workbench.use { bench in
                let (fleet, release) = try await fleetWithLaggard(bench)
                #expect(try await fleet.call("flip", release, "--max-failures", "10%").exitCode == 1)
                #expect(fleet.current("h1") == "slots/1")
                #expect(try await fleet.call("flip", release, "--max-failures", "20%").exitCode == 2)
                #expect(fleet.current("h1") == "slots/2")
            }
        }

        @Test("flip without a release refuses a fleet whose hosts are ready for different ones")
        func disagreement() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try await fleet.release(firstTree(bench))
                try await fleet.only("h[1-2]").stage(changedTree(bench))
                let other = try bench.tree("other")
                try other.file("page", "other")
                try await fleet.only("h3").stage(other)
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 1, "\(outcome)")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("a host whose hook fails, and that cannot go back, is not said to be what it was")
        func cannotGoBack() async throws {
            try await Workbench.use { bench in
                // Nothing is left of what was live before.
                let fleet = try fleetWithHook(
                    bench, "after_flip", #"test ! -e "$SLOTSYNC_ROOT/../fail" || { rm -rf ../1/*; false; }"#)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                try bench.write("", to: "h1/fail")
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(outcome.errors.contains("h1: lost after the order to flip"), "\(outcome)")
                #expect(!outcome.errors.contains("what is live is what it was"), "\(outcome)")
                #expect(fleet.current("h1") == "slots/2")
            }
        }

        @Test("an after_flip hook that fails on one host takes all those flipped back")
        func failingHook() async throws {
            try await Workbench.use { bench in
                let fleet = try fleetWithHook(bench, "after_flip", #"test ! -e "$SLOTSYNC_ROOT/../fail""#)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                try bench.write("", to: "h3/fail")
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h3"), "\(outcome)")
                for host in fleet.hosts { #expect(fleet.current(host) == "slots/1") }
            }
        }

        @Test("a before_flip hook that fails on one host keeps everybody from flipping")
        func failingHookBefore() async throws {
            try await Workbench.use { bench in
                let fleet = try fleetWithHook(bench, "before_flip", #"test ! -e "$SLOTSYNC_ROOT/../fail""#)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                try bench.write("", to: "h3/fail")
                let before = try await snapshot(fleet.root("h1") + "/current")
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("h3"), "\(outcome)")
                #expect(try await snapshot(fleet.root("h1") + "/current") == before)
            }
        }

        @Test("what a failing hook printed is told")
        func hookOutput() async throws {
            try await Workbench.use { bench in
                let fleet = try fleetWithHook(bench, "after_flip", "echo the cache is cold >&2; exit 3")
                try await fleet.stage(firstTree(bench))
                let outcome = try await fleet.call("flip")
                #expect(outcome.exitCode == 1 && outcome.errors.contains("the cache is cold"), "\(outcome)")
            }
        }

        @Test(
            "a hook knows its root, its slot and its release",
            arguments: [("before_flip", "2"), ("after_flip", "2"), ("after_rollback", "1")]
        )
        func hookEnvironment(_ hook: String, _ slot: String) async throws {
            try await Workbench.use { bench in
                let note = #"echo "$SLOTSYNC_SLOT $SLOTSYNC_RELEASE $SLOTSYNC_ROOT" > "$SLOTSYNC_ROOT/../note""#
                let fleet = try fleetWithHook(bench, hook, note)
                let first = try await fleet.release(firstTree(bench))
                let second = try await fleet.release(changedTree(bench))
                if hook == "after_rollback" { try await fleet.done("rollback") }
                let text = try String(contentsOfFile: bench["h2/note"], encoding: .utf8)
                #expect(text == "\(slot) \(slot == "2" ? second : first) \(fleet.root("h2"))\n")
            }
        }
    }
}

/// Five hosts that are live on one release; all but h5 are ready for the next.
private func fleetWithLaggard(_ bench: Workbench) async throws -> (fleet: Fleet, release: String) {
    let fleet = try Fleet(bench, hosts: 5)
    try await fleet.release(firstTree(bench))
    return (fleet, try await fleet.only("h[1-4]").stage(changedTree(bench)))
}

private func fleetWithHook(_ bench: Workbench, _ hook: String, _ command: String) throws -> Fleet {
    let config = try bench.write("hooks:\n  \(hook): '\(command)'\n", to: "hooks.yml")
    return try Fleet(bench, hosts: 5).with("--config", config)
}
