// From what hosts did to an exit code, and to what is said about it.

@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Conclusions")
struct ConclusionTests {
    private let old = ReleaseName(id: ContentDigest(of: [1]), name: "old")
    private let new = ReleaseName(id: ContentDigest(of: [2]), name: "new")

    @Test(
        "work that each host does by itself is done, partly done or failed",
        arguments: [(3, 0, slotsync.ExitStatus.done), (2, 1, .partlyDone), (0, 3, .failed)])
    func each(_ done: Int, _ failed: Int, _ status: slotsync.ExitStatus) {
        #expect(slotsync.ExitStatus(done: done, failed: failed) == status)
    }

    private func report(
        flipped: String, unchanged: String = "", takenBack: String = "", failed: String = "", uncertain: String = "",
        isGivenUp: Bool = false
    ) throws -> FlipReport {
        func hosts(_ list: String) throws -> [Host] { list.isEmpty ? [] : try HostList.parse(list) }
        func outcome(changed: Bool) -> FlipOutcome {
            FlipOutcome(
                slot: 2, release: new, previousSlot: changed ? 1 : nil, previous: changed ? old : nil,
                changed: changed, renamedAt: 0)
        }
        return FlipReport(
            release: new,
            flipped: try hosts(flipped).map { ($0, outcome(changed: true)) }
                + hosts(unchanged).map { ($0, outcome(changed: false)) },
            takenBack: try hosts(takenBack),
            failures: try hosts(failed).map { HostFailure(host: $0, error: SlotSyncError(.hookFailed, "no")) },
            uncertain: try hosts(uncertain), isGivenUp: isGivenUp)
    }

    private let flip = FlipNarration(verb: "flip", root: "/srv")

    @Test("a flip of all hosts is done")
    func allFlipped() throws {
        let report = try report(flipped: "h[1-2]", unchanged: "h3")
        #expect(flip.status(report) == .done)
        #expect(flip.problems(report, hosts: 3) == [])
        let id = new.id.description.prefix(8)
        #expect(
            flip.results(report) == [
                "h[1-2]: release \(id) (new) is live, in slot 2; before it \(old.short)",
                "h3: release \(id) (new) was live already",
            ])
    }

    @Test("a flip that was given up and taken back has failed, and says that nothing changed")
    func takenBack() throws {
        let report = try report(flipped: "", takenBack: "h[1-2]", failed: "h3", isGivenUp: true)
        #expect(flip.status(report) == .failed)
        let problems = flip.problems(report, hosts: 3)
        #expect(problems.first == "h[1-2]: flipped, and taken back")
        #expect(try #require(problems.last).contains("what is live is what it was, on every host"))
    }

    @Test("a flip on the hosts that --max-failures leaves is partly done, and names the others")
    func allowed() throws {
        let report = try report(flipped: "h[1-3]", failed: "h[4-5]")
        #expect(flip.status(report) == .partlyDone)
        #expect(flip.problems(report, hosts: 5) == ["flip done on 3 of 5 hosts, not on h[4-5]"])
    }

    @Test("a mixed fleet is partly done, and is told which host is where and what to run")
    func mixed() throws {
        let report = try report(flipped: "h[1-2]", takenBack: "h3", failed: "h4", isGivenUp: true)
        #expect(flip.status(report) == .partlyDone)
        let text = flip.problems(report, hosts: 4).joined(separator: "\n")
        #expect(text.contains("DIFFERENT RELEASES"))
        #expect(text.contains("h[1-2]: is on release \(new.id) (new)"))
        #expect(text.contains("h3: flipped, and taken back"))
        #expect(text.contains("slotsync flip \(new.id)"))
        #expect(text.contains("slotsync rollback --to \(old.id) --hosts 'h[1-2]'"))
    }

    @Test("a flip that was given up where hosts had the release live before has changed nothing")
    func givenUpUnchanged() throws {
        let report = try report(flipped: "", unchanged: "h1", failed: "h2", isGivenUp: true)
        #expect(flip.status(report) == .failed)
    }

    @Test("a host that was lost after the order to flip makes the flip partly done, whatever the others did")
    func uncertain() throws {
        let report = try report(
            flipped: "", takenBack: "h[1-2]", failed: "h3", uncertain: "h3", isGivenUp: true)
        #expect(flip.status(report) == .partlyDone)
        let text = flip.problems(report, hosts: 3).joined(separator: "\n")
        #expect(text.contains("h3: lost after the order to flip") && !text.contains("on every host"))
    }

    private let rollback = FlipNarration(
        verb: "rollback", root: "/srv",
        words: FleetWords(selection: ["--hosts", "h[1-3]"], options: ["--root", "/srv"]),
        again: ["rollback", "--force"])

    @Test(
        "a rollback that met locks names the command that asks for them, to where the others went or to where each goes"
    )
    func locked() throws {
        var report = try report(flipped: "h1", failed: "h[2-3]")
        report.failures[0].error = SlotSyncError(.locked, "locked by a push")
        var lines = rollback.problems(report, hosts: 3).joined(separator: "\n")
        #expect(lines.contains("slotsync rollback --to \(new.id) --preempt --hosts h2 --root /srv"), "\(lines)")
        #expect(lines.contains("slotsync rollback --to \(new.id) --hosts h3 --root /srv"), "\(lines)")
        report.failures[1].error = SlotSyncError(.locked, "locked by a push")
        (report.release, report.flipped) = (nil, [])
        lines = rollback.problems(report, hosts: 3).joined(separator: "\n")
        #expect(lines.contains("slotsync rollback --force --preempt --hosts 'h[2-3]' --root /srv"), "\(lines)")
        #expect(!flip.problems(report, hosts: 3).joined().contains("--preempt"))
    }

    @Test("a rollback with nothing to do, since hosts had gone back by themselves, names what goes further")
    func returned() throws {
        var report = try report(flipped: "", unchanged: "h[1-3]")
        for index in report.flipped.indices { report.flipped[index].outcome.previous = old }
        #expect(rollback.problems(report, hosts: 3).count == 1, "nobody had gone back")
        report.returned = Array(report.flipped.prefix(2).map(\.host))
        #expect(rollback.status(report) == .failed)
        let lines = rollback.problems(report, hosts: 3)
        #expect(lines[0].hasSuffix("on every host, since h[1-2] had gone back already"), "\(lines)")
        #expect(
            lines[1] == "to go further back: slotsync rollback --to \(old.id) --hosts 'h[1-3]' --root /srv", "\(lines)")
    }

    @Test("a flip to what is live is not done where the hook is owed and it has none to run")
    func owedHook() throws {
        var report = try report(flipped: "", unchanged: "h[1-2]")
        #expect(flip.status(report) == .done)
        report.flipped[1].outcome.owesHook = true
        #expect(flip.status(report) == .partlyDone)
        #expect(flip.problems(report, hosts: 2) == ["h2: the hook that is owed has not run"])
        #expect(rollback.problems(report, hosts: 2).first?.contains("nothing was rolled back") == true)
    }

    @Test("verify fails where a slot differs, host by host")
    func verify() throws {
        func slot(differences: Int) -> SlotVerification {
            SlotVerification(
                slot: 1, release: new, files: 3, bytes: 10, differences: differences,
                lines: differences > 0 ? ["changed a"] : [])
        }
        let report = HostResults(
            try HostList.parse("h[1-2]"), [.success([slot(differences: 0)]), .success([slot(differences: 3)])])
        let conclusion = report.conclusion(.remove, hosts: 2)
        #expect(conclusion.status == .partlyDone)
        #expect(conclusion.failed == 1)
        let (host, found) = report.slots[1]
        #expect(found.differenceLines(of: host) == ["h2: slot 1: changed a", "h2: slot 1: and 2 more"])
    }

    @Test("the summary of a stage tells ranges where hosts differ")
    func stageSummary() throws {
        let hosts = try HostList.parse("h[1-3]")
        func staged(_ host: Host, _ received: Int, _ kind: StageOutcome.Kind = .staged) -> StagedHost {
            StagedHost(
                host: host, outcome: StageOutcome(kind: kind, slot: 2, received: received, copied: 7, kept: 9000),
                sentBytes: 1, receivedBytes: 1)
        }
        var report = StageReport(
            release: new, files: 9859, bytes: 126_000_000,
            hosts: [staged(hosts[0], 12), staged(hosts[1], 1500), staged(hosts[2], 0, .alreadyReady)], failures: [],
            sentBytes: 7_500_000, receivedBytes: 1000, cohorts: 2)
        #expect(
            report.summary(duration: .milliseconds(1250))
                == "release \(new.short) is staged on 3 hosts: on each 12 to 1,500 of 9,859 files received, 7 copied, "
                + "9,000 kept; it was there already on 1; 7.5 MB sent in 1.3 s")
        report.hosts = hosts.map { staged($0, 0, .alreadyLive) }
        #expect(
            report.summary(duration: .zero) == "release \(new.short) is live already on 3 hosts: nothing to copy")
        #expect(report.unsentLines == ["h[1-3]: live already, in slot 2"])
    }
}
